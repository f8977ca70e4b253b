using System.Security.Cryptography;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers;

/// <summary>From what was asked to what will be remembered. Pure: compares, merges and refuses; makes nothing.</summary>
internal static class ContainerCreation
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
            Env = MergeEnvironment(image.Env ?? [], asked.Env ?? []),
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
        Refuse(host.Links is { Count: > 0 }, "--link: put both containers on one network and use the container's name");
        Refuse(host.VolumesFrom is { Count: > 0 }, "--volumes-from: name the volumes with -v");
        Refuse(host.VolumeDriver is not ("" or "local"), $"the volume driver \"{host.VolumeDriver}\": Berth has the driver local");
        Refuse(host.Isolation is not ("" or "default"), "--isolation, which is for Windows");
        Refuse(host.StorageOpt is { Count: > 0 }, "--storage-opt: the overlay's size cannot be limited");
        Refuse(IsSet(host.DeviceRequests), "--gpus");
        Refuse(host.DeviceCgroupRules is { Count: > 0 }, "--device-cgroup-rule: pass devices with --device");
        Refuse(host.BlkioWeight > 0 || IsSet(host.BlkioWeightDevice) || IsSet(host.BlkioDeviceReadBps) || IsSet(host.BlkioDeviceWriteBps)
            || IsSet(host.BlkioDeviceReadIops) || IsSet(host.BlkioDeviceWriteIops), "limits of block device input and output (--blkio-weight, --device-read-bps …)");
        Refuse(host.CpuRealtimePeriod > 0 || host.CpuRealtimeRuntime > 0, "--cpu-rt-period and --cpu-rt-runtime");
        Refuse(host.UsernsMode is not ("" or "host"), "--userns: containers run in the host's user namespace");
        Refuse(host.Runtime is not ("" or "crun" or "runc"), $"the runtime \"{host.Runtime}\"");
        Refuse(host.LogConfig.Type is not ("" or "json-file" or "local" or "none"), $"the log driver \"{host.LogConfig.Type}\": use json-file, local or none");
        Logs.LogLimits.Parse(host.LogConfig.Config);
        Demand(KnownRestartPolicies.Contains(host.RestartPolicy.Name), $"invalid restart policy: unknown policy '{host.RestartPolicy.Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'");
        Demand(!host.AutoRemove || host.RestartPolicy.Name is "" or "no", "conflicting options: cannot specify both --restart and --rm");
        Demand(config.WorkingDir.Length == 0 || config.WorkingDir.StartsWith('/'), $"the working directory '{config.WorkingDir}' is invalid, it needs to be an absolute path");
        Demand(host.Memory is 0 or >= 6 * 1024 * 1024, "Minimum memory limit allowed is 6MB");
        Demand(host.MemorySwap <= 0 || host.Memory > 0, "You should always set the Memory limit when using Memoryswap limit, see usage");
        Demand(host.MemorySwap <= 0 || host.MemorySwap >= host.Memory, "Minimum memoryswap limit should be larger than memory limit, see usage");
        Demand(host.NanoCpus >= 0 && host.NanoCpus <= Environment.ProcessorCount * 1_000_000_000L,
            $"range of CPUs is from 0.01 to {Environment.ProcessorCount}.00, as there are only {Environment.ProcessorCount} CPUs available");
        Demand(config.Cmd is { Count: > 0 } || config.Entrypoint is { Count: > 0 }, "no command specified");
        foreach (var variable in config.Env ?? [])
        {
            Demand(variable.Length > 0 && variable[0] != '=', $"invalid environment variable: {variable}");
            Demand(!variable.Contains('\0', StringComparison.Ordinal), "invalid environment variable: it has a zero byte");
        }

        foreach (var option in host.SecurityOpt ?? [])
        {
            var name = option.Replace('=', ':').Split(':')[0];
            Refuse(
                name is not ("no-new-privileges" or "label" or "apparmor") && option.Replace('=', ':') != "seccomp:unconfined",
                $"the security option \"{option}\"; known are no-new-privileges and seccomp=unconfined");
        }

        foreach (var key in config.ExposedPorts?.Keys.ToList() ?? [])
        {
            Networks.PortAllocation.ParsePort(key);
        }
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

    private static bool IsSet(System.Text.Json.JsonElement? element) =>
        element is { ValueKind: System.Text.Json.JsonValueKind.Array } array && array.GetArrayLength() > 0;

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
