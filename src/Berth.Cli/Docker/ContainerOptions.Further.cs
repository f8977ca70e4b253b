using System.Globalization;
using System.Text.Json.Nodes;

namespace Berth.Cli.Docker;

/// <summary>Options that fewer people use: namespaces, fine limits, block devices, links.</summary>
internal static partial class ContainerOptions
{
    private static IReadOnlyList<Option> FurtherOptions =>
    [
        Option.Value("domainname", "NAME", "Domain of the host name"), Option.List("dns-search", "DOMAIN", "Domain to search"), Option.List("dns-option", "OPTION", "Option of the resolver"),
        Option.List("link-local-ip", "ADDRESS", "Link-local address"), Option.Value("mac-address", "ADDRESS", "Of its interface"), Option.List("link", "CONTAINER[:NAME]", "Know another container by a name"),
        Option.List("volumes-from", "CONTAINER[:ro]", "The same mounts as another container"), Option.Value("volume-driver", "NAME", "Of named volumes"), Option.List("label-file", "FILE", "Labels"), Option.List("annotation", "NAME=VALUE", "For the runtime"),
        Option.Value("memory-reservation", "BYTES", "What it should at least get"), Option.Value("memory-swappiness", "NUMBER", "0 to 100"), Option.Flag("oom-kill-disable", "Let it wait for memory"), Option.Value("oom-score-adj", "NUMBER", "-1000 to 1000: killed later or earlier"),
        Option.Value("cpu-period", "MICROSECONDS", "In which the quota counts"), Option.Value("cpu-quota", "MICROSECONDS", "Of processor time in a period"), Option.Value("cpuset-mems", "LIST", "Only memory of these nodes"),
        Option.Value("blkio-weight", "NUMBER", "10 to 1000"), Option.List("blkio-weight-device", "DEVICE:WEIGHT", "Of one device"), Option.List("device-read-bps", "DEVICE:BYTES", "Limit a second"), Option.List("device-write-bps", "DEVICE:BYTES", "Limit a second"),
        Option.List("device-read-iops", "DEVICE:NUMBER", "Limit a second"), Option.List("device-write-iops", "DEVICE:NUMBER", "Limit a second"), Option.List("device-cgroup-rule", "RULE", "Such as 'c 1:3 mr'"),
        Option.List("attach", 'a', "STREAM", "Only stdin, stdout or stderr"), Option.Value("cpu-rt-period", "MICROSECONDS", "Of real-time scheduling"), Option.Value("cpu-rt-runtime", "MICROSECONDS", "Real-time share of a period"),
        Option.Value("gpus", "REQUEST", "all, a number, or count=, device=, driver=, capabilities=, options="), Option.List("storage-opt", "NAME=VALUE", "Option of the root file system"),
        Option.Value("uts", "MODE", "host"), Option.Value("userns", "MODE", "host"), Option.Value("cgroupns", "MODE", "host or private"), Option.Value("cgroup-parent", "PATH", "Control group above its own"), Option.Value("runtime", "NAME", "crun or runc"),
    ];

    private static void AddFurther(JsonObject host, ParsedLine line)
    {
        foreach (var (option, field) in new[] { ("volume-driver", "VolumeDriver"), ("uts", "UTSMode"), ("userns", "UsernsMode"), ("cgroupns", "CgroupnsMode"), ("cgroup-parent", "CgroupParent"), ("runtime", "Runtime"), ("cpuset-mems", "CpusetMems") })
        {
            Set(host, field, line.Value(option));
        }

        foreach (var (option, field) in new[] { ("oom-score-adj", "OomScoreAdj"), ("cpu-period", "CpuPeriod"), ("cpu-quota", "CpuQuota"), ("memory-swappiness", "MemorySwappiness"), ("blkio-weight", "BlkioWeight"), ("cpu-rt-period", "CpuRealtimePeriod"), ("cpu-rt-runtime", "CpuRealtimeRuntime") })
        {
            Set(host, field, line.Number(option) is { } number ? number : null);
        }

        foreach (var (option, field) in new[] { ("dns-search", "DnsSearch"), ("dns-option", "DnsOptions"), ("link", "Links"), ("volumes-from", "VolumesFrom"), ("device-cgroup-rule", "DeviceCgroupRules") })
        {
            Set(host, field, line.Has(option) ? Json.Array(line.Values(option)) : null);
        }

        foreach (var (option, field, key) in new[]
        {
            ("blkio-weight-device", "BlkioWeightDevice", "Weight"), ("device-read-bps", "BlkioDeviceReadBps", "Rate"), ("device-write-bps", "BlkioDeviceWriteBps", "Rate"),
            ("device-read-iops", "BlkioDeviceReadIOps", "Rate"), ("device-write-iops", "BlkioDeviceWriteIOps", "Rate"),
        })
        {
            Set(host, field, line.Has(option) ? new JsonArray([.. line.Values(option).Select(value => (JsonNode)DeviceRate(value, option, key))]) : null);
        }

        Set(host, "StorageOpt", line.Has("storage-opt") ? Pairs.Labels(line.Values("storage-opt")) : null);
        Set(host, "DeviceRequests", DeviceOptions.Requests(line));
        Set(host, "Annotations", line.Has("annotation") ? Pairs.Labels(line.Values("annotation")) : null);
        Set(host, "MemoryReservation", line.Has("memory-reservation") ? Bytes(line, "memory-reservation") : null);
        Set(host, "OomKillDisable", line.Flag("oom-kill-disable") ? true : null);
    }

    /// <summary>Those that <c>update</c> takes too.</summary>
    internal static IReadOnlyList<Option> Changeable =>
        [.. Options.Where(option => option.Name is "memory" or "memory-swap" or "memory-reservation" or "cpus" or "cpu-shares" or "cpu-period" or "cpu-quota" or "cpuset-cpus" or "cpuset-mems" or "pids-limit" or "blkio-weight" or "cpu-rt-period" or "cpu-rt-runtime" or "restart")];

    /// <summary>What is to be different. Docker Engine API, "Update a container".</summary>
    internal static JsonObject ToUpdate(ParsedLine line)
    {
        var change = new JsonObject();
        Set(change, "Memory", line.Has("memory") ? Bytes(line, "memory") : null);
        Set(change, "MemorySwap", line.Value("memory-swap") == "-1" ? -1 : line.Has("memory-swap") ? Bytes(line, "memory-swap") : null);
        Set(change, "MemoryReservation", line.Has("memory-reservation") ? Bytes(line, "memory-reservation") : null);
        Set(change, "NanoCpus", line.Has("cpus") ? Cpus(line.Value("cpus")) : null);
        foreach (var (option, field) in new[] { ("cpu-shares", "CpuShares"), ("cpu-period", "CpuPeriod"), ("cpu-quota", "CpuQuota"), ("pids-limit", "PidsLimit"), ("blkio-weight", "BlkioWeight"), ("cpu-rt-period", "CpuRealtimePeriod"), ("cpu-rt-runtime", "CpuRealtimeRuntime") })
        {
            Set(change, field, line.Number(option) is { } number ? number : null);
        }

        Set(change, "CpusetCpus", line.Value("cpuset-cpus"));
        Set(change, "CpusetMems", line.Value("cpuset-mems"));
        Set(change, "RestartPolicy", line.Value("restart") is { } policy ? Restart(policy) : null);
        return change;
    }

    private static JsonObject DeviceRate(string text, string option, string key)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !text.StartsWith("/dev/", StringComparison.Ordinal))
        {
            throw new UsageException($"bad format: {text} for --{option}; write DEVICE:NUMBER");
        }

        var number = option.EndsWith("bps", StringComparison.Ordinal) ? ByteCount(text[(colon + 1)..], option)
            : long.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var rate) ? rate
            : throw new UsageException($"invalid rate for device: {text}; the number must be a positive integer");
        return new() { ["Path"] = text[..colon], [key] = number };
    }
}
