using System.Globalization;

namespace Berth.Linux.Cgroups;

/// <summary>What the processes of a group have used since it was made, and what they may use. Times in nanoseconds, sizes in bytes.</summary>
/// <remarks>Linux, cgroup-v2.rst and cgroup-v1/{cpuacct,memory,pids,blkio-controller}.rst.</remarks>
public sealed record CgroupUsage
{
    private const long NanosecondsPerTick = 10_000_000; // USER_HZ is 100 on every architecture that Linux tells users of

    public long CpuTotal { get; init; }

    public long CpuUser { get; init; }

    public long CpuSystem { get; init; }

    /// <summary>For each processor; empty where the kernel does not tell (v2).</summary>
    public IReadOnlyList<long> CpuEach { get; init; } = [];

    public long Periods { get; init; }

    public long ThrottledPeriods { get; init; }

    public long ThrottledTime { get; init; }

    public long Memory { get; init; }

    /// <summary>The most at any time; 0 where the kernel does not tell.</summary>
    public long MemoryPeak { get; init; }

    /// <summary>0 for none.</summary>
    public long MemoryLimit { get; init; }

    public long MemoryFailures { get; init; }

    /// <summary>The kernel's own names.</summary>
    public IReadOnlyDictionary<string, long> MemoryDetails { get; init; } = new Dictionary<string, long>();

    public long Processes { get; init; }

    /// <summary>0 for none.</summary>
    public long ProcessLimit { get; init; }

    public IReadOnlyList<BlockUsage> BlockBytes { get; init; } = [];

    /// <summary>Reads all of a group; what a controller that is not there would tell stays 0.</summary>
    /// <returns>Null when the group is gone.</returns>
    public static CgroupUsage? Read(CgroupLayout layout, string group) => layout.Mode == CgroupMode.Unified ? ReadUnified(layout, group) : ReadLegacy(layout, group);

    private static CgroupUsage? ReadUnified(CgroupLayout layout, string group)
    {
        var directory = layout.DirectoryOf("", group);
        var cpu = Numbers(directory, "cpu.stat");
        if (directory is null || cpu.Count == 0)
        {
            return null;
        }

        return new()
        {
            CpuTotal = cpu.GetValueOrDefault("usage_usec") * 1000,
            CpuUser = cpu.GetValueOrDefault("user_usec") * 1000,
            CpuSystem = cpu.GetValueOrDefault("system_usec") * 1000,
            Periods = cpu.GetValueOrDefault("nr_periods"),
            ThrottledPeriods = cpu.GetValueOrDefault("nr_throttled"),
            ThrottledTime = cpu.GetValueOrDefault("throttled_usec") * 1000,
            Memory = Number(directory, "memory.current"),
            MemoryPeak = Number(directory, "memory.peak"),
            MemoryLimit = Number(directory, "memory.max"),
            MemoryDetails = Numbers(directory, "memory.stat"),
            Processes = Number(directory, "pids.current"),
            ProcessLimit = Number(directory, "pids.max"),
            BlockBytes =
            [
                .. Lines(directory, "io.stat").Select(line => line.Split(' ')).SelectMany(fields => new[] { ("rbytes=", "read"), ("wbytes=", "write") }
                    .Select(pair => (Field: fields.FirstOrDefault(field => field.StartsWith(pair.Item1, StringComparison.Ordinal)), Operation: pair.Item2))
                    .Where(pair => pair.Field is not null)
                    .Select(pair => BlockUsage.Of(fields[0], pair.Operation, pair.Field!.Split('=')[1]))).OfType<BlockUsage>(),
            ],
        };
    }

    private static CgroupUsage? ReadLegacy(CgroupLayout layout, string group)
    {
        var (account, cpuDirectory) = (layout.DirectoryOf("cpuacct", group), layout.DirectoryOf("cpu", group));
        var (memory, pids, block) = (layout.DirectoryOf("memory", group), layout.DirectoryOf("pids", group), layout.DirectoryOf("blkio", group));
        if (!Directory.Exists(account ?? memory ?? pids))
        {
            return null;
        }

        var (ticks, throttling) = (Numbers(account, "cpuacct.stat"), Numbers(cpuDirectory, "cpu.stat"));
        var limit = Number(memory, "memory.limit_in_bytes");
        return new()
        {
            CpuTotal = Number(account, "cpuacct.usage"),
            CpuUser = ticks.GetValueOrDefault("user") * NanosecondsPerTick,
            CpuSystem = ticks.GetValueOrDefault("system") * NanosecondsPerTick,
            CpuEach = [.. Lines(account, "cpuacct.usage_percpu").SelectMany(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(Parse)],
            Periods = throttling.GetValueOrDefault("nr_periods"),
            ThrottledPeriods = throttling.GetValueOrDefault("nr_throttled"),
            ThrottledTime = throttling.GetValueOrDefault("throttled_time"),
            Memory = Number(memory, "memory.usage_in_bytes"),
            MemoryPeak = Number(memory, "memory.max_usage_in_bytes"),
            MemoryLimit = limit >= long.MaxValue / 4096 * 4096 ? 0 : limit, // how v1 writes "none": the largest number of whole pages
            MemoryFailures = Number(memory, "memory.failcnt"),
            MemoryDetails = Numbers(memory, "memory.stat"),
            Processes = Number(pids, "pids.current"),
            ProcessLimit = Number(pids, "pids.max"),
            BlockBytes = [.. Lines(block, "blkio.throttle.io_service_bytes_recursive").Select(line => line.Split(' ')).Where(fields => fields.Length == 3)
                .Select(fields => BlockUsage.Of(fields[0], fields[1].ToLowerInvariant(), fields[2])).OfType<BlockUsage>()],
        };
    }

    private static long Number(string? directory, string file) => Parse(Lines(directory, file) is [var line, ..] ? line : "0");

    private static long Parse(string text) => long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : 0; // "max" is none

    private static Dictionary<string, long> Numbers(string? directory, string file) => Lines(directory, file).Select(line => line.Split(' ', 2)).Where(fields => fields.Length == 2)
        .ToDictionary(fields => fields[0], fields => Parse(fields[1]), StringComparer.Ordinal);

    private static string[] Lines(string? directory, string file)
    {
        try
        {
            return directory is null ? [] : File.ReadAllLines($"{directory}/{file}");
        }
        catch (IOException)
        {
            return []; // the controller is not there, or the group has just gone
        }
    }
}

/// <summary>Bytes moved to or from one device.</summary>
/// <param name="Operation"><c>read</c>, <c>write</c> or another of the kernel's words.</param>
public sealed record BlockUsage(int Major, int Minor, string Operation, long Bytes)
{
    /// <param name="device"><c>8:0</c>.</param>
    /// <returns>Null for a line that is about no device.</returns>
    internal static BlockUsage? Of(string device, string operation, string bytes) =>
        device.Split(':') is [var major, var minor] && int.TryParse(major, CultureInfo.InvariantCulture, out var first) && int.TryParse(minor, CultureInfo.InvariantCulture, out var second)
            && long.TryParse(bytes, CultureInfo.InvariantCulture, out var count)
            ? new(first, second, operation, count)
            : null;
}
