using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary>
/// The daemon is killed between any two side effects of a release: the next one ends it by itself, one side serves all the time, and nothing is left of the other.
/// </summary>
[Collection(AloneCollection.Name)]
public sealed class ReleaseCrashTests
{
    private const int Sampled = 6;

    [Fact]
    public Task Here_and_there() => KillAsync("", count => Enumerable.Range(1, Sampled).Select(number => number * count / (Sampled + 1)).Distinct());

    [Theory]
    [InlineData("")]
    [InlineData("x-berth: {roll: stop-first}")]
    [Trait("Speed", "long")]
    public Task At_every_place(string keys) => KillAsync(keys, count => Enumerable.Range(1, count));

    [Fact]
    public async Task A_restart_of_the_machine_during_the_watch_brings_no_old_version_back()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await SmallSite.StartAsync(cancellationToken);
        var project = new SmallProject(daemon, "site");
        await project.WriteAsync(1);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        await project.WriteAsync(2);
        (await project.RunAsync("up", "-d")).EnsureSuccess();
        Assert.Equal(["2 watched", "1 done"], await project.ReleasesAsync());
        var pids = new List<string>();
        foreach (var container in (await project.ContainersAsync()).Split(' '))
        {
            pids.Add((await daemon.Docker.Docker("inspect", "-f", "{{.State.Pid}}", container).RunAsync(cancellationToken)).EnsureSuccess().Output.Trim());
        }

        await daemon.KillAsync();
        (await new Command("kill", ["-KILL", .. pids]).RunAsync(cancellationToken)).EnsureSuccess();
        await daemon.RestartAsync(cancellationToken);
        await UntilSettledAsync(project, "restarted", "watched");
        Assert.Equal(["2 done", "1 done"], await project.ReleasesAsync());
        Assert.Equal("site-web-1", await project.ContainersAsync());
        (await project.RunAsync("start")).EnsureSuccess();
        Assert.Equal("2", await project.AnswerAsync());
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("x-berth: {roll: stop-first}", false)]
    [InlineData("", true)]
    [InlineData("x-berth: {roll: stop-first}", true)]
    [Trait("Speed", "long")]
    public Task On_the_way_back_at_every_place(string keys, bool isWatched) => KillBackAsync(keys, isWatched, count => Enumerable.Range(1, count));

    [Fact]
    public Task On_the_way_back_here_and_there() => KillBackAsync("", isWatched: true, count => Enumerable.Range(1, Sampled).Select(number => number * count / (Sampled + 1)).Distinct());

    // 'rollback', of a release that is watched or that is not: the next daemon ends it, and the release before serves.
    private static async Task KillBackAsync(string keys, bool isWatched, Func<int, IEnumerable<int>> choose)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await SmallSite.StartAsync(cancellationToken);
        var project = new SmallProject(daemon, "site");
        await project.WriteAsync(1, keys: keys);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        string[] up = isWatched ? ["up", "-d", "--watch", "10m"] : ["up", "-d", "--no-watch"];
        var points = new List<string>();
        using var ending = new CancellationTokenSource();
        var failures = new ConcurrentQueue<string>();
        var visiting = VisitAsync(project.Port, failures, ending.Token);
        for (var number = 0; number <= points.Count; number++)
        {
            if (number > 0 && !choose(points.Count).Contains(number))
            {
                continue;
            }

            await project.WriteAsync(2, keys: keys);
            (await project.RunAsync(up)).EnsureSuccess();
            Assert.Equal("2", await project.AnswerAsync());
            await daemon.PlanFaultAsync(number == 0 ? "record" : number.ToString(CultureInfo.InvariantCulture));
            var back = await project.RunAsync("rollback", "--no-watch");
            var passed = await daemon.EndFaultPlanAsync();
            if (number == 0)
            {
                back.EnsureSuccess();
                points = [.. passed];
                Assert.Contains("container.switch.committed", points);
                continue;
            }

            var what = $"rollback, killed at place {number} of {points.Count} ({string.Join(", ", passed)})";
            if (passed.Count >= number)
            {
                await daemon.RestartAsync(cancellationToken);
                await UntilSettledAsync(project, what, "going back");
                await UntilSettledAsync(project, what);
                var serving = await project.ServingAsync();
                Assert.True(await project.AnswerAsync() == serving, $"{what}: release {serving} should serve; the ledger says {string.Join(", ", await project.ReleasesAsync())}");
                if (serving != "1")
                {
                    (await project.RunAsync("rollback", "--no-watch")).EnsureSuccess(); // it had not got as far as the ledger
                }
            }

            Assert.Equal("1", await project.AnswerAsync());
            Assert.Equal("site-web-1", await project.ContainersAsync());
            if (keys.Length == 0)
            {
                Assert.True(failures.IsEmpty, $"{what}: {failures.Count} visits failed: {string.Join(", ", failures.Distinct())}");
            }
        }

        await ending.CancelAsync();
        await visiting;
    }

    private static async Task KillAsync(string keys, Func<int, IEnumerable<int>> choose)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await SmallSite.StartAsync(cancellationToken);
        var project = new SmallProject(daemon, "site");
        var release = 1;
        await project.WriteAsync(release, keys: keys);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        await project.WriteAsync(++release, keys: keys);
        await daemon.PlanFaultAsync("record");
        (await project.RunAsync("up", "-d", "--no-watch")).EnsureSuccess();
        var points = await daemon.EndFaultPlanAsync();
        Assert.Contains("container.switch.committed", points);

        using var ending = new CancellationTokenSource();
        var failures = new ConcurrentQueue<string>();
        var visiting = VisitAsync(project.Port, failures, ending.Token);
        foreach (var number in choose(points.Count))
        {
            await project.WriteAsync(++release, keys: keys);
            await daemon.PlanFaultAsync(number.ToString(CultureInfo.InvariantCulture));
            await project.RunAsync("up", "-d", "--no-watch"); // the daemon dies meanwhile, or right after
            var passed = await daemon.EndFaultPlanAsync();
            var what = $"killed at place {number} of {points.Count} ({string.Join(", ", passed)})";
            if (passed.Count < number)
            {
                continue; // what is done beside each other may pass fewer places
            }

            await daemon.RestartAsync(cancellationToken);
            await UntilSettledAsync(project, what);
            var expected = await project.ServingAsync();
            Assert.True(await project.AnswerAsync() == expected, $"{what}: release {expected} should serve; the ledger says {string.Join(", ", await project.ReleasesAsync())}");

            // Whatever had become of it, it can be asked for again, and nothing but it is left.
            var again = await project.RunAsync("up", "-d", "--no-watch");
            Assert.True(again.ExitCode == 0, $"{what}: then 'up' ended with {again.ExitCode}: {again.Error}");
            Assert.Equal($"{release}", await project.AnswerAsync());
            (await project.RunAsync("up", "-d", "--no-watch", "--force-recreate")).EnsureSuccess(); // ends a watch that goes on
            Assert.Equal("site-web-1", await project.ContainersAsync());
            if (keys.Length == 0)
            {
                Assert.True(failures.IsEmpty, $"{what}: {failures.Count} visits failed: {string.Join(", ", failures.Distinct())}"); // stop-first, what is being asked may be cut off
            }
        }

        await ending.CancelAsync();
        await visiting;
    }

    private static async Task UntilSettledAsync(SmallProject project, string what, string status = "running")
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await project.ReleasesAsync())[0].EndsWith(" " + status, StringComparison.Ordinal))
        {
            Assert.False(patience.IsCancellationRequested, $"{what}: the next daemon did not end the release within 30 s");
            await Task.Delay(50, CancellationToken.None);
        }
    }

    // Fresh connections, one after the other: somebody answers each, whether a daemon lives or not.
    private static async Task VisitAsync(int port, ConcurrentQueue<string> failures, CancellationToken ending)
    {
        while (!ending.IsCancellationRequested)
        {
            try
            {
                using var client = new TcpClient(AddressFamily.InterNetwork);
                await client.ConnectAsync("127.0.0.1", port, CancellationToken.None);
                await client.Client.SendAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
                using var reader = new StreamReader(client.GetStream());
                var answer = await reader.ReadToEndAsync(CancellationToken.None);
                if (!answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) && !answer.StartsWith("HTTP/1.0 200", StringComparison.Ordinal))
                {
                    failures.Enqueue(answer);
                }
            }
            catch (Exception exception) when (exception is SocketException or IOException)
            {
                failures.Enqueue($"{exception.Message} at {TimeProvider.System.GetUtcNow():HH:mm:ss.fff}");
            }

            await Task.Delay(10, CancellationToken.None);
        }
    }
}
