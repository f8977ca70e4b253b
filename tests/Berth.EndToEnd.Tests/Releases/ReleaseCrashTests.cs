using System.Collections.Concurrent;
using System.Globalization;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary>
/// The daemon is killed between any two side effects of a release: the next one ends it by itself, one side serves all the time, and nothing is left of the other.
/// </summary>
[Collection(AloneCollection.Name)]
[Trait("Speed", "slow")]
public sealed class ReleaseCrashTests
{
    private const int Sampled = 6;

    /// <summary>The new copy ends before it serves; what was made is taken away again.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("x-berth: {roll: stop-first}")]
    [Trait("Speed", "long")]
    public Task A_release_that_fails_at_every_place(string keys) => KillFailingAsync(keys, count => Enumerable.Range(1, count));

    [Fact]
    [Trait("Speed", "long")]
    public Task A_release_that_fails_here_and_there() => KillFailingAsync("x-berth: {roll: stop-first}", count => Enumerable.Range(1, 3).Select(number => number * count / 4));

    /// <summary>Ctrl-C, and "undo".</summary>
    [Theory]
    [InlineData("")]
    [InlineData("x-berth: {roll: stop-first}")]
    [Trait("Speed", "long")]
    public async Task An_undo_at_every_place(string keys)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await SmallSite.StartAsync(cancellationToken);
        var project = new SmallProject(daemon, "site");
        await project.WriteAsync(1, keys: keys);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        using var ending = new CancellationTokenSource();
        var failures = new ConcurrentQueue<string>();
        var visiting = keys.Length == 0 ? project.VisitAsync(failures, ending.Token) : Task.CompletedTask;
        var places = int.MaxValue;
        var undone = 0;
        for (var number = 0; number <= places; number++)
        {
            await project.WriteAsync(2, "sleep 30; exec httpd -f -p 8080 -h .", keys);
            await using var terminal = new TerminalCommand(project.Command("up", "-d"));
            await terminal.UntilAsync("Waiting until ready");
            await daemon.PlanFaultAsync(number == 0 ? "record" : number.ToString(CultureInfo.InvariantCulture));
            await terminal.TypeAsync("\x03");
            await terminal.UntilAsync("go on waiting?");
            await terminal.TypeAsync("u\n");
            Assert.NotEqual(0, await terminal.EndAsync());
            var passed = await daemon.EndFaultPlanAsync();
            places = number == 0 ? passed.Count : places;
            var what = $"undo, killed at place {number} of {places} ({string.Join(", ", passed)})";
            if (number > 0 && passed.Count == number)
            {
                await daemon.RestartAsync(cancellationToken);
                await project.UntilSettledAsync(what, "going back"); // the first place is where it is written down that this was asked for
            }

            undone++;
            Assert.True((await project.ReleasesAsync())[0].EndsWith(" failed", StringComparison.Ordinal), $"{what}: {string.Join(", ", await project.ReleasesAsync())}");
            Assert.Equal("1", await project.AnswerAsync());
            Assert.Equal("site-web-1", await project.ContainersAsync());
            Assert.True(failures.IsEmpty, $"{what}: {failures.Count} visits failed: {string.Join(", ", failures.Distinct())}");
        }

        Assert.InRange(undone, 5, int.MaxValue);
        await ending.CancelAsync();
        await visiting;
    }

    /// <summary>A limit, a label, a network and a published port, while the container runs on.</summary>
    [Fact]
    [Trait("Speed", "slow")]
    public async Task A_change_in_place_at_every_place()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await SmallSite.StartAsync(cancellationToken);
        var project = new SmallProject(daemon, "site");
        var turn = 1;
        int[] ports = [project.Port, Ports.Free()];
        await WriteAsync();
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        var id = (await project.RunAsync("ps", "-q")).EnsureSuccess().Output;
        turn++;
        await WriteAsync();
        await daemon.PlanFaultAsync("record");
        (await project.RunAsync("up", "-d")).EnsureSuccess();
        var places = await daemon.EndFaultPlanAsync();
        Assert.InRange(places.Count, 4, 40);
        for (var number = 1; number <= places.Count; number++)
        {
            turn++;
            await WriteAsync();
            await daemon.PlanFaultAsync(number.ToString(CultureInfo.InvariantCulture));
            await project.RunAsync("up", "-d"); // the daemon dies meanwhile, or right after
            var passed = await daemon.EndFaultPlanAsync();
            var what = $"killed at place {number} of {places.Count} ({string.Join(", ", passed)})";
            if (passed.Count == number)
            {
                await daemon.RestartAsync(cancellationToken);
                await project.UntilSettledAsync(what);
            }

            var again = await project.RunAsync("up", "-d");
            Assert.True(again.ExitCode == 0, $"{what}: then 'up' ended with {again.ExitCode}: {again.Error}");
            Assert.Equal("1", await project.AnswerAsync());
            project.Port = ports[(turn + 1) % 2];
            await Assert.ThrowsAsync<HttpRequestException>(project.AnswerAsync);
            var plan = await project.RunAsync("plan", "--detailed-exitcode");
            Assert.True(plan.ExitCode == 0, $"{what}: then there is still to do: {plan.Output}{plan.Error}");
            Assert.Equal(id, (await project.RunAsync("ps", "-q")).EnsureSuccess().Output);
            var seen = (await daemon.Docker.Docker("inspect", "-f", "{{.HostConfig.Memory}} {{index .Config.Labels \"turn\"}} {{len .NetworkSettings.Networks}}", "site-web-1").RunAsync(cancellationToken)).EnsureSuccess().Output.Trim();
            Assert.True(seen == $"{(64 + turn) << 20} {turn} {1 + (turn % 2)}", $"{what}: {seen}");
        }

        Task WriteAsync()
        {
            project.Port = ports[turn % 2];
            return project.WriteAsync(
                1, keys: $"mem_limit: {64 + turn}m\nlabels: {{turn: '{turn}'}}\nnetworks: [{(turn % 2 == 1 ? "default, more" : "default")}]", rest: "networks: {more: }");
        }
    }

    /// <summary>A command that is to be run after the start is, whatever became of the daemon that had started the container.</summary>
    [Fact]
    [Trait("Speed", "long")]
    public async Task What_is_run_after_the_start_at_every_place()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await SmallSite.StartAsync(cancellationToken);
        var project = new SmallProject(daemon, "site");
        await project.WriteAsync(1, keys: "volumes: ['turns:/turns']\npost_start: [{command: [sh, -c, 'echo started >>/turns/file']}]", rest: "volumes: {turns: }");
        await daemon.PlanFaultAsync("record");
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        var places = await daemon.EndFaultPlanAsync();
        Assert.InRange(places.Count, 5, 60);
        for (var number = 1; number <= places.Count; number++)
        {
            (await project.RunAsync("down", "-v")).EnsureSuccess();
            await daemon.PlanFaultAsync(number.ToString(CultureInfo.InvariantCulture));
            await project.RunAsync("up", "-d"); // the daemon dies meanwhile, or right after
            var passed = await daemon.EndFaultPlanAsync();
            if (passed.Count == number)
            {
                await daemon.RestartAsync(cancellationToken);
                await project.UntilSettledAsync($"killed at place {number}");
            }

            (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
            var seen = (await project.RunAsync("exec", "-T", "web", "cat", "/turns/file")).Output;
            Assert.True(seen.StartsWith("started\n", StringComparison.Ordinal), $"killed at place {number} of {places.Count} ({string.Join(", ", passed)}): '{seen}'");
        }
    }

    [Fact]
    public async Task The_next_daemon_needs_no_variable_of_the_caller()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await SmallSite.StartAsync(cancellationToken);
        var project = new SmallProject(daemon, "site");
        var variables = daemon.Folder + "/site/.env";
        await WriteAsync(1);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        await daemon.PlanFaultAsync("5"); // the release is written down, and its first container under way
        await WriteAsync(2);
        await project.RunAsync("up", "-d", "--no-watch");
        Assert.Equal(5, (await daemon.EndFaultPlanAsync()).Count);
        await File.WriteAllTextAsync(variables, "WORD=another", cancellationToken);
        await daemon.RestartAsync(cancellationToken);
        await project.UntilSettledAsync("killed");
        Assert.Equal(["2 done", "1 done"], await project.ReleasesAsync());
        Assert.Equal("word-2", await project.AnswerAsync());

        async Task WriteAsync(int release)
        {
            await project.WriteAsync(release, "cat /run/secrets/word >index.html; exec httpd -f -p 8080 -h .", "secrets: [word]", "secrets:\n  word: {environment: WORD}");
            await File.WriteAllTextAsync(variables, $"WORD=word-{release}", cancellationToken);
        }
    }

    [Fact]
    [Trait("Speed", "slow")]
    public Task Here_and_there() => KillAsync("", count => Enumerable.Range(1, Sampled).Select(number => number * count / (Sampled + 1)).Distinct());

    [Theory]
    [InlineData("")]
    [InlineData("x-berth: {roll: stop-first}")]
    [Trait("Speed", "long")]
    public Task At_every_place(string keys) => KillAsync(keys, count => Enumerable.Range(1, count));

    [Theory]
    [InlineData("", false)]
    [InlineData("x-berth: {roll: stop-first}", false)]
    [InlineData("", true)]
    [InlineData("x-berth: {roll: stop-first}", true)]
    [Trait("Speed", "long")]
    public Task On_the_way_back_at_every_place(string keys, bool isWatched) => KillBackAsync(keys, isWatched, count => Enumerable.Range(1, count));

    [Fact]
    [Trait("Speed", "long")]
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
        var visiting = project.VisitAsync(failures, ending.Token);
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
                await project.UntilSettledAsync(what, "going back");
                await project.UntilSettledAsync(what);
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
        var visiting = project.VisitAsync(failures, ending.Token);
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

            Assert.Equal(number, passed.Count);

            await daemon.RestartAsync(cancellationToken);
            await project.UntilSettledAsync(what);
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

    private static async Task KillFailingAsync(string keys, Func<int, IEnumerable<int>> choose)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await SmallSite.StartAsync(cancellationToken);
        var project = new SmallProject(daemon, "site");
        await project.WriteAsync(1, keys: keys);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        await project.WriteAsync(2, "exit 3", keys: keys);
        await daemon.PlanFaultAsync("record");
        Assert.Equal(1, (await project.RunAsync("up", "-d")).ExitCode);
        var points = await daemon.EndFaultPlanAsync();
        foreach (var number in choose(points.Count))
        {
            await daemon.PlanFaultAsync(number.ToString(CultureInfo.InvariantCulture));
            Assert.NotEqual(0, (await project.RunAsync("up", "-d")).ExitCode);
            var passed = await daemon.EndFaultPlanAsync();
            var what = $"a failing release, killed at place {number} of {points.Count} ({string.Join(", ", passed)})";
            if (passed.Count == number)
            {
                await daemon.RestartAsync(cancellationToken);
                await project.UntilSettledAsync(what);
                await project.UntilSettledAsync(what, "going back");
            }

            Assert.True(await project.AnswerAsync() == "1", $"{what}: release 1 should serve; the ledger says {string.Join(", ", await project.ReleasesAsync())}");
            Assert.True(await project.ContainersAsync() == "site-web-1", $"{what}: {await project.ContainersAsync()}");
        }
    }
}
