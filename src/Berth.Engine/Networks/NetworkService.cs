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
    private readonly StateStore _state;
    private readonly EngineOptions _options;
    private readonly EventBus _events;
    private readonly TimeProvider _time;
    private readonly NetworkWiring _wiring;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, NetworkRecord> _networks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _addresses = new(StringComparer.Ordinal); // by network id

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
            Add(record);
        }

        foreach (var endpoint in containers.SelectMany(container => container.Endpoints))
        {
            if (_addresses.TryGetValue(endpoint.NetworkId, out var used))
            {
                used.Add(endpoint.Address);
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

    public async Task<NetworkRecord> CreateAsync(NetworkConfig config)
    {
        if (!System.Text.RegularExpressions.Regex.IsMatch(config.Name, "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$"))
        {
            throw BerthException.Invalid($"\"{config.Name}\" is not a network name: letters, digits, '_', '.' and '-', and the first a letter or digit.");
        }

        if (config.Driver != "bridge")
        {
            throw BerthException.NotFound($"could not find plugin {config.Driver} in v1 plugin registry: Berth has the drivers bridge, host and none");
        }

        RefuseUnknownOptions(config);
        NetworkRecord record;
        lock (_gate)
        {
            if (_networks.Values.Any(network => network.Name == config.Name))
            {
                throw BerthException.Conflict($"network with name {config.Name} already exists");
            }

            record = Describe(config, NewId());
            Add(record);
        }

        await _state.Documents(Kind).PutAsync(record.Id, EngineJson.Bytes(record)).ConfigureAwait(false);
        _events.Publish("network", "create", record.Id, Attributes(record));
        return record;
    }

    /// <exception cref="BerthException">A container is still on it, or it is predefined.</exception>
    public async Task RemoveAsync(string nameOrId, IReadOnlyCollection<Container> containers)
    {
        var record = Resolve(nameOrId);
        if (record.IsPredefined)
        {
            throw new BerthException(ErrorKind.Forbidden, $"{record.Name} is a pre-defined network and cannot be removed");
        }

        var users = containers.Where(container => container.Record.IsRunning && container.Record.Endpoints.Any(endpoint => endpoint.NetworkId == record.Id))
            .Select(container => container.Name).ToList();
        if (users.Count > 0)
        {
            throw new BerthException(
                ErrorKind.Forbidden, $"error while removing network: network {record.Name} has active endpoints (name:\"{string.Join("\", \"", users)}\")");
        }

        await using var intent = await _state.BeginIntentAsync("network.remove", record.Id, EngineJson.Bytes(record)).ConfigureAwait(false);
        lock (_gate)
        {
            _networks.Remove(record.Id);
            _addresses.Remove(record.Id);
        }

        _wiring.RemoveBridge(record);
        _state.Faults.Reached("network.remove.bridge");
        await _state.CommitAsync(batch => batch.Delete(Kind, record.Id).Close(intent)).ConfigureAwait(false);
        await BridgeRemoved().ConfigureAwait(false);
        _events.Publish("network", "destroy", record.Id, Attributes(record));
    }

    /// <summary>Gives a container an address in a network, as it asks or the lowest that is free.</summary>
    internal async Task<EndpointRecord> AllocateAsync(NetworkRecord network, EndpointConfig config, ServiceKey? service)
    {
        var id = NewId();
        var address = "";
        if (network.IsBridge)
        {
            NetworkRecord? changed = null;
            lock (_gate)
            {
                address = TakeAddress(network, config.IpamConfig?.IPv4Address);
                if (service is { } key && network.HasNames)
                {
                    changed = WithServiceAddress(network.Id, key);
                }
            }

            if (changed is not null)
            {
                await _state.Documents(Kind).PutAsync(changed.Id, EngineJson.Bytes(changed)).ConfigureAwait(false);
            }
        }
        else if (config.IpamConfig?.IPv4Address is { Length: > 0 })
        {
            throw BerthException.Invalid("user specified IP address is supported on user defined networks only");
        }

        return new EndpointRecord
        {
            NetworkName = network.Name,
            NetworkId = network.Id,
            EndpointId = id,
            Config = config,
            Address = address,
            MacAddress = config.MacAddress.Length > 0 ? config.MacAddress : network.IsBridge ? MacFor(address) : "",
            HostLink = "bv" + id[..10],
        };
    }

    internal void Release(EndpointRecord endpoint)
    {
        lock (_gate)
        {
            if (_addresses.TryGetValue(endpoint.NetworkId, out var used))
            {
                used.Remove(endpoint.Address);
            }
        }
    }

    private static Dictionary<string, string> Attributes(NetworkRecord record) => new() { ["name"] = record.Name, ["type"] = record.Driver };

    private static void RefuseUnknownOptions(NetworkConfig config)
    {
        string[] known = ["com.docker.network.bridge.name", "com.docker.network.driver.mtu", "com.docker.network.enable_ipv6"];
        var unknown = config.Options.Keys.Where(key => !known.Contains(key)).ToList();
        if (unknown.Count > 0)
        {
            throw BerthException.Invalid($"Network '{config.Name}': the bridge option '{unknown[0]}' is not supported; known are {string.Join(", ", known)}.");
        }
    }

    private NetworkRecord Describe(NetworkConfig config, string id)
    {
        var subnet = config.Subnet is null
            ? AddressSpace.FreeSubnet(_options.AddressPools, TakenSubnets())
                ?? throw new BerthException(ErrorKind.Unavailable, "all predefined address pools have been fully subnetted; remove a network, or widen default-address-pools")
            : ParseSubnet(config);
        var gateway = config.Gateway is { Length: > 0 } asked
            ? IPAddress.TryParse(asked, out var parsed) && subnet.Contains(parsed) ? parsed : throw BerthException.Invalid($"invalid gateway {asked}: it is not in {subnet}")
            : AddressSpace.ToAddress(AddressSpace.ToNumber(subnet.BaseAddress) + 1);
        return new NetworkRecord
        {
            Id = id,
            Name = config.Name,
            Created = _time.GetUtcNow(),
            Driver = "bridge",
            Subnet = subnet.ToString(),
            Gateway = gateway.ToString(),
            IpRange = config.IpRange ?? "",
            Internal = config.Internal,
            Attachable = config.Attachable,
            Bridge = config.Options.TryGetValue("com.docker.network.bridge.name", out var name) ? name : _options.BridgePrefix + id[..(15 - Math.Max(3, _options.BridgePrefix.Length))],
            Labels = new(config.Labels.ToDictionary(), StringComparer.Ordinal),
            Options = new(config.Options.ToDictionary(), StringComparer.Ordinal),
        };
    }

    private IPNetwork ParseSubnet(NetworkConfig config)
    {
        if (!IPNetwork.TryParse(config.Subnet, out var subnet) || subnet.BaseAddress.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork)
        {
            throw BerthException.Invalid($"invalid subnet {config.Subnet}: it must be an IPv4 range such as 10.5.0.0/24, with no bits set behind the prefix");
        }

        var overlapping = _networks.Values.FirstOrDefault(network => network.IsBridge && AddressSpace.Overlap(network.SubnetRange, subnet));
        return overlapping is null
            ? subnet
            : throw new BerthException(ErrorKind.Forbidden, $"invalid pool request: Pool overlaps with other one on this address space: {subnet} with network {overlapping.Name} ({overlapping.Subnet})");
    }

    private List<IPNetwork> TakenSubnets() =>
        [.. _networks.Values.Where(network => network.IsBridge).Select(network => network.SubnetRange), .. NetworkWiring.HostSubnets()];

    private string TakeAddress(NetworkRecord network, string? asked)
    {
        var used = _addresses[network.Id];
        if (asked is { Length: > 0 })
        {
            if (!IPAddress.TryParse(asked, out var address) || !network.SubnetRange.Contains(address))
            {
                throw BerthException.Invalid($"invalid config for network {network.Name}: {asked} is not in its subnet {network.Subnet}");
            }

            return used.Add(address.ToString()) ? address.ToString() : throw new BerthException(ErrorKind.Forbidden, $"Address already in use: {asked} on network {network.Name}");
        }

        var range = network.IpRange.Length > 0 ? IPNetwork.Parse(network.IpRange) : network.SubnetRange;
        var free = AddressSpace.FreeAddress(network.SubnetRange, range, used)
            ?? throw new BerthException(ErrorKind.Unavailable, $"no available IPv4 addresses on network {network.Name} ({network.Subnet}); remove containers, or make a larger network");
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

        var address = AddressSpace.FreeAddressFromTop(current.SubnetRange, _addresses[networkId])
            ?? throw new BerthException(ErrorKind.Unavailable, $"no available IPv4 addresses on network {current.Name} ({current.Subnet}) for service {key.Service}");
        _addresses[networkId].Add(address.ToString());
        var changed = current with { ServiceAddresses = new(current.ServiceAddresses, StringComparer.Ordinal) { [key.ToString()] = address.ToString() } };
        return _networks[networkId] = changed;
    }

    private async Task PredefineAsync()
    {
        var bridge = Describe(new NetworkConfig { Name = "bridge" }, NewId()) with { IsPredefined = true, Bridge = _options.DefaultBridge };
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
        _addresses[record.Id] = new(StringComparer.Ordinal) { record.Gateway };
        _addresses[record.Id].UnionWith(record.ServiceAddresses.Values);
    }

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    // As Docker does: 02:42 and the address, so that a neighbour's table stays right when an address comes back.
    private static string MacFor(string address) => "02:42:" + string.Join(':', IPAddress.Parse(address).GetAddressBytes().Select(part => part.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
}
