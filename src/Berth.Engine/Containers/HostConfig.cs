using System.Text.Json.Serialization;
using Berth.Engine.Containers.Devices;

namespace Berth.Engine.Containers;

/// <summary>What of a container belongs to this host. Docker Engine API, "HostConfig".</summary>
public sealed record HostConfig
{
    public IReadOnlyList<string>? Binds { get; set; }

    public string ContainerIDFile { get; set; } = "";

    public LogConfig LogConfig { get; set; } = new();

    public string NetworkMode { get; set; } = "default";

    public SortedDictionary<string, IReadOnlyList<PortBinding>?>? PortBindings { get; set; }

    public RestartPolicy RestartPolicy { get; set; } = new();

    public bool AutoRemove { get; set; }

    public string VolumeDriver { get; set; } = "";

    public IReadOnlyList<string>? VolumesFrom { get; set; }

    public IReadOnlyList<int> ConsoleSize { get; set; } = [0, 0];

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<MountConfig>? Mounts { get; set; }

    public IReadOnlyList<string>? CapAdd { get; set; }

    public IReadOnlyList<string>? CapDrop { get; set; }

    public string CgroupnsMode { get; set; } = "";

    public IReadOnlyList<string>? Dns { get; set; }

    public IReadOnlyList<string>? DnsOptions { get; set; }

    public IReadOnlyList<string>? DnsSearch { get; set; }

    public IReadOnlyList<string>? ExtraHosts { get; set; }

    public IReadOnlyList<string>? GroupAdd { get; set; }

    public string IpcMode { get; set; } = "";

    public string Cgroup { get; set; } = "";

    public IReadOnlyList<string>? Links { get; set; }

    public int OomScoreAdj { get; set; }

    public string PidMode { get; set; } = "";

    public bool Privileged { get; set; }

    public bool PublishAllPorts { get; set; }

    public bool ReadonlyRootfs { get; set; }

    public IReadOnlyList<string>? SecurityOpt { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SortedDictionary<string, string>? StorageOpt { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SortedDictionary<string, string>? Tmpfs { get; set; }

    [JsonPropertyName("UTSMode")]
    public string UtsMode { get; set; } = "";

    public string UsernsMode { get; set; } = "";

    /// <summary>Bytes; 64 MiB when zero.</summary>
    public long ShmSize { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SortedDictionary<string, string>? Sysctls { get; set; }

    public string Runtime { get; set; } = "";

    public string Isolation { get; set; } = "";

    public long CpuShares { get; set; }

    /// <summary>Bytes; zero for no limit.</summary>
    public long Memory { get; set; }

    /// <summary>Billionths of one processor.</summary>
    public long NanoCpus { get; set; }

    public string CgroupParent { get; set; } = "";

    public int BlkioWeight { get; set; }

    public IReadOnlyList<DeviceWeight>? BlkioWeightDevice { get; set; }

    public IReadOnlyList<DeviceRate>? BlkioDeviceReadBps { get; set; }

    public IReadOnlyList<DeviceRate>? BlkioDeviceWriteBps { get; set; }

    [JsonPropertyName("BlkioDeviceReadIOps")]
    public IReadOnlyList<DeviceRate>? BlkioDeviceReadIops { get; set; }

    [JsonPropertyName("BlkioDeviceWriteIOps")]
    public IReadOnlyList<DeviceRate>? BlkioDeviceWriteIops { get; set; }

    public long CpuPeriod { get; set; }

    public long CpuQuota { get; set; }

    public long CpuRealtimePeriod { get; set; }

    public long CpuRealtimeRuntime { get; set; }

    public string CpusetCpus { get; set; } = "";

    public string CpusetMems { get; set; } = "";

    public IReadOnlyList<DeviceMapping>? Devices { get; set; }

    public IReadOnlyList<string>? DeviceCgroupRules { get; set; }

    public IReadOnlyList<DeviceRequest>? DeviceRequests { get; set; }

    public long MemoryReservation { get; set; }

    /// <summary>Memory and swap together, in bytes; -1 for unlimited swap, 0 for twice the memory.</summary>
    public long MemorySwap { get; set; }

    public long? MemorySwappiness { get; set; }

    public bool? OomKillDisable { get; set; }

    /// <summary>Zero, -1 or null for no limit.</summary>
    public long? PidsLimit { get; set; }

    public IReadOnlyList<UlimitConfig>? Ulimits { get; set; }

    public bool? Init { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SortedDictionary<string, string>? Annotations { get; set; }

    public IReadOnlyList<string>? MaskedPaths { get; set; }

    public IReadOnlyList<string>? ReadonlyPaths { get; set; }
}

public sealed record LogConfig
{
    public string Type { get; set; } = "";

    public SortedDictionary<string, string>? Config { get; set; }
}

public sealed record PortBinding
{
    public string HostIp { get; set; } = "";

    public string HostPort { get; set; } = "";
}

public sealed record RestartPolicy
{
    /// <summary>Empty or <c>no</c>, <c>always</c>, <c>unless-stopped</c>, <c>on-failure</c>.</summary>
    public string Name { get; set; } = "no";

    /// <summary>With <c>on-failure</c>: give up after so many; zero for never.</summary>
    public int MaximumRetryCount { get; set; }
}

public sealed record DeviceMapping
{
    public string PathOnHost { get; set; } = "";

    public string PathInContainer { get; set; } = "";

    public string CgroupPermissions { get; set; } = "rwm";
}

/// <summary>At most so many bytes, or operations, a second.</summary>
public sealed record DeviceRate
{
    public string Path { get; set; } = "";

    public ulong Rate { get; set; }
}

public sealed record DeviceWeight
{
    public string Path { get; set; } = "";

    /// <summary>10 to 1000.</summary>
    public int Weight { get; set; }
}

public sealed record UlimitConfig
{
    public string Name { get; set; } = "";

    public long Hard { get; set; }

    public long Soft { get; set; }
}

/// <summary>Docker Engine API, "Mount".</summary>
public sealed record MountConfig
{
    /// <summary><c>bind</c>, <c>volume</c>, <c>tmpfs</c> or <c>image</c>.</summary>
    public string Type { get; set; } = "";

    public string Source { get; set; } = "";

    public string Target { get; set; } = "";

    public bool ReadOnly { get; set; }

    public string Consistency { get; set; } = "";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public BindOptions? BindOptions { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public VolumeOptions? VolumeOptions { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TmpfsOptions? TmpfsOptions { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImageOptions? ImageOptions { get; set; }
}

public sealed record BindOptions
{
    public string Propagation { get; set; } = "";

    public bool NonRecursive { get; set; }

    public bool CreateMountpoint { get; set; }

    /// <summary>What is mounted below it stays writable.</summary>
    public bool ReadOnlyNonRecursive { get; set; }

    /// <summary>Fail where what is mounted below it cannot be made read-only.</summary>
    public bool ReadOnlyForceRecursive { get; set; }
}

public sealed record VolumeOptions
{
    public bool NoCopy { get; set; }

    public SortedDictionary<string, string>? Labels { get; set; }

    public string Subpath { get; set; } = "";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public VolumeDriverConfig? DriverConfig { get; set; }
}

public sealed record VolumeDriverConfig
{
    public string Name { get; set; } = "";

    public Dictionary<string, string>? Options { get; set; }
}

public sealed record ImageOptions
{
    public string Subpath { get; set; } = "";
}

public sealed record TmpfsOptions
{
    public long SizeBytes { get; set; }

    public int Mode { get; set; }

    /// <summary>Each a name and, if it has one, a value: <c>["noexec"]</c>, <c>["uid", "1000"]</c>.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? Options { get; set; }
}
