using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Berth.Engine.Errors;
using Berth.Linux.Namespaces;
using Berth.Linux.Netlink;
using Berth.Linux.Processes;
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

    private readonly ExitWatcher _exits;
    private readonly LinkRemoval _removal;

    internal NetworkWiring(EngineOptions options, DepartedEndpoints departed, ExitWatcher exits)
    {
        (_options, _departed, _exits) = (options, departed, exits);
        _removal = new(links =>
        {
            lock (_gate)
            {
                _host.DeleteAll(links);
            }
        });
    }

    internal static string NamespacePath(EngineOptions options, string containerId) => $"{options.ExecRoot}/netns/{containerId}";

    internal string NamespacePath(string containerId) => NamespacePath(_options, containerId);

    /// <summary>The subnets that this host's own links are in: new networks stay clear of them.</summary>
    internal static IEnumerable<IPNetwork> HostSubnets() =>
        Links().SelectMany(link => link.GetIPProperties().UnicastAddresses)
            .Where(unicast => !IPAddress.IsLoopback(unicast.Address) && !unicast.Address.IsIPv6LinkLocal)
            .Select(unicast => AddressSpace.NetworkOf(unicast.Address, unicast.PrefixLength));

    /// <summary>This host's own IPv4 addresses.</summary>
    internal static IEnumerable<IPAddress> HostAddresses() =>
        Links().SelectMany(link => link.GetIPProperties().UnicastAddresses).Select(unicast => unicast.Address)
            .Where(address => address.AddressFamily == AddressFamily.InterNetwork);

    // .NET reads the list while links come and go, and may then see an address of none.
    private static NetworkInterface[] Links()
    {
        for (var patience = 20; ; patience--)
        {
            try
            {
                return NetworkInterface.GetAllNetworkInterfaces();
            }
            catch (Exception exception) when (exception is ArgumentException or NetworkInformationException && patience > 0)
            {
                Thread.Yield();
            }
        }
    }

    /// <summary>Makes the network's bridge if it is not there, with the gateways' addresses, up, and routable from 127/8.</summary>
    internal void EnsureBridge(NetworkRecord network)
    {
        lock (_gate)
        {
            var index = _host.IndexOf(network.Bridge);
            if (index != 0 && (_ready.GetValueOrDefault(network.Bridge) == index || IsComplete(network)))
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
            if (network.Ipv6 is not null || !network.KeepsBridge)
            {
                UseIpv6(network.Bridge, network.Ipv6 is not null);
            }

            File.WriteAllText($"/proc/sys/net/ipv4/conf/{network.Bridge}/route_localnet", "1"); // packets from 127/8, guarded by our rules
            foreach (var (address, prefixLength) in network.BridgeAddresses().Where(wanted => !AddressesOf(network.Bridge).Contains(wanted.Address)))
            {
                _host.AddAddress(index, address, prefixLength);
            }

            _host.SetUp(index);
            _ready[network.Bridge] = index;
            Forward(network);
        }
    }

    internal static bool HasBridge(NetworkRecord network) => IsLink(network.Bridge);

    /// <summary>There is a link of that name in our network. The kernel is asked: what /sys shows may be another namespace's.</summary>
    internal static bool IsLink(string name) => NetworkLinks.Exists(name);

    internal static bool IsBridge(string name) => Directory.Exists($"/sys/class/net/{name}/bridge");

    internal void RemoveBridge(NetworkRecord network)
    {
        lock (_gate)
        {
            if (!network.KeepsBridge)
            {
                _host.Delete(network.Bridge);
            }
        }
    }

    /// <summary>
    /// Makes a container's namespace with its links, addresses and default route; <paramref name="inside"/> runs in it last.
    /// </summary>
    /// <param name="endpoints">In the order of their interfaces: eth0, eth1 …</param>
    /// <param name="userNamespace">The file of the user namespace whose root administers it; null for the host's.</param>
    internal async Task CreateAsync(
        string containerId, IReadOnlyList<(NetworkRecord Network, Containers.EndpointRecord Endpoint)> endpoints, string? userNamespace, Action inside)
    {
        await _departed.SettledAsync(endpoints.SelectMany(pair => pair.Endpoint.Addresses)).ConfigureAwait(false);
        await (userNamespace is null
            ? NetworkNamespace.CreateAsync(NamespacePath(containerId), Wire)
            : NetworkNamespace.CreateAsync(NamespacePath(containerId), userNamespace, _exits, Wire)).ConfigureAwait(false);

        void Wire()
        {
            using var self = File.OpenHandle("/proc/thread-self/ns/net");
            using var own = new RouteSocket();
            own.SetUp(own.IndexOf("lo"));
            for (var i = 0; i < endpoints.Count; i++)
            {
                Connect(self, own, endpoints[i].Network, endpoints[i].Endpoint, DefaultRoutes.OfThoseBefore(endpoints, i));
            }

            inside();
        }
    }

    /// <summary>Adds one more link to a namespace that runs already.</summary>
    /// <param name="present">The default routes that it has.</param>
    internal async Task ConnectAsync(string containerId, NetworkRecord network, Containers.EndpointRecord endpoint, DefaultRoutes present)
    {
        await _departed.SettledAsync(endpoint.Addresses).ConfigureAwait(false);
        await NetworkNamespace.RunAsync(NamespacePath(containerId), () =>
        {
            using var self = File.OpenHandle("/proc/thread-self/ns/net");
            using var own = new RouteSocket();
            Connect(self, own, network, endpoint, present);
        }).ConfigureAwait(false);
    }

    internal Task DisconnectAsync(Containers.EndpointRecord endpoint) => _removal.RemoveAsync([endpoint.HostLink]);

    /// <summary>Leads a running container out by the first of its networks that can, after the link that did has gone.</summary>
    internal Task LeadOutAsync(string containerId, IReadOnlyList<(NetworkRecord Network, Containers.EndpointRecord Endpoint)> endpoints)
    {
        var outward = endpoints.Where(pair => !pair.Network.Internal && pair.Endpoint.IsWired).OrderByDescending(pair => pair.Endpoint.Config.GwPriority).ToList();
        var gateways = new[]
        {
            outward.Where(pair => pair.Endpoint.Address.Length > 0).Select(pair => pair.Network.Ipv4?.Gateway).FirstOrDefault(),
            outward.Where(pair => pair.Endpoint.Address6.Length > 0).Select(pair => pair.Network.Ipv6?.Gateway).FirstOrDefault(),
        }.OfType<string>().Select(IPAddress.Parse).ToList();
        return gateways.Count == 0 ? Task.CompletedTask : NetworkNamespace.RunAsync(NamespacePath(containerId), () =>
        {
            using var own = new RouteSocket();
            gateways.ForEach(gateway => own.SetDefaultRoute(0, gateway));
        });
    }

    /// <summary>Deletes the namespace and its links' ends on the host.</summary>
    internal async Task DeleteAsync(string containerId, IReadOnlyList<Containers.EndpointRecord> endpoints)
    {
        // At once, while the kernel takes namespaces apart in its own time.
        await _removal.RemoveAsync([.. endpoints.Where(endpoint => endpoint.IsWired).Select(endpoint => endpoint.HostLink)]).ConfigureAwait(false);
        NetworkNamespace.Delete(NamespacePath(containerId));
    }

    public void Dispose() => _host.Dispose();

    private void Connect(SafeFileHandle self, RouteSocket own, NetworkRecord network, Containers.EndpointRecord endpoint, DefaultRoutes present)
    {
        var settings = network.Settings;
        var options = InterfaceOptions.Check(endpoint.Config);
        var name = options.Name ?? FreeName(own, settings.InterfacePrefix);
        if (options.Name is not null && own.IndexOf(name) != 0)
        {
            throw new BerthException(ErrorKind.Conflict, $"the interface of network {network.Name} cannot be named {name}: the container has one of that name; choose another");
        }

        lock (_gate)
        {
            _host.CreateVeth(
                endpoint.HostLink, name, (int)self.DangerousGetHandle(), PhysicalAddress.Parse(endpoint.MacAddress).GetAddressBytes(),
                Mtu(network), _host.IndexOf(network.Bridge));
            if (!settings.AllowsPeers)
            {
                _host.IsolatePort(_host.IndexOf(endpoint.HostLink)); // before its other end is up
            }
        }

        UseIpv6(name, endpoint.Address6.Length > 0 || options.UsesIpv6);
        var index = own.IndexOf(name);
        var pairs = new[] { (Pool: network.Ipv4, endpoint.Address, HasRoute: present.Ipv4), (Pool: network.Ipv6, Address: endpoint.Address6, HasRoute: present.Ipv6) }.Where(pair => pair.Address.Length > 0).ToList();
        foreach (var (pool, address, _) in pairs)
        {
            own.AddAddress(index, IPAddress.Parse(address), pool!.PrefixLength);
        }

        foreach (var address in options.LinkLocal)
        {
            own.AddAddress(index, address, address.AddressFamily == AddressFamily.InterNetwork ? InterfaceOptions.LinkLocalPrefix4 : InterfaceOptions.LinkLocalPrefix6);
        }

        Set(options.Settings, name);
        own.SetUp(index);
        foreach (var (pool, _, _) in pairs.Where(pair => !pair.HasRoute && !network.Internal))
        {
            own.SetDefaultRoute(index, IPAddress.Parse(pool!.Gateway));
        }
    }

    // In the calling thread's namespace.
    private static void Set(IReadOnlyList<InterfaceSetting> settings, string link)
    {
        foreach (var setting in settings)
        {
            var path = setting.PathFor(link);
            try
            {
                File.WriteAllText(path, setting.Value);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw BerthException.Invalid(File.Exists(path) ? $"the kernel refuses '{setting.Value}' for {path}: {exception.Message}" : $"{path} is not a sysctl file");
            }
        }
    }

    private static string FreeName(RouteSocket own, string prefix) =>
        Enumerable.Range(0, int.MaxValue).Select(number => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{prefix}{number}")).First(name => own.IndexOf(name) == 0);

    // In the calling thread's namespace. A neighbour that claims to be a router is not believed, and nobody is asked whether an address of
    // our choice is free: until that were known, it could not be used.
    private static void UseIpv6(string link, bool isUsed)
    {
        var settings = "/proc/sys/net/ipv6/conf/" + link;
        if (isUsed)
        {
            File.WriteAllText(settings + "/accept_ra", "0");
            File.WriteAllText(settings + "/accept_dad", "0");
        }

        File.WriteAllText(settings + "/disable_ipv6", isUsed ? "0" : "1");
    }

    private static void Forward(NetworkRecord network)
    {
        if (network.Ipv4 is not null && File.ReadAllText("/proc/sys/net/ipv4/ip_forward").Trim() == "0")
        {
            File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1");
        }

        if (network.Ipv6 is null || File.ReadAllText("/proc/sys/net/ipv6/conf/all/forwarding").Trim() != "0")
        {
            return;
        }

        // A host that forwards listens to routers no more, and would lose its own way out: 2 says that it does nevertheless.
        foreach (var setting in Directory.GetDirectories("/proc/sys/net/ipv6/conf").Select(directory => directory + "/accept_ra"))
        {
            if (File.ReadAllText(setting).Trim() == "1")
            {
                File.WriteAllText(setting, "2");
            }
        }

        File.WriteAllText("/proc/sys/net/ipv6/conf/all/forwarding", "1");
    }

    // One without addresses cannot be told from one that is half made.
    private static bool IsComplete(NetworkRecord network) =>
        network.BridgeAddresses().Select(wanted => wanted.Address).ToList() is { Count: > 0 } wanted && wanted.TrueForAll(AddressesOf(network.Bridge).Contains);

    private static List<IPAddress> AddressesOf(string link) =>
        [.. Links().Where(other => other.Name == link).SelectMany(other => other.GetIPProperties().UnicastAddresses).Select(unicast => unicast.Address)];

    private int Mtu(NetworkRecord network) => network.Settings.Mtu ?? _options.Mtu;
}

/// <summary>Which default routes a container has: one a family.</summary>
internal readonly record struct DefaultRoutes(bool Ipv4, bool Ipv6)
{
    private static DefaultRoutes Of(IReadOnlyList<(NetworkRecord Network, Containers.EndpointRecord Endpoint)> endpoints) =>
        new(endpoints.Any(pair => !pair.Network.Internal && pair.Endpoint.Address.Length > 0), endpoints.Any(pair => !pair.Network.Internal && pair.Endpoint.Address6.Length > 0));

    /// <summary>Those that a container has from endpoints that come before one: of a higher gateway priority, or of the same and earlier in the list.</summary>
    internal static DefaultRoutes OfThoseBefore(IReadOnlyList<(NetworkRecord Network, Containers.EndpointRecord Endpoint)> endpoints, int index)
    {
        var own = endpoints[index].Endpoint.Config.GwPriority;
        return Of([.. endpoints.Where((other, i) => other.Endpoint.Config.GwPriority > own || (other.Endpoint.Config.GwPriority == own && i < index))]);
    }
}
