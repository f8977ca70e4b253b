using Berth.Engine.Containers;

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
}
