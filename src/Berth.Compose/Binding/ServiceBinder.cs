using System.Globalization;
using Berth.Compose.Variables;
using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads one service.</summary>
/// <remarks>Compose Specification, 05-services.md.</remarks>
internal sealed class ServiceBinder(ProjectPaths paths, EnvironmentFiles files, Func<string, string?> lookup)
{
    // Keys that the specification has and Berth does not carry out. Anything else that is not read is a misspelling.
    private static readonly string[] s_unsupported =
    [
        "attach", "credential_spec", "gpus", "models", "post_start", "pre_stop", "provider", "use_api_socket",
    ];

    public ServiceModel Read(string name, MapReader service)
    {
        var deploy = DeployBinder.Read(service);
        var volumes = new MountBinder(paths).Read(service);
        var (pull, pullEvery) = ReadPullPolicy(service);
        var model = new ServiceModel
        {
            Name = name,
            Image = NonEmpty(service, "image"),
            Build = ReadBuild(service),
            ContainerName = ReadContainerName(service),
            Command = ReadCommand(service, "command"),
            Entrypoint = ReadCommand(service, "entrypoint"),
            WorkingDirectory = service.Text("working_dir"),
            Restart = ReadRestart(service, deploy),
            Expose = PortBinder.ReadExpose(service),
            Ports = PortBinder.ReadPorts(service),
            Networks = ReadNetworks(service),
            NetworkMode = service.Text("network_mode"),
            Volumes = volumes,
            Environment = ReadEnvironment(service),
            DependsOn = ReadDependencies(service),
            Links = ReadLinks(service, "links"),
            ExternalLinks = ReadLinks(service, "external_links"),
            VolumesFrom = ReadVolumesFrom(service),
            Healthcheck = HealthcheckBinder.Read(service),
            Labels = ReadLabels(service),
            Hostname = service.Text("hostname"),
            DomainName = service.Text("domainname"),
            User = service.Text("user"),
            StopSignal = service.Text("stop_signal"),
            StopGracePeriod = service.Duration("stop_grace_period"),
            Tty = service.Bool("tty") ?? false,
            StdinOpen = service.Bool("stdin_open") ?? false,
            Init = service.Bool("init"),
            Privileged = service.Bool("privileged") ?? false,
            ReadOnly = service.Bool("read_only") ?? false,
            CapAdd = service.Texts("cap_add"),
            CapDrop = service.Texts("cap_drop"),
            Tmpfs = service.Texts("tmpfs"),
            ShmSizeBytes = service.Bytes("shm_size"),
            Ulimits = ReadUlimits(service),
            Sysctls = service.TextMap("sysctls"),
            ExtraHosts = ReadExtraHosts(service),
            Dns = service.Texts("dns"),
            DnsSearch = service.Texts("dns_search"),
            DnsOptions = service.Texts("dns_opt"),
            Logging = ReadLogging(service),
            MemoryLimitBytes = service.Bytes("mem_limit") ?? deploy?.Limits?.MemoryBytes,
            MemoryReservationBytes = service.Bytes("mem_reservation") ?? deploy?.Reservations?.MemoryBytes,
            MemorySwapLimitBytes = service.Bytes("memswap_limit", unlimitedAllowed: true),
            Cpus = service.Decimal("cpus") ?? deploy?.Limits?.Cpus,
            CpuShares = service.Number("cpu_shares", 0, long.MaxValue),
            CpuSet = service.Text("cpuset"),
            PidsLimit = service.Number("pids_limit", -1, long.MaxValue) ?? deploy?.Limits?.Pids,
            Pid = service.Text("pid"),
            Ipc = service.Text("ipc"),
            SecurityOptions = service.Texts("security_opt"),
            Devices = ReadDevices(service),
            GroupAdd = service.Texts("group_add"),
            Platform = service.Text("platform"),
            Annotations = service.TextMap("annotations"),
            BlockIo = ReadBlockIo(service),
            CgroupNamespace = service.OneOf("cgroup", "host", "private"),
            CgroupParent = service.Text("cgroup_parent"),
            CpuPeriod = Microseconds(service, "cpu_period"),
            CpuQuota = Microseconds(service, "cpu_quota"),
            CpuRealtimePeriod = Microseconds(service, "cpu_rt_period"),
            CpuRealtimeRuntime = Microseconds(service, "cpu_rt_runtime"),
            DeviceCgroupRules = service.Texts("device_cgroup_rules"),
            MemorySwappiness = service.Number("mem_swappiness", 0, 100),
            OomKillDisable = service.Bool("oom_kill_disable"),
            OomScoreAdjustment = service.Integer("oom_score_adj", -1000, 1000),
            MacAddress = ReadMacAddress(service),
            Runtime = service.Text("runtime"),
            Isolation = service.Text("isolation"),
            StorageOptions = service.TextMap("storage_opt"),
            UserNamespace = OnlyHost(service, "userns_mode"),
            Uts = OnlyHost(service, "uts"),
            PullPolicy = pull,
            PullEvery = pullEvery,
            Scale = ReadScale(service, deploy),
            Deploy = deploy,
            Secrets = ReadReferences(service, "secrets", "/run/secrets/"),
            Configs = ReadReferences(service, "configs", "/"),
            Profiles = service.Texts("profiles"),
            Extension = ExtensionBinder.Read(service, volumes),
        };
        WarnAboutDevelop(service);
        WarnAboutWindows(service);
        service.Finish(s_unsupported);
        Check(service, model);
        return model;
    }

    private static void Check(MapReader service, ServiceModel model)
    {
        if (model.Image is null && model.Build is null)
        {
            service.Diagnostics.Error(service.Place, $"{service.Path}: needs an 'image' or a 'build'");
        }

        if (model.NetworkMode is { } mode)
        {
            if (service.MapEntries("networks").Count > 0)
            {
                service.Error("network_mode", "cannot stand together with 'networks'");
            }

            if (mode is "host" or "none" && model.Ports.Count > 0)
            {
                service.Error("ports", $"a service with network_mode '{mode}' cannot publish ports");
            }

            if (mode is not ("host" or "none" or "bridge") && !mode.StartsWith("service:", StringComparison.Ordinal) && !mode.StartsWith("container:", StringComparison.Ordinal))
            {
                service.Error("network_mode", $"'{mode}' must be host, none, bridge, service:NAME or container:NAME");
            }
        }

        if (model.ContainerName is not null && model.Scale > 1)
        {
            service.Error("container_name", $"a service with a fixed container name cannot have {model.Scale} containers");
        }

        if (model.MemoryLimitBytes is { } limit && model.MemoryReservationBytes > limit)
        {
            service.Error("mem_reservation", "is larger than the memory limit");
        }
    }

    private static void WarnAboutDevelop(MapReader service)
    {
        if (service.Has("develop"))
        {
            service.Diagnostics.Warning(
                service.PlaceOf("develop"),
                $"{service.Path}.develop: is for 'watch', which Berth does not have; nothing else uses it");
        }
    }

    // Docker takes them on Linux, where they have no effect.
    private static void WarnAboutWindows(MapReader service)
    {
        foreach (var key in new[] { "cpu_count", "cpu_percent" }.Where(service.Has))
        {
            service.Diagnostics.Warning(service.PlaceOf(key), $"{service.Path}.{key}: is for Windows and has no effect here; 'cpus' limits processors");
        }
    }

    private static string? OnlyHost(MapReader service, string key)
    {
        var text = service.Text(key);
        if (text is { Length: > 0 } and not "host")
        {
            service.Error(key, $"'{text}' must be host, or left away");
        }

        return text is { Length: > 0 } ? text : null;
    }

    // Whole microseconds, or a duration.
    private static long? Microseconds(MapReader service, string key)
    {
        if (service.Text(key) is not { } text)
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= -1)
        {
            return number;
        }

        if (GoDuration.TryParse(text, out var duration) && duration > TimeSpan.Zero)
        {
            return duration.Ticks / TimeSpan.TicksPerMicrosecond;
        }

        service.Error(key, $"'{text}' must be a number of microseconds, or a duration such as 50ms");
        return null;
    }

    private static string? ReadMacAddress(MapReader reader)
    {
        var text = reader.Text("mac_address");
        if (text is not null && !System.Text.RegularExpressions.Regex.IsMatch(text, "^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$"))
        {
            reader.Error("mac_address", $"'{text}' must be six bytes such as 02:42:ac:11:00:02");
        }

        return text;
    }

    private static BlockIoModel? ReadBlockIo(MapReader service)
    {
        if (service.Map("blkio_config") is not { } config)
        {
            return null;
        }

        var model = new BlockIoModel(config.Integer("weight", 10, 1000), Rates(config, "weight_device", (device, key) => device.Number(key, 10, 1000), "weight"))
        {
            ReadBytes = Rates(config, "device_read_bps", (device, key) => device.Bytes(key), "rate"),
            WriteBytes = Rates(config, "device_write_bps", (device, key) => device.Bytes(key), "rate"),
            ReadOperations = Rates(config, "device_read_iops", (device, key) => device.Number(key, 0, long.MaxValue), "rate"),
            WriteOperations = Rates(config, "device_write_iops", (device, key) => device.Number(key, 0, long.MaxValue), "rate"),
        };
        config.Finish();
        return model;
    }

    private static List<DeviceRateModel> Rates(MapReader config, string key, Func<MapReader, string, long?> read, string field)
    {
        var rates = new List<DeviceRateModel>();
        foreach (var (item, number) in config.Items(key).Select((item, number) => (item, number)))
        {
            if (item is not MapNode map)
            {
                config.Diagnostics.Error(item.Place, $"{config.Path}.{key}[{number}]: must be a mapping with 'path' and '{field}'");
                continue;
            }

            var device = new MapReader(map, $"{config.Path}.{key}[{number}]", config.Diagnostics);
            var path = device.Text("path");
            var value = read(device, field);
            if (path is null || !device.Has(field))
            {
                config.Diagnostics.Error(map.Place, $"{device.Path}: needs 'path' and '{field}'");
            }

            device.Finish();
            rates.Add(new DeviceRateModel(path ?? "", value ?? 0));
        }

        return rates;
    }

    // Those of the files first, in their order; what stands in the service itself counts.
    private Dictionary<string, string> ReadLabels(MapReader service)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in files.ReadLabels(service))
        {
            labels[name] = value ?? "";
        }

        foreach (var (name, value) in service.TextMap("labels"))
        {
            labels[name] = value;
        }

        return labels;
    }

    private static string? NonEmpty(MapReader service, string key)
    {
        var text = service.Text(key);
        if (text is { Length: 0 })
        {
            service.Error(key, "must not be empty");
        }

        return text;
    }

    private static string? ReadContainerName(MapReader service)
    {
        var name = service.Text("container_name");
        if (name is not null && !ComposeNames.IsContainerName(name))
        {
            service.Error("container_name", $"'{name}' must begin with a letter or digit and go on with letters, digits, '_', '.' and '-'");
        }

        return name;
    }

    private BuildModel? ReadBuild(MapReader service)
    {
        if (service.Map("build") is not { } build)
        {
            return null;
        }

        var context = build.Text("context") ?? ".";
        var isUrl = context.Contains("://", StringComparison.Ordinal) || context.StartsWith("git@", StringComparison.Ordinal);
        var model = new BuildModel(
            isUrl ? context : paths.Resolve(context),
            build.Text("dockerfile"),
            build.Text("dockerfile_inline"),
            Resolved(build.OptionalTextMap("args")),
            build.Text("target"),
            build.TextMap("labels"))
        {
            ExtraHosts = ReadExtraHosts(build),
            Network = build.Text("network"),
            NoCache = build.Bool("no_cache") ?? false,
            Pull = build.Bool("pull") ?? false,
            Platform = ReadBuildPlatform(build, service.Text("platform")),
            Secrets = ReadReferences(build, "secrets", ""),
            ShmSizeBytes = build.Bytes("shm_size"),
            Tags = build.Texts("tags"),
            Ulimits = ReadUlimits(build),
        };
        if (model is { Dockerfile: not null, DockerfileInline: not null })
        {
            build.Error("dockerfile_inline", "cannot stand together with 'dockerfile'");
        }

        WarnAboutBuild(build);
        build.Finish("additional_contexts", "entitlements", "privileged", "ssh");
        return model;
    }

    // What other builders do with them changes neither the image nor what it does.
    private static void WarnAboutBuild(MapReader build)
    {
        foreach (var (key, why) in new[]
        {
            ("cache_from", "Berth's own cache is used"), ("cache_to", "Berth's own cache is filled"), ("isolation", "it is for Windows"), ("provenance", "no attestation is made"), ("sbom", "no attestation is made"),
        })
        {
            if (build.Has(key))
            {
                build.Diagnostics.Warning(build.PlaceOf(key), $"{build.Path}.{key}: has no effect: {why}");
            }
        }
    }

    // Images here are for one platform each: the service's among those of the list, or the only one.
    private static string? ReadBuildPlatform(MapReader build, string? platform)
    {
        var platforms = build.Texts("platforms");
        if (platforms.Count > 0 && platform is not null && !platforms.Contains(platform))
        {
            build.Error("platforms", $"the service's platform '{platform}' is not among them");
        }
        else if (platforms.Count > 1)
        {
            build.Diagnostics.Warning(
                build.PlaceOf("platforms"), $"{build.Path}.platforms: an image is built for one platform, here {platform ?? "this machine's"}");
            return null;
        }

        return platforms.Count == 1 ? platforms[0] : null;
    }

    private static IReadOnlyList<string>? ReadCommand(MapReader service, string key)
    {
        switch (service.Node(key))
        {
            case null:
                return null;
            case ScalarNode scalar:
                try
                {
                    return ShellWords.Split(scalar.Text);
                }
                catch (FormatException mistake)
                {
                    service.Error(key, mistake.Message);
                    return null;
                }

            default:
                return service.Texts(key);
        }
    }

    private static RestartPolicy ReadRestart(MapReader service, DeployModel? deploy)
    {
        var text = service.Text("restart");
        var parts = (text ?? "no").Split(':', 2);
        var retries = 0;
        if (parts.Length == 2
            && (parts[0] != "on-failure" || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out retries)))
        {
            service.Error("restart", $"'{text}' may have a number only as on-failure:NUMBER");
        }

        switch (parts[0])
        {
            case "no" or "false" when text is null && deploy?.RestartPolicy is { } policy:
                return FromDeploy(policy);
            case "no" or "false":
                return RestartPolicy.Never;
            case "always":
                return new RestartPolicy(RestartCondition.Always, 0);
            case "unless-stopped":
                return new RestartPolicy(RestartCondition.UnlessStopped, 0);
            case "on-failure":
                return new RestartPolicy(RestartCondition.OnFailure, retries);
            default:
                service.Error(
                    "restart",
                    $"'{text}' must be no, always, on-failure[:NUMBER] or "
                    + $"unless-stopped.{Nearest.Suggest(parts[0], ["always", "on-failure", "unless-stopped"])}");
                return RestartPolicy.Never;
        }
    }

    private static RestartPolicy FromDeploy(DeployRestartPolicy policy) => policy.Condition switch
    {
        "none" => RestartPolicy.Never,
        "on-failure" => new RestartPolicy(RestartCondition.OnFailure, policy.MaximumAttempts ?? 0),
        _ => new RestartPolicy(RestartCondition.UnlessStopped, 0),
    };

    private static Dictionary<string, ServiceNetwork> ReadNetworks(MapReader service)
    {
        var networks = new Dictionary<string, ServiceNetwork>(StringComparer.Ordinal);
        foreach (var entry in service.MapEntries("networks"))
        {
            if (entry.Value is not MapNode map)
            {
                networks[entry.Key] = new ServiceNetwork([], null, null);
                continue;
            }

            var network = new MapReader(map, $"{service.Path}.networks.{entry.Key}", service.Diagnostics);
            networks[entry.Key] = new ServiceNetwork(network.Texts("aliases"), Address(network, "ipv4_address", '.'), Address(network, "ipv6_address", ':'))
            {
                MacAddress = ReadMacAddress(network),
                Priority = network.Integer("priority", int.MinValue) ?? 0,
                GatewayPriority = network.Integer("gw_priority", int.MinValue) ?? 0,
                DriverOptions = network.TextMap("driver_opts"),
                LinkLocalAddresses = network.Texts("link_local_ips"),
            };
            network.Finish("interface_name");
        }

        if (networks.Count == 0 && !service.Has("network_mode"))
        {
            networks["default"] = new ServiceNetwork([], null, null);
        }

        return networks;
    }

    private static string? Address(MapReader network, string key, char separator)
    {
        var text = network.Text(key);
        if (text is not null && (!text.Contains(separator, StringComparison.Ordinal) || !System.Net.IPAddress.TryParse(text, out _)))
        {
            network.Error(key, $"'{text}' is not an address of this kind");
        }

        return text;
    }

    private Dictionary<string, string?> ReadEnvironment(MapReader service)
    {
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var (name, value) in files.Read(service))
        {
            environment[name] = value;
        }

        foreach (var (name, value) in Resolved(service.OptionalTextMap("environment")))
        {
            if (name.Length == 0 || name.Contains('=', StringComparison.Ordinal))
            {
                service.Error("environment", $"'{name}' is not a variable's name");
            }

            environment[name] = value;
        }

        return environment;
    }

    /// <summary>A name without a value has the caller's.</summary>
    private Dictionary<string, string?> Resolved(IReadOnlyDictionary<string, string?> values) =>
        values.ToDictionary(pair => pair.Key, pair => pair.Value ?? lookup(pair.Key), StringComparer.Ordinal);

    private static Dictionary<string, Dependency> ReadDependencies(MapReader service)
    {
        var dependencies = new Dictionary<string, Dependency>(StringComparer.Ordinal);
        foreach (var entry in service.MapEntries("depends_on"))
        {
            if (entry.Value is not MapNode map)
            {
                service.Diagnostics.Error(
                    entry.Value.Place,
                    $"{service.Path}.depends_on.{entry.Key}: must be a mapping with a 'condition'");
                continue;
            }

            var dependency = new MapReader(map, $"{service.Path}.depends_on.{entry.Key}", service.Diagnostics);
            var condition = dependency.OneOf("condition", "service_started", "service_healthy", "service_completed_successfully");
            if (!dependency.Has("condition"))
            {
                service.Diagnostics.Error(entry.KeyPlace, $"{dependency.Path}: needs a 'condition'");
            }

            dependencies[entry.Key] = new Dependency(
                condition switch
                {
                    "service_healthy" => DependencyCondition.Healthy,
                    "service_completed_successfully" => DependencyCondition.CompletedSuccessfully,
                    _ => DependencyCondition.Started,
                },
                dependency.Bool("restart") ?? false,
                dependency.Bool("required") ?? true);
            dependency.Finish();
        }

        return dependencies;
    }

    private static List<LinkModel> ReadLinks(MapReader service, string key)
    {
        var links = new List<LinkModel>();
        foreach (var scalar in service.Scalars(key))
        {
            var parts = scalar.Text.Split(':');
            if (parts.Length > 2 || parts.Any(part => part.Length == 0))
            {
                service.Diagnostics.Error(scalar.Place, $"{service.Path}.{key}: '{scalar.Text}' must have the form {(key == "links" ? "SERVICE" : "CONTAINER")}[:ALIAS]");
                continue;
            }

            links.Add(new LinkModel(parts[0], parts[^1]));
        }

        return links;
    }

    private static List<VolumesFromModel> ReadVolumesFrom(MapReader service)
    {
        var sources = new List<VolumesFromModel>();
        foreach (var scalar in service.Scalars("volumes_from"))
        {
            var isContainer = scalar.Text.StartsWith("container:", StringComparison.Ordinal);
            var parts = (isContainer ? scalar.Text["container:".Length..] : scalar.Text).Split(':');
            if (parts.Length > 2 || parts[0].Length == 0 || (parts.Length == 2 && parts[1] is not ("ro" or "rw")))
            {
                service.Diagnostics.Error(scalar.Place, $"{service.Path}.volumes_from: '{scalar.Text}' must have the form SERVICE[:ro] or container:NAME[:ro]");
                continue;
            }

            sources.Add(new VolumesFromModel(parts[0], isContainer, parts is [_, "ro"]));
        }

        return sources;
    }

    private static Dictionary<string, UlimitModel> ReadUlimits(MapReader service)
    {
        var limits = new Dictionary<string, UlimitModel>(StringComparer.Ordinal);
        foreach (var entry in service.MapEntries("ulimits"))
        {
            var isMap = entry.Value is MapNode;
            var map = entry.Value as MapNode ?? new MapNode(entry.KeyPlace, MergeTag.None, [new MapEntry("soft", entry.KeyPlace, entry.Value)]);
            var limit = new MapReader(map, $"{service.Path}.ulimits.{entry.Key}", service.Diagnostics);
            var soft = limit.Number("soft", -1, long.MaxValue) ?? 0;
            var hard = isMap ? limit.Number("hard", -1, long.MaxValue) ?? 0 : soft;
            if (isMap && (!limit.Has("soft") || !limit.Has("hard")))
            {
                service.Diagnostics.Error(entry.KeyPlace, $"{limit.Path}: needs both 'soft' and 'hard'");
            }

            limit.Finish();
            limits[entry.Key] = new UlimitModel(soft, hard);
        }

        return limits;
    }

    private static List<string> ReadExtraHosts(MapReader service)
    {
        var hosts = new List<string>();
        foreach (var scalar in service.Scalars("extra_hosts"))
        {
            var separator = scalar.Text.IndexOf('=', StringComparison.Ordinal);
            separator = separator < 0 ? scalar.Text.IndexOf(':', StringComparison.Ordinal) : separator;
            var address = separator < 0 ? string.Empty : scalar.Text[(separator + 1)..].Trim('[', ']');
            if (separator <= 0 || (address != "host-gateway" && !System.Net.IPAddress.TryParse(address, out _)))
            {
                service.Diagnostics.Error(
                    scalar.Place,
                    $"{service.Path}.extra_hosts: '{scalar.Text}' must have the form NAME=ADDRESS or NAME=host-gateway");
                continue;
            }

            hosts.Add($"{scalar.Text[..separator]}:{address}");
        }

        return hosts;
    }

    private static LoggingModel? ReadLogging(MapReader service)
    {
        if (service.Map("logging") is not { } logging)
        {
            return null;
        }

        var driver = logging.OneOf("driver", "json-file", "local", "none") ?? "json-file";
        var options = logging.TextMap("options");
        foreach (var option in options.Keys.Where(option => option is not ("max-size" or "max-file")))
        {
            logging.Error("options", $"the option '{option}' is not supported; max-size and max-file are");
        }

        logging.Finish();
        return new LoggingModel(driver, options);
    }

    private static List<DeviceModel> ReadDevices(MapReader service)
    {
        var devices = new List<DeviceModel>();
        foreach (var item in service.Items("devices"))
        {
            if (item is MapNode map)
            {
                var device = new MapReader(map, $"{service.Path}.devices", service.Diagnostics);
                var source = device.Text("source") ?? string.Empty;
                devices.Add(new DeviceModel(source, device.Text("target") ?? source, device.Text("permissions") ?? "rwm"));
                device.Finish();
            }
            else if (item is ScalarNode scalar)
            {
                var parts = scalar.Text.Split(':');
                devices.Add(new DeviceModel(parts[0], parts.Length > 1 ? parts[1] : parts[0], parts.Length > 2 ? parts[2] : "rwm"));
            }

            if (devices.Count == 0 || !devices[^1].Source.StartsWith('/') || devices[^1].Permissions.Any(letter => !"rwm".Contains(letter, StringComparison.Ordinal)))
            {
                service.Diagnostics.Error(item.Place, $"{service.Path}.devices: must have the form /dev/SOURCE[:/dev/TARGET[:rwm]]");
            }
        }

        return devices;
    }

    private static (PullPolicy Policy, TimeSpan? Every) ReadPullPolicy(MapReader service)
    {
        string[] words = ["always", "never", "missing", "if_not_present", "build", "daily", "weekly", "refresh"];
        var text = service.Text("pull_policy");
        var after = Interval(service, "pull_refresh_after", service.Text("pull_refresh_after"));
        if (text?.StartsWith("every_", StringComparison.Ordinal) == true)
        {
            return (PullPolicy.Refresh, Interval(service, "pull_policy", text["every_".Length..]));
        }

        if (text is not null && !words.Contains(text))
        {
            service.Error("pull_policy", $"'{text}' must be one of {string.Join(", ", words)}, or every_ with a duration such as every_12h.{Nearest.Suggest(text, words)}");
        }

        return text switch
        {
            "always" => (PullPolicy.Always, null),
            "never" => (PullPolicy.Never, null),
            "build" => (PullPolicy.Build, null),
            "daily" => (PullPolicy.Refresh, TimeSpan.FromDays(1)),
            "weekly" => (PullPolicy.Refresh, TimeSpan.FromDays(7)),
            "refresh" => (PullPolicy.Refresh, after ?? TimeSpan.FromDays(1)),
            _ => (PullPolicy.Missing, null),
        };
    }

    // As durations, and in days and weeks too.
    private static TimeSpan? Interval(MapReader service, string key, string? text)
    {
        if (text is null)
        {
            return null;
        }

        var match = System.Text.RegularExpressions.Regex.Match(text, "^(?:(?<weeks>[0-9]{1,4})w)?(?:(?<days>[0-9]{1,4})d)?(?<rest>.*)$");
        var rest = TimeSpan.Zero;
        if (text.Length == 0 || (match.Groups["rest"].Length > 0 && !GoDuration.TryParse(match.Groups["rest"].Value, out rest)))
        {
            service.Error(key, $"'{text}' must be a duration such as 12h or 1w2d");
            return null;
        }

        int Number(string name) => match.Groups[name].Success ? int.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture) : 0;
        return TimeSpan.FromDays((7 * Number("weeks")) + Number("days")) + rest;
    }

    private static int ReadScale(MapReader service, DeployModel? deploy)
    {
        var scale = service.Integer("scale", 0, 10_000);
        if (scale is not null && deploy?.Replicas is { } replicas && replicas != scale)
        {
            service.Error("scale", $"is {scale}, but deploy.replicas is {replicas}");
        }

        return scale ?? deploy?.Replicas ?? 1;
    }

    private static List<FileReference> ReadReferences(MapReader service, string key, string folder)
    {
        var references = new List<FileReference>();
        foreach (var item in service.Items(key))
        {
            if (item is ScalarNode scalar)
            {
                references.Add(new FileReference(scalar.Text, folder + scalar.Text, null, null, null));
            }
            else if (item is MapNode map)
            {
                var reference = new MapReader(map, $"{service.Path}.{key}", service.Diagnostics);
                var source = reference.Text("source") ?? string.Empty;
                var target = reference.Text("target") ?? source;
                references.Add(new FileReference(
                    source,
                    target.StartsWith('/') ? target : folder + target,
                    reference.Text("uid"),
                    reference.Text("gid"),
                    reference.Mode("mode")));
                reference.Finish();
            }
        }

        return references;
    }
}
