using System.Net;
using Berth.Engine.Errors;
using Berth.Engine.Networks;

namespace Berth.Engine.Tests.Networks;

public class InterfaceOptionsTests
{
    [Fact]
    public void All_that_can_be_asked_is_read()
    {
        var options = InterfaceOptions.Check(
            new()
            {
                DriverOpts = new()
                {
                    ["com.docker.network.endpoint.ifname"] = "front0",
                    ["com.docker.network.endpoint.sysctls"] = "net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.neigh.ifname.retrans_time_ms=500",
                },
                IpamConfig = new() { LinkLocalIPs = ["169.254.1.1", "fe80::9", "169.254.1.1"] },
            });

        Assert.Equal("front0", options.Name);
        Assert.Equal(["/proc/sys/net/ipv4/conf/front0/log_martians", "/proc/sys/net/ipv6/neigh/front0/retrans_time_ms"], options.Settings.Select(setting => setting.PathFor("front0")));
        Assert.Equal(["1", "500"], options.Settings.Select(setting => setting.Value));
        Assert.Equal([IPAddress.Parse("169.254.1.1"), IPAddress.Parse("fe80::9")], options.LinkLocal);
        Assert.True(options.UsesIpv6);
    }

    [Theory]
    [InlineData("net.ipv4.conf.IFNAME./../../../kernel/panic=1")]
    [InlineData("net.ipv4.conf.IFNAME...=1")]
    [InlineData("net.ipv4.conf.all.forwarding=1")]
    [InlineData("net.ipv4.conf.IFNAME=1")]
    [InlineData("net.ipv4.tcp.IFNAME.x=1")]
    [InlineData("kernel.x.y.IFNAME.z=1")]
    [InlineData("net.ipv4.conf.IFNAME.forwarding")]
    [InlineData("")]
    public void A_setting_names_nothing_but_the_interface_itself(string setting)
    {
        var exception = Assert.Throws<BerthException>(() => InterfaceOptions.Check(new() { DriverOpts = new() { ["com.docker.network.endpoint.sysctls"] = setting } }));
        Assert.Equal($"invalid endpoint settings:\nunrecognised network interface sysctl '{setting}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'", exception.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("lo")]
    [InlineData("sixteen-letters-")]
    [InlineData("a b")]
    [InlineData("größe")]
    public void A_name_is_one_that_the_kernel_takes(string name) =>
        Assert.Contains("invalid interface name", Assert.Throws<BerthException>(() => InterfaceOptions.Check(new() { DriverOpts = new() { ["com.docker.network.endpoint.ifname"] = name } })).Message, StringComparison.Ordinal);

    [Fact]
    public void All_mistakes_are_told_at_once()
    {
        var exception = Assert.Throws<BerthException>(() => InterfaceOptions.Check(
            new() { DriverOpts = new() { ["com.docker.network.endpoint.ifname"] = "", ["other"] = "x" }, IpamConfig = new() { LinkLocalIPs = ["0.0.0.0", "::", "x"] } }));
        Assert.Equal(ErrorKind.Invalid, exception.Kind);
        Assert.Equal(6, exception.Message.Split('\n').Length); // a head, the name, the option, three addresses
    }
}
