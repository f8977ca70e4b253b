using System.Text.Json;
using Berth.Engine.Errors;
using Berth.Engine.Networks;

namespace Berth.Engine.Containers;

public sealed partial class ContainerService
{
    private const string LinkIntent = "container.link";

    /// <summary>Puts a container into one more network; a running one gets its link at once.</summary>
    public async Task ConnectAsync(Container container, NetworkRecord network, EndpointConfig config)
    {
        await using var held = await HoldAsync(container).ConfigureAwait(false);
        var record = container.Record;
        RefuseMixing(record, network);
        if (record.Endpoints.Any(existing => existing.NetworkId == network.Id))
        {
            throw new BerthException(ErrorKind.Forbidden, $"endpoint with name {container.Name} already exists in network {network.Name}");
        }

        var endpoint = await _networks.AllocateAsync(network, config, ServiceKey.Of(record)).ConfigureAwait(false);
        using var joining = Join(record, endpoint);
        var joined = await WithPortsAsync(record with { Endpoints = [.. record.Endpoints, endpoint] }, endpoint).ConfigureAwait(false);
        await using var intent = await BeginLinkAsync(record, endpoint).ConfigureAwait(false);
        await SaveAsync(container, joined).ConfigureAwait(false);
        if (intent is not null)
        {
            try
            {
                _wiring.EnsureBridge(network);
                await _wiring.ConnectAsync(record.Id, network, endpoint, DefaultRoutes.OfThoseBefore(WithNetworks(joined.Endpoints), record.Endpoints.Count)).ConfigureAwait(false);
            }
            catch
            {
                await _wiring.DisconnectAsync(endpoint).ConfigureAwait(false);
                await SaveAsync(container, WithoutPorts(container.Record with { Endpoints = record.Endpoints }), intent).ConfigureAwait(false);
                _networks.Release(endpoint);
                throw;
            }

            await intent.CompleteAsync().ConfigureAwait(false);
        }

        await RefreshTrafficAsync().ConfigureAwait(false);
        _events.Publish("network", "connect", network.Id, new Dictionary<string, string> { ["container"] = record.Id, ["name"] = network.Name, ["type"] = network.Driver });
    }

    /// <summary>Takes a container out of a network.</summary>
    public async Task DisconnectAsync(Container container, NetworkRecord network)
    {
        await using var held = await HoldAsync(container).ConfigureAwait(false);
        var record = container.Record;
        if (network.Driver == "host" && record.HostConfig.NetworkMode == "host")
        {
            throw BerthException.Invalid("container cannot be disconnected from host network or connected to host network");
        }

        var endpoint = record.Endpoints.FirstOrDefault(existing => existing.NetworkId == network.Id)
            ?? throw new BerthException(ErrorKind.Forbidden, $"container {container.Name} is not connected to network {network.Name}");
        await using var intent = await BeginLinkAsync(record, endpoint).ConfigureAwait(false);
        await SaveAsync(container, WithoutPorts(record with { Endpoints = [.. record.Endpoints.Where(existing => existing != endpoint)] })).ConfigureAwait(false);
        await RefreshTrafficAsync().ConfigureAwait(false);
        if (intent is not null)
        {
            await UnlinkAsync(container, endpoint, intent).ConfigureAwait(false);
            Leave([endpoint]);
        }

        _networks.Release(endpoint);
        _events.Publish("network", "disconnect", network.Id, new Dictionary<string, string> { ["container"] = record.Id, ["name"] = network.Name, ["type"] = network.Driver });
    }

    private IDisposable Join(ContainerRecord record, EndpointRecord endpoint)
    {
        try
        {
            return _networks.Join(record with { Endpoints = [endpoint] }, [endpoint.NetworkId]);
        }
        catch
        {
            _networks.Release(endpoint);
            throw;
        }
    }

    // Only what runs has links.
    private async Task<State.Intent?> BeginLinkAsync(ContainerRecord record, EndpointRecord endpoint) =>
        record.IsRunning ? await _state.BeginIntentAsync(LinkIntent, record.Id, EngineJson.Bytes(endpoint)).ConfigureAwait(false) : null;

    private async Task UnlinkAsync(Container container, EndpointRecord endpoint, State.Intent intent)
    {
        await _wiring.DisconnectAsync(endpoint).ConfigureAwait(false);
        await _wiring.LeadOutAsync(container.Id, WithNetworks(container.Record.Endpoints)).ConfigureAwait(false);
        await intent.CompleteAsync().ConfigureAwait(false);
    }

    // The earlier daemon was killed while it took a container into a network, which is undone, or out of one, which is finished: either way it is out.
    private async Task<EndpointRecord> SettleLinkAsync(State.Intent intent)
    {
        var endpoint = JsonSerializer.Deserialize(intent.Data, EngineJson.Default.EndpointRecord)!;
        if (!_containers.TryGetValue(intent.Subject, out var container))
        {
            await intent.CompleteAsync().ConfigureAwait(false);
            return endpoint;
        }

        await using var held = await HoldAsync(container).ConfigureAwait(false);
        var record = container.Record;
        var others = record.Endpoints.Where(other => other.NetworkId != endpoint.NetworkId).ToList();
        if (others.Count < record.Endpoints.Count)
        {
            await SaveAsync(container, WithoutPorts(record with { Endpoints = others })).ConfigureAwait(false);
            _networks.Release(endpoint);
        }

        if (container.Conmon is not null && record.IsRunning)
        {
            await UnlinkAsync(container, endpoint, intent).ConfigureAwait(false);
        }
        else
        {
            await intent.CompleteAsync().ConfigureAwait(false); // it ended meanwhile: its links go with it
        }

        return endpoint;
    }

    private List<(NetworkRecord Network, EndpointRecord Endpoint)> WithNetworks(IReadOnlyList<EndpointRecord> endpoints) =>
        [.. endpoints.Select(endpoint => (_networks.Resolve(endpoint.NetworkId), endpoint))];

    /// <summary>
    /// For as long as a container is being replaced, new connections to its service address and its published TCP ports wait instead of
    /// being refused; the kernel ends that at the latest after <paramref name="duration"/>, also without us. A second call counts anew.
    /// </summary>
    public async Task HoldConnectionsAsync(Container container, TimeSpan duration)
    {
        var record = container.Record;
        var ports = record.Ports.Where(port => port.Protocol == "tcp").Select(port => port.HostPort).Distinct().ToList();
        _traffic.Hold(TrafficRules.HoldKey(record), new(ports, _time.GetUtcNow() + duration));
        await RefreshTrafficAsync().ConfigureAwait(false);
        _ = ForgetHoldAsync(duration);
    }

    /// <summary>Nothing more is done later.</summary>
    internal void Close() => _closing.Cancel();

    // The kernel has ended the hold by then; its empty rules go.
    private async Task ForgetHoldAsync(TimeSpan duration)
    {
        await Task.Delay(duration + TimeSpan.FromMilliseconds(50), _time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_closing.IsCancellationRequested)
        {
            await RefreshTrafficAsync().ConfigureAwait(false);
        }
    }

    // One that runs and had no way out until now: its ports are published.
    private async Task<ContainerRecord> WithPortsAsync(ContainerRecord joined, EndpointRecord endpoint)
    {
        if (!joined.IsRunning || joined.Ports.Count > 0)
        {
            return joined;
        }

        try
        {
            return joined with { Ports = await AllocatePortsAsync(joined).ConfigureAwait(false) };
        }
        catch
        {
            _networks.Release(endpoint);
            throw;
        }
    }

    // One that runs and has no way out any more: its ports are free.
    private ContainerRecord WithoutPorts(ContainerRecord left)
    {
        if (!left.IsRunning || Publishing.Ipv4(left, _networks.All) is not null || Publishing.Ipv6(left, _networks.All) is not null)
        {
            return left;
        }

        _ports[left.Id] = [];
        return left with { Ports = [] };
    }

    // What a network namespace is shared with, and networks without links, stay alone.
    private void RefuseMixing(ContainerRecord record, NetworkRecord network)
    {
        if (record.HostConfig.NetworkMode == "host" || network.Driver == "host")
        {
            throw BerthException.Invalid(network.Driver == "host"
                ? "cannot connect container to host network - container must be created in host network mode"
                : "container cannot be disconnected from host network or connected to host network");
        }

        if (record.HostConfig.NetworkMode.StartsWith("container:", StringComparison.Ordinal))
        {
            throw BerthException.Invalid("container sharing network namespace with another container or host cannot be connected to any other network");
        }

        if (!network.IsBridge || record.Endpoints.Any(existing => !_networks.Resolve(existing.NetworkId).IsBridge))
        {
            throw BerthException.Invalid("container cannot be connected to multiple networks with one of the networks in private (none) mode");
        }
    }

    // Once neither rules nor links lead to them: what others have under way with them ends.
    private void Leave(IReadOnlyList<EndpointRecord> endpoints) => _departed.Leave(Addresses(endpoints), Peers(endpoints));

    // Rules do not lead to them any more, but they still run.
    private Task ForgetClosedAsync(IReadOnlyList<EndpointRecord> endpoints) => _departed.ForgetClosedAsync(Addresses(endpoints), Peers(endpoints));

    private static List<string> Addresses(IReadOnlyList<EndpointRecord> endpoints) => [.. endpoints.Select(endpoint => endpoint.Address).Where(address => address.Length > 0)];

    private List<string> Peers(IReadOnlyList<EndpointRecord> endpoints)
    {
        var networks = endpoints.Select(endpoint => endpoint.NetworkId).ToHashSet(StringComparer.Ordinal);
        return [.. Running().Where(other => other.Record.Endpoints.Any(endpoint => networks.Contains(endpoint.NetworkId))).Select(other => other.Record.Id)];
    }

    /// <summary>Puts endpoints whose network was removed meanwhile into the one that has its name now.</summary>
    /// <exception cref="BerthException">There is none.</exception>
    private async Task JoinAgainAsync(Container container)
    {
        var record = container.Record;
        var known = _networks.All.Select(network => network.Id).ToHashSet(StringComparer.Ordinal);
        if (record.Endpoints.FirstOrDefault(endpoint => !known.Contains(endpoint.NetworkId)) is not { } lost)
        {
            return;
        }

        if (record.StartedAt is not null)
        {
            throw NetworkService.NotThere(lost.NetworkId); // one that ran was on that network, not on one of its name
        }

        var endpoints = new List<EndpointRecord>();
        foreach (var endpoint in record.Endpoints)
        {
            if (known.Contains(endpoint.NetworkId))
            {
                endpoints.Add(endpoint);
                continue;
            }

            var network = _networks.All.FirstOrDefault(network => network.Name == endpoint.NetworkName) ?? throw NetworkService.NotThere(endpoint.NetworkId);
            endpoints.Add(await _networks.AllocateAsync(network, endpoint.Config, ServiceKey.Of(record)).ConfigureAwait(false));
        }

        await SaveAsync(container, record with { Endpoints = endpoints }).ConfigureAwait(false);
    }

    private void PublishJoined(ContainerRecord record, bool joined)
    {
        foreach (var endpoint in record.Endpoints)
        {
            var driver = _networks.All.FirstOrDefault(network => network.Id == endpoint.NetworkId)?.Driver ?? "bridge";
            _events.Publish("network", joined ? "connect" : "disconnect", endpoint.NetworkId, new Dictionary<string, string> { ["container"] = record.Id, ["name"] = endpoint.NetworkName, ["type"] = driver });
        }

        foreach (var mount in record.Mounts.Where(mount => mount.Type == "volume"))
        {
            var attributes = new Dictionary<string, string> { ["container"] = record.Id, ["driver"] = "local" };
            if (joined)
            {
                (attributes["destination"], attributes["read/write"], attributes["propagation"]) = (mount.Destination, mount.ReadWrite ? "true" : "false", mount.Propagation);
            }

            _events.Publish("volume", joined ? "mount" : "unmount", mount.Name, attributes);
        }
    }
}
