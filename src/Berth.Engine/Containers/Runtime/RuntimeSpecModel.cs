using Berth.Engine.Containers.Devices;
using Berth.Linux.Namespaces;

namespace Berth.Engine.Containers.Runtime;

/// <summary>All that decides an OCI <c>config.json</c>, already resolved: plain values, so that the spec can be compared in tests.</summary>
internal sealed record RuntimeSpecModel
{
    public required string Hostname { get; init; }

    public string Domainname { get; init; } = "";

    public required string RootPath { get; init; }

    public bool ReadonlyRoot { get; init; }

    public required ProcessModel Process { get; init; }

    public required IReadOnlyList<SpecMount> Mounts { get; init; }

    /// <summary>Kind → path; an empty path makes a new one. <c>host</c> namespaces are absent.</summary>
    public required IReadOnlyList<(string Type, string Path)> Namespaces { get; init; }

    /// <summary>The ids of its user namespace, which is among those; null without.</summary>
    public IdMap? Users { get; init; }

    /// <summary>Such as <c>/berth/ID</c>.</summary>
    public required string CgroupsPath { get; init; }

    public bool Privileged { get; init; }

    public bool SeccompUnconfined { get; init; }

    /// <summary>The value of <c>linux.seccomp</c> instead of the default profile; null for that.</summary>
    public System.Text.Json.Nodes.JsonObject? SeccompFile { get; init; }

    /// <summary>More than the devices themselves allow.</summary>
    public IReadOnlyList<DeviceRule> DeviceRules { get; init; } = [];

    public IReadOnlyList<string> MaskedPaths { get; init; } = [];

    public IReadOnlyList<string> ReadonlyPaths { get; init; } = [];

    public IReadOnlyList<DeviceMapping> Devices { get; init; } = [];

    /// <summary>Those that a vendor's file describes.</summary>
    public IReadOnlyList<SpecDevice> InjectedDevices { get; init; } = [];

    public IReadOnlyList<CdiHook> Hooks { get; init; } = [];

    public IReadOnlyDictionary<string, string> Sysctls { get; init; } = new Dictionary<string, string>();

    public required ResourceModel Resources { get; init; }

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    public string RootfsPropagation { get; init; } = "";
}

/// <summary>OCI Runtime Spec 1.1, config.md, "Process". Also the whole of an <c>exec</c>'s process file.</summary>
internal sealed record ProcessModel
{
    public bool Terminal { get; init; }

    /// <summary>The terminal's rows and columns from the beginning; null for the runtime's default.</summary>
    public (int Rows, int Columns)? ConsoleSize { get; init; }

    public required IReadOnlyList<string> Args { get; init; }

    public required IReadOnlyList<string> Env { get; init; }

    public required string WorkingDirectory { get; init; }

    public required ProcessUser User { get; init; }

    public required IReadOnlyList<string> Capabilities { get; init; }

    public IReadOnlyList<UlimitConfig> Ulimits { get; init; } = [];

    public bool NoNewPrivileges { get; init; }

    /// <summary>Empty for none.</summary>
    public string AppArmorProfile { get; init; } = "";

    public int OomScoreAdj { get; init; }
}

/// <summary>A device node with its numbers. OCI Runtime Spec 1.1, config-linux.md, "Devices".</summary>
/// <param name="Type"><c>b</c>, <c>c</c>, <c>u</c> or <c>p</c>.</param>
/// <param name="FileMode">Null for the runtime's default.</param>
/// <param name="Access">Some of <c>r</c>, <c>w</c> and <c>m</c>.</param>
internal sealed record SpecDevice(string Path, string Type, uint Major, uint Minor, uint? FileMode, uint? User, uint? Group, string Access);

internal sealed record SpecMount(string Destination, string Type, string Source, IReadOnlyList<string> Options);

/// <summary>Limits, in the units of <see cref="HostConfig"/>; zero and null mean none.</summary>
internal sealed record ResourceModel
{
    public long Memory { get; init; }

    public long MemorySwap { get; init; }

    public long MemoryReservation { get; init; }

    public long? MemorySwappiness { get; init; }

    public bool OomKillDisable { get; init; }

    public long CpuShares { get; init; }

    public long CpuQuota { get; init; }

    public long CpuPeriod { get; init; }

    public string CpusetCpus { get; init; } = "";

    public string CpusetMems { get; init; } = "";

    public long PidsLimit { get; init; }

    public long CpuRealtimePeriod { get; init; }

    public long CpuRealtimeRuntime { get; init; }

    public int BlockWeight { get; init; }

    public IReadOnlyList<DeviceWeight> BlockWeights { get; init; } = [];

    /// <summary>By the runtime's names, such as <c>throttleReadBpsDevice</c>.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<DeviceRate> Rates)> BlockRates { get; init; } = [];

    public static ResourceModel From(HostConfig host) => new()
    {
        Memory = host.Memory,
        MemorySwap = host.MemorySwap != 0 ? host.MemorySwap : host.Memory * 2,
        MemoryReservation = host.MemoryReservation,
        MemorySwappiness = host.MemorySwappiness is >= 0 ? host.MemorySwappiness : null,
        OomKillDisable = host.OomKillDisable ?? false,
        CpuShares = host.CpuShares,
        CpuQuota = host.NanoCpus > 0 ? host.NanoCpus / 10_000 : host.CpuQuota, // of a period of 100 ms
        CpuPeriod = host.NanoCpus > 0 ? 100_000 : host.CpuPeriod,
        CpusetCpus = host.CpusetCpus,
        CpusetMems = host.CpusetMems,
        PidsLimit = host.PidsLimit is > 0 ? host.PidsLimit.Value : 0,
        CpuRealtimePeriod = host.CpuRealtimePeriod,
        CpuRealtimeRuntime = host.CpuRealtimeRuntime,
        BlockWeight = host.BlkioWeight,
        BlockWeights = host.BlkioWeightDevice ?? [],
        BlockRates =
        [
            .. new (string Name, IReadOnlyList<DeviceRate>? Rates)[]
            {
                ("throttleReadBpsDevice", host.BlkioDeviceReadBps), ("throttleWriteBpsDevice", host.BlkioDeviceWriteBps),
                ("throttleReadIOPSDevice", host.BlkioDeviceReadIops), ("throttleWriteIOPSDevice", host.BlkioDeviceWriteIops),
            }.Where(pair => pair.Rates is { Count: > 0 }).Select(pair => (pair.Name, pair.Rates!)),
        ],
    };
}
