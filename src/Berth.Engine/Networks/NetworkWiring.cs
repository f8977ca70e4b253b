using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Berth.Linux.Namespaces;
using Berth.Linux.Netlink;
using Microsoft.Win32.SafeHandles;

namespace Berth.Engine.Networks;

/// <summary>Links on the host and in containers' namespaces: a bridge a network, a veth pair an endpoint.</summary>
internal sealed class NetworkWiring : IDisposable
{
    internal const int DnsPort = 10053;
    private readonly EngineOptions _options;
    private readonly DepartedEndpoints _departed;
    private readonly Lock _gate = new(); // the socket takes one request at a time
    private readonly RouteSocket _host = new();
    private readonly Dictionary<string, int> _ready = new(StringComparer.Ordinal); // bridges that were seen complete, with their link's index

    internal NetworkWiring(EngineOptions options, DepartedEndpoints departed) => (_options, _departed) = (options, departed);

    internal static string NamespacePath(EngineOptions options, string containerId) => $"{options.ExecRoot}/netns/{containerId}";

    internal string NamespacePath(string containerId) => NamespacePath(_options, containerId);

    /// <summary>The subnets that this host's own links are in: new networks stay clear of them.</summary>
    internal static IEnumerable<IPNetwork> HostSubnets() =>
        NetworkInterface.GetAllNetworkInterfaces().SelectMany(link => link.GetIPProperties().UnicastAddresses)
            .Where(unicast => unicast.Address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(unicast.Address))
            .Select(unicast => new IPNetwork(
                AddressSpace.ToAddress(AddressSpace.ToNumber(unicast.Address) & (unicast.PrefixLength == 0 ? 0 : uint.MaxValue << (32 - unicast.PrefixLength))),
                unicast.PrefixLength));

    /// <summary>This host's own IPv4 addresses.</summary>
    internal static IEnumerable<IPAddress> HostAddresses() =>
        NetworkInterface.GetAllNetworkInterfaces().SelectMany(link => link.GetIPProperties().UnicastAddresses).Select(unicast => unicast.Address)
            .Where(address => address.AddressFamily == AddressFamily.InterNetwork);

    /// <summary>Makes the network's bridge if it is not there, with the gateway's address, up, and routable from 127/8.</summary>
    internal void EnsureBridge(NetworkRecord network)
    {
        lock (_gate)
        {
            var index = _host.IndexOf(network.Bridge);
            if (index != 0 && (_ready.GetValueOrDefault(network.Bridge) == index || HasAddress(network)))
            {
                _ready[network.Bridge] = index;
                return;
            }

            if (index == 0)
            {
                _host.CreateBridge(network.Bridge, Mtu(network));
                index = _host.IndexOf(network.Bridge);
            }

            // Also for a bridge that is there without the gateway's address: half made, or left by another data root.
            File.WriteAllText($"/proc/sys/net/ipv6/conf/{network.Bridge}/disable_ipv6", "1");
            File.WriteAllText($"/proc/sys/net/ipv4/conf/{network.Bridge}/route_localnet", "1"); // packets from 127/8, guarded by our rules
            _host.AddAddress(index, IPAddress.Parse(network.Gateway), network.SubnetRange.PrefixLength);
            _host.SetUp(index);
            _ready[network.Bridge] = index;
            if (File.ReadAllText("/proc/sys/net/ipv4/ip_forward").Trim() == "0")
            {
                File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1");
            }
        }
    }

    internal static bool HasBridge(NetworkRecord network) => Directory.Exists("/sys/class/net/" + network.Bridge);

    internal void RemoveBridge(NetworkRecord network)
    {
        lock (_gate)
        {
            _host.Delete(network.Bridge);
        }
    }

    /// <summary>
    /// Makes a container's namespace with its links, addresses and default route; <paramref name="inside"/> runs in it last.
    /// </summary>
    /// <param name="endpoints">In the order of their interfaces: eth0, eth1 …</param>
    internal async Task CreateAsync(string containerId, IReadOnlyList<(NetworkRecord Network, Containers.EndpointRecord Endpoint)> endpoints, Action inside)
    {
        await _departed.SettledAsync(endpoints.Select(pair => pair.Endpoint.Address)).ConfigureAwait(false);
        await NetworkNamespace.CreateAsync(NamespacePath(containerId), () =>
        {
            using var self = File.OpenHandle("/proc/thread-self/ns/net");
            using var own = new RouteSocket();
            own.SetUp(own.IndexOf("lo"));
            var hasDefault = false;
            for (var i = 0; i < endpoints.Count; i++)
            {
                Connect(self, own, endpoints[i].Network, endpoints[i].Endpoint, $"eth{i}", ref hasDefault);
            }

            inside();
        }).ConfigureAwait(false);
    }

    /// <summary>Adds one more link to a namespace that runs already.</summary>
    internal async Task ConnectAsync(string containerId, NetworkRecord network, Containers.EndpointRecord endpoint, int number, bool hasDefault)
    {
        await _departed.SettledAsync([endpoint.Address]).ConfigureAwait(false);
        await NetworkNamespace.RunAsync(NamespacePath(containerId), () =>
        {
            using var self = File.OpenHandle("/proc/thread-self/ns/net");
            using var own = new RouteSocket();
            Connect(self, own, network, endpoint, $"eth{number}", ref hasDefault);
        }).ConfigureAwait(false);
    }

    internal void Disconnect(Containers.EndpointRecord endpoint)
    {
        lock (_gate)
        {
            _host.Delete(endpoint.HostLink);
        }
    }

    /// <summary>Deletes the namespace; the kernel removes its links, and with them their ends on the host.</summary>
    internal void Delete(string containerId, IReadOnlyList<Containers.EndpointRecord> endpoints)
    {
        lock (_gate)
        {
            foreach (var endpoint in endpoints.Where(endpoint => endpoint.Address.Length > 0))
            {
                _host.Delete(endpoint.HostLink); // at once, while the kernel takes namespaces apart in its own time
            }
        }

        NetworkNamespace.Delete(NamespacePath(containerId));
    }

    public void Dispose() => _host.Dispose();

    private void Connect(
        SafeFileHandle self, RouteSocket own, NetworkRecord network, Containers.EndpointRecord endpoint, string name, ref bool hasDefault)
    {
        lock (_gate)
        {
            _host.CreateVeth(
                endpoint.HostLink, name, (int)self.DangerousGetHandle(), PhysicalAddress.Parse(endpoint.MacAddress).GetAddressBytes(),
                Mtu(network), _host.IndexOf(network.Bridge));
        }

        File.WriteAllText($"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "1");
        var index = own.IndexOf(name);
        own.AddAddress(index, IPAddress.Parse(endpoint.Address), network.SubnetRange.PrefixLength);
        own.SetUp(index);
        if (!hasDefault && !network.Internal)
        {
            own.AddDefaultRoute(index, IPAddress.Parse(network.Gateway));
            hasDefault = true;
        }
    }

    private static bool HasAddress(NetworkRecord network) =>
        NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(link => link.Name == network.Bridge) is { } link
        && link.GetIPProperties().UnicastAddresses.Any(unicast => unicast.Address.ToString() == network.Gateway);

    private int Mtu(NetworkRecord network) =>
        network.Options.TryGetValue("com.docker.network.driver.mtu", out var text) && int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var mtu)
            ? mtu
            : _options.Mtu;
}
