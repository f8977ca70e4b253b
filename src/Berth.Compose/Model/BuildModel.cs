namespace Berth.Compose.Model;

/// <summary>How a service's image is built. Compose Specification, build.md.</summary>
/// <param name="Context">Absolute path of the folder, or a URL.</param>
/// <param name="Dockerfile">Relative to the context; null for <c>Dockerfile</c>.</param>
/// <param name="DockerfileInline">The Dockerfile's own text instead of a file.</param>
/// <param name="Args">A null value takes the caller's variable and is left out when that is not set.</param>
public sealed record BuildModel(
    string Context,
    string? Dockerfile,
    string? DockerfileInline,
    IReadOnlyDictionary<string, string?> Args,
    string? Target,
    IReadOnlyDictionary<string, string> Labels)
{
    /// <summary>What <c>FROM</c> and <c>--from</c> find under a name: an absolute path, <c>docker-image://IMAGE</c> or <c>service:NAME</c>.</summary>
    public IReadOnlyDictionary<string, string> AdditionalContexts { get; init; } = new Dictionary<string, string>();

    /// <summary>The services whose images it builds on, by its additional contexts.</summary>
    public IEnumerable<string> BuildsOn =>
        AdditionalContexts.Values.Where(value => value.StartsWith(BuildContexts.Service, StringComparison.Ordinal)).Select(value => value[BuildContexts.Service.Length..]).Distinct(StringComparer.Ordinal);

    /// <summary>As <c>name:address</c>.</summary>
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];

    /// <summary><c>default</c>, <c>host</c>, <c>none</c>, for <c>RUN</c> steps that name none.</summary>
    public string? Network { get; init; }

    public bool NoCache { get; init; }

    public bool Pull { get; init; }

    /// <summary>The one platform to build for; null for the service's own.</summary>
    public string? Platform { get; init; }

    /// <summary>For <c>RUN --mount=type=secret</c>; the target is the id.</summary>
    public IReadOnlyList<FileReference> Secrets { get; init; } = [];

    public long? ShmSizeBytes { get; init; }

    /// <summary>For <c>RUN --mount=type=ssh</c>.</summary>
    public IReadOnlyList<SshAgent> Ssh { get; init; } = [];

    /// <summary>What steps may ask for: <c>security.insecure</c>, <c>network.host</c>.</summary>
    public IReadOnlyList<string> Entitlements { get; init; } = [];

    /// <summary>As the entitlement <c>security.insecure</c>.</summary>
    public bool Privileged { get; init; }

    /// <summary>Further names of the image.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    public IReadOnlyDictionary<string, UlimitModel> Ulimits { get; init; } = new Dictionary<string, UlimitModel>();

    /// <inheritdoc cref="Model.Written"/>
    public Written Written { get; init; } = Written.Nothing;
}

/// <param name="Path">An agent's socket or a private key, absolute; null for the caller's agent.</param>
/// <param name="CallersSocket">Where the caller's agent is; null when there is none.</param>
public sealed record SshAgent(string Id, string? Path, string? CallersSocket);

/// <summary>How an additional context is written that is no folder. Compose Specification, build.md, "additional_contexts".</summary>
public static class BuildContexts
{
    public const string Service = "service:";
    public const string Image = "docker-image://";

    /// <summary>Whether it is a path, absolute or not.</summary>
    public static bool IsFolder(string value) =>
        !value.Contains("://", StringComparison.Ordinal) && !value.StartsWith("git@", StringComparison.Ordinal) && !value.StartsWith(Service, StringComparison.Ordinal);
}
