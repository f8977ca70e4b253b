using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Engine.Networks;

namespace Berth.Engine.Tests.Networks;

public sealed class PortAllocationTests
{
    [Theory]
    [InlineData("127.0.0.1; drop")]
    [InlineData("localhost")]
    [InlineData("fe80::1%eth0")]
    [InlineData("1.2.3.4/24")]
    public void An_address_of_the_host_that_is_none_is_refused(string text) => Assert.Throws<BerthException>(() => PortAllocation.ParseHostIp(text));

    [Theory]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("[::]", "::")]
    [InlineData("FD00::0001", "fd00::1")]
    public void An_address_of_the_host_is_written_in_one_way(string? text, string expected) => Assert.Equal(expected, PortAllocation.ParseHostIp(text));

    [Fact]
    public void Every_address_of_ipv4_and_every_address_of_ipv6_are_two()
    {
        var ports = PortAllocation.Allocate(Record(("0.0.0.0", "8080"), ("::", "8080")), [], (_, _, _) => null);
        Assert.Equal(["0.0.0.0", "::"], ports.Select(port => port.HostIp));
        Assert.Throws<BerthException>(() => PortAllocation.Allocate(Record(("", "8080"), ("::", "8080")), [], (_, _, _) => null));
    }

    [Fact]
    public void A_port_that_names_no_address_is_published_where_the_network_says() =>
        Assert.Equal(["127.0.0.1", "10.1.1.1"], PortAllocation.Allocate(Record(("", "1"), ("10.1.1.1", "2")), [], (_, _, _) => null, "127.0.0.1").Select(port => port.HostIp));

    private static ContainerRecord Record(params (string HostIp, string HostPort)[] bindings) => new()
    {
        Id = new string('c', 64), Name = "c", Created = default, Config = new(), ImageId = "", LowerDirectories = [], Mounts = [], Endpoints = [],
        HostConfig = new() { PortBindings = new() { ["80/tcp"] = [.. bindings.Select(one => new PortBinding { HostIp = one.HostIp, HostPort = one.HostPort })] } },
    };
}
