using Berth.Engine.Containers;

namespace Berth.Engine.Networks;

/// <summary>A container's port that other machines may reach at its own address.</summary>
internal sealed record OpenedPort(string Bridge, string Address, string Protocol, int Port);

/// <summary>Through which of its networks a container's ports are reached. Pure.</summary>
internal static class Publishing
{
    /// <summary>The network of the default route, and the address there to which published ports lead: its replies find the way out. Null when there is none, or nothing is translated there.</summary>
    internal static (NetworkRecord Network, string Address)? Ipv4(ContainerRecord container, IReadOnlyList<NetworkRecord> networks) =>
        Gateway(container, networks, endpoint => endpoint.Address) is { } found && IsTranslated(found.Network.Settings.Ipv4Mode) ? found : null;

    /// <inheritdoc cref="Ipv4"/>
    internal static (NetworkRecord Network, string Address)? Ipv6(ContainerRecord container, IReadOnlyList<NetworkRecord> networks) =>
        Gateway(container, networks, endpoint => endpoint.Address6) is { } found && IsTranslated(found.Network.Settings.Ipv6Mode) ? found : null;

    /// <summary>The ports that are open at the container's own addresses, because its network is routed.</summary>
    internal static IEnumerable<OpenedPort> Opened(ContainerRecord container, IReadOnlyList<NetworkRecord> networks)
    {
        var ipv4 = Gateway(container, networks, endpoint => endpoint.Address) is { } first && first.Network.Settings.Ipv4Mode == GatewayMode.Routed ? first : default;
        var ipv6 = Gateway(container, networks, endpoint => endpoint.Address6) is { } second && second.Network.Settings.Ipv6Mode == GatewayMode.Routed ? second : default;
        foreach (var (port, protocol) in (container.HostConfig.PortBindings?.Keys.ToList() ?? []).Select(PortAllocation.ParsePort))
        {
            foreach (var (network, address) in new[] { ipv4, ipv6 }.Where(one => one.Network is not null))
            {
                yield return new(network.Bridge, address, protocol, port);
            }
        }
    }

    private static bool IsTranslated(GatewayMode mode) => mode is GatewayMode.Nat or GatewayMode.NatUnprotected;

    private static (NetworkRecord Network, string Address)? Gateway(ContainerRecord container, IReadOnlyList<NetworkRecord> networks, Func<EndpointRecord, string> address)
    {
        foreach (var endpoint in container.Endpoints.Where(endpoint => address(endpoint).Length > 0))
        {
            if (networks.FirstOrDefault(network => network.Id == endpoint.NetworkId && network is { IsBridge: true, Internal: false }) is { } network)
            {
                return (network, address(endpoint));
            }
        }

        return null;
    }
}
