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
}
