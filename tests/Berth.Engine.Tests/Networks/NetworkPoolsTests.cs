using System.Net;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Engine.Networks;

namespace Berth.Engine.Tests.Networks;

public sealed class NetworkPoolsTests
{
    [Fact]
    public void A_range_of_each_family_is_taken_in_whatever_order()
    {
        var (ipv4, ipv6) = NetworkPools.Check([new() { Subnet = "FD00:77:1::/64" }, new() { Subnet = "10.9.0.0/24", Gateway = "10.9.0.254", IpRange = "10.9.0.128/30" }]);
        Assert.Equal(("10.9.0.0/24", "10.9.0.254", "10.9.0.128/30"), (ipv4!.Subnet, ipv4.Gateway, ipv4.IpRange));
        Assert.Equal(("fd00:77:1::/64", "fd00:77:1::1"), (ipv6!.Subnet, ipv6.Gateway));
    }

    [Fact]
    public void A_range_in_which_nothing_is_said_is_none() => Assert.Equal((null, null), NetworkPools.Check([new(), new() { Subnet = "", Gateway = "" }]));

    [Theory]
    [InlineData("nonsense", null, null, "invalid subnet nonsense: invalid CIDR block notation")]
    [InlineData("10.9.0.0", null, null, "invalid subnet 10.9.0.0: invalid CIDR block notation")]
    [InlineData("10.9.0.0/33", null, null, "invalid subnet 10.9.0.0/33: invalid CIDR block notation")]
    [InlineData("10.9.0.0/24; drop", null, null, "invalid subnet 10.9.0.0/24; drop: invalid CIDR block notation")]
    [InlineData("fe80::%eth0/64", null, null, "invalid subnet fe80::%eth0/64: invalid CIDR block notation")]
    [InlineData("10.9.0.5/24", null, null, "invalid subnet 10.9.0.5/24: it should be 10.9.0.0/24")]
    [InlineData("fd00::5/64", null, null, "invalid subnet fd00::5/64: it should be fd00::/64")]
    [InlineData("10.9.0.0/24", "10.0.0.1", null, "invalid gateway 10.0.0.1: parent subnet 10.9.0.0/24 doesn't contain this address")]
    [InlineData("10.9.0.0/24", "fd00::1", null, "invalid gateway fd00::1: parent subnet is an IPv4 block")]
    [InlineData("10.9.0.0/24", "x", null, "invalid gateway x: invalid address")]
    [InlineData("10.9.0.0/24", null, "10.0.0.0/24", "invalid ip-range 10.0.0.0/24: parent subnet 10.9.0.0/24 doesn't contain ip-range")]
    [InlineData("10.9.0.0/24", null, "10.9.0.0/16", "invalid ip-range 10.9.0.0/16: CIDR block is bigger than its parent subnet 10.9.0.0/24")]
    public void What_cannot_be_is_refused_in_dockers_words(string subnet, string? gateway, string? range, string mistake)
    {
        var exception = Assert.Throws<BerthException>(() => NetworkPools.Check([new() { Subnet = subnet, Gateway = gateway, IpRange = range }]));
        Assert.Contains(mistake, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_mistake_is_told_at_once()
    {
        var exception = Assert.Throws<BerthException>(() => NetworkPools.Check(
            [new() { Subnet = "10.9.0.0/24", Gateway = "x", AuxAddresses = new Dictionary<string, string> { ["a"] = "10.8.0.1" } }, new() { Subnet = "y" }]));
        Assert.Equal(4, exception.Message.Split('\n').Length);
    }

    [Fact]
    public void Two_ranges_of_one_family_are_refused() =>
        Assert.Throws<BerthException>(() => NetworkPools.Check([new() { Subnet = "10.9.0.0/24" }, new() { Subnet = "10.10.0.0/24" }]));

    [Fact]
    public void A_network_of_an_older_state_has_no_ipv6_and_keeps_no_address_free()
    {
        var record = System.Text.Json.JsonSerializer.Deserialize(
            """{"Id":"a","Name":"n","Created":"2026-01-01T00:00:00+00:00","Driver":"bridge","Subnet":"10.5.0.0/24","Gateway":"10.5.0.1","IpRange":"","Bridge":"br-a","Labels":{},"Options":{},"ServiceAddresses":{}}""",
            EngineJson.Default.NetworkRecord)!;
        Assert.Equal((0, null, false), (record.AuxAddresses.Count, record.Ipv6, record.KeepsBridge));
        Assert.Equal([(IPAddress.Parse("10.5.0.1"), 24)], record.BridgeAddresses());
    }

    [Fact]
    public void A_network_is_remembered_with_both_families()
    {
        var record = new NetworkRecord
        {
            Id = "a", Name = "n", Created = default, Driver = "bridge", Subnet = "10.5.0.0/24", Gateway = "10.5.0.1", AuxAddresses = new() { ["x"] = "10.5.0.9" },
            Ipv6 = new() { Subnet = "fd00::/64", Gateway = "fd00::1", IpRange = "fd00::/80" },
        };
        var read = System.Text.Json.JsonSerializer.Deserialize(EngineJson.Bytes(record), EngineJson.Default.NetworkRecord)!;
        Assert.Equal(["10.5.0.0/24", "fd00::/64"], read.Pools.Select(pool => pool.Subnet));
        Assert.Equal("fd00::/80", read.Ipv6!.IpRange);
        Assert.Equal("10.5.0.9", read.AuxAddresses["x"]);
    }

    [Fact]
    public void Only_the_family_that_a_gateway_translates_is_published_and_a_routed_one_is_opened()
    {
        var network = new NetworkRecord
        {
            Id = "a", Name = "n", Created = default, Driver = "bridge", Bridge = "br-a", Subnet = "10.5.0.0/24", Gateway = "10.5.0.1",
            Ipv6 = new() { Subnet = "fd00::/64", Gateway = "fd00::1" }, Options = new() { ["com.docker.network.bridge.gateway_mode_ipv6"] = "routed" },
        };
        var container = new ContainerRecord
        {
            Id = new string('c', 64), Name = "c", Created = default, Config = new(), HostConfig = new() { PortBindings = new() { ["80/tcp"] = [new() { HostPort = "8080" }] } },
            ImageId = "", LowerDirectories = [], Mounts = [],
            Endpoints = [new() { NetworkName = "n", NetworkId = "a", EndpointId = "e", Config = new(), Address = "10.5.0.2", Address6 = "fd00::2", MacAddress = "", HostLink = "" }],
        };
        Assert.Equal("10.5.0.2", Publishing.Ipv4(container, [network])!.Value.Address);
        Assert.Null(Publishing.Ipv6(container, [network]));
        Assert.Equal([new OpenedPort("br-a", "fd00::2", "tcp", 80)], Publishing.Opened(container, [network]));
        Assert.Null(Publishing.Ipv4(container, [network with { Internal = true }]));
    }
}
