using System.Globalization;
using Berth.Compose.Variables;
using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads one service.</summary>
/// <remarks>Compose Specification, 05-services.md.</remarks>
internal sealed class ServiceBinder(ProjectPaths paths, EnvironmentFiles files, Func<string, string?> lookup)
{
    // Keys that the specification has and Berth does not carry out, and why. Anything else that is not read is a misspelling.
    private static readonly (string Key, string Reason)[] s_unsupported =
    [
        ("credential_spec", "it is for accounts of Windows"),
        ("models", "Berth runs no language models; run a server for it as a service"),
        ("provider", "Berth runs no programs of the host for a service; a service needs an 'image' or a 'build'"),
        ("use_api_socket", "who has the engine's socket has the machine; if that is meant, mount it under 'volumes'"),
    ];

    public ServiceModel Read(string name, MapReader service)
    {
        var deploy = DeployBinder.Read(service);
        var volumes = new MountBinder(paths).Read(service);
        var (pull, pullEvery) = ReadPullPolicy(service);
        var (scale, attach) = (ReadScale(service, deploy), service.Bool("attach"));
        var model = new ServiceModel
        {
            Name = name,
            Image = NonEmpty(service, "image"),
            Build = new BuildBinder(paths, Resolved, lookup("SSH_AUTH_SOCK")).Read(service),
            ContainerName = ReadContainerName(service),
            Command = ReadCommand(service, "command"),
            Entrypoint = ReadCommand(service, "entrypoint"),
            WorkingDirectory = service.Text("working_dir"),
            Restart = ReadRestart(service, deploy),
            Expose = PortBinder.ReadExpose(service),
            Ports = PortBinder.ReadPorts(service),
            Networks = ReferenceBinder.ReadNetworks(service),
            NetworkMode = service.Text("network_mode"),
            Volumes = volumes,
            Environment = ReadEnvironment(service),
            DependsOn = ReferenceBinder.ReadDependencies(service),
            Links = ReferenceBinder.ReadLinks(service, "links"),
            ExternalLinks = ReferenceBinder.ReadLinks(service, "external_links"),
            VolumesFrom = ReferenceBinder.ReadVolumesFrom(service),
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
            Ulimits = LimitBinder.ReadUlimits(service),
            Sysctls = service.TextMap("sysctls"),
            ExtraHosts = ReferenceBinder.ReadExtraHosts(service),
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
            Devices = DeviceBinder.ReadDevices(service),
            Gpus = DeviceBinder.ReadGpus(service),
            GroupAdd = service.Texts("group_add"),
            Platform = service.Text("platform"),
            Annotations = service.TextMap("annotations"),
            BlockIo = LimitBinder.ReadBlockIo(service),
            CgroupNamespace = service.OneOf("cgroup", "host", "private"),
            CgroupParent = service.Text("cgroup_parent"),
            CpuPeriod = LimitBinder.Microseconds(service, "cpu_period"),
            CpuQuota = LimitBinder.Microseconds(service, "cpu_quota"),
            CpuRealtimePeriod = LimitBinder.Microseconds(service, "cpu_rt_period"),
            CpuRealtimeRuntime = LimitBinder.Microseconds(service, "cpu_rt_runtime"),
            DeviceCgroupRules = service.Texts("device_cgroup_rules"),
            MemorySwappiness = service.Number("mem_swappiness", 0, 100),
            OomKillDisable = service.Bool("oom_kill_disable"),
            OomScoreAdjustment = service.Integer("oom_score_adj", -1000, 1000),
            MacAddress = ReferenceBinder.ReadMacAddress(service),
            Runtime = service.Text("runtime"),
            Isolation = service.Text("isolation"),
            StorageOptions = service.TextMap("storage_opt"),
            UserNamespace = OnlyHost(service, "userns_mode"),
            Uts = OnlyHost(service, "uts"),
            PullPolicy = pull,
            PullEvery = pullEvery,
            Scale = scale,
            Deploy = deploy,
            Secrets = ReferenceBinder.ReadReferences(service, "secrets", "/run/secrets/"),
            Configs = ReferenceBinder.ReadReferences(service, "configs", "/"),
            Profiles = service.Texts("profiles"),
            Attach = attach ?? true,
            PostStart = HookBinder.Read(service, "post_start", ReadCommand, Resolved),
            PreStop = HookBinder.Read(service, "pre_stop", ReadCommand, Resolved),
            Develop = new DevelopBinder(paths).Read(service, hook => HookBinder.ReadOne(hook, ReadCommand, Resolved)),
            Extension = ExtensionBinder.Read(service, volumes),
            Written = ReadWritten(service, scale, attach),
        };
        WarnAboutWindows(service);
        service.Finish(s_unsupported);
        Check(service, model);
        return model;
    }

    private static void Check(MapReader service, ServiceModel model)
    {
        if (model.Image is null && model.Build is null && !service.Has("provider"))
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

    private static Written ReadWritten(MapReader service, int scale, bool? attach) => new()
    {
        { "restart", service.Written("restart") },
        { "pull_policy", service.Written("pull_policy") is "if_not_present" ? "missing" : service.Written("pull_policy") },
        { "expose", service.WrittenTexts("expose") },
        { "volumes_from", service.WrittenTexts("volumes_from") },
        { "attach", attach },
        { "cpu_count", service.Number("cpu_count", 0, long.MaxValue) },
        { "cpu_percent", service.Decimal("cpu_percent") },
        { "scale", service.Has("scale") ? (long)scale : null },
    };

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
        return new LoggingModel(driver, options, IsDefault: !logging.Has("driver"));
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
}
