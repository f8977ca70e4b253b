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
    public async Task The_kernel_accepts_every_form_of_rule_in_one_transaction()
    {
        var directory = Directory.CreateTempSubdirectory("berth-rules-").FullName;
        var until = DateTimeOffset.UnixEpoch.AddSeconds(10);
        var held = new HeldModel([new("10.5.0.251", until)], [new("10.5.0.250", until), new("10.5.0.251", until)], [new("8001", until)], [new("8000", until), new("8001", until)]);
        var host = HostRules.Render(new(
            "t", [Network, Network with { Bridge = "br-inner", Subnet = "10.6.0.0/24", Internal = true }],
            [new("tcp", "", 8000, [("10.5.0.2", 80), ("10.5.0.3", 80)]), new("udp", "127.0.0.1", 53, [("10.5.0.2", 53)])],
            [new("10.5.0.250", ["10.5.0.2", "10.5.0.3"]), new("10.5.0.251", [])], held));
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
