namespace Berth.Compose.Model;

/// <summary>One service. A null means: as the image or the engine has it.</summary>
public sealed record ServiceModel
{
    public required string Name { get; init; }

    /// <summary>Null when it is only built; its image is then <c>PROJECT-SERVICE</c>, see <see cref="ComposeNames"/>.</summary>
    public string? Image { get; init; }

    public BuildModel? Build { get; init; }

    public string? ContainerName { get; init; }

    /// <summary>An empty list takes the image's command away.</summary>
    public IReadOnlyList<string>? Command { get; init; }

    public IReadOnlyList<string>? Entrypoint { get; init; }

    public string? WorkingDirectory { get; init; }

    public RestartPolicy Restart { get; init; } = RestartPolicy.Never;

    /// <summary>As <c>80/tcp</c>.</summary>
    public IReadOnlyList<string> Expose { get; init; } = [];

    public IReadOnlyList<PortModel> Ports { get; init; } = [];

    /// <summary>By the network's name in the files; empty when <see cref="NetworkMode"/> is set.</summary>
    public IReadOnlyDictionary<string, ServiceNetwork> Networks { get; init; } = Empty<ServiceNetwork>();

    /// <summary><c>host</c>, <c>none</c>, <c>bridge</c>, <c>service:NAME</c> or <c>container:NAME</c>.</summary>
    public string? NetworkMode { get; init; }

    public IReadOnlyList<MountModel> Volumes { get; init; } = [];

    /// <summary>Environment files first, then <c>environment</c>. A null value takes the image's variable away.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = Empty<string?>();

    /// <summary>What is named there, and what is linked to or shared.</summary>
    public IReadOnlyDictionary<string, Dependency> DependsOn { get; init; } = Empty<Dependency>();

    /// <summary>Dependencies that are not required, and not there.</summary>
    public IReadOnlyDictionary<string, Dependency> AbsentDependencies { get; init; } = Empty<Dependency>();

    /// <summary>Other services by names of its own.</summary>
    public IReadOnlyList<LinkModel> Links { get; init; } = [];

    /// <summary>Containers of others by names of its own.</summary>
    public IReadOnlyList<LinkModel> ExternalLinks { get; init; } = [];

    public IReadOnlyList<VolumesFromModel> VolumesFrom { get; init; } = [];

    public HealthcheckModel? Healthcheck { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = Empty<string>();

    public string? Hostname { get; init; }

    public string? DomainName { get; init; }

    public string? User { get; init; }

    public string? StopSignal { get; init; }

    public TimeSpan? StopGracePeriod { get; init; }

    public bool Tty { get; init; }

    public bool StdinOpen { get; init; }

    public bool? Init { get; init; }

    public bool Privileged { get; init; }

    public bool ReadOnly { get; init; }

    public IReadOnlyList<string> CapAdd { get; init; } = [];

    public IReadOnlyList<string> CapDrop { get; init; } = [];

    /// <summary>As <c>/run:size=64m</c>.</summary>
    public IReadOnlyList<string> Tmpfs { get; init; } = [];

    public long? ShmSizeBytes { get; init; }

    public IReadOnlyDictionary<string, UlimitModel> Ulimits { get; init; } = Empty<UlimitModel>();

    public IReadOnlyDictionary<string, string> Sysctls { get; init; } = Empty<string>();

    /// <summary>As <c>name:address</c>.</summary>
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];

    public IReadOnlyList<string> Dns { get; init; } = [];

    public IReadOnlyList<string> DnsSearch { get; init; } = [];

    public IReadOnlyList<string> DnsOptions { get; init; } = [];

    public LoggingModel? Logging { get; init; }

    public long? MemoryLimitBytes { get; init; }

    public long? MemoryReservationBytes { get; init; }

    /// <summary>Memory and swap together; -1 for no limit.</summary>
    public long? MemorySwapLimitBytes { get; init; }

    public decimal? Cpus { get; init; }

    public long? CpuShares { get; init; }

    public string? CpuSet { get; init; }

    /// <summary>-1 for no limit.</summary>
    public long? PidsLimit { get; init; }

    public string? Pid { get; init; }

    public string? Ipc { get; init; }

    public IReadOnlyList<string> SecurityOptions { get; init; } = [];

    public IReadOnlyList<DeviceModel> Devices { get; init; } = [];

    public IReadOnlyList<DeviceRequestModel> Gpus { get; init; } = [];

    public IReadOnlyList<string> GroupAdd { get; init; } = [];

    public string? Platform { get; init; }

    /// <summary>For the OCI runtime.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = Empty<string>();

    public BlockIoModel? BlockIo { get; init; }

    /// <summary><c>host</c> or <c>private</c>.</summary>
    public string? CgroupNamespace { get; init; }

    public string? CgroupParent { get; init; }

    /// <summary>In µs, as the three that follow.</summary>
    public long? CpuPeriod { get; init; }

    public long? CpuQuota { get; init; }

    public long? CpuRealtimePeriod { get; init; }

    public long? CpuRealtimeRuntime { get; init; }

    public IReadOnlyList<string> DeviceCgroupRules { get; init; } = [];

    /// <summary>From 0 to 100.</summary>
    public long? MemorySwappiness { get; init; }

    public bool? OomKillDisable { get; init; }

    /// <summary>From -1000 to 1000.</summary>
    public int? OomScoreAdjustment { get; init; }

    /// <summary>Of the network that is named first, or of the only one.</summary>
    public string? MacAddress { get; init; }

    /// <summary>Name of an OCI runtime.</summary>
    public string? Runtime { get; init; }

    public string? Isolation { get; init; }

    public IReadOnlyDictionary<string, string> StorageOptions { get; init; } = Empty<string>();

    /// <summary><c>host</c>, or null for the daemon's own setting.</summary>
    public string? UserNamespace { get; init; }

    /// <summary><c>host</c>, or null for a hostname of its own.</summary>
    public string? Uts { get; init; }

    public PullPolicy PullPolicy { get; init; } = PullPolicy.Missing;

    /// <summary>With <see cref="PullPolicy.Refresh"/>: how old an image may become before its registry is asked again.</summary>
    public TimeSpan? PullEvery { get; init; }

    /// <summary>How many containers; from <c>scale</c> or <c>deploy.replicas</c>.</summary>
    public int Scale { get; init; } = 1;

    public DeployModel? Deploy { get; init; }

    public IReadOnlyList<FileReference> Secrets { get; init; } = [];

    public IReadOnlyList<FileReference> Configs { get; init; } = [];

    public IReadOnlyList<string> Profiles { get; init; } = [];

    /// <summary>Whether <c>up</c> without <c>-d</c> shows what it prints.</summary>
    public bool Attach { get; init; } = true;

    /// <summary>Run in a container once it has started, one after the other.</summary>
    public IReadOnlyList<HookModel> PostStart { get; init; } = [];

    /// <summary>Run in a container before it is stopped, one after the other.</summary>
    public IReadOnlyList<HookModel> PreStop { get; init; } = [];

    /// <summary>What follows a change of its files while somebody develops it; empty for nothing.</summary>
    public IReadOnlyList<WatchModel> Develop { get; init; } = [];

    /// <summary><c>x-berth</c></summary>
    public ServiceExtension? Extension { get; init; }

    /// <inheritdoc cref="Written"/>
    public Written Written { get; init; } = Written.Nothing;

    private static Dictionary<string, T> Empty<T>() => [];
}

/// <summary>What is done when something below a path changes.</summary>
/// <param name="Path">Absolute, a folder or a file.</param>
/// <param name="Target">Where it is in the containers; null when nothing is copied.</param>
public sealed record WatchModel(string Path, WatchAction Action, string? Target)
{
    /// <summary>Patterns as of a <c>.dockerignore</c>, relative to the path, of what does not count.</summary>
    public IReadOnlyList<string> Ignore { get; init; } = [];

    /// <summary>Such patterns of what counts; empty for everything.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>The containers get all of it when the watch begins.</summary>
    public bool InitialSync { get; init; }

    /// <summary>What is run in them after each change.</summary>
    public HookModel? Exec { get; init; }
}

public enum WatchAction
{
    Sync,
    Rebuild,
    Restart,
    SyncAndRestart,
    SyncAndExec,
}

/// <summary>A command that is run in a container at a turn of its life.</summary>
public sealed record HookModel(IReadOnlyList<string> Command)
{
    /// <summary>Null for the container's.</summary>
    public string? User { get; init; }

    /// <summary>Null for the container's.</summary>
    public string? WorkingDirectory { get; init; }

    public bool Privileged { get; init; }

    /// <summary>On top of the container's. A null value is left out.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();
}

/// <param name="MaximumRetries">Zero for no limit.</param>
public sealed record RestartPolicy(RestartCondition Condition, int MaximumRetries)
{
    public static RestartPolicy Never { get; } = new(RestartCondition.No, 0);
}

public enum RestartCondition
{
    No,
    Always,
    OnFailure,
    UnlessStopped,
}

public enum PullPolicy
{
    Missing,
    Always,
    Never,
    Build,
    Refresh,
}

/// <param name="PublishedFirst">Null for a port that the engine chooses.</param>
/// <param name="PublishedLast">As the first, or the end of a range from which the engine takes a free one.</param>
/// <param name="Protocol"><c>tcp</c> or <c>udp</c>.</param>
public sealed record PortModel(string? HostIp, int? PublishedFirst, int? PublishedLast, int Target, string Protocol)
{
    /// <summary><c>ingress</c> or <c>host</c>: both publish it on this machine.</summary>
    public string? Mode { get; init; } = "ingress";

    /// <summary>For people, as <see cref="ApplicationProtocol"/>.</summary>
    public string? Name { get; init; }

    public string? ApplicationProtocol { get; init; }
}

public sealed record ServiceNetwork(IReadOnlyList<string> Aliases, string? Ipv4Address, string? Ipv6Address)
{
    public string? MacAddress { get; init; }

    /// <summary>The network with the highest is eth0.</summary>
    public int Priority { get; init; }

    /// <summary>The network with the highest has the way out.</summary>
    public int GatewayPriority { get; init; }

    public IReadOnlyDictionary<string, string> DriverOptions { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<string> LinkLocalAddresses { get; init; } = [];

    /// <summary>Of the interface in the container; null for the next of eth0, eth1 and so on.</summary>
    public string? InterfaceName { get; init; }
}

/// <summary>Limits on disks. Rates are in bytes or operations a second; weights from 10 to 1000.</summary>
public sealed record BlockIoModel(int? Weight, IReadOnlyList<DeviceRateModel> WeightDevice)
{
    public IReadOnlyList<DeviceRateModel> ReadBytes { get; init; } = [];

    public IReadOnlyList<DeviceRateModel> WriteBytes { get; init; } = [];

    public IReadOnlyList<DeviceRateModel> ReadOperations { get; init; } = [];

    public IReadOnlyList<DeviceRateModel> WriteOperations { get; init; } = [];
}

public sealed record DeviceRateModel(string Path, long Value);

public enum MountKind
{
    Bind,
    Volume,
    Tmpfs,
    Image,
}

/// <param name="Source">Absolute path of a bind; name in the files of a volume; an image's reference; null for an anonymous volume or tmpfs.</param>
/// <param name="CreatesHostPath">Make a bind's missing source, as the short form does.</param>
/// <param name="NoCopy">Leave a new volume empty instead of filling it from the image.</param>
/// <param name="Propagation">Of a bind, for instance <c>rslave</c>.</param>
public sealed record MountModel(
    MountKind Kind,
    string? Source,
    string Target,
    bool ReadOnly,
    bool CreatesHostPath = false,
    bool NoCopy = false,
    string? Propagation = null,
    string? Subpath = null,
    long? TmpfsSizeBytes = null,
    int? TmpfsMode = null)
{
    /// <summary>Of what is mounted below a bind's source: <c>enabled</c>, <c>disabled</c>, <c>writable</c> or <c>readonly</c>; null for the first.</summary>
    public string? Recursive { get; init; }

    /// <summary>Of a volume that is made for this mount; null for none.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <inheritdoc cref="Model.Written"/>
    public Written Written { get; init; } = Written.Nothing;
}

public enum DependencyCondition
{
    Started,
    Healthy,
    CompletedSuccessfully,
}

/// <param name="Target">A service, or a container that is not of the project.</param>
public sealed record LinkModel(string Target, string Alias);

/// <summary>All volumes and binds of another service's container, or of a container that is not of the project.</summary>
public sealed record VolumesFromModel(string Source, bool IsContainer, bool ReadOnly);

/// <param name="Restart">Restart this service when the other is restarted or replaced.</param>
/// <param name="Required">False: only a warning when the other cannot be had.</param>
public sealed record Dependency(DependencyCondition Condition, bool Restart, bool Required);

/// <param name="Test"><c>CMD …</c>, <c>CMD-SHELL …</c>; null keeps the image's.</param>
/// <param name="IsDisabled">Switches the image's check off.</param>
public sealed record HealthcheckModel(
    IReadOnlyList<string>? Test,
    TimeSpan? Interval,
    TimeSpan? Timeout,
    int? Retries,
    TimeSpan? StartPeriod,
    TimeSpan? StartInterval,
    bool IsDisabled)
{
    /// <summary>It is switched off by the test <c>["NONE"]</c>.</summary>
    public bool IsNone { get; init; }
}

/// <summary>Soft and hard limit; -1 for none.</summary>
/// <param name="IsSingle">The files give one number for both.</param>
public sealed record UlimitModel(long Soft, long Hard, bool IsSingle = false);

/// <param name="IsDefault">The files name no driver.</param>
public sealed record LoggingModel(string Driver, IReadOnlyDictionary<string, string> Options, bool IsDefault = false);

/// <param name="Source">A path, or the full name of a device that its vendor has described, which is its target too.</param>
/// <param name="Permissions">Some of <c>r</c>, <c>w</c> and <c>m</c>.</param>
public sealed record DeviceModel(string Source, string Target, string Permissions)
{
    /// <summary>It is <c>VENDOR/CLASS=NAME</c>. Container Device Interface, SPEC.md.</summary>
    public bool IsName => Source == Target && !Source.StartsWith('/');
}

/// <summary>Devices that are chosen by what they can do.</summary>
/// <param name="Count">-1 for all; null when they are named.</param>
/// <param name="Names">The driver's names.</param>
public sealed record DeviceRequestModel(
    string? Driver, int? Count, IReadOnlyList<string> Names, IReadOnlyList<string> Capabilities, IReadOnlyDictionary<string, string> Options);

/// <summary>How a service sees a secret or config.</summary>
/// <param name="Source">The key of the top-level object.</param>
/// <param name="Target">Absolute path in the container.</param>
/// <param name="WrittenTarget">As the files have it; null when they leave it open.</param>
public sealed record FileReference(string Source, string Target, string? UserId, string? GroupId, int? Mode, string? WrittenTarget = null);

public sealed record DeployModel(
    int? Replicas,
    string? EndpointMode,
    ResourcesModel? Limits,
    ResourcesModel? Reservations,
    DeployRestartPolicy? RestartPolicy,
    UpdateConfig? Update,
    UpdateConfig? Rollback,
    IReadOnlyDictionary<string, string> Labels)
{
    /// <summary><c>replicated</c> or <c>global</c>, which is one container on one machine; null for the first.</summary>
    public string? Mode { get; init; }

    /// <summary>Without meaning on one machine.</summary>
    public PlacementModel? Placement { get; init; }
}

/// <summary>On which machines of a cluster a service may run.</summary>
/// <param name="Constraints">As <c>node.labels.disk==ssd</c>.</param>
/// <param name="Spreads">Labels of machines over whose values it is spread.</param>
public sealed record PlacementModel(IReadOnlyList<string> Constraints, IReadOnlyList<string> Spreads, int? MaximumPerNode);

public sealed record ResourcesModel(decimal? Cpus, long? MemoryBytes, long? Pids)
{
    /// <summary>Of reservations only.</summary>
    public IReadOnlyList<DeviceRequestModel> Devices { get; init; } = [];
}

/// <param name="Condition"><c>none</c>, <c>on-failure</c> or <c>any</c>.</param>
public sealed record DeployRestartPolicy(string? Condition, TimeSpan? Delay, int? MaximumAttempts, TimeSpan? Window);

/// <param name="FailureAction"><c>continue</c>, <c>pause</c> or <c>rollback</c>.</param>
/// <param name="Order"><c>stop-first</c> or <c>start-first</c>.</param>
public sealed record UpdateConfig(
    int? Parallelism, TimeSpan? Delay, string? FailureAction, TimeSpan? Monitor, decimal? MaximumFailureRatio, string? Order);
