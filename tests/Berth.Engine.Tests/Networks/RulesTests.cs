using Berth.Engine.Networks;
using Berth.Linux.Namespaces;
using Berth.Linux.Nftables;

namespace Berth.Engine.Tests.Networks;

public sealed class RulesTests
{
    private static readonly NetworkRecord Network = new()
    {
        Id = new string('a', 64), Name = "n", Created = default, Driver = "bridge", Subnet = "10.5.0.0/24", Gateway = "10.5.0.1", Bridge = "br-test",
    };

    private static readonly NetworkRecord Dual = Network with { Ipv6 = new() { Subnet = "fd00::/64", Gateway = "fd00::1" } };

    [Fact]
    public void One_target_is_a_plain_translation_and_several_are_spread()
    {
        Assert.Equal("dnat ip to 10.0.0.1:80", Balance.ToPorts("tcp", [("10.0.0.1", 80)]));
        Assert.Equal(
            "dnat ip to jhash ip saddr . tcp sport mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 80 }", Balance.ToPorts("tcp", [("10.0.0.1", 80), ("10.0.0.2", 80)]));
        Assert.Equal("dnat ip to 10.0.0.9", Balance.ToAddresses(["10.0.0.9"]));
    }

    [Fact]
    public void A_port_without_a_running_target_has_no_rule()
    {
        var rules = HostRules.Render(new("t", [Network], [new("tcp", "", 8000, [])], [], HeldModel.None));
        Assert.DoesNotContain("8000", rules, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_kernel_ends_a_hold_without_us()
    {
        var directory = Directory.CreateTempSubdirectory("berth-hold-").FullName;
        var held = HeldModel.None with { Vacant = [new("10.5.0.250", DateTimeOffset.UnixEpoch.AddMilliseconds(400))] };
        try
        {
            await NetworkNamespace.CreateAsync(
                directory + "/ns", () => Nft.Run(NamespaceRules.Render(new(0, [new("10.5.0.250", [])], held)) + HoldRules.Elements("berth", held, DateTimeOffset.UnixEpoch)));
            Assert.Contains("10.5.0.250", await VacantAsync(), StringComparison.Ordinal);
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            while ((await VacantAsync()).Contains("10.5.0.250", StringComparison.Ordinal))
            {
                await Task.Delay(50, timeout.Token);
            }
        }
        finally
        {
            NetworkNamespace.Delete(directory + "/ns");
            Directory.Delete(directory, recursive: true);
        }

        async Task<string> VacantAsync()
        {
            var listing = "";
            await NetworkNamespace.RunAsync(directory + "/ns", () => listing = Nft.Query("list set inet berth vacant"));
            return listing;
        }
    }

    [Fact]
    public void Ipv6_is_led_to_those_who_have_it_but_for_what_only_a_relay_can_reach()
    {
        var rules = HostRules.Render(new("t", [Dual], [new("tcp", "", 8000, [("10.5.0.2", 80)], [("fd00::2", 80)]), new("tcp", "0.0.0.0", 8001, [("10.5.0.2", 81)], [])], [], HeldModel.None));
        Assert.Contains("fib daddr type local ip6 daddr != { ::1, fe80::/10 } meta nfproto ipv6 tcp dport 8000 dnat ip6 to [fd00::2]:80", rules, StringComparison.Ordinal);
        Assert.Contains("ip6 saddr fd00::/64 masquerade", rules, StringComparison.Ordinal);
        Assert.Contains("ip6 daddr fd00::/64 iifname != { \"br-test\", \"lo\" } drop", rules, StringComparison.Ordinal);
        Assert.DoesNotContain("nfproto ipv6 tcp dport 8001", rules, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bridge_whose_containers_shall_not_reach_one_another_does_not_accept_among_them()
    {
        const string Among = "iifname \"br-test\" oifname \"br-test\" accept";
        Assert.Contains(Among, Of(Network), StringComparison.Ordinal);
        Assert.DoesNotContain(Among, Of(With(Network, ("com.docker.network.bridge.enable_icc", "false"))), StringComparison.Ordinal);
    }

    [Fact]
    public void What_leaves_is_translated_unless_an_option_or_a_routed_gateway_says_otherwise()
    {
        const string Masquerade = "oifname != \"br-test\" ip saddr 10.5.0.0/24 masquerade";
        Assert.Contains(Masquerade, Of(Network), StringComparison.Ordinal);
        Assert.DoesNotContain(Masquerade, Of(With(Network, ("com.docker.network.bridge.enable_ip_masquerade", "false"))), StringComparison.Ordinal);
        Assert.DoesNotContain(Masquerade, Of(With(Network, ("com.docker.network.bridge.gateway_mode_ipv4", "routed"))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_routed_network_is_reached_at_its_opened_ports_and_an_unprotected_one_at_all()
    {
        var routed = With(Network, ("com.docker.network.bridge.gateway_mode_ipv4", "routed"));
        var rules = HostRules.Render(new("t", [routed], [], [], HeldModel.None) { Opened = [new("br-test", "10.5.0.2", "tcp", 80)] });
        Assert.Contains("oifname \"br-test\" ip daddr 10.5.0.2 tcp dport 80 accept", rules, StringComparison.Ordinal);
        Assert.DoesNotContain("ip daddr 10.5.0.0/24 iifname", rules, StringComparison.Ordinal);
        Assert.Contains(
            "iifname != \"br-test\" oifname \"br-test\" meta nfproto ipv4 accept", Of(With(Network, ("com.docker.network.bridge.gateway_mode_ipv4", "nat-unprotected"))), StringComparison.Ordinal);
    }

    private static string Of(NetworkRecord network) => HostRules.Render(new("t", [network], [], [], HeldModel.None));

    private static NetworkRecord With(NetworkRecord network, params (string Option, string Value)[] options) =>
        network with { Options = new(options.ToDictionary(pair => pair.Option, pair => pair.Value), StringComparer.Ordinal) };

    [Fact]
    public async Task The_kernel_accepts_every_form_of_rule_in_one_transaction()
    {
        var directory = Directory.CreateTempSubdirectory("berth-rules-").FullName;
        var until = DateTimeOffset.UnixEpoch.AddSeconds(10);
        var held = new HeldModel([new("10.5.0.251", until)], [new("10.5.0.250", until), new("10.5.0.251", until)], [new("8001", until)], [new("8000", until), new("8001", until)]);
        var host = HostRules.Render(new(
            "t",
            [
                Dual with { IsPredefined = true }, Network with { Bridge = "br-inner", Subnet = "10.6.0.0/24", Internal = true },
                With(Dual with { Bridge = "br-open" }, ("com.docker.network.bridge.gateway_mode_ipv4", "nat-unprotected"), ("com.docker.network.bridge.gateway_mode_ipv6", "routed")),
                With(Dual with { Bridge = "br-routed" }, ("com.docker.network.bridge.gateway_mode_ipv4", "routed"), ("com.docker.network.bridge.gateway_mode_ipv6", "nat-unprotected")),
            ],
            [
                new("tcp", "", 8000, [("10.5.0.2", 80), ("10.5.0.3", 80)], [("fd00::2", 80), ("fd00::3", 80)]), new("udp", "127.0.0.1", 53, [("10.5.0.2", 53)]),
                new("udp", "::", 53, [], [("fd00::2", 53)]), new("tcp", "fd00::1", 8001, [], [("fd00::2", 81)]),
            ],
            [new("10.5.0.250", ["10.5.0.2", "10.5.0.3"]), new("10.5.0.251", [])], held) { Opened = [new("br-routed", "10.5.0.2", "tcp", 80), new("br-open", "fd00::2", "udp", 53)] });
        var inside = NamespaceRules.Render(new(10053, [new("10.5.0.250", ["10.5.0.2", "10.5.0.3"]), new("10.5.0.251", ["10.5.0.4"]), new("10.5.0.252", [])], held with { VacantPorts = [], Ports = [] }));
        try
        {
            var tables = "";
            await NetworkNamespace.CreateAsync(directory + "/ns", () =>
            {
                Nft.Run(host + HoldRules.Elements("t", held, DateTimeOffset.UnixEpoch));
                Nft.Run(inside + HoldRules.Elements("berth", held with { VacantPorts = [], Ports = [] }, until.AddSeconds(1))); // over while it was written: a moment is left
                Nft.Run(host); // replacing is a transaction like any other
                tables = Nft.Query("list tables");
                Nft.Run(HostRules.Remove("t"));
                tables += Nft.Query("list tables");
            });
            Assert.Equal(["table inet berth", "table inet berth", "table inet t"], tables.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        }
        finally
        {
            NetworkNamespace.Delete(directory + "/ns");
            Directory.Delete(directory, recursive: true);
        }
    }
}
