using System.Security.Cryptography;
using Berth.Engine.Containers.Devices;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers;

/// <summary>From what was asked to what will be remembered. Pure: compares, merges and refuses; makes nothing.</summary>
public static class ContainerCreation
{
    private static readonly string[] KnownRestartPolicies = ["", "no", "always", "unless-stopped", "on-failure"];

    /// <summary>Completes a config from the image's, by Docker's rules: an own entrypoint drops the image's command.</summary>
    internal static ContainerConfig Merge(ContainerConfig asked, ContainerConfig image)
    {
        var hasEntrypoint = asked.Entrypoint is { Count: > 0 };
        return asked with
        {
            Entrypoint = hasEntrypoint ? (asked.Entrypoint is [""] ? null : asked.Entrypoint) : image.Entrypoint,
            Cmd = asked.Cmd is { Count: > 0 } ? asked.Cmd : hasEntrypoint ? null : image.Cmd,
            Env = OwnFirst(WithNames(asked.Env ?? []), image.Env ?? []),
            User = asked.User.Length > 0 ? asked.User : image.User,
            WorkingDir = asked.WorkingDir.Length > 0 ? asked.WorkingDir : image.WorkingDir,
            StopSignal = asked.StopSignal is { Length: > 0 } ? asked.StopSignal : image.StopSignal,
            Shell = asked.Shell ?? image.Shell,
            Healthcheck = MergeHealthcheck(asked.Healthcheck, image.Healthcheck),
            ExposedPorts = WithProtocols(Union(image.ExposedPorts, asked.ExposedPorts)),
            Volumes = Union(image.Volumes, asked.Volumes),
            Labels = Union(image.Labels, asked.Labels) ?? [],
        };
    }

    /// <exception cref="BerthException">Something that cannot be, or that Berth does not do.</exception>
    internal static void Validate(ContainerConfig config, HostConfig host)
    {
        Refuse(host.VolumeDriver is not ("" or "local"), $"the volume driver \"{host.VolumeDriver}\": Berth has the driver local");
        Demand(host.Isolation is "" or "default", $"invalid isolation ({host.Isolation}): linux only supports 'default'");
        Demand(host.StorageOpt is not { Count: > 0 }, "--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
        (host.DeviceRequests ?? []).ToList().ForEach(DeviceChoice.Validate);
        (host.DeviceCgroupRules ?? []).ToList().ForEach(rule => DeviceRule.Parse(rule));
        Demand(host.BlkioWeight is 0 or (>= 10 and <= 1000), "Range of blkio weight is from 10 to 1000");
        Demand((host.BlkioWeightDevice ?? []).All(one => one.Weight is >= 10 and <= 1000), "Range of blkio weight is from 10 to 1000");
        Demand(host.IpcMode is "" or "none" or "private" or "shareable" or "host" || host.IpcMode.StartsWith("container:", StringComparison.Ordinal), $"invalid IPC mode: {host.IpcMode}");
        Demand(host.PidMode is "" or "host" || host.PidMode.StartsWith("container:", StringComparison.Ordinal), $"invalid PID mode: {host.PidMode}");
        Demand(host.UtsMode is "" or "host", $"invalid UTS mode: {host.UtsMode}");
        Demand(host.UtsMode != "host" || config.Hostname.Length == 0, "conflicting options: hostname and the UTS mode");
        Demand(host.UsernsMode is "" or "host", $"invalid userns mode: {host.UsernsMode}");
        Demand(host.CgroupnsMode is "" or "host" or "private", $"invalid cgroup namespace mode: {host.CgroupnsMode}");
        Demand(host.LogConfig.Type is "" or "json-file" or "local" or "none", $"error looking up logging plugin {host.LogConfig.Type}: plugin \"{host.LogConfig.Type}\" not found; Berth has json-file, local and none");
        Logs.LogLimits.Parse(host.LogConfig);
        Demand(KnownRestartPolicies.Contains(host.RestartPolicy.Name), $"invalid restart policy: unknown policy '{host.RestartPolicy.Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'");
        Demand(host.RestartPolicy.MaximumRetryCount == 0 || host.RestartPolicy.Name == "on-failure", "invalid restart policy: maximum retry count can only be used with 'on-failure'");
        Demand(host.RestartPolicy.MaximumRetryCount >= 0, "invalid restart policy: maximum retry count cannot be negative");
        Demand(host.OomScoreAdj is >= -1000 and <= 1000, $"Invalid value {host.OomScoreAdj}, range for oom score adj is [-1000, 1000]");
        Demand(!host.AutoRemove || host.RestartPolicy.Name is "" or "no", "can't create 'AutoRemove' container with restart policy");
        Demand(config.WorkingDir.Length == 0 || config.WorkingDir.StartsWith('/'), $"the working directory '{config.WorkingDir}' is invalid, it needs to be an absolute path");
        ValidateLimits(host);
        ValidateHealthcheck(config.Healthcheck);
        Demand(host.ShmSize >= 0, "SHM size can not be less than 0");
        foreach (var entry in host.ExtraHosts ?? [])
        {
            Demand(entry.IndexOfAny([':', '=']) > 0, $"bad format for add-host: \"{entry}\"");
            DemandOneWord("add-host", entry);
        }

        DemandOneWord("hostname", config.Hostname);
        DemandOneWord("domainname", config.Domainname);
        foreach (var (what, words) in new[] { ("dns-search", host.DnsSearch), ("dns-option", host.DnsOptions), ("dns", host.Dns) })
        {
            (words ?? []).ToList().ForEach(word => DemandOneWord(what, word));
        }

        Demand(config.Cmd is { Count: > 0 } || config.Entrypoint is { Count: > 0 }, "no command specified");
        foreach (var variable in config.Env ?? [])
        {
            Demand(!variable.Contains('\0', StringComparison.Ordinal), "invalid environment variable: it has a zero byte");
        }

        SecurityOptions.Parse(host.SecurityOpt);
        foreach (var key in config.ExposedPorts?.Keys.ToList() ?? [])
        {
            Networks.PortAllocation.ParsePort(key);
        }
    }

    /// <summary>What a container with users of its own (<c>userns-remap</c>) cannot have, because it belongs to the host's.</summary>
    /// <exception cref="BerthException">It asks for that.</exception>
    internal static void ValidateRemapped(HostConfig host)
    {
        Demand(!host.Privileged, "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode");
        Demand(host.NetworkMode != "host", "cannot share the host's network namespace when user namespaces are enabled");
        Demand(host.PidMode != "host", "cannot share the host PID namespace when user namespaces are enabled");
        Demand(host.IpcMode != "host", "cannot share the host's IPC namespace when user namespaces are enabled; give the container --userns=host");
    }

    /// <summary>Compares what was asked, before anything is added from the image, with whose network is used.</summary>
    /// <exception cref="BerthException">What contradicts the network's mode.</exception>
    internal static void ValidateNetworkMode(ContainerConfig asked, HostConfig host)
    {
        if (host.NetworkMode.Split(':')[0] == "container")
        {
            Demand(host.NetworkMode.Length > "container:".Length, "invalid network mode: invalid container format container:<name|id>");
            Demand(asked.Hostname.Length == 0, "conflicting options: hostname and the network mode");
            Demand(!IsSet(host.Links), "conflicting options: container type network can't be used with links. This would result in undefined behavior");
            Demand(!IsSet(host.Dns), "conflicting options: dns and the network mode");
            Demand(!IsSet(host.ExtraHosts), "conflicting options: custom host-to-IP mapping and the network mode");
            Demand(host.PortBindings is not { Count: > 0 } && !host.PublishAllPorts, "conflicting options: port publishing and the container type network mode");
            Demand(asked.ExposedPorts is not { Count: > 0 }, "conflicting options: port exposing and the container type network mode");
        }

        Demand(host.NetworkMode != "host" || !IsSet(host.Links), "conflicting options: host type networking can't be used with links. This would result in undefined behavior");
        foreach (var binding in (host.PortBindings?.Values.ToList() ?? []).SelectMany(bindings => bindings ?? []))
        {
            Networks.PortAllocation.ParseHostIp(binding.HostIp);
            Networks.PortAllocation.ParseHostPorts(binding.HostPort);
        }
    }

    private static void ValidateHealthcheck(HealthcheckConfig? check)
    {
        foreach (var (name, nanoseconds) in check is null ? [] : new[] { ("Interval", check.Interval), ("Timeout", check.Timeout), ("StartPeriod", check.StartPeriod), ("StartInterval", check.StartInterval) })
        {
            Demand(nanoseconds is 0 or >= 1_000_000, $"{name} in Healthcheck cannot be less than 1ms");
        }

        Demand(check is not { Retries: < 0 }, "Retries in Healthcheck cannot be negative");
    }

    // It stands in /etc/hosts or /etc/resolv.conf, where a blank ends a word and a line's end begins another entry.
    private static void DemandOneWord(string what, string text) =>
        Demand(!text.Any(letter => char.IsWhiteSpace(letter) || char.IsControl(letter)), $"invalid {what} {System.Text.Json.JsonEncodedText.Encode(text)}: it has blanks or control characters");

    private static bool IsSet(IReadOnlyList<string>? values) => values is { Count: > 0 };

    /// <exception cref="BerthException">A limit that cannot be.</exception>
    public static void ValidateLimits(HostConfig host)
    {
        Demand(host.Memory is 0 or >= 6 * 1024 * 1024, "Minimum memory limit allowed is 6MB");
        Demand(host.Memory == 0 || host.MemoryReservation <= host.Memory, "Minimum memory limit can not be less than memory reservation limit, see usage");
        Demand(host.MemoryReservation is 0 or >= 6 * 1024 * 1024, "Minimum memory reservation allowed is 6MB");
        Demand(host.MemorySwappiness is null or (>= -1 and <= 100), $"Invalid value: {host.MemorySwappiness}, valid memory swappiness range is 0-100");
        Demand(host.CpuShares >= 0, $"invalid CPU shares ({host.CpuShares}): value must be a positive integer");
        Demand(host.CpuPeriod is 0 or (>= 1000 and <= 1_000_000), "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
        Demand(host.CpuQuota is <= 0 or >= 1000, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
        Demand(host.NanoCpus == 0 || host.CpuPeriod == 0, "Conflicting options: Nano CPUs and CPU Period cannot both be set");
        Demand(host.NanoCpus == 0 || host.CpuQuota == 0, "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
        Demand(host.CpuRealtimePeriod <= 0 || host.CpuRealtimeRuntime <= host.CpuRealtimePeriod, "cpu real-time runtime cannot be higher than cpu real-time period");
        CpuSets.Validate("cpuset cpus", host.CpusetCpus, "/sys/devices/system/cpu/online", "CPUs");
        CpuSets.Validate("cpuset mems", host.CpusetMems, "/sys/devices/system/node/online", "memory nodes");
        Demand(host.MemorySwap <= 0 || host.Memory > 0, "You should always set the Memory limit when using Memoryswap limit, see usage");
        Demand(host.MemorySwap <= 0 || host.MemorySwap >= host.Memory, "Minimum memoryswap limit should be larger than memory limit, see usage");
        Demand(host.NanoCpus >= 0 && host.NanoCpus <= Environment.ProcessorCount * 1_000_000_000L,
            $"range of CPUs is from 0.01 to {Environment.ProcessorCount}.00, as there are only {Environment.ProcessorCount} CPUs available");
    }

    internal static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>Every variable of both; the second wins, and the first's order stays.</summary>
    internal static IReadOnlyList<string> MergeEnvironment(IReadOnlyList<string> first, IReadOnlyList<string> second)
    {
        static string NameOf(string variable) => variable.Split('=', 2)[0];
        var overriding = second.ToLookup(NameOf, StringComparer.Ordinal);
        var kept = first.Select(variable => overriding.Contains(NameOf(variable)) ? overriding[NameOf(variable)].Last() : variable).ToList();
        var names = first.Select(NameOf).ToHashSet(StringComparer.Ordinal);
        kept.AddRange(second.Where(variable => !names.Contains(NameOf(variable))));
        return [.. kept.Where(variable => variable.Contains('=', StringComparison.Ordinal))]; // a bare name takes a variable away
    }

    private static IReadOnlyList<string> WithNames(IReadOnlyList<string> asked)
    {
        var nameless = asked.FirstOrDefault(variable => variable.Length == 0 || variable[0] == '=');
        Demand(nameless is null, $"invalid environment variable: {nameless}");
        return asked;
    }

    // As clients see it in Docker: what was asked for, then what the image adds.
    private static List<string> OwnFirst(IReadOnlyList<string> asked, IReadOnlyList<string> image)
    {
        static string NameOf(string variable) => variable.Split('=', 2)[0];
        var names = asked.Select(NameOf).ToHashSet(StringComparer.Ordinal);
        return [.. asked.Concat(image.Where(variable => !names.Contains(NameOf(variable)))).Where(variable => variable.Contains('=', StringComparison.Ordinal))];
    }

    private static HealthcheckConfig? MergeHealthcheck(HealthcheckConfig? asked, HealthcheckConfig? image)
    {
        if (asked is null || image is null)
        {
            return asked ?? image;
        }

        return asked with
        {
            Test = asked.Test is { Count: > 0 } ? asked.Test : image.Test,
            Interval = asked.Interval != 0 ? asked.Interval : image.Interval,
            Timeout = asked.Timeout != 0 ? asked.Timeout : image.Timeout,
            StartPeriod = asked.StartPeriod != 0 ? asked.StartPeriod : image.StartPeriod,
            StartInterval = asked.StartInterval != 0 ? asked.StartInterval : image.StartInterval,
            Retries = asked.Retries != 0 ? asked.Retries : image.Retries,
        };
    }

    /// <summary>Compose writes <c>5000</c> where an image says <c>5000/tcp</c>; both are one port.</summary>
    private static SortedDictionary<string, EmptyObject>? WithProtocols(SortedDictionary<string, EmptyObject>? ports)
    {
        if (ports is null)
        {
            return null;
        }

        var result = new SortedDictionary<string, EmptyObject>(StringComparer.Ordinal);
        foreach (var (key, value) in ports)
        {
            var (port, protocol) = Networks.PortAllocation.ParsePort(key);
            result[string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{port}/{protocol}")] = value;
        }

        return result;
    }

    private static SortedDictionary<string, T>? Union<T>(SortedDictionary<string, T>? first, SortedDictionary<string, T>? second)
    {
        if (first is null && second is null)
        {
            return null;
        }

        var result = new SortedDictionary<string, T>(first ?? [], StringComparer.Ordinal);
        foreach (var (key, value) in second ?? [])
        {
            result[key] = value;
        }

        return result;
    }

    private static void Refuse(bool condition, string what)
    {
        if (condition)
        {
            throw new BerthException(ErrorKind.NotSupported, $"Berth does not support {what}.");
        }
    }

    private static void Demand(bool condition, string message)
    {
        if (!condition)
        {
            throw BerthException.Invalid(message);
        }
    }
}
