using Berth.Engine.Errors;
using Berth.Engine.Networks;

namespace Berth.Engine.Containers;

// What a container would be, and how one that is there becomes that without being made anew.
public sealed partial class ContainerService
{
    /// <summary>
    /// How a container made from this would be remembered, without what only making it gives: an id, addresses, names for volumes that
    /// have none. Changes nothing.
    /// </summary>
    /// <exception cref="BerthException">No such image or container, or a config that cannot be.</exception>
    public ContainerRecord Preview(string name, ContainerConfig asked, HostConfig host, NetworkingConfig? networking)
    {
        ContainerCreation.ValidateNetworkMode(asked, host);
        using var images = new HeldImages(_images);
        var image = images.Take(asked.Image);
        var config = ContainerCreation.Merge(asked, image.Config);
        host = HostLimits.Fit(Completed(config, host), _cgroups, _ => { });
        return new()
        {
            Id = "",
            Name = name,
            Created = default,
            Config = config,
            HostConfig = host,
            ImageId = image.Id,
            LowerDirectories = [],
            Mounts = MountPlan.Build(config, host, TakenFrom(host.VolumesFrom ?? [])),
            Endpoints = [.. Places(host.NetworkMode, networking?.EndpointsConfig ?? [])],
        };
    }

    /// <summary>Makes of a container what it can become while it runs: its labels, limits, restart policy and health check, its published ports, which of its networks is the first by name, and how it is stopped.</summary>
    /// <param name="wanted">As <see cref="Preview"/> gives it; nothing else of it counts.</param>
    /// <remarks>Connections through a port that is no longer published go on until they end.</remarks>
    /// <exception cref="BerthException">A limit that cannot be, or a port that is taken; nothing is changed then.</exception>
    public async Task ChangeAsync(Container container, ContainerRecord wanted)
    {
        await using var held = await HoldAsync(container).ConfigureAwait(false);
        if (!_containers.ContainsKey(container.Id))
        {
            throw BerthException.NotFound($"No such container: {container.Id}");
        }

        var record = container.Record;
        var host = Changed(record.HostConfig, wanted.HostConfig);
        var config = record.Config with
        {
            Labels = wanted.Config.Labels,
            ExposedPorts = wanted.Config.ExposedPorts,
            Healthcheck = wanted.Config.Healthcheck,
            StopSignal = wanted.Config.StopSignal,
            StopTimeout = wanted.Config.StopTimeout,
        };
        ContainerCreation.Validate(config, host);
        HostLimits.RequireKnown(host, _cgroups);
        if (record.IsRunning && host with { NetworkMode = record.HostConfig.NetworkMode, RestartPolicy = record.HostConfig.RestartPolicy, PortBindings = record.HostConfig.PortBindings } != record.HostConfig)
        {
            await SetLimitsAsync(record, host).ConfigureAwait(false);
        }

        var changed = record with { Config = config, HostConfig = host };
        if (record.IsRunning && !HasSamePorts(record.HostConfig, host))
        {
            await PublishAsync(container, changed).ConfigureAwait(false);
        }
        else
        {
            await SaveAsync(container, changed).ConfigureAwait(false);
        }

        if (record.IsRunning && container.Health is { } state && !IsSame(record.Config.Healthcheck, config.Healthcheck))
        {
            container.HealthLoop?.Cancel();
            StartHealth(container, changed, state); // it goes on serving until the new check has failed
        }

        _events.Publish("container", "update", record.Id, Attributes(changed));
    }

    // What is published as before keeps its host port, also one that the engine has chosen.
    private async Task PublishAsync(Container container, ContainerRecord changed)
    {
        var before = container.Record;
        var kept = new SortedDictionary<string, IReadOnlyList<PortBinding>?>(StringComparer.Ordinal);
        foreach (var (key, bindings) in changed.HostConfig.PortBindings ?? [])
        {
            kept[key] = before.HostConfig.PortBindings?.GetValueOrDefault(key) is { } old && AreSame(old, bindings) ? Present(before, key, old) : bindings;
        }

        var ports = await AllocatePortsAsync(changed with { HostConfig = changed.HostConfig with { PortBindings = kept }, Ports = [] }).ConfigureAwait(false);
        try
        {
            await SaveAsync(container, changed with { Ports = ports }).ConfigureAwait(false);
        }
        catch
        {
            _ports[changed.Id] = before.Ports;
            throw;
        }

        _faults.Reached("container.change.saved");
        _ports[changed.Id] = ports;
        await RefreshTrafficAsync().ConfigureAwait(false);
    }

    private static List<PortBinding> Present(ContainerRecord record, string key, IReadOnlyList<PortBinding> bindings)
    {
        var (port, protocol) = PortAllocation.ParsePort(key);
        List<PortMapping> present = [.. record.Ports.Where(mapping => mapping.ContainerPort == port && mapping.Protocol == protocol)];
        return present.Count == bindings.Count
            ? [.. bindings.Select((binding, number) => binding with { HostPort = present[number].HostPort.ToString(System.Globalization.CultureInfo.InvariantCulture) })]
            : [.. bindings];
    }

    private static bool HasSamePorts(HostConfig first, HostConfig second) =>
        (first.PortBindings?.Count ?? 0) == (second.PortBindings?.Count ?? 0)
        && (first.PortBindings ?? []).All(pair => second.PortBindings!.TryGetValue(pair.Key, out var other) && AreSame(pair.Value, other));

    private static bool AreSame(IReadOnlyList<PortBinding>? first, IReadOnlyList<PortBinding>? second) => (first ?? []).SequenceEqual(second ?? []);

    private static IEnumerable<EndpointRecord> Places(string mode, IReadOnlyDictionary<string, EndpointConfig?> wanted) =>
        mode.StartsWith("container:", StringComparison.Ordinal)
            ? []
            : wanted.Keys.Where(network => network != mode).Prepend(mode).Select(network => new EndpointRecord
            {
                NetworkName = network, NetworkId = "", EndpointId = "", Config = wanted.GetValueOrDefault(network) ?? new(), Address = "", MacAddress = "", HostLink = "",
            });

    private static HostConfig Changed(HostConfig host, HostConfig wanted) => host with
    {
        BlkioWeight = wanted.BlkioWeight,
        CpuShares = wanted.CpuShares,
        NanoCpus = wanted.NanoCpus,
        CpuPeriod = wanted.CpuPeriod,
        CpuQuota = wanted.CpuQuota,
        CpusetCpus = wanted.CpusetCpus,
        Memory = wanted.Memory,
        MemorySwap = wanted.MemorySwap,
        MemoryReservation = wanted.MemoryReservation,
        PidsLimit = wanted.PidsLimit,
        RestartPolicy = wanted.RestartPolicy,
        PortBindings = wanted.PortBindings,
        NetworkMode = IsNetwork(host.NetworkMode) && IsNetwork(wanted.NetworkMode) ? wanted.NetworkMode : host.NetworkMode,
    };

    private static bool IsNetwork(string mode) => mode is not ("host" or "none" or "bridge") && !mode.StartsWith("container:", StringComparison.Ordinal);

    private static bool IsSame(HealthcheckConfig? first, HealthcheckConfig? second) => first is null || second is null
        ? first is null && second is null
        : (first.Test ?? []).SequenceEqual(second.Test ?? []) && first with { Test = null } == second with { Test = null };
}
