using System.Diagnostics;
using Berth.Testing;

namespace Berth.EndToEnd.Tests;

/// <summary>A daemon that no service manager looks after is started again by the data plane.</summary>
public sealed class CrashTests
{
    private static readonly string[] RestartAfterCrash = ["--restart-after-crash"];

    [Fact]
    public async Task A_killed_daemon_answers_again_within_five_seconds_and_adopts_its_containers()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(RestartAfterCrash, cancellationToken);
        await BoxImage.BuildAsync(daemon, cancellationToken);
        (await BerthAsync(daemon, "run", "-d", "--name", "lives", "box", "sleep", "300")).EnsureSuccess();
        var container = await BerthAsync(daemon, "inspect", "-f", "{{.State.Pid}} {{.State.StartedAt}}", "lives");
        var groups = await File.ReadAllTextAsync($"/proc/{daemon.ProcessId}/cgroup", cancellationToken);

        for (var round = 0; round < 3; round++)
        {
            var killed = daemon.ProcessId;
            await daemon.KillAsync();
            var waited = Stopwatch.StartNew();
            await daemon.WaitUntilItAnswersAsync(cancellationToken);
            Assert.InRange(waited.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
            Assert.NotEqual(killed, await ProcessIdAsync(daemon, cancellationToken));
        }

        Assert.Equal(container.EnsureSuccess().Output, (await BerthAsync(daemon, "inspect", "-f", "{{.State.Pid}} {{.State.StartedAt}}", "lives")).Output);
        Assert.Equal(groups, await File.ReadAllTextAsync($"/proc/{daemon.ProcessId}/cgroup", cancellationToken));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(daemon.ExecRoot + "/edge/daemon.json"));
        await daemon.StopAsync();
        Assert.False(File.Exists(daemon.ExecRoot + "/edge/daemon.json")); // so nobody starts it again
        Assert.Null(daemon.ProcessId);
        await daemon.RestartAsync(cancellationToken);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Without_a_daemon_a_container_that_writes_without_end_fills_no_disk()
    {
        const long Backstop = 256 << 20; // of the default max-size
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync([], cancellationToken);
        await BoxImage.BuildAsync(daemon, cancellationToken);
        var signals = Directory.CreateDirectory(daemon.Folder + "/signals").FullName;
        (await BerthAsync(daemon, "run", "-d", "--name", "loud", "-v", $"{signals}:/signals", "box", "sh", "-c", "seq 300000; until [ -e /signals/go ]; do sleep 0.05; done; seq 12000000; echo last; sleep 1000")).EnsureSuccess();
        var log = (await BerthAsync(daemon, "inspect", "-f", "{{.LogPath}}", "loud")).EnsureSuccess().Output.Trim();
        (await new Command("sh", "-c", $"until [ -e {log}.1 ] && [ {log} -ef {log}.0 ]; do sleep 0.05; done") { Timeout = TimeSpan.FromMinutes(2) }.RunAsync(cancellationToken)).EnsureSuccess(); // rotated, and the new file has enough in it to be kept
        await daemon.KillAsync();
        await File.WriteAllTextAsync(signals + "/go", "", cancellationToken);
        (await new Command("sh", "-c", $"until tail -n 1 {log} | grep -q last; do sleep 0.1; done") { Timeout = TimeSpan.FromMinutes(2) }.RunAsync(cancellationToken)).EnsureSuccess();
        var written = Directory.GetFiles(Path.GetDirectoryName(log)!, "*.log*").Sum(file => new FileInfo(file).Length);
        Assert.InRange(written, Backstop, (2 * Backstop) + (3 * 11_000_000)); // of some 640 MB

        await daemon.RestartAsync(cancellationToken);
        Assert.Equal("11999999\n12000000\nlast\n", (await BerthAsync(daemon, "logs", "--tail", "3", "loud")).EnsureSuccess().Output);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Everything_is_killed_at_once()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync([], cancellationToken);
        await BoxImage.BuildAsync(daemon, cancellationToken);
        (await BerthAsync(daemon, "network", "create", "net")).EnsureSuccess();
        (await BerthAsync(daemon, "run", "-d", "--name", "always", "--network", "net", "--restart", "always", "-v", "kept:/data", "box", "sh", "-c", "echo again >>/data/starts; exec sleep 1000")).EnsureSuccess();
        (await BerthAsync(daemon, "run", "-d", "--name", "once", "--network", "net", "box", "sleep", "1000")).EnsureSuccess();
        var starting = daemon.Berth("/", "docker", "run", "--name", "starting", "--network", "net", "box", "sleep", "1000").RunAsync(cancellationToken);
        while (true)
        {
            using var inspected = await daemon.Api.GetAsync("containers/starting/json", cancellationToken);
            if (inspected.IsSuccessStatusCode)
            {
                break;
            }
        }

        // The daemon first, so that nobody mends what follows; then all of its groups: programs, their conmon, crun in the middle of a start, and the data plane.
        await daemon.KillAsync();
        (await new Command("sh", "-c",
            $"cat /sys/fs/cgroup/*/{daemon.CgroupParent}*/cgroup.procs /sys/fs/cgroup/*/{daemon.CgroupParent}*/*/cgroup.procs /sys/fs/cgroup/{daemon.CgroupParent}*/cgroup.procs /sys/fs/cgroup/{daemon.CgroupParent}*/*/cgroup.procs 2>/dev/null"
            + " | sort -un | xargs kill -9").RunAsync(cancellationToken)).EnsureSuccess();
        await starting;

        await daemon.RestartAsync(cancellationToken);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while ((await BerthAsync(daemon, "exec", "always", "cat", "/data/starts")).Output != "again\nagain\n")
        {
            await Task.Delay(50, patience.Token); // its first process is there before the shell has written
        }

        Assert.Equal("exited 137", (await BerthAsync(daemon, "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "once")).EnsureSuccess().Output.Trim());
        (await BerthAsync(daemon, "start", "once")).EnsureSuccess();
        Assert.Contains("Address", (await BerthAsync(daemon, "exec", "once", "nslookup", "always")).EnsureSuccess().Output, StringComparison.Ordinal);
        (await BerthAsync(daemon, "rm", "-f", "starting")).EnsureSuccess();
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Whoever_starts_a_daemon_at_the_same_moment_finds_one_that_answers()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(RestartAfterCrash, cancellationToken);
        for (var round = 0; round < 4; round++)
        {
            await daemon.KillAsync();
            await Task.Delay(round * 60, cancellationToken); // around the moment at which the data plane starts one
            await daemon.RestartAsync(cancellationToken);
            Assert.Equal("OK", await daemon.Api.GetStringAsync("_ping", cancellationToken));
            Assert.True(await ProcessIdAsync(daemon, cancellationToken) > 0);
        }
    }

    [Fact]
    public async Task A_second_daemon_on_the_same_roots_ends_and_takes_nothing_from_the_first()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        var second = await daemon.Another().RunAsync(cancellationToken);
        Assert.Equal(75, second.ExitCode);
        Assert.Contains("Another daemon uses the data root", second.Error, StringComparison.Ordinal);
        Assert.Equal("OK", await daemon.Api.GetStringAsync("_ping", cancellationToken));
    }

    [Fact]
    public async Task A_daemon_that_did_not_ask_for_it_stays_down()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        Assert.False(File.Exists(daemon.ExecRoot + "/edge/daemon.json"));
        await daemon.KillAsync();
        await daemon.RestartAsync(cancellationToken);
    }

    // The daemon answers a moment before it writes its process id.
    private static async Task<int> ProcessIdAsync(TestDaemon daemon, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(5));
        while (true)
        {
            if (daemon.ProcessId is { } pid && File.Exists(daemon.ExecRoot + "/edge/daemon.json") && (await File.ReadAllTextAsync(daemon.ExecRoot + "/edge/daemon.json", patience.Token)).Contains($"\"Pid\":{pid},", StringComparison.Ordinal))
            {
                return pid;
            }

            await Task.Delay(20, patience.Token);
        }
    }

    private static Task<CommandResult> BerthAsync(TestDaemon daemon, params string[] arguments) =>
        daemon.Berth("/", ["docker", .. arguments]).RunAsync(TestContext.Current.CancellationToken);
}
