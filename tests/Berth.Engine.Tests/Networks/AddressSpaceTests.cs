using System.Net;
using Berth.Engine.Networks;

namespace Berth.Engine.Tests.Networks;

public sealed class AddressSpaceTests
{
    private static readonly IPNetwork Small = IPNetwork.Parse("10.0.0.0/29");

    [Fact]
    public void Containers_grow_up_and_services_down_and_the_ends_are_never_given()
    {
        var used = new HashSet<string>(StringComparer.Ordinal) { "10.0.0.1" };
        Assert.Equal("10.0.0.2", AddressSpace.FreeAddress(Small, Small, used)?.ToString());
        Assert.Equal("10.0.0.6", AddressSpace.FreeAddressFromTop(Small, used)?.ToString());
    }

    [Fact]
    public void A_full_range_has_no_free_address()
    {
        var used = Enumerable.Range(1, 6).Select(i => $"10.0.0.{i}").ToHashSet(StringComparer.Ordinal);
        Assert.Null(AddressSpace.FreeAddress(Small, Small, used));
        Assert.Null(AddressSpace.FreeAddressFromTop(Small, used));
    }

    [Fact]
    public void A_subnet_is_chosen_that_overlaps_no_other()
    {
        AddressPool[] pools = [new("10.9.0.0/23", 24)];
        Assert.Equal("10.9.0.0/24", AddressSpace.FreeSubnet(pools, [])?.ToString());
        Assert.Equal("10.9.1.0/24", AddressSpace.FreeSubnet(pools, [IPNetwork.Parse("10.9.0.128/25")])?.ToString());
        Assert.Null(AddressSpace.FreeSubnet(pools, [IPNetwork.Parse("10.0.0.0/8")]));
    }

    [Fact]
    public void Addresses_of_ipv6_are_given_from_the_lowest_that_a_host_may_have()
    {
        var subnet = IPNetwork.Parse("fd00:1::/64");
        Assert.Equal("fd00:1::1", AddressSpace.First(subnet).ToString());
        Assert.Equal("fd00:1::3", AddressSpace.FreeAddress(subnet, subnet, new HashSet<string>(StringComparer.Ordinal) { "fd00:1::1", "fd00:1::2" })?.ToString());
        Assert.Equal("fd00:1:0:0:ffff::", AddressSpace.FreeAddress(subnet, IPNetwork.Parse("fd00:1::ffff:0:0:0/80"), new HashSet<string>())?.ToString());
    }

    [Fact]
    public void A_subnet_of_ipv6_is_chosen_that_overlaps_no_other()
    {
        AddressPool[] pools = [new("fd12:3456:789a::/48", 64)];
        Assert.Equal("fd12:3456:789a:2::/64", AddressSpace.FreeSubnet(pools, [IPNetwork.Parse("fd12:3456:789a::/63"), IPNetwork.Parse("10.0.0.0/8")])?.ToString());
    }
}
