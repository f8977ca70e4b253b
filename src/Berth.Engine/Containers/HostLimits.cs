using Berth.Engine.Errors;
using Berth.Linux.Cgroups;

namespace Berth.Engine.Containers;

/// <summary>Limits that this host's kernel does not know are left out, and whoever asked is told so, as with Docker.</summary>
internal static class HostLimits
{
    /// <summary>The config with what can be had.</summary>
    /// <param name="warn">Told what was left out.</param>
    internal static HostConfig Fit(HostConfig host, CgroupLayout cgroups, Action<string> warn)
    {
        var isUnified = cgroups.Mode == CgroupMode.Unified;
        bool Has(string legacyController, string file) => cgroups.DirectoryOf(legacyController, "") is { } directory && File.Exists(directory + "/" + file);
        bool HasWeight(string legacyFile) => isUnified ? HasUnifiedWeight(cgroups) : Has("blkio", "blkio." + legacyFile) || Has("blkio", "blkio.bfq." + legacyFile);
        if (host.BlkioWeight > 0 && !HasWeight("weight"))
        {
            warn("Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.");
            host = host with { BlkioWeight = 0 };
        }

        if (host.BlkioWeightDevice is { Count: > 0 } && !HasWeight("weight_device"))
        {
            warn("Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.");
            host = host with { BlkioWeightDevice = [] };
        }

        if (isUnified && host.MemorySwappiness is >= 0)
        {
            warn("Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.");
            host = host with { MemorySwappiness = null };
        }

        if (isUnified && host.OomKillDisable == true)
        {
            warn("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
            host = host with { OomKillDisable = null };
        }

        if (host.Memory > 0 && !isUnified && !Has("memory", "memory.memsw.limit_in_bytes"))
        {
            warn("Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.");
            host = host with { MemorySwap = -1 };
        }

        if (host.Memory == 0 && host.OomKillDisable == true)
        {
            warn("OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.");
        }

        return host;
    }

    /// <exception cref="BerthException">Real-time shares on a kernel without them.</exception>
    internal static void RequireKnown(HostConfig host, CgroupLayout cgroups)
    {
        var isKnown = cgroups.Mode != CgroupMode.Unified && cgroups.DirectoryOf("cpu", "") is { } directory && File.Exists(directory + "/cpu.rt_runtime_us");
        if ((host.CpuRealtimePeriod != 0 || host.CpuRealtimeRuntime != 0) && !isKnown)
        {
            throw BerthException.Invalid("Your kernel does not support CPU real-time scheduler");
        }
    }

    // io.weight is missing in the root group; any below it tells.
    private static bool HasUnifiedWeight(CgroupLayout cgroups) =>
        cgroups.DirectoryOf("", "") is { } root && Directory.EnumerateDirectories(root).Any(directory => File.Exists(directory + "/io.weight") || File.Exists(directory + "/io.bfq.weight"));
}
