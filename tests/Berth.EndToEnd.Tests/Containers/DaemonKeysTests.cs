using Berth.Testing;

namespace Berth.EndToEnd.Tests.Containers;

/// <summary>Settings of the daemon that hold for every container.</summary>
public sealed class DaemonKeysTests
{
    [Fact]
    public async Task No_new_privileges_unless_a_container_asks_for_them()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(["--no-new-privileges"], cancellationToken);
        await BoxImage.BuildAsync(daemon, cancellationToken);
        Assert.Equal("NoNewPrivs:\t1", await StatusAsync("run --rm box"));
        Assert.Equal("NoNewPrivs:\t0", await StatusAsync("run --rm --security-opt no-new-privileges=false box"));
        (await daemon.Berth("/", "docker", "run", "-d", "--name", "runs", "box", "sleep", "1000").RunAsync(cancellationToken)).EnsureSuccess();
        Assert.Equal("NoNewPrivs:\t1", await StatusAsync("exec runs"));
        Assert.Contains("name=no-new-privileges", await daemon.Api.GetStringAsync("info", cancellationToken), StringComparison.Ordinal);

        async Task<string> StatusAsync(string words) =>
            (await daemon.Berth("/", ["docker", .. words.Split(' '), "grep", "NoNewPrivs", "/proc/self/status"]).RunAsync(cancellationToken)).EnsureSuccess().Output.Trim();
    }
}
