using System.Globalization;
using Berth.Compose.Model;

namespace Berth.Compose.Output;

/// <summary>The model as plain mappings, lists and values, in the words of a compose file: the one source of <c>config</c> and of hashes.</summary>
/// <remarks>Mappings are sorted, so that equal models give equal texts. Values are strings, longs, decimals and bools.</remarks>
internal static class ModelTree
{
    public static SortedDictionary<string, object> Of(ProjectModel project)
    {
        var tree = Map(
            ("name", project.Name),
            ("services", Each(project.Services, Of)),
            ("networks", Each(project.Networks, Of)),
            ("volumes", Each(project.Volumes, Of)),
            ("secrets", Each(project.Secrets, Of)),
            ("configs", Each(project.Configs, Of)));
        foreach (var (key, value) in project.Extensions)
        {
            tree[key] = value;
        }

        return tree;
    }

    public static SortedDictionary<string, object> Of(ServiceModel service) => Map(
        ("image", service.Image),
        ("build", service.Build is { } build ? Of(build) : null),
        ("container_name", service.ContainerName),
        ("command", service.Command is { } command ? Texts(command, keepEmpty: true) : Null.Value),
        ("entrypoint", service.Entrypoint is { } entrypoint ? Texts(entrypoint, keepEmpty: true) : Null.Value),
        ("working_dir", service.WorkingDirectory),
        ("restart", service.Written["restart"]),
        ("expose", service.Written["expose"]),
        ("ports", Items(service.Ports, Of)),
        ("networks", Each(service.Networks, Of)),
        ("network_mode", service.NetworkMode),
        ("volumes", Items(service.Volumes, Of)),
        ("environment", Each(service.Environment, value => (object?)value ?? Null.Value)),
        ("depends_on", Each(service.DependsOn.Concat(service.AbsentDependencies), Of)),
        ("links", Items(service.Links, Of)),
        ("external_links", Items(service.ExternalLinks, Of)),
        ("volumes_from", service.Written["volumes_from"]),
        ("healthcheck", service.Healthcheck is { } check ? Of(check) : null),
        ("labels", Texts(service.Labels)),
        ("hostname", service.Hostname),
        ("domainname", service.DomainName),
        ("user", service.User),
        ("stop_signal", service.StopSignal),
        ("stop_grace_period", Duration(service.StopGracePeriod)),
        ("tty", True(service.Tty)),
        ("stdin_open", True(service.StdinOpen)),
        ("init", service.Init),
        ("privileged", True(service.Privileged)),
        ("read_only", True(service.ReadOnly)),
        ("cap_add", Texts(service.CapAdd)),
        ("cap_drop", Texts(service.CapDrop)),
        ("tmpfs", Texts(service.Tmpfs)),
        ("shm_size", Text(service.ShmSizeBytes)),
        ("ulimits", Each(service.Ulimits, Of)),
        ("sysctls", Texts(service.Sysctls)),
        ("extra_hosts", Hosts(service.ExtraHosts)),
        ("dns", Texts(service.Dns)),
        ("dns_search", Texts(service.DnsSearch)),
        ("dns_opt", Texts(service.DnsOptions)),
        ("logging", service.Logging is { } logging ? Map(("driver", logging.IsDefault ? null : logging.Driver), ("options", Texts(logging.Options))) : null),
        ("mem_limit", service.Deploy?.Limits?.MemoryBytes is null ? Text(service.MemoryLimitBytes) : null),
        ("mem_reservation", service.Deploy?.Reservations?.MemoryBytes is null ? Text(service.MemoryReservationBytes) : null),
        ("memswap_limit", Text(service.MemorySwapLimitBytes)),
        ("cpus", service.Deploy?.Limits?.Cpus is null ? Plain(service.Cpus) : null),
        ("cpu_count", service.Written["cpu_count"]),
        ("cpu_percent", service.Written["cpu_percent"]),
        ("cpu_shares", service.CpuShares),
        ("cpuset", service.CpuSet),
        ("pids_limit", service.Deploy?.Limits?.Pids is null ? service.PidsLimit : null),
        ("pid", service.Pid),
        ("ipc", service.Ipc),
        ("security_opt", Texts(service.SecurityOptions)),
        ("devices", Items(service.Devices, device => Map(("source", device.Source), ("target", device.Target), ("permissions", device.Permissions)))),
        ("gpus", Items(service.Gpus, Of)),
        ("group_add", Texts(service.GroupAdd)),
        ("platform", service.Platform),
        ("annotations", Texts(service.Annotations)),
        ("blkio_config", service.BlockIo is { } io ? Of(io) : null),
        ("cgroup", service.CgroupNamespace),
        ("cgroup_parent", service.CgroupParent),
        ("cpu_period", service.CpuPeriod),
        ("cpu_quota", service.CpuQuota),
        ("cpu_rt_period", service.CpuRealtimePeriod),
        ("cpu_rt_runtime", service.CpuRealtimeRuntime),
        ("device_cgroup_rules", Texts(service.DeviceCgroupRules)),
        ("mem_swappiness", Text(service.MemorySwappiness)),
        ("oom_kill_disable", service.OomKillDisable),
        ("oom_score_adj", (long?)service.OomScoreAdjustment),
        ("mac_address", service.MacAddress),
        ("runtime", service.Runtime),
        ("isolation", service.Isolation),
        ("storage_opt", Texts(service.StorageOptions)),
        ("userns_mode", service.UserNamespace),
        ("uts", service.Uts),
        ("pull_policy", service.Written["pull_policy"]),
        ("scale", service.Written["scale"] ?? (service.Scale == 1 || service.Deploy?.Replicas is not null ? null : (long)service.Scale)),
        ("deploy", service.Deploy is { } deploy ? Of(deploy) : null),
        ("secrets", Items(service.Secrets, secret => Of(secret, "/run/secrets/" + secret.Source))),
        ("configs", Items(service.Configs, config => Of(config))),
        ("profiles", Texts(service.Profiles)),
        ("attach", service.Written["attach"]),
        ("post_start", Items(service.PostStart, Of)),
        ("pre_stop", Items(service.PreStop, Of)),
        ("develop", service.Develop.Count == 0 ? null : Map(("watch", Items(service.Develop, Of)))),
        ("x-berth", service.Extension is { } extension ? Of(extension) : null));

    public static SortedDictionary<string, object> Of(NetworkModel network) => network.IsExternal
        ? Map(("name", network.Name), ("ipam", Map()), ("external", true))
        : Map(
            ("name", network.Name),
            ("driver", network.Written["driver"]),
            ("driver_opts", Texts(network.DriverOptions)),
            ("internal", True(network.IsInternal)),
            ("attachable", True(network.IsAttachable)),
            ("enable_ipv4", network.EnableIpv4),
            ("enable_ipv6", network.EnableIpv6),
            ("labels", Texts(network.Labels)),
            ("ipam", Map(("driver", network.Written["ipam_driver"]), ("config", Items(network.Pools, pool =>
                Map(("subnet", pool.Subnet), ("gateway", pool.Gateway), ("ip_range", pool.IpRange), ("aux_addresses", pool.Reserved is { } reserved ? Texts(reserved) : null)))))));

    public static SortedDictionary<string, object> Of(VolumeModel volume) => volume.IsExternal
        ? Map(("name", volume.Name), ("external", true))
        : Map(
            ("name", volume.Name),
            ("driver", volume.Written["driver"]),
            ("driver_opts", Texts(volume.DriverOptions)),
            ("labels", Texts(volume.Labels)));

    public static string Condition(DependencyCondition condition) => condition switch
    {
        DependencyCondition.Healthy => "service_healthy",
        DependencyCondition.CompletedSuccessfully => "service_completed_successfully",
        _ => "service_started",
    };

    private static SortedDictionary<string, object> Of(FileObjectModel one)
    {
        var map = Map(("name", one.Name), ("file", one.File), ("environment", one.Variable));
        if (one is { Variable: null, Content: not null })
        {
            map["content"] = one.Content; // what came from a variable is the caller's secret
        }

        return map;
    }

    private static SortedDictionary<string, object> Of(BuildModel build) => Map(
        ("context", build.Context),
        ("dockerfile", build.DockerfileInline is null ? build.Dockerfile ?? "Dockerfile" : null),
        ("dockerfile_inline", build.DockerfileInline),
        ("args", Each(build.Args.Where(pair => pair.Value is not null), value => value!)),
        ("additional_contexts", Texts(build.AdditionalContexts)),
        ("target", build.Target),
        ("cache_from", build.Written["cache_from"]),
        ("cache_to", build.Written["cache_to"]),
        ("isolation", build.Written["isolation"]),
        ("provenance", build.Written["provenance"]),
        ("sbom", build.Written["sbom"]),
        ("ssh", Items(build.Ssh, agent => agent.Path is null ? agent.Id : $"{agent.Id}={agent.Path}")),
        ("entitlements", Items(build.Entitlements, one => one)),
        ("privileged", True(build.Privileged)),
        ("labels", Texts(build.Labels)),
        ("extra_hosts", Hosts(build.ExtraHosts)),
        ("network", build.Network),
        ("no_cache", True(build.NoCache)),
        ("pull", True(build.Pull)),
        ("platforms", build.Written["platforms"]),
        ("secrets", Items(build.Secrets, secret => Of(secret))),
        ("shm_size", Text(build.ShmSizeBytes)),
        ("tags", Texts(build.Tags)),
        ("ulimits", Each(build.Ulimits, Of)));

    private static object Of(UlimitModel limit) => limit.IsSingle ? limit.Soft : Map(("soft", limit.Soft), ("hard", limit.Hard));

    private static List<object>? Hosts(IReadOnlyList<string> hosts) =>
        Items([.. hosts.OrderBy(host => host.Split(':', 2)[0], StringComparer.Ordinal)], host => host.Split(':', 2) is [var name, var address] ? $"{name}={address}" : host);

    private static SortedDictionary<string, object> Of(HookModel hook) => Map(
        ("command", Texts(hook.Command)),
        ("user", hook.User),
        ("privileged", True(hook.Privileged)),
        ("working_dir", hook.WorkingDirectory),
        ("environment", Each(hook.Environment, value => (object?)value ?? Null.Value)));

    private static SortedDictionary<string, object> Of(WatchModel watch) => Map(
        ("path", watch.Path),
        ("action", watch.Action switch
        {
            WatchAction.SyncAndRestart => "sync+restart",
            WatchAction.SyncAndExec => "sync+exec",
            var action => action.ToString().ToLowerInvariant(),
        }),
        ("target", watch.Target),
        ("exec", watch.Exec is { } exec ? Of(exec) : Map(("command", Null.Value))),
        ("include", Texts(watch.Include)),
        ("ignore", Texts(watch.Ignore)),
        ("initial_sync", True(watch.InitialSync)));

    private static SortedDictionary<string, object> Of(PortModel port) => Map(
        ("name", port.Name),
        ("mode", port.Mode),
        ("app_protocol", port.ApplicationProtocol),
        ("host_ip", port.HostIp?.Trim('[', ']')),
        ("published", port.PublishedFirst is null ? null
            : port.PublishedFirst == port.PublishedLast ? $"{port.PublishedFirst}" : $"{port.PublishedFirst}-{port.PublishedLast}"),
        ("target", (long)port.Target),
        ("protocol", port.Protocol));

    private static object Of(ServiceNetwork network) => (object?)MapOrNull(
        ("aliases", Texts(network.Aliases)),
        ("ipv4_address", network.Ipv4Address),
        ("ipv6_address", network.Ipv6Address),
        ("mac_address", network.MacAddress),
        ("priority", network.Priority == 0 ? null : (long)network.Priority),
        ("gw_priority", network.GatewayPriority == 0 ? null : (long)network.GatewayPriority),
        ("driver_opts", Texts(network.DriverOptions)),
        ("link_local_ips", Texts(network.LinkLocalAddresses)),
        ("interface_name", network.InterfaceName)) ?? Null.Value;

    private static object Of(LinkModel link) => link.Alias == link.Target ? link.Target : $"{link.Target}:{link.Alias}";

    private static SortedDictionary<string, object> Of(BlockIoModel io) => Map(
        ("weight", (long?)io.Weight),
        ("weight_device", Rates(io.WeightDevice, "weight")),
        ("device_read_bps", Rates(io.ReadBytes, "rate")),
        ("device_write_bps", Rates(io.WriteBytes, "rate")),
        ("device_read_iops", Rates(io.ReadOperations, "rate")),
        ("device_write_iops", Rates(io.WriteOperations, "rate")));

    private static List<object>? Rates(IReadOnlyList<DeviceRateModel> rates, string field) => Items(rates, rate => Map(("path", rate.Path), (field, rate.Value)));

    private static SortedDictionary<string, object> Of(MountModel mount) => Map(
        ("type", mount.Kind.ToString().ToLowerInvariant()),
        ("source", mount.Source),
        ("target", mount.Target),
        ("read_only", mount.Kind == MountKind.Image ? mount.Written["read_only"] : True(mount.ReadOnly)),
        (mount.Kind.ToString().ToLowerInvariant(), !mount.Written.Has(Binding.MountBinder.Details) ? null : mount.Kind switch
        {
            MountKind.Bind => Map(
                ("create_host_path", mount.CreatesHostPath ? mount.Written["create_host_path"] : false),
                ("propagation", mount.Propagation),
                ("recursive", mount.Recursive),
                ("selinux", mount.Written["selinux"])),
            MountKind.Volume => Map(("nocopy", True(mount.NoCopy)), ("subpath", mount.Subpath), ("labels", mount.Labels is { } labels ? Texts(labels) : null)),
            MountKind.Image => Map(("subpath", mount.Subpath)),
            _ => Map(("size", Text(mount.TmpfsSizeBytes)), ("mode", (long?)mount.TmpfsMode)),
        }));

    private static SortedDictionary<string, object> Of(Dependency dependency) => Map(
        ("condition", Condition(dependency.Condition)),
        ("restart", True(dependency.Restart)),
        ("required", dependency.Required));

    private static SortedDictionary<string, object> Of(HealthcheckModel check) => Map(
        ("test", check.IsNone ? Texts(["NONE"]) : check.Test is { } test ? Texts(test) : null),
        ("interval", Duration(check.Interval)),
        ("timeout", Duration(check.Timeout)),
        ("retries", (long?)check.Retries),
        ("start_period", Duration(check.StartPeriod)),
        ("start_interval", Duration(check.StartInterval)),
        ("disable", True(check is { IsDisabled: true, IsNone: false })));

    private static SortedDictionary<string, object> Of(FileReference reference, string? standardTarget = null) => Map(
        ("source", reference.Source),
        ("target", reference.WrittenTarget ?? standardTarget),
        ("uid", reference.UserId),
        ("gid", reference.GroupId),
        ("mode", Octal(reference.Mode)));

    private static SortedDictionary<string, object> Of(PlacementModel placement) => Map(
        ("constraints", Texts(placement.Constraints)),
        ("preferences", Items(placement.Spreads, spread => Map(("spread", spread)))),
        ("max_replicas_per_node", (long?)placement.MaximumPerNode));

    private static SortedDictionary<string, object> Of(DeployModel deploy) => Map(
        ("mode", deploy.Mode),
        ("placement", deploy.Placement is { } placement ? Of(placement) : Map()),
        ("replicas", (long?)deploy.Replicas),
        ("endpoint_mode", deploy.EndpointMode),
        ("resources", Map(
            ("limits", deploy.Limits is { } limits ? Of(limits) : null),
            ("reservations", deploy.Reservations is { } reservations ? Of(reservations) : null))),
        ("restart_policy", deploy.RestartPolicy is { } policy ? Of(policy) : null),
        ("update_config", deploy.Update is { } update ? Of(update) : null),
        ("rollback_config", deploy.Rollback is { } rollback ? Of(rollback) : null),
        ("labels", Texts(deploy.Labels)));

    private static SortedDictionary<string, object> Of(ResourcesModel resources) =>
        Map(("cpus", Plain(resources.Cpus)), ("memory", Text(resources.MemoryBytes)), ("pids", resources.Pids), ("devices", Items(resources.Devices, Of)));

    private static SortedDictionary<string, object> Of(DeviceRequestModel request) => Map(
        ("capabilities", Texts(request.Capabilities)),
        ("driver", request.Driver),
        ("count", (long?)request.Count),
        ("device_ids", Texts(request.Names)),
        ("options", Texts(request.Options)));

    private static SortedDictionary<string, object> Of(DeployRestartPolicy policy) => Map(
        ("condition", policy.Condition),
        ("delay", Duration(policy.Delay)),
        ("max_attempts", (long?)policy.MaximumAttempts),
        ("window", Duration(policy.Window)));

    private static SortedDictionary<string, object> Of(UpdateConfig update) => Map(
        ("parallelism", (long?)update.Parallelism),
        ("delay", Duration(update.Delay)),
        ("failure_action", update.FailureAction),
        ("monitor", Duration(update.Monitor)),
        ("max_failure_ratio", update.MaximumFailureRatio),
        ("order", update.Order));

    private static SortedDictionary<string, object> Of(ServiceExtension extension) => Map(
        ("roll", extension.Roll is not { } roll ? null : Map(
            ("order", roll.Order), ("min", Percent(roll.MinimumPercent)), ("max", Percent(roll.MaximumPercent)), ("drain", Duration(roll.Drain)), ("watch", Duration(roll.Watch)))),
        ("ready", extension.Ready is not { } ready ? null : Map(
            ("check", ready.Path is null ? ready.Kind == ReadyKind.PostgreSql ? "postgres" : ready.Kind.ToString().ToLowerInvariant() : null),
            ("http", ready.Path), ("port", (long?)ready.Port), ("timeout", Duration(ready.Timeout)))),
        ("release", True(extension.Release)),
        ("refresh", Texts(extension.Refresh)));

    private static string? Percent(int? percent) => percent is { } number ? FormattableString.Invariant($"{number}%") : null;

    private static string? Duration(TimeSpan? duration) => duration is { } time ? GoText(time) : null;

    /// <summary>A duration as Go writes it: <c>1m30s</c>, <c>500ms</c>.</summary>
    private static string GoText(TimeSpan time)
    {
        if (time < TimeSpan.FromSeconds(1))
        {
            return time.Ticks == 0 ? "0s"
                : time.TotalMilliseconds >= 1 ? FormattableString.Invariant($"{time.TotalMilliseconds:0.####}ms")
                : time.TotalMicroseconds >= 1 ? FormattableString.Invariant($"{time.TotalMicroseconds:0.#}µs") : FormattableString.Invariant($"{time.TotalNanoseconds:0}ns");
        }

        var hours = (long)time.TotalHours;
        var seconds = (time.Ticks % TimeSpan.TicksPerMinute) / (decimal)TimeSpan.TicksPerSecond;
        if (hours == 0 && time.Minutes == 0)
        {
            return FormattableString.Invariant($"{seconds:0.#######}s");
        }

        var text = hours > 0 ? FormattableString.Invariant($"{hours}h{time.Minutes}m") : FormattableString.Invariant($"{time.Minutes}m");
        return text + FormattableString.Invariant($"{seconds:0.#######}s");
    }

    private static string? Octal(int? mode) => mode is { } bits ? "0" + Convert.ToString(bits, 8) : null;

    // Without zeros at its end.
    private static decimal? Plain(decimal? number) => number / 1.0000000000000000000000000000m;

    private static string? Text(long? number) => number?.ToString(CultureInfo.InvariantCulture);

    private static bool? True(bool value) => value ? true : null;

    private static List<object>? Texts(IReadOnlyList<string> texts, bool keepEmpty = false) =>
        texts.Count == 0 && !keepEmpty ? null : [.. texts];

    private static SortedDictionary<string, object>? Texts(IReadOnlyDictionary<string, string> texts) => Each(texts, text => text);

    private static List<object>? Items<T>(IReadOnlyList<T> items, Func<T, object> convert) =>
        items.Count == 0 ? null : [.. items.Select(convert)];

    private static SortedDictionary<string, object>? Each<T>(IEnumerable<KeyValuePair<string, T>> values, Func<T, object> convert)
    {
        var map = new SortedDictionary<string, object>(StringComparer.Ordinal);
        foreach (var (key, value) in values)
        {
            map[key] = convert(value);
        }

        return map.Count == 0 ? null : map;
    }

    private static SortedDictionary<string, object>? MapOrNull(params (string Key, object? Value)[] pairs)
    {
        var map = Map(pairs);
        return map.Count == 0 ? null : map;
    }

    private static SortedDictionary<string, object> Map(params (string Key, object? Value)[] pairs)
    {
        var map = new SortedDictionary<string, object>(StringComparer.Ordinal);
        foreach (var (key, value) in pairs)
        {
            if (value is not (null or ""))
            {
                map[key] = value;
            }
        }

        return map;
    }
}

/// <summary>A null that is written, unlike a value that is left out.</summary>
internal sealed class Null
{
    public static Null Value { get; } = new();
}
