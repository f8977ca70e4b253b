using System.Globalization;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Devices;

namespace Berth.Releases.Projects;

/// <summary>What a container is made from, beside its service.</summary>
/// <param name="Number">From one.</param>
/// <param name="ImageId">Of the image it is created from.</param>
/// <param name="Files">Host paths of secrets and configs, by <see cref="ProjectFiles.KeyOf"/>.</param>
/// <param name="InheritedVolumes">Anonymous volumes of the container it replaces: path in the container → volume.</param>
/// <param name="ContainerOfService">The id of a container of another service whose namespace it shares.</param>
internal sealed record ServiceContainerInputs(
    int Number,
    string Name,
    string Image,
    string ImageId,
    IReadOnlyDictionary<string, string> Files,
    IReadOnlyDictionary<string, string> InheritedVolumes,
    Func<string, string> ContainerOfService)
{
    public bool IsOneOff { get; init; }

    /// <summary>A one-off container is not found by the service's name unless it was asked for.</summary>
    public bool HasAliases { get; init; } = true;
}

/// <summary>From a service to what the engine creates. Pure.</summary>
internal sealed record ServiceContainer(string Name, ContainerConfig Config, HostConfig Host, NetworkingConfig Networking)
{
    internal const string EndpointModeLabel = "org.berth.endpoint-mode";

    internal static ServiceContainer Describe(ProjectModel project, ServiceModel service, ServiceContainerInputs inputs) => new(
        inputs.Name, Configuration(project, service, inputs), HostConfiguration(project, service, inputs), Endpoints(project, service, inputs));

    private static ContainerConfig Configuration(ProjectModel project, ServiceModel service, ServiceContainerInputs inputs) => new()
    {
        Image = inputs.Image,
        Hostname = service.Hostname ?? "",
        Domainname = service.DomainName ?? "",
        User = service.User ?? "",
        Tty = service.Tty,
        OpenStdin = service.StdinOpen,
        AttachStdout = true,
        AttachStderr = true,
        Env = [.. service.Environment.Select(pair => pair.Value is { } value ? $"{pair.Key}={value}" : pair.Key)],
        Cmd = service.Command,
        Entrypoint = service.Entrypoint,
        WorkingDir = service.WorkingDirectory ?? "",
        StopSignal = service.StopSignal,
        StopTimeout = service.StopGracePeriod is { } period ? (int)Math.Ceiling(period.TotalSeconds) : null,
        Healthcheck = Health(service.Healthcheck),
        ExposedPorts = Sorted(service.Expose.Concat(service.Ports.Select(PortKey)).Distinct(), key => key, _ => EmptyObject.Value),
        Labels = Labels(project, service, inputs),
    };

    private static SortedDictionary<string, string> Labels(ProjectModel project, ServiceModel service, ServiceContainerInputs inputs)
    {
        var labels = new SortedDictionary<string, string>(
            ComposeLabels.ForContainer(project, service, inputs.Number, inputs.ImageId, inputs.IsOneOff).ToDictionary(), StringComparer.Ordinal);
        if (service.Deploy?.EndpointMode is { } mode)
        {
            labels[EndpointModeLabel] = mode;
        }

        if (!inputs.IsOneOff && ContainerHooks.Describe(service) is { } hooks)
        {
            labels[ContainerHooks.Label] = hooks;
        }

        return labels;
    }

    private static HealthcheckConfig? Health(HealthcheckModel? check) => check switch
    {
        null => null,
        { IsDisabled: true } => new() { Test = ["NONE"] },
        _ => new()
        {
            Test = check.Test,
            Interval = Nanoseconds(check.Interval),
            Timeout = Nanoseconds(check.Timeout),
            Retries = check.Retries ?? 0,
            StartPeriod = Nanoseconds(check.StartPeriod),
            StartInterval = Nanoseconds(check.StartInterval),
        },
    };

    private static long Nanoseconds(TimeSpan? time) => (time?.Ticks ?? 0) * TimeSpan.NanosecondsPerTick;

    private static HostConfig HostConfiguration(ProjectModel project, ServiceModel service, ServiceContainerInputs inputs) => new()
    {
        NetworkMode = NetworkMode(project, service, inputs),
        PortBindings = Sorted(service.Ports.GroupBy(PortKey), group => group.Key, group => (IReadOnlyList<PortBinding>?)[.. group.Select(Binding)]),
        RestartPolicy = new() { Name = RestartName(service.Restart.Condition), MaximumRetryCount = service.Restart.MaximumRetries },
        Mounts = [.. Mounts(project, service, inputs)],
        Tmpfs = Sorted(service.Tmpfs, text => text.Split(':', 2)[0], text => text.Split(':', 2) is [_, var options] ? options : ""),
        CapAdd = service.CapAdd,
        CapDrop = service.CapDrop,
        Dns = service.Dns,
        DnsSearch = service.DnsSearch,
        DnsOptions = service.DnsOptions,
        ExtraHosts = service.ExtraHosts,
        GroupAdd = service.GroupAdd,
        Links = service.NetworkMode == "bridge" ? Links(project, service) : null,
        VolumesFrom = service.VolumesFrom.Count > 0
            ? [.. service.VolumesFrom.Select(one => (one.IsContainer ? one.Source : inputs.ContainerOfService(one.Source)) + (one.ReadOnly ? ":ro" : ""))]
            : null,
        PidMode = Namespace(service.Pid, inputs),
        IpcMode = Namespace(service.Ipc, inputs),
        Privileged = service.Privileged,
        ReadonlyRootfs = service.ReadOnly,
        SecurityOpt = service.SecurityOptions,
        ShmSize = service.ShmSizeBytes ?? 0,
        Sysctls = Sorted(service.Sysctls, pair => pair.Key, pair => pair.Value),
        Memory = service.MemoryLimitBytes ?? 0,
        MemoryReservation = service.MemoryReservationBytes ?? 0,
        MemorySwap = service.MemorySwapLimitBytes ?? 0,
        NanoCpus = (long)((service.Cpus ?? 0) * 1_000_000_000),
        CpuShares = service.CpuShares ?? 0,
        CpusetCpus = service.CpuSet ?? "",
        PidsLimit = service.PidsLimit,
        Ulimits = [.. service.Ulimits.Select(pair => new UlimitConfig { Name = pair.Key, Soft = pair.Value.Soft, Hard = pair.Value.Hard })],
        DeviceRequests = Requests(service),
        Devices = service.Devices.All(device => device.IsName) ? null : [.. service.Devices.Where(device => !device.IsName).Select(device => new DeviceMapping { PathOnHost = device.Source, PathInContainer = device.Target, CgroupPermissions = device.Permissions })],
        Init = service.Init,
        Annotations = Sorted(service.Annotations, pair => pair.Key, pair => pair.Value),
        BlkioWeight = service.BlockIo?.Weight ?? 0,
        BlkioWeightDevice = service.BlockIo?.WeightDevice is { Count: > 0 } weights ? [.. weights.Select(one => new DeviceWeight { Path = one.Path, Weight = (int)one.Value })] : null,
        BlkioDeviceReadBps = Rates(service.BlockIo?.ReadBytes),
        BlkioDeviceWriteBps = Rates(service.BlockIo?.WriteBytes),
        BlkioDeviceReadIops = Rates(service.BlockIo?.ReadOperations),
        BlkioDeviceWriteIops = Rates(service.BlockIo?.WriteOperations),
        CgroupnsMode = service.CgroupNamespace ?? "",
        CgroupParent = service.CgroupParent ?? "",
        CpuPeriod = service.CpuPeriod ?? 0,
        CpuQuota = service.CpuQuota ?? 0,
        CpuRealtimePeriod = service.CpuRealtimePeriod ?? 0,
        CpuRealtimeRuntime = service.CpuRealtimeRuntime ?? 0,
        DeviceCgroupRules = service.DeviceCgroupRules.Count > 0 ? service.DeviceCgroupRules : null,
        MemorySwappiness = service.MemorySwappiness,
        OomKillDisable = service.OomKillDisable,
        OomScoreAdj = service.OomScoreAdjustment ?? 0,
        Runtime = service.Runtime ?? "",
        Isolation = service.Isolation ?? "",
        StorageOpt = Sorted(service.StorageOptions, pair => pair.Key, pair => pair.Value),
        UsernsMode = service.UserNamespace ?? "",
        UtsMode = service.Uts ?? "",
        LogConfig = service.Logging is { } logging
            ? new() { Type = logging.Driver, Config = new(logging.Options.ToDictionary(), StringComparer.Ordinal) }
            : new(),
    };

    // What Docker Compose asks for, in its order: projects that it made stay as they are.
    private static List<DeviceRequest>? Requests(ServiceModel service)
    {
        var names = service.Devices.Where(device => device.IsName).Select(device => device.Source).ToList();
        List<DeviceRequest> requests =
        [
            .. (service.Deploy?.Reservations?.Devices ?? []).Select(one => Request(one, one.Capabilities)),
            .. names.Count > 0 ? new[] { new DeviceRequest { Driver = "cdi", DeviceIds = names } } : [],
            .. service.Gpus.Select(one => Request(one, [.. one.Capabilities, "gpu"])),
        ];
        return requests.Count > 0 ? requests : null;
    }

    private static DeviceRequest Request(DeviceRequestModel model, IReadOnlyList<string> capabilities) => new()
    {
        Driver = model.Driver ?? "",
        Count = model.Count ?? 0,
        DeviceIds = model.Names.Count > 0 ? model.Names : null,
        Capabilities = [capabilities],
        Options = model.Options.Count > 0 ? new(model.Options.ToDictionary(), StringComparer.Ordinal) : null,
    };

    private static List<DeviceRate>? Rates(IReadOnlyList<DeviceRateModel>? rates) =>
        rates is { Count: > 0 } ? [.. rates.Select(one => new DeviceRate { Path = one.Path, Rate = (ulong)one.Value })] : null;

    private static string NetworkMode(ProjectModel project, ServiceModel service, ServiceContainerInputs inputs) =>
        service.NetworkMode is { } mode ? Namespace(mode, inputs)
        : NetworksInOrder(service).FirstOrDefault() is { } first ? project.Networks[first].Name
        : "none";

    private static string Namespace(string? mode, ServiceContainerInputs inputs) =>
        mode is null ? ""
        : mode.StartsWith("service:", StringComparison.Ordinal) ? "container:" + inputs.ContainerOfService(mode["service:".Length..])
        : mode;

    private static string RestartName(RestartCondition condition) => condition switch
    {
        RestartCondition.Always => "always",
        RestartCondition.OnFailure => "on-failure",
        RestartCondition.UnlessStopped => "unless-stopped",
        _ => "no",
    };

    private static string PortKey(PortModel port) => string.Create(CultureInfo.InvariantCulture, $"{port.Target}/{port.Protocol}");

    private static PortBinding Binding(PortModel port) => new()
    {
        HostIp = port.HostIp ?? "",
        HostPort = (port.PublishedFirst, port.PublishedLast) switch
        {
            (null, _) => "",
            ({ } first, { } last) when last != first => string.Create(CultureInfo.InvariantCulture, $"{first}-{last}"),
            ({ } first, _) => first.ToString(CultureInfo.InvariantCulture),
        },
    };

    private static IEnumerable<MountConfig> Mounts(ProjectModel project, ServiceModel service, ServiceContainerInputs inputs)
    {
        var targets = new HashSet<string>(StringComparer.Ordinal);
        foreach (var mount in service.Volumes)
        {
            targets.Add(mount.Target);
            yield return Mount(project, mount, inputs.InheritedVolumes);
        }

        foreach (var reference in service.Secrets)
        {
            targets.Add(reference.Target);
            yield return File(inputs.Files[ProjectFiles.KeyOf("secret", reference)], reference);
        }

        foreach (var reference in service.Configs)
        {
            targets.Add(reference.Target);
            yield return File(inputs.Files[ProjectFiles.KeyOf("config", reference)], reference);
        }

        // A VOLUME of the image: the replaced container's data goes on in the new one.
        foreach (var (target, volume) in inputs.InheritedVolumes.Where(pair => !targets.Contains(pair.Key)).OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            yield return new() { Type = "volume", Source = volume, Target = target };
        }
    }

    private static MountConfig Mount(ProjectModel project, MountModel mount, IReadOnlyDictionary<string, string> inherited) => mount.Kind switch
    {
        MountKind.Bind => new()
        {
            Type = "bind",
            Source = mount.Source!,
            Target = mount.Target,
            ReadOnly = mount.ReadOnly,
            BindOptions = new()
            {
                CreateMountpoint = mount.CreatesHostPath,
                Propagation = mount.Propagation ?? "",
                NonRecursive = mount.Recursive == "disabled",
                ReadOnlyNonRecursive = mount.Recursive == "writable",
                ReadOnlyForceRecursive = mount.Recursive == "readonly",
            },
        },
        MountKind.Volume => new()
        {
            Type = "volume",
            Source = mount.Source is { } key ? project.Volumes[key].Name : inherited.GetValueOrDefault(mount.Target, ""),
            Target = mount.Target,
            ReadOnly = mount.ReadOnly,
            VolumeOptions = new() { NoCopy = mount.NoCopy, Subpath = mount.Subpath ?? "", Labels = mount.Labels is { } labels ? Sorted(labels, pair => pair.Key, pair => pair.Value) : null },
        },
        MountKind.Image => new() { Type = "image", Source = mount.Source!, Target = mount.Target, ReadOnly = true, ImageOptions = new() { Subpath = mount.Subpath ?? "" } },
        _ => new()
        {
            Type = "tmpfs",
            Target = mount.Target,
            ReadOnly = mount.ReadOnly,
            TmpfsOptions = new() { SizeBytes = mount.TmpfsSizeBytes ?? 0, Mode = mount.TmpfsMode ?? 0 },
        },
    };

    private static MountConfig File(string source, FileReference reference) =>
        new() { Type = "bind", Source = source, Target = reference.Target, ReadOnly = true };

    private static NetworkingConfig Endpoints(ProjectModel project, ServiceModel service, ServiceContainerInputs inputs) => new()
    {
        EndpointsConfig = NetworksInOrder(service).ToDictionary(
            key => project.Networks[key].Name, key => (EndpointConfig?)Endpoint(service, service.Networks[key], inputs), StringComparer.Ordinal),
    };

    private static EndpointConfig Endpoint(ServiceModel service, ServiceNetwork network, ServiceContainerInputs inputs) => new()
    {
        Aliases = inputs.HasAliases ? [.. new[] { inputs.Name, service.Name }.Concat(network.Aliases).Distinct()] : [],
        Links = service.Links.Count + service.ExternalLinks.Count > 0 ? [.. service.Links.Concat(service.ExternalLinks).Select(link => $"{link.Target}:{link.Alias}")] : null,
        IpamConfig = network is { Ipv4Address: null, Ipv6Address: null, LinkLocalAddresses.Count: 0 } || inputs.IsOneOff
            ? null
            : new() { IPv4Address = network.Ipv4Address, IPv6Address = network.Ipv6Address, LinkLocalIPs = network.LinkLocalAddresses.Count > 0 ? network.LinkLocalAddresses : null },
        MacAddress = inputs.IsOneOff ? "" : network.MacAddress ?? (ReferenceEquals(network, First(service)) ? service.MacAddress : null) ?? "",
        GwPriority = network.GatewayPriority,
        DriverOpts = DriverOptions(network),
    };

    private static Dictionary<string, string>? DriverOptions(ServiceNetwork network)
    {
        var options = network.DriverOptions.ToDictionary();
        if (network.InterfaceName is { } name)
        {
            options["com.docker.network.endpoint.ifname"] = name; // as Docker Compose says it
        }

        return options.Count > 0 ? options : null;
    }

    // On the default bridge nobody has a name but by the links of old, which are containers'.
    private static List<string>? Links(ProjectModel project, ServiceModel service) =>
        service.Links.Count + service.ExternalLinks.Count == 0 ? null
        :
        [
            .. service.Links.Select(link => $"{project.Services[link.Target].ContainerName ?? ComposeNames.Container(project, link.Target, 1)}:{link.Alias}"),
            .. service.ExternalLinks.Select(link => $"{link.Target}:{link.Alias}"),
        ];

    private static ServiceNetwork? First(ServiceModel service) => NetworksInOrder(service).FirstOrDefault() is { } first ? service.Networks[first] : null;

    // The first is eth0 and the one that HostConfig names: by priority, then by name, as in Compose.
    private static IOrderedEnumerable<string> NetworksInOrder(ServiceModel service) =>
        service.Networks.Keys.OrderByDescending(key => service.Networks[key].Priority).ThenBy(key => key, StringComparer.Ordinal);

    private static SortedDictionary<string, TValue>? Sorted<TItem, TValue>(IEnumerable<TItem> items, Func<TItem, string> key, Func<TItem, TValue> value)
    {
        var sorted = new SortedDictionary<string, TValue>(items.ToDictionary(key, value), StringComparer.Ordinal);
        return sorted.Count == 0 ? null : sorted;
    }
}
