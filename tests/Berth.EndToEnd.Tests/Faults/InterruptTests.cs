using System.Diagnostics;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Faults;

/// <summary>Ctrl-C at any moment of <c>up</c> and <c>build</c>: afterwards <c>down -v</c> works and nothing is left.</summary>
public sealed class InterruptTests
{
    private const string ComposeFile =
        """
        services:
          web:
            build: ./web
            command: [sleep, "1000"]
            init: true
            depends_on: [store]
            networks: [inside]
          store:
            build: ./store
            command: [sleep, "1000"]
            init: true
            networks: [inside]
            volumes: ["kept:/kept"]
        networks:
          inside:
        volumes:
          kept:
        """;

    private const string Dockerfile =
        """
        FROM box
        COPY round /round
        RUN sleep 0.2 && cp /round /copied && sleep 0.2
        RUN echo done > /done
        """;

    [Fact]
    [Trait("Speed", "slow")]
    public Task A_few_moments() => InterruptAsync(moments: 4);

    [Fact]
    [Trait("Speed", "long")]
    public Task Many_moments() => InterruptAsync(moments: 60);

    private static async Task InterruptAsync(int moments)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        await BoxImage.BuildAsync(daemon, cancellationToken);
        var folder = WriteProject(daemon.Folder + "/project");
        var random = new Random(20); // the same moments in every run, as far as the machine allows
        foreach (var verb in new[] { new[] { "up", "-d" }, ["up"], ["build"] })
        {
            var whole = await MeasureAsync(daemon, folder, verb, cancellationToken);
            await DownAsync(daemon, folder, "the whole run", cancellationToken);
            var left = await Leftovers.SinceAsync(daemon); // the groups above all containers' are there by now
            for (var i = 0; i < (moments + 1) / 2; i++)
            {
                var moment = whole * (random.NextDouble() * 1.1);
                var what = $"{string.Join(' ', verb)}, interrupted after {moment.TotalMilliseconds:0} of {whole.TotalMilliseconds:0} ms";
                await ChangeAsync(folder, $"{string.Join(' ', verb)} {i}");
                var ended = await RunInterruptedAsync(daemon, folder, verb, moment, cancellationToken);
                Assert.True(ended.ExitCode is 0 or 130, $"{what}: ended with {ended.ExitCode}:\n{ended.Output}{ended.Error}");
                await DownAsync(daemon, folder, what, cancellationToken);
                Assert.Equal("", (await daemon.Berth("/", "docker", "ps", "-aq").RunAsync(cancellationToken)).EnsureSuccess().Output);
                Assert.Equal("", (await daemon.Berth("/", "docker", "volume", "ls", "-q").RunAsync(cancellationToken)).EnsureSuccess().Output);
                Assert.Equal("", (await daemon.Berth("/", "docker", "network", "ls", "-q", "--filter", "type=custom").RunAsync(cancellationToken)).EnsureSuccess().Output);
                var found = await left.FindAsync();
                Assert.True(found.Count == 0, $"{what}: left {string.Join('\n', found)}");
            }
        }
    }

    private static string WriteProject(string folder)
    {
        foreach (var service in new[] { "web", "store" })
        {
            Directory.CreateDirectory($"{folder}/{service}");
            File.WriteAllText($"{folder}/{service}/Dockerfile", Dockerfile);
            File.WriteAllText($"{folder}/{service}/round", $"{service} first");
        }

        File.WriteAllText(folder + "/compose.yaml", ComposeFile);
        return folder;
    }

    // So that the next build has something to do.
    private static async Task ChangeAsync(string folder, string round)
    {
        await File.WriteAllTextAsync(folder + "/web/round", "web " + round);
        await File.WriteAllTextAsync(folder + "/store/round", "store " + round);
    }

    private static async Task<TimeSpan> MeasureAsync(TestDaemon daemon, string folder, string[] verb, CancellationToken cancellationToken)
    {
        await ChangeAsync(folder, "measured " + string.Join(' ', verb));
        var waited = Stopwatch.StartNew();
        (await daemon.Berth(folder, verb is ["up"] ? ["up", "-d"] : verb).RunAsync(cancellationToken)).EnsureSuccess();
        return waited.Elapsed;
    }

    private static Task<CommandResult> RunInterruptedAsync(TestDaemon daemon, string folder, string[] verb, TimeSpan moment, CancellationToken cancellationToken)
    {
        // A shell waits for the moment and then interrupts what runs. What it starts in the background would ignore SIGINT otherwise.
        var command = daemon.Berth(folder, verb);
        const string Script = "env --default-signal=INT \"$@\" & pid=$!; sleep \"$0\"; kill -INT $pid 2>/dev/null; wait $pid";
        return (command with
        {
            Program = "/bin/bash",
            Arguments = ["-c", Script, FormattableString.Invariant($"{moment.TotalSeconds:0.000}"), command.Program, .. verb],
        }).RunAsync(cancellationToken);
    }

    private static async Task DownAsync(TestDaemon daemon, string folder, string what, CancellationToken cancellationToken)
    {
        var down = await daemon.Berth(folder, "down", "-v", "-t", "5").RunAsync(cancellationToken);
        Assert.True(down.ExitCode == 0, $"{what}: down ended with {down.ExitCode}:\n{down.Output}{down.Error}");
    }
}
