namespace Berth.Engine.Containers;

public enum ContainerStatus
{
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
}

/// <summary>All that is remembered of a container. Immutable; replaced whole on each change.</summary>
public sealed record ContainerRecord
{
    public required string Id { get; init; }

    /// <summary>Without the slash that the API puts before it.</summary>
    public required string Name { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>As asked, completed from the image.</summary>
    public required ContainerConfig Config { get; init; }

    public required HostConfig HostConfig { get; init; }

    /// <summary>The image's digest, <c>sha256:…</c>.</summary>
    public required string ImageId { get; init; }

    /// <summary>Layer directories of the image, uppermost first.</summary>
    public required IReadOnlyList<string> LowerDirectories { get; init; }

    public required IReadOnlyList<MountPoint> Mounts { get; init; }

    /// <summary>By network name, in the order in which interfaces are made (eth0 first).</summary>
    public required IReadOnlyList<EndpointRecord> Endpoints { get; init; }

    /// <summary>Other containers under names of their own (<c>--link</c>).</summary>
    public IReadOnlyList<ContainerLink> Links { get; init; } = [];

    public ContainerStatus Status { get; init; } = ContainerStatus.Created;

    public int ExitCode { get; init; }

    public string Error { get; init; } = "";

    public bool OomKilled { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>The container's first process, 0 when it does not run, and its start time in clock ticks.</summary>
    public int Pid { get; init; }

    public long PidStartTicks { get; init; }

    public int ConmonPid { get; init; }

    public long ConmonStartTicks { get; init; }

    /// <summary>The ids of the host that it had at its last start for its own; null: the host's.</summary>
    public Berth.Linux.Namespaces.IdMap? Users { get; init; }

    public int RestartCount { get; init; }

    /// <summary>Where its ports are published while it runs.</summary>
    public IReadOnlyList<Networks.PortMapping> Ports { get; init; } = [];

    /// <summary>Stopped on request: <c>unless-stopped</c> and <c>always</c> leave it alone until it is started again.</summary>
    public bool StoppedByRequest { get; init; }

    /// <summary>Being ended because it is unhealthy, to be started again whatever its policy: <see cref="ContainerService.RestartUnhealthyLabel"/>.</summary>
    public bool EndedForHealth { get; init; }

    /// <summary>Its service's address, names and published ports do not lead to it: a copy that does not serve yet, or not any more.</summary>
    public bool OutOfService { get; init; }

    public bool IsRunning => Status is ContainerStatus.Running or ContainerStatus.Paused;

    public string ShortId => Id[..12];

    public string Label(string name) => Config.Labels is not null && Config.Labels.TryGetValue(name, out var value) ? value : "";
}

/// <summary>A file system put into a container. Docker Engine API, "MountPoint".</summary>
public sealed record MountPoint
{
    /// <summary><c>bind</c>, <c>volume</c>, <c>tmpfs</c> or <c>image</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The volume's name; empty for the others.</summary>
    public string Name { get; init; } = "";

    /// <summary>Path on the host; empty for tmpfs.</summary>
    public string Source { get; init; } = "";

    public required string Destination { get; init; }

    public string Mode { get; init; } = "";

    public bool ReadWrite { get; init; } = true;

    public string Propagation { get; init; } = "";

    /// <summary>tmpfs mount options.</summary>
    public string Options { get; init; } = "";

    /// <summary>Fill an empty volume with what the image has at that path.</summary>
    public bool CopyUp { get; init; }

    /// <summary>The volume was made for this container alone and goes with it on <c>rm -v</c>.</summary>
    public bool Anonymous { get; init; }

    /// <summary>The part of the volume or image that is mounted, below its root; empty for all.</summary>
    public string Subpath { get; init; } = "";

    /// <summary>What is mounted below the source does not come along.</summary>
    public bool NonRecursive { get; init; }

    /// <summary>Of a read-only mount: what is mounted below it stays writable.</summary>
    public bool ReadOnlyNonRecursive { get; init; }

    /// <summary>Of an image: its layer directories, uppermost first.</summary>
    public IReadOnlyList<string> LowerDirectories { get; init; } = [];

    /// <summary>It cannot be named as one path of the host, or the runtime would take more of it than was asked for: it is mounted beside the container's root first.</summary>
    public bool IsStaged => Type == "image" || Subpath.Length > 0 || NonRecursive;

    /// <summary>Make the source directory when it is not there, as <c>-v</c> does.</summary>
    public bool CreateSource { get; init; }
}

/// <summary>A container's place in one network; its address is kept for the container's life.</summary>
public sealed record EndpointRecord
{
    public required string NetworkName { get; init; }

    public required string NetworkId { get; init; }

    public required string EndpointId { get; init; }

    public required EndpointConfig Config { get; init; }

    /// <summary>IPv4; empty without.</summary>
    public required string Address { get; init; }

    /// <summary>IPv6; empty without.</summary>
    public string Address6 { get; set; } = "";

    public required string MacAddress { get; init; }

    /// <summary>The name of the link's end on the host.</summary>
    public required string HostLink { get; init; }

    /// <summary>Its addresses of each family, IPv4 first; none where it has no link of its own.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<string> Addresses => [.. new[] { Address, Address6 }.Where(address => address.Length > 0)];

    /// <summary>It has a link of its own: not on the host's network or on none.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsWired => Address.Length > 0 || Address6.Length > 0;
}
