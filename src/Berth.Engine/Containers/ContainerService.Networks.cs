using Berth.Engine.Errors;
using Berth.Engine.Networks;

namespace Berth.Engine.Containers;

public sealed partial class ContainerService
{
    /// <summary>Puts a container into one more network; a running one gets its link at once.</summary>
    public async Task ConnectAsync(Container container, NetworkRecord network, EndpointConfig config)
    {
        await using var held = await HoldAsync(container).ConfigureAwait(false);
        var record = container.Record;
        if (!network.IsBridge || record.Endpoints.Any(existing => !_networks.Resolve(existing.NetworkId).IsBridge) || record.HostConfig.NetworkMode.StartsWith("container:", StringComparison.Ordinal))
        {
            throw new BerthException(ErrorKind.Forbidden, $"container {container.Name} cannot be connected to network {network.Name}: only bridges can be joined together");
        }

        if (record.Endpoints.Any(existing => existing.NetworkId == network.Id))
        {
            throw new BerthException(ErrorKind.Forbidden, $"endpoint with name {container.Name} already exists in network {network.Name}");
        }

        var endpoint = await _networks.AllocateAsync(network, config, ServiceKey.Of(record)).ConfigureAwait(false);
        await SaveAsync(container, record with { Endpoints = [.. record.Endpoints, endpoint] }).ConfigureAwait(false);
        if (record.IsRunning)
        {
            _wiring.EnsureBridge(network);
            var hasDefault = record.Endpoints.Any(existing => !_networks.Resolve(existing.NetworkId).Internal);
            await _wiring.ConnectAsync(record.Id, network, endpoint, record.Endpoints.Count, hasDefault).ConfigureAwait(false);
        }

        await RefreshTrafficAsync().ConfigureAwait(false);
        _events.Publish("network", "connect", network.Id, new Dictionary<string, string> { ["container"] = record.Id, ["name"] = network.Name, ["type"] = network.Driver });
    }

    /// <summary>Takes a container out of a network.</summary>
    public async Task DisconnectAsync(Container container, NetworkRecord network)
    {
        await using var held = await HoldAsync(container).ConfigureAwait(false);
        var record = container.Record;
        var endpoint = record.Endpoints.FirstOrDefault(existing => existing.NetworkId == network.Id)
            ?? throw new BerthException(ErrorKind.Forbidden, $"container {container.Name} is not connected to network {network.Name}");
        await SaveAsync(container, record with { Endpoints = [.. record.Endpoints.Where(existing => existing != endpoint)] }).ConfigureAwait(false);
        await RefreshTrafficAsync().ConfigureAwait(false);
        if (record.IsRunning)
        {
            _wiring.Disconnect(endpoint);
            Leave([endpoint]);
        }

        _networks.Release(endpoint);
        _events.Publish("network", "disconnect", network.Id, new Dictionary<string, string> { ["container"] = record.Id, ["name"] = network.Name, ["type"] = network.Driver });
    }

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
}
