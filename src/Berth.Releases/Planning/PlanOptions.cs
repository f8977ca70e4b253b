namespace Berth.Releases.Planning;

/// <summary>What <c>up</c> and <c>create</c> were asked to do.</summary>
public sealed record PlanOptions
{
    /// <summary>Services that were named; empty for all. Their dependencies join, unless <see cref="NoDependencies"/>.</summary>
    public IReadOnlyList<string> Services { get; init; } = [];

    /// <summary><c>--no-deps</c></summary>
    public bool NoDependencies { get; init; }

    /// <summary><c>--force-recreate</c>: replace the named services' containers even when nothing changed.</summary>
    public bool ForceRecreate { get; init; }

    /// <summary><c>--always-recreate-deps</c>: their dependencies' too.</summary>
    public bool ForceRecreateDependencies { get; init; }

    /// <summary><c>--no-recreate</c>: keep containers even when something changed.</summary>
    public bool NoRecreate { get; init; }

    /// <summary><c>--scale SERVICE=NUMBER</c></summary>
    public IReadOnlyDictionary<string, int> Scale { get; init; } = new Dictionary<string, int>();

    public bool RemoveOrphans { get; init; }

    /// <summary>Services whose containers go although the files do not have them any more: a later release had brought them.</summary>
    public IReadOnlySet<string> Obsolete { get; init; } = new HashSet<string>();

    /// <summary><c>--build</c></summary>
    public bool Build { get; init; }

    /// <summary><c>--no-build</c></summary>
    public bool NoBuild { get; init; }

    /// <summary><c>--pull</c>; null leaves it to each service.</summary>
    public Compose.Model.PullPolicy? Pull { get; init; }

    /// <summary><c>--no-start</c>, and <c>create</c>: containers are made but not started.</summary>
    public bool NoStart { get; init; }

    /// <summary><c>--renew-anon-volumes</c>: a new container does not get the anonymous volumes of the one that it replaces. Those stay, as nobody's.</summary>
    public bool RenewVolumes { get; init; }

    /// <summary>Seconds that services replaced stop-first were away the last time, by name.</summary>
    public IReadOnlyDictionary<string, double> LastGaps { get; init; } = new Dictionary<string, double>();

    /// <summary>An earlier release comes back.</summary>
    public bool GoesBack { get; init; }

    /// <summary>The images were built and pulled, and their ids are in the actual state: plan only the rest.</summary>
    public bool ImagesAreReady { get; init; }
}

/// <summary>What <c>down</c> was asked to do.</summary>
public sealed record DownOptions
{
    /// <summary>Empty for everything.</summary>
    public IReadOnlyList<string> Services { get; init; } = [];

    public bool RemoveOrphans { get; init; }

    /// <summary><c>-v</c></summary>
    public bool RemoveVolumes { get; init; }

    /// <summary><c>--rmi</c></summary>
    public ImageRemoval RemoveImages { get; init; }
}

public enum ImageRemoval
{
    None,

    /// <summary>Images that the project built and whose name it made up.</summary>
    Local,
    All,
}
