using Berth.Engine.Containers;
using Berth.Engine.Errors;

namespace Berth.Engine.Tests.Containers;

/// <summary>A container's config is what was asked, completed from its image.</summary>
public sealed class ContainerCreationTests
{
    [Fact]
    public void A_port_that_image_and_request_write_differently_is_exposed_once()
    {
        var image = new ContainerConfig { ExposedPorts = new() { ["5000/tcp"] = new() } };
        var asked = new ContainerConfig { ExposedPorts = new() { ["5000"] = new(), ["53/UDP"] = new() } };
        Assert.Equal(["5000/tcp", "53/udp"], ContainerCreation.Merge(asked, image).ExposedPorts!.Keys);
    }

    [Fact]
    public void What_contradicts_a_shared_network_is_refused_in_dockers_words()
    {
        var shared = new HostConfig { NetworkMode = "container:x" };
        Assert.Equal("conflicting options: hostname and the network mode", Refusal(new() { Hostname = "y" }, shared));
        Assert.Equal("conflicting options: dns and the network mode", Refusal(new(), shared with { Dns = ["192.0.2.1"] }));
        Assert.Equal("conflicting options: custom host-to-IP mapping and the network mode", Refusal(new(), shared with { ExtraHosts = ["a:192.0.2.3"] }));
        Assert.Equal("conflicting options: port publishing and the container type network mode", Refusal(new(), shared with { PublishAllPorts = true }));
        Assert.Equal("conflicting options: port exposing and the container type network mode", Refusal(new() { ExposedPorts = new() { ["80/tcp"] = new() } }, shared));
        Assert.StartsWith("conflicting options: container type network can't be used with links", Refusal(new(), shared with { Links = ["a"] }), StringComparison.Ordinal);
        Assert.Equal("invalid network mode: invalid container format container:<name|id>", Refusal(new(), new() { NetworkMode = "container:" }));
        ContainerCreation.ValidateNetworkMode(new(), shared);
    }

    private static string Refusal(ContainerConfig config, HostConfig host) => Assert.Throws<BerthException>(() => ContainerCreation.ValidateNetworkMode(config, host)).Message;
}
