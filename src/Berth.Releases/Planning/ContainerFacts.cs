using System.Globalization;
using Berth.Compose;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Devices;

namespace Berth.Releases.Planning;

/// <summary>What a container is made from, as text by the names that compose files have for it. What is as usual is left out. Pure.</summary>
internal static class ContainerFacts
{
    private const string ComposePrefix = "com.docker.compose.";
    private const string Mode = "network_mode";

    /// <summary>In what the two differ, by field.</summary>
    internal static IReadOnlyList<FieldChange> Compare(ContainerRecord actual, ContainerRecord wanted)
    {
        var (old, now) = (Of(actual), Of(wanted));
        return
        [
            .. old.Keys.Union(now.Keys).Order(StringComparer.Ordinal)
                .Select(field => new FieldChange(field, old.GetValueOrDefault(field), now.GetValueOrDefault(field)))
                .Where(change => change.Old != change.New && !(change.Field == Mode && IsOneOfOthers(actual, wanted)))
                .Where(change => change.Field != "image" || actual.ImageId != wanted.ImageId), // one image may have several names
        ];
    }

    // Where a network comes or goes, another may be the first: the links that are there keep their names.
    private static bool IsOneOfOthers(ContainerRecord actual, ContainerRecord wanted)
    {
        var (old, now) = (Networks(actual), Networks(wanted));
        return now.Contains(wanted.HostConfig.NetworkMode) && (!old.Contains(actual.HostConfig.NetworkMode) || !old.SetEquals(now))
            && actual.HostConfig.NetworkMode is not ("host" or "none" or "bridge") && !IsShared(actual.HostConfig.NetworkMode);
    }

    private static HashSet<string> Networks(ContainerRecord record) => [.. record.Endpoints.Select(endpoint => endpoint.NetworkName)];

    internal static SortedDictionary<string, string> Of(ContainerRecord record)
    {
        var facts = new Facts();
        AddProcess(facts, record);
        AddHealthcheck(facts, record.Config.Healthcheck);
        AddPlaces(facts, record);
        AddRights(facts, record.HostConfig);
        AddLimits(facts, record.HostConfig);
        return facts.ByField;
    }

    private static void AddProcess(Facts facts, ContainerRecord record)
    {
        var (config, host) = (record.Config, record.HostConfig);
        facts.Add("container_name", record.Name);
        facts.Add("image", config.Image);
        facts.Add("command", Words(config.Cmd));
        facts.Add("entrypoint", Words(config.Entrypoint));
        facts.Add("working_dir", config.WorkingDir, "/");
        facts.Add("user", config.User);
        facts.Add("tty", config.Tty);
        facts.Add("stdin_open", config.OpenStdin);
        facts.Add("init", host.Init == true);
        facts.Add("stop_signal", config.StopSignal, "SIGTERM");
        facts.Add("stop_grace_period", config.StopTimeout is { } seconds ? Seconds(TimeSpan.FromSeconds(seconds)) : null, "10s");
        facts.Add("restart", host.RestartPolicy.MaximumRetryCount > 0 ? $"{host.RestartPolicy.Name}:{host.RestartPolicy.MaximumRetryCount}" : host.RestartPolicy.Name, "no");
        facts.Add("depends_on", record.Label(ComposeLabels.DependsOn));
        foreach (var variable in config.Env ?? [])
        {
            facts.Add("environment." + variable.Split('=', 2)[0], variable.Split('=', 2) is [_, var value] ? Quoted(value) : null);
        }

        foreach (var (name, value) in config.Labels ?? [])
        {
            facts.Add("labels." + name, name.StartsWith(ComposePrefix, StringComparison.Ordinal) ? null : Quoted(value));
        }

        if (!IsShared(host.NetworkMode)) // else it has the other's
        {
            facts.Add("hostname", config.Hostname, OwnHostname(record));
            facts.Add("domainname", config.Domainname);
        }

        facts.Add("logging.driver", host.LogConfig.Type, "json-file");
        facts.AddAll("logging.options.", host.LogConfig.Config);
        facts.AddAll("annotations.", host.Annotations);
    }

    private static void AddHealthcheck(Facts facts, HealthcheckConfig? check)
    {
        facts.Add("healthcheck.test", check?.Test is ["NONE"] ? "NONE" : Words(check?.Test));
        facts.Add("healthcheck.interval", Nanoseconds(check?.Interval));
        facts.Add("healthcheck.timeout", Nanoseconds(check?.Timeout));
        facts.Add("healthcheck.start_period", Nanoseconds(check?.StartPeriod));
        facts.Add("healthcheck.start_interval", Nanoseconds(check?.StartInterval));
        facts.Add("healthcheck.retries", Number(check?.Retries ?? 0));
    }

    private static void AddPlaces(Facts facts, ContainerRecord record)
    {
        var host = record.HostConfig;
        facts.Add(Mode, host.NetworkMode);
        foreach (var endpoint in record.Endpoints.Where(endpoint => endpoint.NetworkName is not ("host" or "none")))
        {
            facts.Add("networks." + endpoint.NetworkName, Place(record, endpoint.Config));
        }

        facts.Add("expose", Joined(record.Config.ExposedPorts?.Keys));
        foreach (var (port, bindings) in host.PortBindings ?? [])
        {
            facts.Add("ports." + port, Joined((bindings ?? []).Select(binding => binding.HostIp.Length > 0 ? $"{binding.HostIp}:{binding.HostPort}" : binding.HostPort.Length > 0 ? binding.HostPort : "any")));
        }

        foreach (var mount in record.Mounts)
        {
            facts.Add("volumes." + mount.Destination, Mounted(mount));
        }

        facts.Add("dns", Joined(host.Dns));
        facts.Add("dns_search", Joined(host.DnsSearch));
        facts.Add("dns_opt", Joined(host.DnsOptions));
        facts.Add("extra_hosts", Joined(host.ExtraHosts?.Order(StringComparer.Ordinal)));
        facts.Add("links", Joined(host.Links?.Order(StringComparer.Ordinal)));
        facts.Add("storage_opt", Joined(host.StorageOpt?.Select(pair => $"{pair.Key}={pair.Value}")));
    }

    private static void AddRights(Facts facts, HostConfig host)
    {
        facts.Add("privileged", host.Privileged);
        facts.Add("read_only", host.ReadonlyRootfs);
        facts.Add("cap_add", Joined(host.CapAdd?.Order(StringComparer.Ordinal)));
        facts.Add("cap_drop", Joined(host.CapDrop?.Order(StringComparer.Ordinal)));
        facts.Add("security_opt", Joined(host.SecurityOpt));
        facts.Add("group_add", Joined(host.GroupAdd));
        facts.Add("pid", host.PidMode);
        facts.Add("ipc", host.IpcMode, "private");
        facts.Add("uts", host.UtsMode);
        facts.Add("userns_mode", host.UsernsMode);
        facts.Add("cgroup", host.CgroupnsMode);
        facts.Add("cgroup_parent", host.CgroupParent);
        facts.Add("runtime", host.Runtime);
        facts.Add("isolation", host.Isolation, "default");
        facts.AddAll("sysctls.", host.Sysctls);
        facts.Add("devices", Joined(host.Devices?.Select(device => $"{device.PathOnHost}:{device.PathInContainer}:{device.CgroupPermissions}")));
        facts.Add("gpus", Joined(host.DeviceRequests?.Select(Described)));
        facts.Add("device_cgroup_rules", Joined(host.DeviceCgroupRules));
    }

    private static string Described(DeviceRequest request)
    {
        var what = request.DeviceIds is { Count: > 0 } names ? string.Join('+', names) : request.Count == -1 ? "all" : request.Count.ToString(CultureInfo.InvariantCulture);
        var able = string.Join('+', (request.Capabilities ?? []).SelectMany(set => set).Distinct().Order(StringComparer.Ordinal));
        var options = string.Join('+', (request.Options ?? []).Select(pair => $"{pair.Key}={pair.Value}"));
        return string.Join(' ', new[] { request.Driver, what, able, options }.Where(part => part.Length > 0));
    }

    private static void AddLimits(Facts facts, HostConfig host)
    {
        facts.Add("mem_limit", Bytes(host.Memory));
        facts.Add("mem_reservation", Bytes(host.MemoryReservation));
        facts.Add("memswap_limit", host.MemorySwap == -1 ? "-1" : Bytes(host.MemorySwap));
        facts.Add("mem_swappiness", host.MemorySwappiness?.ToString(CultureInfo.InvariantCulture));
        facts.Add("oom_kill_disable", host.OomKillDisable == true);
        facts.Add("oom_score_adj", Number(host.OomScoreAdj));
        facts.Add("cpus", host.NanoCpus == 0 ? null : (host.NanoCpus / 1_000_000_000m).ToString("0.#########", CultureInfo.InvariantCulture));
        facts.Add("cpu_shares", Number(host.CpuShares));
        facts.Add("cpu_period", Number(host.CpuPeriod));
        facts.Add("cpu_quota", Number(host.CpuQuota));
        facts.Add("cpu_rt_period", Number(host.CpuRealtimePeriod));
        facts.Add("cpu_rt_runtime", Number(host.CpuRealtimeRuntime));
        facts.Add("cpuset", host.CpusetCpus);
        facts.Add("pids_limit", Number(host.PidsLimit is > 0 ? host.PidsLimit.Value : 0));
        facts.Add("shm_size", Bytes(host.ShmSize), Bytes(64 << 20));
        foreach (var limit in host.Ulimits ?? [])
        {
            facts.Add("ulimits." + limit.Name, string.Create(CultureInfo.InvariantCulture, $"{limit.Soft}:{limit.Hard}"));
        }

        facts.Add("blkio_config.weight", Number(host.BlkioWeight));
        facts.Add("blkio_config.weight_device", Joined(host.BlkioWeightDevice?.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Path}:{one.Weight}"))));
        foreach (var (name, rates) in new[]
        {
            ("device_read_bps", host.BlkioDeviceReadBps), ("device_write_bps", host.BlkioDeviceWriteBps),
            ("device_read_iops", host.BlkioDeviceReadIops), ("device_write_iops", host.BlkioDeviceWriteIops),
        })
        {
            facts.Add("blkio_config." + name, Joined(rates?.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Path}:{one.Rate}"))));
        }
    }

    private static string OwnHostname(ContainerRecord record) =>
        record.HostConfig.NetworkMode == "host" ? record.Id.Length > 0 ? Environment.MachineName : ""
        : record.Id.Length > 0 ? record.ShortId
        : "";

    private static bool IsShared(string networkMode) => networkMode.StartsWith("container:", StringComparison.Ordinal);

    // Its own name, the one that Compose gave it, and its id are aliases that every client adds or leaves out as it likes.
    private static string Place(ContainerRecord record, EndpointConfig config)
    {
        var words = new List<string>();
        var given = $"{record.Label(ComposeLabels.Project)}-{record.Label(ComposeLabels.Service)}-{record.Label(ComposeLabels.ContainerNumber)}"; // whatever it is called by now
        var aliases = (config.Aliases ?? []).Where(alias => alias != record.Name && alias != given && (record.Id.Length == 0 || !record.Id.StartsWith(alias, StringComparison.Ordinal)));
        words.AddRange(aliases.Distinct().Order(StringComparer.Ordinal));
        words.AddRange(new[] { config.IpamConfig?.IPv4Address, config.IpamConfig?.IPv6Address, config.MacAddress }.OfType<string>().Where(text => text.Length > 0));
        words.AddRange(config.IpamConfig?.LinkLocalIPs ?? []);
        words.AddRange((config.Links ?? []).Select(link => "link " + link));
        words.AddRange((config.DriverOpts ?? []).OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}"));
        if (config.GwPriority != 0)
        {
            words.Add(string.Create(CultureInfo.InvariantCulture, $"gw_priority {config.GwPriority}"));
        }

        return words.Count > 0 ? string.Join(", ", words) : "yes";
    }

    private static string Mounted(MountPoint mount)
    {
        var isNameless = mount is { Type: "volume" } && (mount.Name.Length == 0 || mount.Anonymous || IsMadeUp(mount.Name));
        var words = new List<string> { isNameless ? "a volume of its own" : mount.Type switch { "bind" => mount.Source, "tmpfs" => "tmpfs", "image" => "image " + mount.Name, _ => mount.Name } };
        if (mount.Subpath.Length > 0)
        {
            words[0] += "/" + mount.Subpath;
        }

        words.AddRange(mount.Options.Split(',', StringSplitOptions.RemoveEmptyEntries));
        if (!mount.ReadWrite)
        {
            words.Add("ro");
        }

        if (mount.NonRecursive || mount.ReadOnlyNonRecursive)
        {
            words.Add(mount.NonRecursive ? "recursive: disabled" : "recursive: writable");
        }

        if (mount is { Type: "bind", Propagation: not ("" or "rprivate") })
        {
            words.Add(mount.Propagation);
        }

        return string.Join(", ", words);
    }

    /// <summary>A volume that nobody named has 64 hexadecimal digits; after moving to a new container nothing else tells it apart.</summary>
    internal static bool IsMadeUp(string volume) => volume.Length == 64 && volume.All(char.IsAsciiHexDigitLower);

    private static string? Joined(IEnumerable<string>? texts) => texts is null ? null : string.Join(", ", texts);

    private static string? Words(IReadOnlyList<string>? words) => words is { Count: > 0 } ? string.Join(' ', words.Select(word => word.Length > 0 && !word.Any(letter => letter is ' ' or '"' or '\'' or '\n' or '\t') ? word : Quoted(word))) : null;

    private static string Quoted(string text) => $"\"{System.Text.Json.JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static string? Number(long number) => number == 0 ? null : number.ToString(CultureInfo.InvariantCulture);

    private static string? Bytes(long bytes) => bytes switch
    {
        0 => null,
        _ when bytes % (1 << 30) == 0 => string.Create(CultureInfo.InvariantCulture, $"{bytes >> 30}g"),
        _ when bytes % (1 << 20) == 0 => string.Create(CultureInfo.InvariantCulture, $"{bytes >> 20}m"),
        _ when bytes % (1 << 10) == 0 => string.Create(CultureInfo.InvariantCulture, $"{bytes >> 10}k"),
        _ => bytes.ToString(CultureInfo.InvariantCulture),
    };

    private static string? Nanoseconds(long? nanoseconds) => nanoseconds is null or 0 ? null : Seconds(TimeSpan.FromTicks(nanoseconds.Value / TimeSpan.NanosecondsPerTick));

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#######}s");

    private sealed class Facts
    {
        internal SortedDictionary<string, string> ByField { get; } = new(StringComparer.Ordinal);

        /// <param name="usual">What it is when nobody says anything.</param>
        internal void Add(string field, string? value, string? usual = null)
        {
            if (value is { Length: > 0 } && value != usual)
            {
                ByField[field] = value;
            }
        }

        internal void Add(string field, bool value) => Add(field, value ? "true" : null);

        internal void AddAll(string prefix, IEnumerable<KeyValuePair<string, string>>? pairs)
        {
            foreach (var (key, value) in pairs ?? [])
            {
                Add(prefix + key, Quoted(value));
            }
        }
    }
}
