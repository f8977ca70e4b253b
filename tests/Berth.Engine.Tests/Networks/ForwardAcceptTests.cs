using Berth.Engine.Networks;
using Berth.Linux.Namespaces;
using Berth.Linux.Nftables;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Engine.Tests.Networks;

/// <summary>All in a namespace of the test's own: the host's firewall is never touched.</summary>
public sealed class ForwardAcceptTests : IDisposable
{
    private const string Docker = """
        table ip filter {
          chain DOCKER-USER { counter return; }
          chain FORWARD { type filter hook forward priority filter; policy drop; counter jump DOCKER-USER; }
        }

        """;

    private readonly string _directory = Directory.CreateTempSubdirectory("berth-forward-").FullName;

    [Fact]
    public async Task Docker_s_own_chain_gets_the_rules_before_its_return_and_gives_them_back()
    {
        await InsideAsync(() =>
        {
            Nft.Run(Docker);
            var before = Nft.Query("list ruleset");
            var forward = new ForwardAccept("b", NullLogger<ForwardAccept>.Instance);
            forward.Apply(["br0", "br1"], [], ["br0", "br1"], Nft.Run);
            Assert.Equal(
                ["iifname \"br0\" counter accept comment \"berth: b\"", "oifname \"br0\" counter accept comment \"berth: b\"",
                 "iifname \"br1\" counter accept comment \"berth: b\"", "oifname \"br1\" counter accept comment \"berth: b\"", "counter return"],
                Rules("ip filter DOCKER-USER"));
            var batches = 0;
            forward.Apply(["br0", "br1"], [], ["br0", "br1"], _ => batches++);
            Assert.Equal(0, batches); // nothing to do
            forward.Apply(["br1"], [], ["br0", "br1"], Nft.Run);
            Assert.Equal(3, Rules("ip filter DOCKER-USER").Count);
            forward.Apply([], [], ["br0", "br1"], Nft.Run);
            Assert.Equal(before, Nft.Query("list ruleset"));
        });
    }

    [Fact]
    public async Task Firewalld_gets_the_rules_before_its_zones()
    {
        await InsideAsync(() =>
        {
            Nft.Run("""
                table inet firewalld {
                  chain filter_FORWARD_POLICIES { counter reject; }
                  chain filter_FORWARD {
                    type filter hook forward priority filter + 10; policy accept;
                    ct state { established, related } accept
                    jump filter_FORWARD_POLICIES
                    reject with icmpx admin-prohibited
                  }
                }

                """);
            var before = Nft.Query("list ruleset");
            var forward = new ForwardAccept("b", NullLogger<ForwardAccept>.Instance);
            forward.Apply(["br0"], [], ["br0"], Nft.Run);
            Assert.Equal(
                ["iifname \"br0\" counter accept comment \"berth: b\"", "oifname \"br0\" counter accept comment \"berth: b\"", "jump filter_FORWARD_POLICIES"],
                Rules("inet firewalld filter_FORWARD").Where(rule => rule.Contains("br0", StringComparison.Ordinal) || rule.StartsWith("jump", StringComparison.Ordinal)));
            forward.Apply([], [], ["br0"], Nft.Run);
            Assert.Equal(before, Nft.Query("list ruleset"));
        });
    }

    [Fact]
    public async Task A_firewall_of_ipv6_passes_the_bridges_that_have_it()
    {
        await InsideAsync(() =>
        {
            Nft.Run(Docker + Docker.Replace("table ip ", "table ip6 ", StringComparison.Ordinal));
            var before = Nft.Query("list ruleset");
            var forward = new ForwardAccept("b", NullLogger<ForwardAccept>.Instance);
            forward.Apply(["br0", "br1"], ["br1"], ["br0", "br1"], Nft.Run);
            Assert.Equal(5, Rules("ip filter DOCKER-USER").Count);
            Assert.Equal(
                ["iifname \"br1\" counter accept comment \"berth: b\"", "oifname \"br1\" counter accept comment \"berth: b\"", "counter return"], Rules("ip6 filter DOCKER-USER"));
            forward.Apply([], [], ["br0", "br1"], Nft.Run);
            Assert.Equal(before, Nft.Query("list ruleset"));
        });
    }

    [Fact]
    public async Task A_native_firewall_that_drops_gets_them_behind_its_own_rules_and_one_that_accepts_gets_none()
    {
        await InsideAsync(() =>
        {
            Nft.Run("""
                table inet firewall { chain forward { type filter hook forward priority 0; policy drop; ip saddr 10.66.0.0/16 drop; }; }
                table inet other { chain forward { type filter hook forward priority 10; policy accept; }; }
                table inet b { chain forward { type filter hook forward priority 0; policy drop; }; }

                """);
            new ForwardAccept("b", NullLogger<ForwardAccept>.Instance).Apply(["br0"], [], ["br0"], Nft.Run);
            Assert.Equal(
                ["ip saddr 10.66.0.0/16 drop", "iifname \"br0\" counter accept comment \"berth: b\"", "oifname \"br0\" counter accept comment \"berth: b\""],
                Rules("inet firewall forward"));
            Assert.Empty(Rules("inet other forward"));
            Assert.Empty(Rules("inet b forward")); // our own table's business
        });
    }

    [Fact]
    public async Task Rules_of_a_killed_daemon_are_found_also_where_another_tool_lost_their_tag()
    {
        await InsideAsync(() =>
        {
            Nft.Run(Docker + "insert rule ip filter DOCKER-USER iifname \"br0\" counter accept\n"); // as after iptables-restore
            new ForwardAccept("b", NullLogger<ForwardAccept>.Instance).Apply([], [], ["br0"], Nft.Run);
            Assert.Equal(["counter return"], Rules("ip filter DOCKER-USER"));
        });
    }

    [Fact]
    public async Task When_the_firewall_no_longer_drops_the_rules_go()
    {
        await InsideAsync(() =>
        {
            var forward = new ForwardAccept("b", NullLogger<ForwardAccept>.Instance);
            Nft.Run("table inet firewall { chain forward { type filter hook forward priority 0; policy drop; }; }\n");
            forward.Apply(["br0"], [], ["br0"], Nft.Run);
            Assert.Equal(2, Rules("inet firewall forward").Count);
            Nft.Run("add chain inet firewall forward { policy accept; }\n");
            forward.Apply(["br0"], [], ["br0"], Nft.Run);
            Assert.Empty(Rules("inet firewall forward"));
        });
    }

    [Fact]
    public async Task A_firewall_that_loads_its_rules_anew_has_them_again_within_two_seconds()
    {
        var forward = new ForwardAccept("b", NullLogger<ForwardAccept>.Instance);
        RulesGuard? guard = null;
        NftMonitor? monitor = null;
        await InsideAsync(() =>
        {
            Nft.Run(Docker);
            guard = new RulesGuard(new EngineOptions { Name = "b" }, RestoreAsync, TimeProvider.System, NullLogger<RulesGuard>.Instance);
            monitor = new NftMonitor(table => table.Name == "filter");
            forward.Apply(["br0"], [], ["br0"], Nft.Run);
        });
        await using (guard)
        using (monitor)
        using (var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(2)))
        {
            guard!.Start();
            await NetworkNamespace.RunAsync(_directory + "/ns", () => Nft.Run("flush ruleset\n" + Docker));
            var rules = 0;
            while (rules != 3)
            {
                await monitor!.Changes.ReadAsync(timeout.Token);
                await NetworkNamespace.RunAsync(_directory + "/ns", () => rules = Rules("ip filter DOCKER-USER").Count);
            }
        }

        async Task<bool> RestoreAsync(IReadOnlyList<NftChange> changes)
        {
            await NetworkNamespace.RunAsync(_directory + "/ns", () => forward.Apply(["br0"], [], ["br0"], Nft.Run));
            return false;
        }
    }

    public void Dispose()
    {
        NetworkNamespace.Delete(_directory + "/ns");
        Directory.Delete(_directory, recursive: true);
    }

    private static List<string> Rules(string chain) =>
    [
        .. Nft.QueryRules("list chain " + chain).Split('\n').Select(line => line.Trim()).Where(line => !line.Contains('{', StringComparison.Ordinal) && line.Contains(" # handle ", StringComparison.Ordinal))
            .Select(line => line[..line.IndexOf(" # handle ", StringComparison.Ordinal)]),
    ];

    private Task InsideAsync(Action inside) => NetworkNamespace.CreateAsync(_directory + "/ns", inside);
}
