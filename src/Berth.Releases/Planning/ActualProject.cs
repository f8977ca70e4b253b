namespace Berth.Releases.Planning;

/// <summary>What the engine has of a project now. Everything with the project's label, and what the files name as external.</summary>
/// <param name="Images">The local images, by every reference a service of the project uses.</param>
public sealed record ActualProject(
    IReadOnlyList<ActualContainer> Containers,
    IReadOnlyList<ActualNetwork> Networks,
    IReadOnlyList<ActualVolume> Volumes,
    IReadOnlyDictionary<string, ActualImage> Images)
{
    public static ActualProject Empty { get; } = new([], [], [], new Dictionary<string, ActualImage>());
}

/// <summary>What an image says of the containers made from it.</summary>
public sealed record ActualImage(string Id)
{
    public bool HasHealthcheck { get; init; }

    /// <summary>Since it last got a name here, by a pull or otherwise.</summary>
    public TimeSpan Age { get; init; }

    /// <summary>Its <c>EXPOSE</c>, as <c>80/tcp</c>.</summary>
    public IReadOnlyList<string> ExposedPorts { get; init; } = [];

    /// <summary>Its <c>VOLUME</c>: absolute paths of data that belongs to one container.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];
}

public enum ContainerState
{
    Created,
    Running,
    Paused,
    Restarting,
    Exited,
    Dead,
}

/// <param name="Number">From the label; from one.</param>
/// <param name="ConfigHash">From the label; empty when it has none.</param>
/// <param name="ImageId">Of the image it was created from.</param>
/// <param name="IsOneOff">It was made by <c>run</c>.</param>
/// <param name="DependsOn">Services, from the label; orders a <c>down</c> that has no files.</param>
public sealed record ActualContainer(
    string Id,
    string Name,
    string Service,
    int Number,
    string ConfigHash,
    string ImageId,
    ContainerState State,
    bool IsOneOff,
    IReadOnlyList<string> DependsOn)
{
    /// <summary>A copy that its service does not lead to: the old one of a release that is still watched, or what a release that ended badly left.</summary>
    public bool OutOfService { get; init; }

    /// <summary>Of its last run.</summary>
    public int ExitCode { get; init; }

    /// <summary>The reference of the image it was created from.</summary>
    public string Image { get; init; } = "";

    /// <summary>In what it is not as its service says; null when that is not known, as before its image is here.</summary>
    public IReadOnlyList<FieldChange>? Changes { get; init; }
}

/// <param name="Key">Name in the files, from the label; null when the project did not make it.</param>
/// <param name="ConfigHash">From the label; null when it has none.</param>
public sealed record ActualNetwork(string Id, string Name, string? Key, string? ConfigHash)
{
    /// <inheritdoc cref="ActualContainer.Changes"/>
    public IReadOnlyList<FieldChange>? Changes { get; init; }
}

/// <inheritdoc cref="ActualNetwork"/>
public sealed record ActualVolume(string Name, string? Key, string? ConfigHash)
{
    /// <inheritdoc cref="ActualContainer.Changes"/>
    public IReadOnlyList<FieldChange>? Changes { get; init; }
}
