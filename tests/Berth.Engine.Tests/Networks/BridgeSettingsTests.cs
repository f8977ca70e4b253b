using Berth.Engine.Errors;
using Berth.Engine.Networks;

namespace Berth.Engine.Tests.Networks;

public sealed class BridgeSettingsTests
{
    [Fact]
    public void Without_options_containers_reach_one_another_and_the_world()
    {
        var settings = BridgeSettings.Check(new Dictionary<string, string>(), isInternal: false);
        Assert.True(settings is { AllowsPeers: true, Masquerades: true, HostBinding: "", Name: null, Mtu: null, InterfacePrefix: "eth", Ipv4Mode: GatewayMode.Nat, Ipv6Mode: GatewayMode.Nat });
    }

    [Fact]
    public void Options_that_mean_something_are_read_and_others_do_no_harm()
    {
        var settings = BridgeSettings.Check(
            new Dictionary<string, string>
            {
                ["com.docker.network.bridge.enable_icc"] = "false", ["com.docker.network.bridge.enable_ip_masquerade"] = "0",
                ["com.docker.network.bridge.host_binding_ipv4"] = "127.0.0.1", ["com.docker.network.bridge.gateway_mode_ipv4"] = "nat-unprotected",
                ["com.docker.network.container_iface_prefix"] = "lan", ["com.docker.network.driver.mtu"] = "1400", ["com.docker.network.bridge.name"] = "br-opt", ["made.up"] = "x",
            },
            isInternal: false);
        Assert.True(settings is
        {
            AllowsPeers: false, Masquerades: false, HostBinding: "127.0.0.1", Name: "br-opt", Mtu: 1400, InterfacePrefix: "lan", Ipv4Mode: GatewayMode.NatUnprotected,
        });
    }

    [Theory]
    [InlineData("com.docker.network.bridge.name", "br\" } drop")]
    [InlineData("com.docker.network.bridge.name", "br-opt\n")]
    [InlineData("com.docker.network.bridge.name", "..")]
    [InlineData("com.docker.network.bridge.name", "sixteen-letters-")]
    [InlineData("com.docker.network.container_iface_prefix", "../x")]
    [InlineData("com.docker.network.bridge.host_binding_ipv4", "127.0.0.1 accept")]
    [InlineData("com.docker.network.bridge.host_binding_ipv4", "::1")]
    [InlineData("com.docker.network.bridge.enable_icc", "maybe")]
    [InlineData("com.docker.network.driver.mtu", "-1")]
    [InlineData("com.docker.network.bridge.gateway_mode_ipv4", "other")]
    [InlineData("com.docker.network.bridge.gateway_mode_ipv4", "isolated")] // the network is not internal
    public void Values_that_cannot_be_are_refused(string option, string value) =>
        Assert.Throws<BerthException>(() => BridgeSettings.Check(new Dictionary<string, string> { [option] = value }, isInternal: false));

    [Fact]
    public void An_isolated_bridge_has_no_address()
    {
        var network = new NetworkRecord
        {
            Id = "a", Name = "n", Created = default, Driver = "bridge", Subnet = "10.5.0.0/24", Gateway = "10.5.0.1", Internal = true,
            Options = new() { ["com.docker.network.bridge.gateway_mode_ipv4"] = "isolated" },
        };
        Assert.Empty(network.BridgeAddresses());
        Assert.Single((network with { Options = [] }).BridgeAddresses());
    }
}
