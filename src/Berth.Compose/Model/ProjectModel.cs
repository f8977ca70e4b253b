namespace Berth.Compose.Model;

/// <summary>A compose project, resolved: files merged, variables replaced, names given, references checked.</summary>
/// <param name="WorkingDirectory">Absolute; relative paths in the files start here.</param>
/// <param name="Files">Absolute paths of the files, in the order they were merged.</param>
/// <param name="Services">The services of the active profiles, by name.</param>
/// <param name="DisabledServices">Services whose profiles are not active.</param>
/// <param name="Networks">Those that a service uses, by their name in the files.</param>
/// <param name="Volumes">Those that a service uses, by their name in the files.</param>
public sealed record ProjectModel(
    string Name,
    string WorkingDirectory,
    IReadOnlyList<string> Files,
    IReadOnlyDictionary<string, ServiceModel> Services,
    IReadOnlyDictionary<string, ServiceModel> DisabledServices,
    IReadOnlyDictionary<string, NetworkModel> Networks,
    IReadOnlyDictionary<string, VolumeModel> Volumes,
    IReadOnlyDictionary<string, FileObjectModel> Secrets,
    IReadOnlyDictionary<string, FileObjectModel> Configs)
{
    /// <summary>The <c>x-</c> keys of the top level, for whoever reads the result of <c>config</c>.</summary>
    public Written Extensions { get; init; } = Written.Nothing;

    /// <summary>What stands between the parts of the containers' and built images' names.</summary>
    public string Separator { get; init; } = ComposeNames.Separator;
}

/// <param name="Key">Its name in the files.</param>
/// <param name="Name">Its name in the engine.</param>
/// <param name="IsExternal">Must exist already, and is never removed.</param>
public sealed record NetworkModel(
    string Key,
    string Name,
    bool IsExternal,
    string Driver,
    IReadOnlyDictionary<string, string> DriverOptions,
    bool IsInternal,
    bool IsAttachable,
    bool? EnableIpv6,
    IReadOnlyDictionary<string, string> Labels,
    IReadOnlyList<AddressPool> Pools)
{
    /// <summary>Null: it has IPv4 addresses.</summary>
    public bool? EnableIpv4 { get; init; }

    /// <inheritdoc cref="Model.Written"/>
    public Written Written { get; init; } = Written.Nothing;
}

/// <param name="Subnet">As <c>172.28.0.0/16</c>.</param>
public sealed record AddressPool(string? Subnet, string? Gateway, string? IpRange)
{
    /// <summary>Addresses that no container gets, by a name that says why (<c>aux_addresses</c>); null for none.</summary>
    public IReadOnlyDictionary<string, string>? Reserved { get; init; }
}

/// <inheritdoc cref="NetworkModel"/>
public sealed record VolumeModel(
    string Key,
    string Name,
    bool IsExternal,
    string Driver,
    IReadOnlyDictionary<string, string> DriverOptions,
    IReadOnlyDictionary<string, string> Labels)
{
    /// <inheritdoc cref="Model.Written"/>
    public Written Written { get; init; } = Written.Nothing;
}

/// <summary>A secret or config: its content comes from exactly one place.</summary>
/// <param name="File">Absolute path.</param>
/// <param name="Variable">Name of the environment variable of the caller.</param>
/// <param name="Content">The text, when it stands in the file or came from <paramref name="Variable"/>.</param>
public sealed record FileObjectModel(string Key, string Name, bool IsExternal, string? File, string? Variable, string? Content)
{
    /// <summary>What it held at another time, and is to hold again; null for what it holds now.</summary>
    public ReadOnlyMemory<byte>? Kept { get; init; }
}
