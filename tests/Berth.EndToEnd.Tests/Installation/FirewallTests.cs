namespace Berth.EndToEnd.Tests.Installation;

/// <summary>Published ports and the way out beside the firewalls that people use, in a throw-away system with another machine beside it.</summary>
[Trait("Speed", "long")]
public sealed class FirewallTests : IDisposable
{
    private readonly string _work = Directory.CreateTempSubdirectory("berth-firewalls-").FullName;

    [Fact]
    public async Task Containers_are_reached_and_get_out()
    {
        var facts = await ScriptFacts.OfAsync("firewalls/beside-firewalls.sh", _work, TimeSpan.FromMinutes(10));
        string[] times = ["without a firewall", "beside ufw", "beside ufw, reloaded", "beside firewalld", "beside firewalld, reloaded", "after firewalld", "beside iptables of old that was told"];
        string[] ways = ["this machine reaches the port", "another machine reaches the port", "a container gets out", "containers reach each other", "so does a new one"];
        Assert.Empty(times.SelectMany(time => ways.Select(way => $"{time}: {way}")).Except(facts));
    }

    public void Dispose() => Directory.Delete(_work, recursive: true);
}
