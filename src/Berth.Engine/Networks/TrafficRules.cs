using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Berth.Edge.State;
using Berth.Engine.Containers;
using Berth.Linux.Namespaces;
using Berth.Linux.Nftables;

namespace Berth.Engine.Networks;

/// <summary>A running container in its networks, as the rules see it.</summary>
/// <param name="IsPrepared">Its program has not begun: it has its names and rules, but nobody is led to it.</param>
internal sealed record RunningContainer(ContainerRecord Record, bool IsHealthy, IReadOnlyList<PortMapping> Ports, bool IsPrepared = false)
{
    internal bool Serves => !IsPrepared && !Record.OutOfService;
}

/// <summary>Until when a service's clients are not refused, and the host's TCP ports that lead to it.</summary>
internal sealed record ServiceHold(IReadOnlyList<int> Ports, DateTimeOffset Until);

/// <summary>
/// Keeps the host's rules, the rules in each namespace and the data plane's state equal to what runs. Everything is computed
/// anew from a snapshot and applied where it differs, so there is no state to get out of step.
/// </summary>
internal sealed class TrafficRules(EngineOptions options, NetworkWiring wiring, EdgeProcess edge, DepartedEndpoints departed, ForwardAccept forward, TimeProvider time)
{
    private const int OwnGenerationsKept = 256; // more than can wait unread in the monitor
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Dictionary<string, string> _namespaceRules = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ServiceHold> _holds = new(StringComparer.Ordinal); // by service key, or id of a container without service
    private readonly Queue<uint> _ownGenerations = []; // of the host's ruleset, made by us; the latest
    private string _hostRules = "";
    private bool _isClosed;
    private HashSet<int> _servedUdpPorts = [];
    private string _acceptedBridges = "?"; // by the host's own firewall; unknown until the first look

    /// <summary>Pure: the rules for one container's namespace.</summary>
    internal static NamespaceRulesModel NamespaceModel(
        ContainerRecord container, IReadOnlyList<NetworkRecord> networks, IReadOnlyList<RunningContainer> running, IReadOnlyDictionary<string, ServiceHold> holds)
    {
        var joined = Joined(container, networks).Where(network => network.HasNames).ToList();
        var services = joined.SelectMany(network => Services(network, running)).ToList();
        var held = HeldAddresses(joined, holds);
        return new(joined.Count > 0 ? NetworkWiring.DnsPort : 0, services, HeldModel.None with { Vacant = Vacant(held, services), Addresses = held });
    }

    /// <summary>Keeps refusals of a service from its clients until then; takes effect with the next <see cref="RefreshAsync"/>.</summary>
    /// <param name="key">The service, or the id of a container that belongs to none.</param>
    internal void Hold(string key, ServiceHold hold) => _holds[key] = hold;

    /// <summary>Loads the rules of a namespace in the making; called on its thread.</summary>
    internal void LoadInside(ContainerRecord container, IReadOnlyList<NetworkRecord> networks, IReadOnlyList<RunningContainer> running)
    {
        var model = NamespaceModel(container, networks, running, Holds());
        if (model.DnsPort == 0 && model.Services.Count == 0)
        {
            return;
        }

        var rules = NamespaceRules.Render(model);
        Nft.Run(rules + HoldRules.Elements(NamespaceRules.Table, model.Held, time.GetUtcNow()));
        lock (_namespaceRules)
        {
            _namespaceRules[container.Id] = rules + HoldRules.Key(model.Held);
        }
    }

    /// <summary>Applies the snapshot. Calls are ordered; each sees at least the state that its caller saw.</summary>
    /// <param name="snapshot">Taken inside, so that the last call applies the last state.</param>
    internal async Task RefreshAsync(Func<(IReadOnlyList<NetworkRecord> Networks, IReadOnlyList<ContainerRecord> Containers, IReadOnlyList<RunningContainer> Running)> snapshot)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            var (networks, containers, running) = snapshot();
            await edge.ApplyAsync(EdgeStateOf(networks, containers, running)).ConfigureAwait(false);
            ApplyHost(networks, running);
            await ApplyNamespacesAsync(networks, running).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Puts the host's rules back if one of the changes to them was not our own, and looks after the host's own firewall.</summary>
    /// <param name="changes">Transactions in the host's namespace.</param>
    /// <param name="snapshot">As in <see cref="RefreshAsync"/>.</param>
    /// <returns>True when our table had been touched by somebody else and is needed.</returns>
    internal async Task<bool> RestoreAsync(
        IReadOnlyList<NftChange> changes, Func<(IReadOnlyList<NetworkRecord> Networks, IReadOnlyList<ContainerRecord> Containers, IReadOnlyList<RunningContainer> Running)> snapshot)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            var foreign = changes.Where(change => change.Generation is not { } generation || !_ownGenerations.Contains(generation)).ToList();
            if (_hostRules.Length == 0 || foreign.Count == 0)
            {
                return false;
            }

            var isOurs = foreign.Any(change => change.Generation is null || change.Tables.Contains(new("inet", options.Name)));
            if (isOurs)
            {
                (_hostRules, _servedUdpPorts) = ("", []); // what was sent to them meanwhile met no rule
            }

            _acceptedBridges = "?";
            var (networks, _, running) = snapshot();
            ApplyHost(networks, running);
            return isOurs && _hostRules.Length > 0;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Takes the host's rules away for good: what still ends brings none back.</summary>
    internal async Task CloseAsync(IReadOnlyList<NetworkRecord> networks)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            _isClosed = true;
            RemoveHostRules(networks);
        }
        finally
        {
            _gate.Release();
        }
    }

    internal void RemoveHostRules(IReadOnlyList<NetworkRecord> networks)
    {
        AcceptForwarding([], networks);
        RunOnHost(HostRules.Remove(options.Name));
        _hostRules = "";
    }

    private static IEnumerable<NetworkRecord> Joined(ContainerRecord container, IReadOnlyList<NetworkRecord> networks) =>
        container.Endpoints.Select(endpoint => networks.FirstOrDefault(network => network.Id == endpoint.NetworkId)).OfType<NetworkRecord>();

    private static IEnumerable<ServiceAddress> Services(NetworkRecord network, IReadOnlyList<RunningContainer> running)
    {
        foreach (var (key, address) in network.ServiceAddresses)
        {
            var replicas = running.Where(container => container.Serves && ServiceKey.Of(container.Record)?.ToString() == key)
                .Select(container => (container.IsHealthy, Endpoint: container.Record.Endpoints.FirstOrDefault(endpoint => endpoint.NetworkId == network.Id)))
                .Where(replica => replica.Endpoint is not null).ToList();
            var healthy = replicas.Where(replica => replica.IsHealthy).ToList();
            yield return new(address, [.. (healthy.Count > 0 ? healthy : replicas).Select(replica => replica.Endpoint!.Address).Where(own => own.Length > 0).Order(StringComparer.Ordinal)]);
        }
    }

    // Those that last; the others are dropped for good.
    private Dictionary<string, ServiceHold> Holds()
    {
        foreach (var (key, hold) in _holds.Where(pair => pair.Value.Until <= time.GetUtcNow()))
        {
            _holds.TryRemove(new(key, hold));
        }

        return _holds.ToDictionary(StringComparer.Ordinal);
    }

    private static List<Held> HeldAddresses(IEnumerable<NetworkRecord> networks, IReadOnlyDictionary<string, ServiceHold> holds) =>
        [.. networks.SelectMany(network => network.ServiceAddresses).Where(service => holds.ContainsKey(service.Key)).Select(service => new Held(service.Value, holds[service.Key].Until))];

    private static List<Held> Vacant(IEnumerable<Held> held, IReadOnlyList<ServiceAddress> services) =>
        [.. held.Where(one => services.Any(service => service.Address == one.What && service.Replicas.Count == 0))];

    // Here replicas are named too: the data plane connects to them directly when it relays.
    private static HeldModel HostHeld(
        IReadOnlyList<NetworkRecord> bridges, IReadOnlyList<RunningContainer> running, IReadOnlyList<ServiceAddress> services, IReadOnlyList<PublishedPort> published,
        IReadOnlyDictionary<string, ServiceHold> holds)
    {
        var addresses = HeldAddresses(bridges, holds);
        var replicas = running.Where(container => holds.ContainsKey(HoldKey(container.Record)))
            .SelectMany(container => container.Record.Endpoints.Where(endpoint => endpoint.Address.Length > 0).Select(endpoint => new Held(endpoint.Address, holds[HoldKey(container.Record)].Until)));
        var ports = holds.Values.SelectMany(hold => hold.Ports.Select(port => new Held(port.ToString(CultureInfo.InvariantCulture), hold.Until))).DistinctBy(port => port.What).ToList();
        return new(
            Vacant(addresses, services), [.. addresses, .. replicas],
            [.. ports.Where(port => !published.Any(one => one.Protocol == "tcp" && one.HostPort.ToString(CultureInfo.InvariantCulture) == port.What && one.IsServed))], ports);
    }

    /// <summary>Under which key a container's connections are held.</summary>
    internal static string HoldKey(ContainerRecord record) => ServiceKey.Of(record)?.ToString() ?? record.Id;

    private static List<PublishedPort> Published(IReadOnlyList<NetworkRecord> networks, IReadOnlyList<RunningContainer> running)
    {
        var claims = running.Where(container => container.Serves).SelectMany(container =>
        {
            var (ipv4, ipv6) = (Publishing.Ipv4(container.Record, networks)?.Address, Publishing.Ipv6(container.Record, networks)?.Address);
            return container.Ports.Select(port => (container.IsHealthy, port,
                Ipv4: PortAllocation.IsIpv6(port.HostIp) ? null : ipv4, Ipv6: port.HostIp.Length == 0 || PortAllocation.IsIpv6(port.HostIp) ? ipv6 : null,
                Any: new[] { ipv6, ipv4 }.OfType<string>()));
        }).Where(claim => claim.Any.Any());
        return
        [
            .. claims.GroupBy(claim => (claim.port.Protocol, claim.port.HostIp, claim.port.HostPort)).OrderBy(group => group.Key.HostPort).Select(group =>
            {
                var healthy = group.Where(claim => claim.IsHealthy).ToList();
                var serving = healthy.Count > 0 ? healthy : [.. group];
                List<(string Address, int Port)> Targets(Func<(bool, PortMapping, string? Ipv4, string? Ipv6, IEnumerable<string> Any), IEnumerable<string?>> addresses) =>
                    [.. serving.SelectMany(claim => addresses(claim).OfType<string>().Select(address => (address, claim.port.ContainerPort))).Order()];
                return new PublishedPort(
                    group.Key.Protocol, group.Key.HostIp, group.Key.HostPort, Targets(claim => [claim.Ipv4]), Targets(claim => [claim.Ipv6]))
                {
                    Relayed = Targets(claim => claim.Any), // a program that listens on one of its addresses only is found at that one
                };
            }),
        ];
    }

    private EdgeState EdgeStateOf(IReadOnlyList<NetworkRecord> networks, IReadOnlyList<ContainerRecord> containers, IReadOnlyList<RunningContainer> running)
    {
        var serving = running.Where(container => container.Serves).Select(container => container.Record.Id).ToHashSet(StringComparer.Ordinal);
        var named = networks.Where(network => network.HasNames).ToList();
        var tables = named.ToDictionary(network => network.Id, network => NameTable.Build(network, Members(network, containers, serving)));
        return new EdgeState
        {
            Upstreams = Resolvers(),
            Networks = tables,
            Namespaces =
            [
                .. running.Where(container => Joined(container.Record, networks).Any(network => network.HasNames)).Select(container => new EdgeNamespace
                {
                    Id = container.Record.Id,
                    Path = wiring.NamespacePath(container.Record.Id),
                    Port = NetworkWiring.DnsPort,
                    Networks = [.. Joined(container.Record, networks).Where(network => network.HasNames).Select(network => network.Id)],
                    OwnNames = OwnNames(container.Record, named, tables),
                    Upstreams = container.Record.HostConfig.Dns ?? [],
                }),
            ],
            Ports =
            [
                .. Published(networks, running).Where(port => port.Protocol == "tcp").Select(port => new EdgePort
                {
                    HostIp = port.HostIp,
                    Port = port.HostPort,
                    Targets = [.. port.Relayed.Select(target => new IPEndPoint(IPAddress.Parse(target.Address), target.Port).ToString())],
                }),
            ],
        };
    }

    private static List<NameTable.Member> Members(NetworkRecord network, IReadOnlyList<ContainerRecord> containers, HashSet<string> serving) =>
    [
        .. containers.Select(container => (container, Endpoint: container.Endpoints.FirstOrDefault(endpoint => endpoint.NetworkId == network.Id)))
            .Where(pair => pair.Endpoint is not null)
            .Select(pair => new NameTable.Member(pair.container, pair.Endpoint!, serving.Contains(pair.container.Id))),
    ];

    private static Dictionary<string, IReadOnlyList<string>> OwnNames(
        ContainerRecord container, IReadOnlyList<NetworkRecord> networks, Dictionary<string, Dictionary<string, IReadOnlyList<string>>> tables)
    {
        var names = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var network in networks)
        {
            if (container.Endpoints.FirstOrDefault(endpoint => endpoint.NetworkId == network.Id) is { } endpoint)
            {
                foreach (var name in NameTable.OwnNames(network, new NameTable.Member(container, endpoint, true)))
                {
                    names[name] = endpoint.Addresses;
                }

                foreach (var (alias, addresses) in NameTable.Links(endpoint, tables[network.Id]))
                {
                    names[alias] = addresses;
                }
            }
        }

        return names;
    }

    private IReadOnlyList<string> Resolvers()
    {
        if (options.Dns.Count > 0)
        {
            return options.Dns;
        }

        return
        [
            .. File.ReadLines("/etc/resolv.conf").Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
                .Where(words => words.Length >= 2 && words[0] == "nameserver").Select(words => words[1]),
        ];
    }

    private void ApplyHost(IReadOnlyList<NetworkRecord> networks, IReadOnlyList<RunningContainer> running)
    {
        if (_isClosed)
        {
            return;
        }

        // A bridge has its rules for as long as it is there: a container that comes and goes changes nothing.
        var bridges = networks.Where(network => network.IsBridge && NetworkWiring.HasBridge(network)).ToList();
        var holds = Holds();
        if (bridges.Count == 0 && holds.Count == 0)
        {
            if (_hostRules.Length > 0)
            {
                RemoveHostRules(networks);
            }
            else
            {
                AcceptForwarding([], networks); // what a killed daemon left
            }

            _servedUdpPorts = [];
            return;
        }

        var ports = Published(networks, running);
        var services = bridges.SelectMany(network => Services(network, running)).ToList();
        var held = HostHeld(bridges, running, services, ports, holds);
        var opened = running.Where(container => container.Serves).SelectMany(container => Publishing.Opened(container.Record, networks)).Distinct()
            .OrderBy(port => port.Address, StringComparer.Ordinal).ThenBy(port => port.Port).ToList();
        var rules = HostRules.Render(new(options.Name, bridges, ports, services, held) { Opened = opened });
        var key = rules + HoldRules.Key(held);
        if (key != _hostRules)
        {
            RunOnHost(rules + HoldRules.Elements(options.Name, held, time.GetUtcNow()));
            _hostRules = key;
        }

        AcceptForwarding(bridges, networks);
        var udpPorts = ports.Where(port => port.Protocol == "udp").Select(port => port.HostPort).ToHashSet();
        departed.ForgetUnserved(udpPorts.Except(_servedUdpPorts).ToHashSet());
        _servedUdpPorts = udpPorts;
    }

    private void AcceptForwarding(IReadOnlyList<NetworkRecord> bridges, IReadOnlyList<NetworkRecord> networks)
    {
        var accepted = bridges.Select(network => network.Bridge).Order(StringComparer.Ordinal).ToList();
        var accepted6 = bridges.Where(network => network.Ipv6 is not null).Select(network => network.Bridge).Order(StringComparer.Ordinal).ToList();
        var key = $"{string.Join(' ', accepted)} / {string.Join(' ', accepted6)}";
        if (key != _acceptedBridges)
        {
            forward.Apply(accepted, accepted6, [.. networks.Where(network => network.IsBridge).Select(network => network.Bridge)], RunOnHost);
            _acceptedBridges = key;
        }
    }

    private void RunOnHost(string batch)
    {
        if (Nft.RunAsGeneration(batch) is not { } generation)
        {
            return; // it will be taken for another's and looked after once more
        }

        _ownGenerations.Enqueue(generation);
        if (_ownGenerations.Count > OwnGenerationsKept)
        {
            _ownGenerations.Dequeue();
        }
    }

    private async Task ApplyNamespacesAsync(IReadOnlyList<NetworkRecord> networks, IReadOnlyList<RunningContainer> running)
    {
        lock (_namespaceRules)
        {
            foreach (var gone in _namespaceRules.Keys.Except(running.Select(container => container.Record.Id)).ToList())
            {
                _namespaceRules.Remove(gone);
            }
        }

        var holds = Holds();
        foreach (var container in running.Where(container => container.Record.Endpoints.Any(endpoint => endpoint.IsWired)))
        {
            var model = NamespaceModel(container.Record, networks, running, holds);
            var rules = model.DnsPort == 0 && model.Services.Count == 0 ? "" : NamespaceRules.Render(model);
            var key = rules + HoldRules.Key(model.Held);
            string? current;
            lock (_namespaceRules)
            {
                current = _namespaceRules.GetValueOrDefault(container.Record.Id, "");
            }

            if (key == current)
            {
                continue;
            }

            var batch = rules.Length > 0 ? rules + HoldRules.Elements(NamespaceRules.Table, model.Held, time.GetUtcNow()) : "table inet berth\ndelete table inet berth\n";
            if (!await NetworkNamespace.TryRunAsync(wiring.NamespacePath(container.Record.Id), () => Nft.Run(batch)).ConfigureAwait(false))
            {
                continue; // it is about to end
            }

            lock (_namespaceRules)
            {
                _namespaceRules[container.Record.Id] = key;
            }
        }
    }
}
