namespace Berth.Oci.Registry;

/// <summary>Where images are looked for, and how carefully.</summary>
public sealed class RegistryOptions
{
    /// <summary>Mirrors by registry (<c>docker.io</c>, …), as base addresses, asked in order before the registry itself. Default none.</summary>
    public Dictionary<string, IReadOnlyList<string>> Mirrors { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Registries, <c>host[:port]</c>, that may speak HTTP or have a certificate no one vouches for. Loopback always may.</summary>
    public HashSet<string> InsecureRegistries { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Longest time to connect. Default 5 s: a registry that cannot be reached should be known soon, as there is another way.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest silence in the middle of a blob before the connection counts as lost. Default 30 s.</summary>
    public TimeSpan StallTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Attempts in a row that may bring not one byte before a blob is given up. Default 5, as in Docker.</summary>
    public int Attempts { get; set; } = 5;

    /// <summary>The wait before the second attempt; it doubles with each further one. Default 0.5 s.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(0.5);
}

/// <summary>Who asks. Either a name and password, or an identity token that is exchanged for access, or a bearer token as it stands.</summary>
public sealed record RegistryCredentials
{
    public string? Username { get; init; }

    public string? Password { get; init; }

    public string? IdentityToken { get; init; }

    public string? RegistryToken { get; init; }
}

/// <summary>A registry refused, failed, or could not be reached.</summary>
public sealed class RegistryException(RegistryFailure failure, string message, Exception? inner = null) : IOException(message, inner)
{
    public RegistryFailure Failure { get; } = failure;
}

public enum RegistryFailure
{
    /// <summary>No answer: name resolution, connection, TLS or time.</summary>
    Unreachable,

    /// <summary>It does not have what was asked for.</summary>
    NotFound,

    /// <summary>It wants other credentials.</summary>
    Denied,

    /// <summary>It answered with what the specification does not allow, or with bytes of another digest.</summary>
    Invalid,
}
