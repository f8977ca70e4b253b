using Berth.Engine.Errors;
using Berth.Engine.Networks;

namespace Berth.Engine.Containers;

public sealed partial class ContainerService
{
    /// <summary>Makes a container; nothing of it runs yet, and nothing but its record exists.</summary>
    /// <param name="outOfService">Its service does not lead to it until <see cref="SwitchAsync"/> says so.</param>
    /// <exception cref="BerthException">No such image or network, a name that is taken, or a config that cannot be.</exception>
    public async Task<Container> CreateAsync(string? name, ContainerConfig asked, HostConfig host, NetworkingConfig? networking, bool outOfService = false)
    {
        var image = _images.Resolve(asked.Image);
        var config = ContainerCreation.Merge(asked, image.Config);
        host = host with { ShmSize = host.ShmSize > 0 ? host.ShmSize : 64 << 20, PortBindings = WithPublishedAll(config, host) };
        ContainerCreation.Validate(config, host);
        var mounts = MountPlan.Build(config, host);
        _ = Runtime.Capabilities.For(host.Privileged, host.CapAdd, host.CapDrop);
        Signals.Parse(config.StopSignal, Signals.Term);

        var id = ContainerCreation.NewId();
        var chosen = Reserve(name, id);
        var endpoints = new List<EndpointRecord>();
        try
        {
            endpoints.AddRange(await EndpointsAsync(id, config, host, networking).ConfigureAwait(false));
            var record = new ContainerRecord
            {
                Id = id,
                Name = chosen,
                Created = _time.GetUtcNow(),
                Config = config with { Hostname = Hostname(config, host, id) },
                HostConfig = host,
                ImageId = image.Id,
                LowerDirectories = image.LowerDirectories,
                Mounts = await WithVolumesAsync(mounts).ConfigureAwait(false),
                Endpoints = endpoints,
                OutOfService = outOfService,
            };
            var container = new Container(record);
            await SaveAsync(container, record).ConfigureAwait(false);
            _containers[id] = container;
            _events.Publish("container", "create", id, Attributes(record));
            return container;
        }
        catch
        {
            endpoints.ForEach(_networks.Release);
            _names.TryRemove(chosen, out _);
            throw;
        }
    }

    /// <summary>Removes a container and all that is its own; named volumes stay.</summary>
    public async Task RemoveAsync(Container container, bool force, bool withAnonymousVolumes)
    {
        if (container.Record.IsRunning && !force)
        {
            throw BerthException.Conflict(
                $"cannot remove container \"/{container.Name}\": container is {(container.Record.Status == ContainerStatus.Paused ? "paused" : "running")}: stop the container before removing or force remove");
        }

        if (container.Record.Status is ContainerStatus.Running or ContainerStatus.Paused or ContainerStatus.Restarting)
        {
            await KillAndWaitAsync(container).ConfigureAwait(false);
        }

        await using var held = await HoldAsync(container).ConfigureAwait(false);
        if (!_containers.ContainsKey(container.Id))
        {
            throw BerthException.NotFound($"No such container: {container.Id}"); // somebody else was faster
        }

        await RemoveHeldAsync(container, withAnonymousVolumes).ConfigureAwait(false);
    }

    private async Task RemoveHeldAsync(Container container, bool withAnonymousVolumes)
    {
        var record = container.Record;
        await using var intent = await _state.BeginIntentAsync("container.remove", record.Id, EngineJson.Bytes(record)).ConfigureAwait(false);
        container.Record = record with { Status = ContainerStatus.Removing };
        var prepared = container.Prepared;
        if (prepared is not null)
        {
            container.Prepared = null;
            _ports.TryRemove(record.Id, out _);
            await RefreshTrafficAsync().ConfigureAwait(false);
        }

        await TearDownAsync(record).ConfigureAwait(false);
        _faults.Reached("container.remove.torn-down");
        DeleteData(record.Id);
        prepared?.Conmon.Dispose(); // it has ended with its container
        await _state.CommitAsync(batch =>
        {
            batch.Delete(Kind, record.Id).Close(intent);
            if (prepared is not null)
            {
                batch.Close(prepared.Intent);
            }
        }).ConfigureAwait(false);
        _containers.TryRemove(record.Id, out _);
        _names.TryRemove(record.Name, out _);
        foreach (var endpoint in record.Endpoints)
        {
            _networks.Release(endpoint);
        }

        _events.Publish("container", "destroy", record.Id, Attributes(record));
        container.Attachments.DropPending();
        container.TellWaiters(removed: true, restarting: false);
        if (withAnonymousVolumes)
        {
            foreach (var mount in record.Mounts.Where(mount => mount.Anonymous && _volumes.Find(mount.Name) is not null))
            {
                await _volumes.RemoveAsync(mount.Name, force: true, All).ConfigureAwait(false);
            }
        }
    }

    private void DeleteData(string id)
    {
        var directory = DataDirectory(id);
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private string Reserve(string? name, string id)
    {
        if (!string.IsNullOrEmpty(name))
        {
            var trimmed = name.TrimStart('/');
            RequireName(trimmed);
            return _names.TryAdd(trimmed, id) ? trimmed : throw BerthException.Conflict(NameInUse(trimmed));
        }

        string generated;
        do
        {
            generated = NameGenerator.Next();
        }
        while (!_names.TryAdd(generated, id) && !_names.TryAdd(generated += id[..4], id));
        return generated;
    }

    private static string Hostname(ContainerConfig config, HostConfig host, string id) =>
        config.Hostname.Length > 0 ? config.Hostname : host.NetworkMode == "host" ? Environment.MachineName : id[..12];

    // Of "publish all", every exposed port that has no binding gets a free host port.
    private static SortedDictionary<string, IReadOnlyList<PortBinding>?> WithPublishedAll(ContainerConfig config, HostConfig host)
    {
        var bindings = new SortedDictionary<string, IReadOnlyList<PortBinding>?>(host.PortBindings ?? [], StringComparer.Ordinal);
        if (host.PublishAllPorts)
        {
            foreach (var port in config.ExposedPorts?.Keys.ToList() ?? [])
            {
                bindings.TryAdd(port, [new PortBinding()]);
            }
        }

        foreach (var key in bindings.Keys)
        {
            PortAllocation.ParsePort(key);
        }

        return bindings;
    }

    private async Task<IReadOnlyList<MountPoint>> WithVolumesAsync(IReadOnlyList<MountPoint> mounts)
    {
        var result = new List<MountPoint>();
        foreach (var mount in mounts)
        {
            if (mount.Type != "volume")
            {
                result.Add(mount);
                continue;
            }

            var volume = await _volumes.CreateAsync(mount.Name, "local", null, null).ConfigureAwait(false);
            result.Add(mount with { Name = volume.Name, Source = _volumes.DataPath(volume.Name) });
        }

        return result;
    }

    private async Task<IReadOnlyList<EndpointRecord>> EndpointsAsync(string id, ContainerConfig config, HostConfig host, NetworkingConfig? networking)
    {
        var mode = host.NetworkMode is "" or "default" ? "bridge" : host.NetworkMode;
        if (mode.StartsWith("container:", StringComparison.Ordinal))
        {
            Resolve(mode["container:".Length..]);
            return [];
        }

        if (config.NetworkDisabled)
        {
            mode = "none";
        }

        var service = ServiceKey.Of(new ContainerRecord
        {
            Id = id, Name = "", Created = default, Config = config, HostConfig = host, ImageId = "", LowerDirectories = [], Mounts = [], Endpoints = [],
        });
        var wanted = networking?.EndpointsConfig ?? [];
        var first = wanted.FirstOrDefault(pair => _networks.Resolve(pair.Key).Id == _networks.Resolve(mode).Id);
        var names = new List<(string Name, EndpointConfig Config)> { (mode, first.Value ?? new EndpointConfig()) };
        names.AddRange(wanted.Where(pair => pair.Key != first.Key).Select(pair => (pair.Key, pair.Value ?? new EndpointConfig())));
        var endpoints = new List<EndpointRecord>();
        try
        {
            foreach (var (name, endpointConfig) in names)
            {
                var network = _networks.Resolve(name);
                if (endpointConfig.IpamConfig?.IPv4Address is { Length: > 0 } && network.IsPredefined)
                {
                    throw BerthException.Invalid("user specified IP address is supported on user defined networks only");
                }

                endpoints.Add(await _networks.AllocateAsync(network, endpointConfig, service).ConfigureAwait(false));
            }

            return endpoints;
        }
        catch
        {
            endpoints.ForEach(_networks.Release);
            throw;
        }
    }
}
