using Berth.Releases.Planning;

namespace Berth.Releases.Projects;

/// <summary>What <c>up</c> was asked to do beyond the plan itself.</summary>
public sealed record UpOptions
{
    public PlanOptions Plan { get; init; } = new();

    /// <summary><c>--wait</c>: return once every container runs, and is healthy where it has a check.</summary>
    public bool Wait { get; init; }

    /// <summary><c>--wait-timeout</c>; null waits as long as it takes.</summary>
    public TimeSpan? WaitTimeout { get; init; }

    /// <summary>Who asks, and what is written into the ledger.</summary>
    public ReleaseCaller Caller { get; init; } = new();

    /// <summary>How long the new copies are judged; null for what the services say, zero for not at all.</summary>
    public TimeSpan? Watch { get; init; }

    /// <summary><c>deploy</c>: return once the watch has passed.</summary>
    public bool AwaitWatch { get; init; }

    /// <summary>The <see cref="PlanFingerprint"/> of the plan that was shown: anything else is refused. Null for whatever the plan is now.</summary>
    public string? ExpectedPlan { get; init; }

    /// <summary><c>--timeout</c>, seconds until a container that is replaced is killed; null for its own.</summary>
    public int? StopTimeoutSeconds { get; init; }
}

/// <summary>Who asks for a release.</summary>
/// <param name="Command">As it is shown: <c>up</c>, <c>deploy</c>, <c>rollback to 3</c>.</param>
/// <param name="User">Empty when it is not known.</param>
/// <param name="GitCommit">Null for the one that the project's folder stands at.</param>
public sealed record ReleaseCaller(string Command = "up", string User = "", string? GitCommit = null)
{
    /// <summary>For people: <c>'deploy' of anna</c>.</summary>
    public override string ToString() => User.Length > 0 ? $"'{Command}' of {User}" : $"'{Command}'";
}

/// <summary>What <c>build</c> was asked to do.</summary>
public sealed record ProjectBuildOptions
{
    /// <summary>Empty for all.</summary>
    public IReadOnlyList<string> Services { get; init; } = [];

    /// <summary>What they depend on, too.</summary>
    public bool WithDependencies { get; init; }

    public bool NoCache { get; init; }

    /// <summary>Ask for base images even when they are here.</summary>
    public bool Pull { get; init; }

    /// <summary>On top of the files' <c>args</c>.</summary>
    public IReadOnlyDictionary<string, string?> Arguments { get; init; } = new Dictionary<string, string?>();

    /// <summary>SSH agents by id, on top of the files' <c>ssh</c>: an agent's socket, or a file with a private key.</summary>
    public IReadOnlyDictionary<string, string> Agents { get; init; } = new Dictionary<string, string>();

    /// <summary>What a step may use at most; null for no limit.</summary>
    public long? MemoryBytes { get; init; }
}

/// <summary>What <c>run</c> changes of a service for one container.</summary>
public sealed record OneOffOptions
{
    public required string Service { get; init; }

    /// <summary>Empty keeps the service's.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    public IReadOnlyList<string>? Entrypoint { get; init; }

    /// <summary>Null makes one up.</summary>
    public string? Name { get; init; }

    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public string? User { get; init; }

    public string? WorkingDirectory { get; init; }

    /// <summary>As <c>-v</c> takes them.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    /// <summary>As <c>-p</c> takes them, resolved to container port and host port.</summary>
    public IReadOnlyList<Compose.Model.PortModel> Ports { get; init; } = [];

    /// <summary>Publish the service's own ports too.</summary>
    public bool ServicePorts { get; init; }

    /// <summary>Answer to the service's name on its networks.</summary>
    public bool UseAliases { get; init; }

    public bool Terminal { get; init; }

    public bool Interactive { get; init; }

    public bool AutoRemove { get; init; }

    public bool NoDependencies { get; init; }

    /// <summary>Build its image before.</summary>
    public bool Build { get; init; }

    /// <summary>Instead of the service's own.</summary>
    public Compose.Model.PullPolicy? Pull { get; init; }

    /// <summary>Remove containers of services that the files do not have.</summary>
    public bool RemoveOrphans { get; init; }

    public IReadOnlyList<string> AddedCapabilities { get; init; } = [];

    public IReadOnlyList<string> DroppedCapabilities { get; init; } = [];
}

/// <summary>Which images are fetched.</summary>
public sealed record ProjectPullOptions
{
    /// <summary>Empty for all.</summary>
    public IReadOnlyList<string> Services { get; init; } = [];

    /// <summary>What they depend on, too.</summary>
    public bool WithDependencies { get; init; }

    /// <summary>Not those that are here.</summary>
    public bool OnlyMissing { get; init; }

    /// <summary>One that cannot be fetched is a warning.</summary>
    public bool IgnoreFailures { get; init; }
}
