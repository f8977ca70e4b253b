using System.Globalization;
using System.Net;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary><c>examples/zero-downtime</c>: gunicorn behind a published port, and behind an nginx that resolved its name once, with and without a pool of kept connections.</summary>
[Collection(AloneCollection.Name)]
[Trait("Speed", "slow")]
public sealed class ZeroDowntimeTests(ZeroDowntimeSite site) : IClassFixture<ZeroDowntimeSite>
{
    [Fact]
    public Task Seven_releases_under_load_fail_no_request() => ReleaseUnderLoadAsync(7);

    [Fact]
    [Trait("Speed", "long")]
    public Task Twenty_releases_under_load_fail_no_request() => ReleaseUnderLoadAsync(20);

    private async Task ReleaseUnderLoadAsync(int count)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await site.SetAsync(release: 1);
        await site.RunAsync("up", "-d", "--wait");
        var first = (await site.ReleasesAsync())[0];

        var load = new ReleaseLoad([.. site.Ports.Select(port => new IPEndPoint(IPAddress.Loopback, port))], clientsPerServer: 11, requestsPerSecond: 300);
        using var ending = new CancellationTokenSource();
        var running = load.RunAsync(ending.Token);
        await Task.Delay(2000, cancellationToken);
        for (var release = 2; release <= count + 1; release++)
        {
            await site.SetAsync(release);
            await site.RunAsync("up", "-d");
        }

        await Task.Delay(2000, cancellationToken);
        await ending.CancelAsync();
        await running;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{load.Answered} answered, {load.Failures.Count} failed, {load.SentAgain} GETs sent again; p50 {load.Percentile(0.5).TotalMilliseconds:0} ms, p99 {load.Percentile(0.99).TotalMilliseconds:0} ms");
        // A POST on a kept connection may meet the goodbye on its way, and HTTP forbids its client to repeat it: see "What is not" in docs/guides/releases.md.
        if (!load.Failures.IsEmpty)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', [.. load.Failures, await site.RunAsync("logs", "-t", "web")])); // what nginx says of it
        }

        Assert.Equal([], load.Failures.Where(failure => !failure.StartsWith("POST kept", StringComparison.Ordinal)));
        Assert.True(load.Failures.Count <= 1, string.Join('\n', load.Failures));
        Assert.True(load.Answered > 1000, $"only {load.Answered} requests were answered");
        Assert.Equal(count + 1, load.Releases.Count);
        Assert.Equal([.. Enumerable.Range(first, count + 1).Reverse()], (await site.ReleasesAsync()).Take(count + 1));
        await site.RunAsync("down");
    }

    [Fact]
    public async Task The_walk_through_of_its_readme_does_what_it_says()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var commands = (await File.ReadAllLinesAsync($"{Checkout.Root}/examples/zero-downtime/README.md", cancellationToken))
            .Where(line => line.StartsWith("$ ", StringComparison.Ordinal)).Select(line => line[2..].Split("     #")[0]).ToList();
        Assert.Equal(6, commands.Count);
        await site.WritePortsAsync();
        await site.ShellAsync(commands[0]);

        // "In another terminal": every answer on a line, and a word for the one that does not come.
        var answers = site.Shell($"while [ ! -e ended ]; do curl -fsS {commands[1].Split("curl -fsS ")[1].Split(';')[0]} && echo || echo missing; sleep 0.02; done").RunAsync(cancellationToken);
        foreach (var command in commands.Skip(2).SkipLast(1))
        {
            await site.ShellAsync(command);
        }

        Assert.Equal("3", await site.ReleaseAsync());
        await site.ShellAsync(commands[^1]);
        Assert.Equal("2", await site.ReleaseAsync());
        await site.ShellAsync("touch ended");
        var seen = (await answers).EnsureSuccess().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.DoesNotContain("missing", seen);
        Assert.Equal(["1", "2", "3"], seen.Select(answer => answer.Split(' ')[0]).Distinct().Order(StringComparer.Ordinal));
        await site.RunAsync("down");
    }
}

/// <summary>A daemon with a copy of the example, whose images are built once.</summary>
public sealed class ZeroDowntimeSite : IAsyncLifetime
{
    private TestDaemon? _daemon;

    public IReadOnlyList<int> Ports { get; } = [Testing.Ports.Free(), Testing.Ports.Free(), Testing.Ports.Free()];

    private TestDaemon Daemon => _daemon ?? throw new InvalidOperationException("the daemon is not up");

    private string Folder => Daemon.Folder + "/site";

    public async ValueTask InitializeAsync()
    {
        _daemon = await TestDaemon.StartAsync(TestContext.Current.CancellationToken);
        Example.Copy("zero-downtime", Folder);
        await RunAsync("build");
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            await _daemon.DisposeAsync();
        }
    }

    /// <summary>Which ports of this host the site has, and nothing else: <c>RELEASE</c> comes from the shell.</summary>
    public Task WritePortsAsync() => File.WriteAllTextAsync(Folder + "/.env", $"APP_PORT={Ports[0]}\nWEB_PORT={Ports[1]}\nPOOL_PORT={Ports[2]}\n");

    public async Task SetAsync(int release)
    {
        await WritePortsAsync();
        await File.AppendAllTextAsync(Folder + "/.env", $"RELEASE={release}\n");
    }

    public async Task<string> RunAsync(params string[] verb) =>
        (await (Daemon.Berth(Folder, verb) with { Timeout = Example.BuildPatience }).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess().Output;

    /// <summary>Numbers, newest first.</summary>
    public async Task<IReadOnlyList<int>> ReleasesAsync() => [.. (await RunAsync("releases", "-q")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];

    /// <summary>A line as a user types it in the site's folder; the example's first port is this site's.</summary>
    public Command Shell(string line) => Example.Shell(Daemon, Folder, line.Replace(":8081", $":{Ports[0]}", StringComparison.Ordinal), new Dictionary<string, string?>());

    public async Task ShellAsync(string line) => (await Shell(line).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess();

    /// <summary>The one that answers.</summary>
    public async Task<string> ReleaseAsync()
    {
        using var client = new HttpClient();
        return (await client.GetStringAsync(new Uri($"http://127.0.0.1:{Ports[0]}/"), TestContext.Current.CancellationToken)).Split(' ')[0];
    }
}
