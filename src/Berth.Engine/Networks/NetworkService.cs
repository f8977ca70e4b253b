using System.Net;
using System.Security.Cryptography;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Engine.Events;
using Berth.Engine.State;

namespace Berth.Engine.Networks;

/// <summary>
/// Networks and the addresses in them: making, removing, and which container has which address. The links themselves are
/// the work of <see cref="NetworkWiring"/>, rules and names that of <see cref="TrafficRules"/>.
/// </summary>
public sealed class NetworkService
{
    internal const string Kind = "network";
    internal const string RemoveIntent = "network.remove";
    private readonly StateStore _state;
    private readonly EngineOptions _options;
    private readonly EventBus _events;
    private readonly TimeProvider _time;
    private readonly NetworkWiring _wiring;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, NetworkRecord> _networks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _addresses = new(StringComparer.Ordinal); // by network id
    private readonly List<(string NetworkId, ContainerRecord Container)> _joining = []; // links are being made there
    private readonly HashSet<string> _leaving = new(StringComparer.Ordinal); // ids of networks that are being removed

    internal NetworkService(StateStore state, EngineOptions options, EventBus events, TimeProvider time, NetworkWiring wiring)
    {
        (_state, _options, _events, _time, _wiring) = (state, options, events, time, wiring);
    }

    /// <summary>Takes the rules of a bridge that is gone away.</summary>
    internal Func<Task> BridgeRemoved { get; set; } = () => Task.CompletedTask;

    public IReadOnlyList<NetworkRecord> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _networks.Values];
            }
        }
    }

    /// <summary>Reads the networks back and makes the predefined ones. The containers' addresses count as taken.</summary>
    internal async Task LoadAsync(IEnumerable<ContainerRecord> containers)
    {
        foreach (var (_, data) in _state.Documents(Kind).All())
        {
            var record = System.Text.Json.JsonSerializer.Deserialize(data, EngineJson.Default.NetworkRecord)!;
            Add(record is { IsPredefined: true, IsBridge: true } ? record with { Options = BridgeSettings.Predefined(record.Bridge, _options.Mtu) } : record);
        }

        foreach (var endpoint in containers.SelectMany(container => container.Endpoints))
        {
            if (_addresses.TryGetValue(endpoint.NetworkId, out var used))
            {
                used.UnionWith(endpoint.Addresses);
            }
        }

        if (!_networks.Values.Any(network => network.IsPredefined))
        {
            await PredefineAsync().ConfigureAwait(false);
        }
    }

    /// <summary>By name, id, or a prefix of the id that only one has.</summary>
    public NetworkRecord Resolve(string nameOrId)
    {
        nameOrId = nameOrId == "default" ? "bridge" : nameOrId; // how clients call the network that is used when none is named
        lock (_gate)
        {
            var found = _networks.Values.FirstOrDefault(network => network.Name == nameOrId || network.Id == nameOrId);
            if (found is not null)
            {
                return found;
            }

            var byPrefix = _networks.Values.Where(network => nameOrId.Length > 0 && network.Id.StartsWith(nameOrId, StringComparison.Ordinal)).ToList();
            return byPrefix.Count switch
            {
                1 => byPrefix[0],
                0 => throw BerthException.NotFound($"network {nameOrId} not found"),
                _ => throw BerthException.Invalid($"network {nameOrId} is ambiguous ({byPrefix.Count} matches found on ID prefix)"),
            };
        }
    }

    /// <param name="config">What is asked.</param>
    /// <param name="warn">Told what is left out.</param>
    /// <exception cref="BerthException">A name or range that is taken, or something that cannot be.</exception>
    public async Task<NetworkRecord> CreateAsync(NetworkConfig config, Action<string>? warn = null)
    {
        if (config.Name.Length == 0)
        {
            throw BerthException.Invalid("invalid name: name is empty");
        }

        if (config.Name is "bridge" or "host" or "none" or "default")
        {
            throw new BerthException(ErrorKind.Forbidden, $"operation is not permitted on predefined {config.Name} network");
        }

        if (!System.Text.RegularExpressions.Regex.IsMatch(config.Name, "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$"))
        {
            throw BerthException.Invalid($"\"{config.Name}\" is not a network name: letters, digits, '_', '.' and '-', and the first a letter or digit.");
        }

        if (config.Driver != "bridge")
        {
            throw config.Driver is "host" or "null"
                ? new BerthException(ErrorKind.Forbidden, $"only one instance of \"{config.Driver}\" network is allowed")
                : BerthException.NotFound($"plugin \"{config.Driver}\" not found; Berth has the drivers bridge, host and null");
        }

        NetworkRecord record;
        Task saved;
        lock (_gate)
        {
            if (_networks.Values.Any(network => network.Name == config.Name))
            {
                throw BerthException.Conflict($"network with name {config.Name} already exists");
            }

            record = Describe(config, NewId(), warn ?? (_ => { }));
            Add(record);
            saved = SaveAsync(record);
        }

        try
        {
            await saved.ConfigureAwait(false);
        }
        catch
        {
            Forget(record);
            throw;
        }

        _events.Publish("network", "create", record.Id, Attributes(record));
        return record;
    }

    /// <param name="containers">Those that there are, asked while none can join.</param>
    /// <exception cref="BerthException">A container is still on it, or it is predefined.</exception>
    public async Task RemoveAsync(string nameOrId, Func<IReadOnlyCollection<Container>> containers)
    {
        var record = Resolve(nameOrId);
        if (record.IsPredefined)
        {
            throw new BerthException(ErrorKind.Forbidden, $"{record.Name} is a pre-defined network and cannot be removed");
        }

        lock (_gate)
        {
            RefuseInUse(record, containers());
            if (!_networks.ContainsKey(record.Id) || !_leaving.Add(record.Id))
            {
                throw BerthException.NotFound($"network {nameOrId} not found"); // somebody else was faster
            }
        }

        try
        {
            await using var intent = await _state.BeginIntentAsync(RemoveIntent, record.Id, EngineJson.Bytes(record)).ConfigureAwait(false);
            _wiring.RemoveBridge(record);
            _state.Faults.Reached("network.remove.bridge");
            await _state.CommitAsync(batch => batch.Delete(Kind, record.Id).Close(intent)).ConfigureAwait(false);
            Forget(record);
        }
        finally
        {
            lock (_gate)
            {
                _leaving.Remove(record.Id);
            }
        }

        await BridgeRemoved().ConfigureAwait(false);
        _events.Publish("network", "destroy", record.Id, Attributes(record));
    }

    /// <summary>
    /// Until it is disposed, links are made in these networks for a container that does not count as running yet, and they cannot be removed.
    /// </summary>
    /// <exception cref="BerthException">One of them is gone.</exception>
    internal IDisposable Join(ContainerRecord container, IReadOnlyList<string> networkIds)
    {
        lock (_gate)
        {
            if (networkIds.FirstOrDefault(id => !_networks.ContainsKey(id) || _leaving.Contains(id)) is { } gone)
            {
                throw NotThere(gone);
            }

            _joining.AddRange(networkIds.Select(id => (id, container)));
        }

        return new Joining(this, container);
    }

    internal static BerthException NotThere(string nameOrId) => BerthException.NotFound($"failed to set up container networking: network {nameOrId} not found");

    /// <summary>Gives a container an address in a network, as it asks or the lowest that is free.</summary>
    internal async Task<EndpointRecord> AllocateAsync(NetworkRecord network, EndpointConfig config, ServiceKey? service)
    {
        InterfaceOptions.Check(config, givesAddresses: network is { IsBridge: true, IsPredefined: false });
        var id = NewId();
        var (address, address6) = ("", "");
        if (network.IsBridge)
        {
            var saved = Task.CompletedTask;
            lock (_gate)
            {
                if (!_networks.ContainsKey(network.Id) || _leaving.Contains(network.Id))
                {
                    throw BerthException.NotFound($"network {network.Name} not found"); // somebody has removed it just now
                }

                (address, address6) = TakeAddresses(network, config.IpamConfig);
                if (service is { } key && network is { HasNames: true, Ipv4: not null })
                {
                    saved = WithServiceAddress(network.Id, key) is { } changed ? SaveAsync(changed) : saved;
                }
            }

            await saved.ConfigureAwait(false);
        }

        return new EndpointRecord
        {
            NetworkName = network.Name,
            NetworkId = network.Id,
            EndpointId = id,
            Config = config,
            Address = address,
            Address6 = address6,
            MacAddress = config.MacAddress.Length > 0 ? config.MacAddress : network.IsBridge ? MacFor(address.Length > 0 ? address : address6) : "",
            HostLink = "bv" + id[..10],
        };
    }

    internal void Release(EndpointRecord endpoint)
    {
        lock (_gate)
        {
            if (_addresses.TryGetValue(endpoint.NetworkId, out var used))
            {
                used.ExceptWith(endpoint.Addresses);
            }
        }
    }

    // Begun while the gate is held: what is written of a network comes in the order of its changes, and nothing after its removal.
    private Task SaveAsync(NetworkRecord record) => _state.Documents(Kind).PutAsync(record.Id, EngineJson.Bytes(record));

    private void Forget(NetworkRecord record)
    {
        lock (_gate)
        {
            _networks.Remove(record.Id);
            _addresses.Remove(record.Id);
        }
    }

    private void RefuseInUse(NetworkRecord network, IReadOnlyCollection<Container> containers)
    {
        var users = containers.Where(container => container.Record.IsRunning || container.Prepared is not null).Select(container => container.Record)
            .Concat(_joining.Where(joining => joining.NetworkId == network.Id).Select(joining => joining.Container))
            .Select(record => (record.Name, Endpoint: record.Endpoints.FirstOrDefault(endpoint => endpoint.NetworkId == network.Id)))
            .Where(user => user.Endpoint is not null).Select(user => $"name:\"{user.Name}\" id:\"{user.Endpoint!.EndpointId[..12]}\"").Distinct().ToList();
        if (users.Count > 0)
        {
            throw new BerthException(
                ErrorKind.Forbidden, $"error while removing network: network {network.Name} has active endpoints ({string.Join(", ", users)})");
        }
    }

    private static Dictionary<string, string> Attributes(NetworkRecord record) => new() { ["name"] = record.Name, ["type"] = record.Driver };

    private NetworkRecord Describe(NetworkConfig config, string id, Action<string> warn)
    {
        var settings = BridgeSettings.Check(config.Options, config.Internal);
        var enablesIpv6 = config.EnableIpv6 || settings.EnablesIpv6;
        if (!config.EnableIpv4 && !enablesIpv6)
        {
            throw BerthException.Invalid("IPv4 or IPv6 must be enabled");
        }

        var (ipv4, ipv6) = NetworkPools.Check(config.Pools);
        WarnOfUnused(ipv4, config.EnableIpv4, "IPv4", warn);
        WarnOfUnused(ipv6, enablesIpv6, "IPv6", warn);
        ipv4 = config.EnableIpv4 ? Free(ipv4) ?? NetworkPools.Of(FreeSubnet(_options.AddressPools)) : null;
        ipv6 = enablesIpv6 ? Free(ipv6) ?? NetworkPools.Of(FreeSubnet([OwnIpv6Range()])) : null;
        return new NetworkRecord
        {
            Id = id,
            Name = config.Name,
            Created = _time.GetUtcNow(),
            Driver = "bridge",
            Subnet = ipv4?.Subnet ?? "",
            Gateway = ipv4?.Gateway ?? "",
            IpRange = ipv4?.IpRange ?? "",
            AuxAddresses = ipv4?.AuxAddresses ?? [],
            Ipv6 = ipv6,
            Internal = config.Internal,
            Attachable = config.Attachable,
            Bridge = settings.Name is { } name ? FreeBridge(name) : _options.BridgePrefix + id[..(15 - Math.Max(3, _options.BridgePrefix.Length))],
            KeepsBridge = settings.Name is { } own && NetworkWiring.IsLink(own),
            Labels = new(config.Labels.ToDictionary(), StringComparer.Ordinal),
            Options = new(config.Options.ToDictionary(), StringComparer.Ordinal),
        };
    }

    private static void WarnOfUnused(PoolRecord? pool, bool isEnabled, string family, Action<string> warn)
    {
        if (pool is not null && !isEnabled)
        {
            warn($"The subnet {pool.Subnet} is left out, as {family} is not enabled for the network");
        }
    }

    private PoolRecord? Free(PoolRecord? pool)
    {
        var overlapping = pool is null ? null : _networks.Values.FirstOrDefault(network => network.Pools.Any(other => AddressSpace.Overlap(other.SubnetRange, pool.SubnetRange)));
        return overlapping is null
            ? pool
            : throw new BerthException(ErrorKind.Forbidden,
                $"invalid pool request: Pool overlaps with other one on this address space: {pool!.Subnet} with network {overlapping.Name} ({string.Join(", ", overlapping.Pools.Select(other => other.Subnet))})");
    }

    private IPNetwork FreeSubnet(IEnumerable<AddressPool> pools) =>
        AddressSpace.FreeSubnet(pools, [.. _networks.Values.SelectMany(network => network.Pools).Select(pool => pool.SubnetRange), .. NetworkWiring.HostSubnets()])
            ?? throw new BerthException(ErrorKind.Unavailable, "all predefined address pools have been fully subnetted; remove a network, or widen default-address-pools");

    // A private range that nobody else is likely to have, with a subnet of 64 bits a network: its random part is that of the predefined
    // bridge's id, and so the same for as long as the state is there. RFC 4193, 3.2.
    private AddressPool OwnIpv6Range()
    {
        var id = _networks.Values.First(network => network is { IsPredefined: true, IsBridge: true }).Id;
        return new($"fd{id[..2]}:{id[2..6]}:{id[6..10]}::/48", 64);
    }

    private string FreeBridge(string name)
    {
        if (_networks.Values.FirstOrDefault(network => network.Bridge == name) is { } other)
        {
            throw new BerthException(ErrorKind.Forbidden, $"conflicts with network {other.Id} ({other.Name}): networks have same bridge name");
        }

        return !NetworkWiring.IsLink(name) || NetworkWiring.IsBridge(name)
            ? name
            : throw BerthException.Invalid($"'{name}' is a link of this host that is no bridge; choose another {BridgeSettings.NameOption}");
    }

    private (string Ipv4, string Ipv6) TakeAddresses(NetworkRecord network, EndpointIpamConfig? asked)
    {
        var ipv4 = TakeAddress(network, network.Ipv4, asked?.IPv4Address);
        try
        {
            return (ipv4, TakeAddress(network, network.Ipv6, asked?.IPv6Address));
        }
        catch (BerthException)
        {
            _addresses[network.Id].Remove(ipv4);
            throw;
        }
    }

    private string TakeAddress(NetworkRecord network, PoolRecord? pool, string? asked)
    {
        var used = _addresses[network.Id];
        if (asked is { Length: > 0 })
        {
            var address = pool is null ? null : NetworkPools.ParseAddress(asked, pool.SubnetRange.BaseAddress.AddressFamily);
            if (address is null || !pool!.SubnetRange.Contains(address))
            {
                throw BerthException.Invalid($"invalid endpoint settings:\nno configured subnet contains IP address {asked}");
            }

            return used.Add(address.ToString()) ? address.ToString() : throw new BerthException(ErrorKind.Forbidden, $"Address already in use: {asked} on network {network.Name}");
        }

        if (pool is null)
        {
            return "";
        }

        var free = AddressSpace.FreeAddress(pool.SubnetRange, pool.GivenOut, used)
            ?? throw new BerthException(ErrorKind.Unavailable, $"no available {(pool == network.Ipv6 ? "IPv6" : "IPv4")} addresses on network {network.Name} ({pool.Subnet}); remove containers, or make a larger network");
        used.Add(free.ToString());
        return free.ToString();
    }

    private NetworkRecord? WithServiceAddress(string networkId, ServiceKey key)
    {
        var current = _networks[networkId];
        if (current.ServiceAddresses.ContainsKey(key.ToString()))
        {
            return null;
        }

        var address = AddressSpace.FreeAddressFromTop(current.Ipv4!.SubnetRange, _addresses[networkId])
            ?? throw new BerthException(ErrorKind.Unavailable, $"no available IPv4 addresses on network {current.Name} ({current.Subnet}) for service {key.Service}");
        _addresses[networkId].Add(address.ToString());
        var changed = current with { ServiceAddresses = new(current.ServiceAddresses, StringComparer.Ordinal) { [key.ToString()] = address.ToString() } };
        return _networks[networkId] = changed;
    }

    private async Task PredefineAsync()
    {
        var bridge = Describe(new NetworkConfig { Name = "bridge" }, NewId(), _ => { }) with
        {
            IsPredefined = true, Bridge = _options.DefaultBridge, Options = BridgeSettings.Predefined(_options.DefaultBridge, _options.Mtu),
        };
        var host = new NetworkRecord { Id = NewId(), Name = "host", Created = _time.GetUtcNow(), Driver = "host", IsPredefined = true };
        var none = new NetworkRecord { Id = NewId(), Name = "none", Created = _time.GetUtcNow(), Driver = "null", IsPredefined = true };
        await _state.CommitAsync(batch =>
        {
            foreach (var record in new[] { bridge, host, none })
            {
                Add(record);
                batch.Put(Kind, record.Id, EngineJson.Bytes(record));
            }
        }).ConfigureAwait(false);
    }

    private void Add(NetworkRecord record)
    {
        _networks[record.Id] = record;
        _addresses[record.Id] = new(record.Pools.SelectMany(pool => pool.AuxAddresses.Values.Append(pool.Gateway)), StringComparer.Ordinal);
        _addresses[record.Id].UnionWith(record.ServiceAddresses.Values);
    }

    private sealed class Joining(NetworkService service, ContainerRecord container) : IDisposable
    {
        public void Dispose()
        {
            lock (service._gate)
            {
                service._joining.RemoveAll(joining => ReferenceEquals(joining.Container, container));
            }
        }
    }

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    // As Docker does: 02:42 and the address's last bytes, so that a neighbour's table stays right when an address comes back.
    private static string MacFor(string address) => "02:42:" + string.Join(':', IPAddress.Parse(address).GetAddressBytes()[^4..].Select(part => part.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
}
