using Berth.Engine.Containers.Devices;
using Berth.Engine.Containers.Files;
using Berth.Engine.Errors;
using Berth.Engine.Networks;
using Berth.Engine.Volumes;

namespace Berth.Engine.Containers;

public sealed partial class ContainerService
{
    /// <summary>Makes a container; nothing of it runs yet, and nothing but its record exists.</summary>
    /// <param name="outOfService">Its service does not lead to it until <see cref="SwitchAsync"/> says so.</param>
    /// <exception cref="BerthException">No such image or network, a name that is taken, or a config that cannot be.</exception>
    /// <param name="warn">Told what this host cannot give and is left out.</param>
    public async Task<Container> CreateAsync(string? name, ContainerConfig asked, HostConfig host, NetworkingConfig? networking, bool outOfService = false, Action<string>? warn = null)
    {
        ContainerCreation.ValidateNetworkMode(asked, host);
        using var images = new HeldImages(_images);
        var image = images.Take(asked.Image);
        var config = ContainerCreation.Merge(asked, image.Config);
        host = Completed(config, host);
        HostLimits.RequireKnown(host, _cgroups);
        host = HostLimits.Fit(host, _cgroups, warn ?? (_ => { }));
        ContainerCreation.Validate(config, host);
        DeviceChoice.WarnOfOptions(host.DeviceRequests ?? [], warn ?? (_ => { }));
        if (_options.UsersOf(host) is not null)
        {
            ContainerCreation.ValidateRemapped(host);
        }

        if (host.Runtime.Length > 0 && host.Runtime != _runtime.Name)
        {
            throw BerthException.Invalid($"unknown or invalid runtime name: {host.Runtime}");
        }

        var (mounts, links) = InvalidIfMissing(() => (MountPlan.Build(config, host, TakenFrom(host.VolumesFrom ?? [])), (host.Links ?? []).Select(link => ContainerLink.Parse(link, Resolve)).ToList()));
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
                Config = WithHostname(config, host, id),
                HostConfig = host,
                ImageId = image.Id,
                LowerDirectories = image.LowerDirectories,
                Mounts = await WithVolumesAsync(mounts, host, images).ConfigureAwait(false),
                Links = links,
                Endpoints = endpoints,
                OutOfService = outOfService,
            };
            await RequireWorkingDirectoryAsync(record, asked.WorkingDir).ConfigureAwait(false);
            var container = new Container(record);
            await SaveAsync(container, record).ConfigureAwait(false);
            _containers[id] = container;
            _events.Publish("container", "create", id, Attributes(record));
            return container;
        }
        catch (Exception exception)
        {
            endpoints.ForEach(_networks.Release);
            _names.TryRemove(chosen, out _);
            if (exception is BerthException { Kind: ErrorKind.NotFound } missing)
            {
                throw new BerthException(ErrorKind.Invalid, missing.Message, missing); // "not found" would have clients pull the image
            }

            throw;
        }
    }

    // One that somebody asks for may be a file in the image; what the image itself says was tried when it was built.
    private async Task RequireWorkingDirectoryAsync(ContainerRecord record, string asked)
    {
        if (asked.Trim('/').Length == 0)
        {
            return;
        }

        var directory = DataDirectory(record.Id);
        try
        {
            using var view = await ContainerView.OpenAsync(record, _options, _remapped, directory, isMounted: false, withMounts: false).ConfigureAwait(false);
            if (view.IsNoDirectory(asked))
            {
                throw BerthException.Invalid($"Cannot mkdir: {asked} is not a directory");
            }
        }
        catch
        {
            DeleteData(record.Id);
            throw;
        }
    }

    // Of a missing container "not found" would have clients pull the image.
    private static T InvalidIfMissing<T>(Func<T> act)
    {
        try
        {
            return act();
        }
        catch (BerthException exception) when (exception.Kind == ErrorKind.NotFound)
        {
            throw BerthException.Invalid(exception.Message);
        }
    }

    /// <summary>Removes a container and all that is its own; named volumes stay.</summary>
    public async Task RemoveAsync(Container container, bool force, bool withAnonymousVolumes)
    {
        if (container.Record.IsRunning && !force)
        {
            throw BerthException.Conflict(
                $"cannot remove container \"{container.Name}\": container is {(container.Record.Status == ContainerStatus.Paused ? "paused" : "running")}: stop the container before removing or force remove");
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
        await container.EndRotationAsync().ConfigureAwait(false);
        _faults.Reached("container.remove.torn-down");
        DeleteData(record.Id);
        await _images.LetGoAsync(record).ConfigureAwait(false);
        prepared?.Conmon.Dispose(); // it has ended with its container
        await _state.CommitAsync(batch =>
        {
            batch.Delete(Kind, record.Id).Close(intent);
            if (prepared is not null)
            {
                batch.Close(prepared.Intent);
            }
        }).ConfigureAwait(false);
        container.IsRemoved = true;
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
            foreach (var mount in record.Mounts.Where(mount => mount.Anonymous && _volumes.Find(mount.Name) is not null && VolumeService.UsersOf(mount.Name, All).Count == 0))
            {
                await _volumes.RemoveAsync(mount.Name, force: true, () => All).ConfigureAwait(false);
            }
        }
    }

    // container:NAME is remembered as container:ID: the other one may get another name.
    private string ById(string mode) => mode.StartsWith("container:", StringComparison.Ordinal) ? "container:" + Resolve(mode["container:".Length..]).Id : mode;

    private string SharedNetwork(string mode)
    {
        try
        {
            return ById(mode);
        }
        catch (BerthException exception) when (exception.Kind == ErrorKind.NotFound)
        {
            throw BerthException.Invalid($"joining network namespace of container: {exception.Message}"); // "not found" would have clients pull the image
        }
    }

    /// <summary>With what holds when nothing is said: clients read it back.</summary>
    private HostConfig Completed(ContainerConfig config, HostConfig host) => host with
    {
        ShmSize = host.ShmSize == 0 ? 64 << 20 : host.ShmSize,
        PortBindings = WithPublishedAll(config, host),
        NetworkMode = host.NetworkMode is "" or "default" ? "bridge" : SharedNetwork(host.NetworkMode),
        IpcMode = host.IpcMode.Length > 0 ? InvalidIfMissing(() => ById(host.IpcMode)) : "private",
        PidMode = InvalidIfMissing(() => ById(host.PidMode)),
        CgroupnsMode = host.CgroupnsMode.Length > 0 ? host.CgroupnsMode : _cgroups.Mode == Linux.Cgroups.CgroupMode.Unified && !host.Privileged ? "private" : "host",
        LogConfig = new() { Type = host.LogConfig.Type.Length > 0 ? host.LogConfig.Type : "json-file", Config = host.LogConfig.Config ?? [] },
        RestartPolicy = host.RestartPolicy.Name.Length > 0 ? host.RestartPolicy : host.RestartPolicy with { Name = "no" },
        MemorySwap = host.Memory > 0 && host.MemorySwap == 0 ? host.Memory * 2 : host.MemorySwap,
        PidsLimit = host.PidsLimit is > 0 ? host.PidsLimit : null,
        Runtime = host.Runtime.Length > 0 ? host.Runtime : _runtime.Name,
        MaskedPaths = host.MaskedPaths ?? (host.Privileged ? null : [.. Runtime.RuntimeSpecBuilder.AllMaskedPaths]),
        ReadonlyPaths = host.ReadonlyPaths ?? (host.Privileged ? null : [.. Runtime.RuntimeSpecBuilder.ReadonlyPaths]),
    };

    private void DeleteData(string id) => FolderDeletion.Delete(DataDirectory(id)); // a client may just be unpacking files into it

    private string Reserve(string? name, string id)
    {
        if (!string.IsNullOrEmpty(name))
        {
            var trimmed = RequireName(name);
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

    // One that shares another's network has its name too.
    private ContainerConfig WithHostname(ContainerConfig config, HostConfig host, string id)
    {
        if (host.NetworkMode.StartsWith("container:", StringComparison.Ordinal))
        {
            var owner = Resolve(host.NetworkMode["container:".Length..]).Record.Config;
            return config with { Hostname = owner.Hostname, Domainname = owner.Domainname };
        }

        return config with { Hostname = config.Hostname.Length > 0 ? config.Hostname : host.NetworkMode == "host" ? Environment.MachineName : id[..12] };
    }

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

    /// <summary>The volumes and binds of containers, <c>NAME[:ro|rw]</c>.</summary>
    private List<MountPoint> TakenFrom(IReadOnlyList<string> sources)
    {
        var taken = new List<MountPoint>();
        foreach (var source in sources)
        {
            var separator = source.IndexOf(':', StringComparison.Ordinal);
            var (name, mode) = separator < 0 ? (source, "") : (source[..separator], source[(separator + 1)..]);
            if (name.Length == 0 || mode is not ("" or "ro" or "rw" or "z" or "Z"))
            {
                throw BerthException.Invalid(name.Length == 0 ? $"invalid volumes-from specification: {source}" : $"invalid mode: {mode}");
            }

            taken.AddRange(Resolve(name).Record.Mounts.Where(mount => mount.Type is "bind" or "volume")
                .Select(mount => mount with { ReadWrite = mount.ReadWrite && mode != "ro", Mode = mode, Anonymous = false, CopyUp = false }));
        }

        return taken;
    }

    private async Task<IReadOnlyList<MountPoint>> WithVolumesAsync(IReadOnlyList<MountPoint> mounts, HostConfig host, HeldImages images)
    {
        var result = new List<MountPoint>();
        foreach (var mount in mounts)
        {
            if (mount.Type == "image")
            {
                var image = images.Take(mount.Name);
                result.Add(mount with { Source = image.Id, LowerDirectories = image.LowerDirectories });
                continue;
            }

            if (mount.Type != "volume")
            {
                result.Add(mount);
                continue;
            }

            var options = host.Mounts?.FirstOrDefault(one => one.Type == "volume" && one.Source == mount.Name && one.Target.TrimEnd('/') == mount.Destination)?.VolumeOptions;
            var volume = await _volumes.CreateAsync(mount.Name, options?.DriverConfig?.Name ?? "local", options?.Labels, options?.DriverConfig?.Options).ConfigureAwait(false);
            result.Add(mount with { Name = volume.Name, Source = _volumes.DataPath(volume.Name) });
        }

        return result;
    }

    private async Task<IReadOnlyList<EndpointRecord>> EndpointsAsync(string id, ContainerConfig config, HostConfig host, NetworkingConfig? networking)
    {
        var mode = host.NetworkMode is "" or "default" ? "bridge" : host.NetworkMode;
        if (mode.StartsWith("container:", StringComparison.Ordinal))
        {
            RefuseWithShared([.. networking?.EndpointsConfig?.Values.OfType<EndpointConfig>() ?? []], config.MacAddress);
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
        var first = wanted.FirstOrDefault(pair => NetworkOf(pair.Key).Id == NetworkOf(mode).Id);
        var own = first.Value ?? new EndpointConfig();
        if (own.MacAddress.Length == 0 && config.MacAddress is { Length: > 0 } mac)
        {
            own = own with { MacAddress = mac }; // where clients of old put it
        }

        var names = new List<(string Name, EndpointConfig Config)> { (mode, own) };
        names.AddRange(wanted.Where(pair => pair.Key != first.Key).Select(pair => (pair.Key, pair.Value ?? new EndpointConfig())));
        var endpoints = new List<EndpointRecord>();
        try
        {
            foreach (var (name, endpointConfig) in names)
            {
                var network = NetworkOf(name);
                try
                {
                    endpoints.Add(await _networks.AllocateAsync(network, endpointConfig, service).ConfigureAwait(false));
                }
                catch (BerthException exception) when (exception.Kind == ErrorKind.Invalid)
                {
                    throw BerthException.Invalid($"invalid config for network {network.Name}: {exception.Message}");
                }
            }

            return endpoints;
        }
        catch
        {
            endpoints.ForEach(_networks.Release);
            throw;
        }
    }

    private static void RefuseWithShared(IReadOnlyList<EndpointConfig> endpoints, string? macAddress)
    {
        if (macAddress is { Length: > 0 } || endpoints.Any(endpoint => endpoint.MacAddress is { Length: > 0 }))
        {
            throw BerthException.Invalid("conflicting options: mac-address and the network mode");
        }

        if (endpoints.Any(endpoint => endpoint.Aliases is { Count: > 0 }))
        {
            throw BerthException.Invalid("network-scoped alias is supported only for containers in user defined networks");
        }
    }

    private NetworkRecord NetworkOf(string name)
    {
        try
        {
            return _networks.Resolve(name);
        }
        catch (BerthException exception) when (exception.Kind == ErrorKind.NotFound)
        {
            throw BerthException.NotFound($"failed to set up container networking: {exception.Message}");
        }
    }
}
