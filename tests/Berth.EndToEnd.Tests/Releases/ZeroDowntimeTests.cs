using System.Net;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary><c>examples/zero-downtime</c>: gunicorn behind a published port, and behind an nginx that resolved its name once, with and without a pool of kept connections.</summary>
[Collection(AloneCollection.Name)]
[Trait("Speed", "slow")]
public sealed class ZeroDowntimeTests
{
    private const int Rolls = 20;
    private static readonly TimeSpan BuildPatience = TimeSpan.FromMinutes(15); // a base image and some 60 packages over a slow line

    [Fact]
    public async Task Twenty_releases_under_load_fail_no_request()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        var folder = daemon.Folder + "/site";
        Example.Copy("zero-downtime", folder);
        int[] ports = [Ports.Free(), Ports.Free(), Ports.Free()];
        await SetAsync(folder, ports, release: 1, cancellationToken);
        await RunAsync(daemon, folder, ["up", "-d", "--wait"], cancellationToken);

        var load = new ReleaseLoad([.. ports.Select(port => new IPEndPoint(IPAddress.Loopback, port))], clientsPerServer: 11, requestsPerSecond: 300);
        using var ending = new CancellationTokenSource();
        var running = load.RunAsync(ending.Token);
        await Task.Delay(2000, cancellationToken);
        for (var release = 2; release <= Rolls + 1; release++)
        {
            await SetAsync(folder, ports, release, cancellationToken);
            await RunAsync(daemon, folder, ["up", "-d"], cancellationToken);
        }

        await Task.Delay(2000, cancellationToken);
        await ending.CancelAsync();
        await running;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{load.Answered} answered, {load.Failures.Count} failed, {load.SentAgain} GETs sent again; p50 {load.Percentile(0.5).TotalMilliseconds:0} ms, p99 {load.Percentile(0.99).TotalMilliseconds:0} ms");
        // A POST on a kept connection may meet the goodbye on its way, and HTTP forbids its client to repeat it: see "What is not" in docs/guides/releases.md.
        Assert.Equal([], load.Failures.Where(failure => !failure.StartsWith("POST kept", StringComparison.Ordinal)));
        Assert.True(load.Failures.Count <= 1, string.Join('\n', load.Failures));
        Assert.True(load.Answered > 1000, $"only {load.Answered} requests were answered");
        Assert.Equal(Rolls + 1, load.Releases.Count);
        var releases = await RunAsync(daemon, folder, ["releases", "-q"], cancellationToken);
        Assert.Equal([.. Enumerable.Range(1, Rolls + 1).Reverse().Select(number => $"{number}")], releases.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static Task SetAsync(string folder, int[] ports, int release, CancellationToken cancellationToken) =>
        File.WriteAllTextAsync(folder + "/.env", $"APP_PORT={ports[0]}\nWEB_PORT={ports[1]}\nPOOL_PORT={ports[2]}\nRELEASE={release}\n", cancellationToken);

    private static async Task<string> RunAsync(TestDaemon daemon, string folder, string[] verb, CancellationToken cancellationToken) =>
        (await (daemon.Berth(folder, verb) with { Timeout = BuildPatience }).RunAsync(cancellationToken)).EnsureSuccess().Output;
}
