using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Faults;

/// <summary>Eight clients do anything at once while the daemon is killed again and again: then what it says is so, everything can be taken away, and nothing is left.</summary>
public sealed class StormTests
{
    private const int Clients = 8;
    private static readonly TimeSpan BetweenKills = TimeSpan.FromSeconds(6);

    [Fact]
    [Trait("Speed", "slow")]
    public Task A_minute() => RageAsync(TimeSpan.FromMinutes(1), seed: 1);

    /// <summary>Run by <c>bench/storm.sh</c>: <c>STORM_MINUTES</c> and <c>STORM_SEED</c>.</summary>
    [Fact(Explicit = true)]
    public Task As_long_as_is_asked() => RageAsync(TimeSpan.FromMinutes(Number("STORM_MINUTES", 60)), Number("STORM_SEED", 2));

    private static int Number(string variable, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : otherwise;

    private static async Task RageAsync(TimeSpan duration, int seed)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        await BoxImage.BuildAsync(daemon, cancellationToken);
        foreach (var commands in new[] { new[] { "network", "create", "first" }, ["run", "--rm", "--network", "first", "-p", "127.0.0.1::80", "box", "true"], ["network", "rm", "first"] })
        {
            (await daemon.Berth("/", ["docker", .. commands]).RunAsync(cancellationToken)).EnsureSuccess(); // makes what stays for the daemon's life
        }

        var before = await Leftovers.SinceAsync(daemon);
        var storm = new Storm(daemon, seed);
        await storm.RunAsync(Clients, duration, BetweenKills, cancellationToken);
        Tell($"seed {seed}, {storm.Kills} kills, {storm.Answers.Values.Sum()} requests\n{string.Join('\n', storm.Answers.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => $"{one.Value,8} {one.Key}"))}");

        var untrue = await storm.UntrueAsync(cancellationToken);
        var refused = await storm.ClearAsync(cancellationToken);
        var left = await before.FindAsync();
        Assert.True(storm.Wrong.Count + untrue.Count + refused.Count + left.Count == 0,
            $"wrong:\n{string.Join('\n', storm.Wrong)}\nuntrue:\n{string.Join('\n', untrue)}\nrefused:\n{string.Join('\n', refused)}\nleft:\n{string.Join('\n', left)}");
        Assert.True(storm.Kills > 0);
        await AssertAddressesAreFreeAsync(daemon, cancellationToken);
    }

    // The first container of a new network has its first address again, and a daemon that starts finds nothing to settle.
    private static async Task AssertAddressesAreFreeAsync(TestDaemon daemon, CancellationToken cancellationToken)
    {
        await daemon.RestartAsync(cancellationToken);
        var address = (await daemon.Berth("/", "docker", "run", "--rm", "box", "sh", "-c", "ip -o -4 addr show eth0").RunAsync(cancellationToken)).EnsureSuccess().Output;
        var bridge = (await daemon.Api.GetFromJsonAsync<JsonNode>("networks/bridge", cancellationToken))!["IPAM"]!["Config"]![0]!["Subnet"]!.GetValue<string>();
        Assert.Contains($" {bridge[..bridge.LastIndexOf('.')]}.2/", address, StringComparison.Ordinal);
    }

    private static void Tell(string what) => TestContext.Current.TestOutputHelper?.WriteLine(what);
}
