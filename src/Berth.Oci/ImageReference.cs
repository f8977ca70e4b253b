using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Berth.Oci;

/// <summary>
/// The name of an image, normalised as Docker does: <c>nginx</c> is <c>docker.io/library/nginx:latest</c>,
/// <c>localhost:5000/app</c> is on the registry <c>localhost:5000</c>.
/// </summary>
public sealed partial record ImageReference
{
    public const string DockerHub = "docker.io";
    private const string OfficialPrefix = "library/";
    private const int NameLengthLimit = 255;

    private ImageReference(string registry, string repository, string? tag, Digest? digest) =>
        (Registry, Repository, Tag, Digest) = (registry, repository, tag, digest);

    /// <summary>Host and, if given, port: <c>docker.io</c>, <c>localhost:5000</c>.</summary>
    public string Registry { get; }

    /// <summary>Path on the registry: <c>library/nginx</c>.</summary>
    public string Repository { get; }

    /// <summary>Null only beside a digest.</summary>
    public string? Tag { get; private init; }

    public Digest? Digest { get; private init; }

    /// <summary><c>docker.io/library/nginx</c>.</summary>
    public string Name => $"{Registry}/{Repository}";

    /// <summary>The name as people write it: <c>nginx</c>, <c>user/app</c>, <c>ghcr.io/user/app</c>.</summary>
    public string FamiliarName =>
        Registry != DockerHub ? Name
        : Repository.StartsWith(OfficialPrefix, StringComparison.Ordinal) && Repository.IndexOf('/', OfficialPrefix.Length) < 0
            ? Repository[OfficialPrefix.Length..]
            : Repository;

    /// <summary><c>nginx:latest</c>, <c>nginx@sha256:…</c>.</summary>
    public string Familiar => FamiliarName + Suffix;

    /// <summary>What a registry is asked for: the digest when there is one, else the tag.</summary>
    public string TagOrDigest => Digest?.Value ?? Tag!;

    private string Suffix => (Tag is null ? "" : ":" + Tag) + (Digest is { } digest ? "@" + digest.Value : "");

    public ImageReference WithTag(string tag) => this with { Tag = tag, Digest = null };

    public ImageReference WithDigest(Digest digest) => this with { Tag = null, Digest = digest };

    /// <summary>The full name, which parses to an equal reference.</summary>
    public override string ToString() => Name + Suffix;

    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out ImageReference? reference)
    {
        reference = text is null ? null : ParseOrNull(text);
        return reference is not null;
    }

    /// <exception cref="FormatException">With Docker's words.</exception>
    public static ImageReference Parse(string text)
    {
        if (TryParse(text, out var reference))
        {
            return reference;
        }

        if (text.Any(char.IsAsciiLetterUpper) && ParseOrNull(text.ToLowerInvariant()) is not null)
        {
            var repository = Split(text.Split('@')[0]).Repository;
            throw new FormatException($"invalid reference format: repository name ({repository[..(repository.IndexOf(':', StringComparison.Ordinal) is var end and >= 0 ? end : repository.Length)]}) must be lowercase");
        }

        throw new FormatException($"invalid reference format: '{text}': expected [REGISTRY[:PORT]/]NAME[:TAG][@sha256:DIGEST]");
    }

    private static ImageReference? ParseOrNull(string text)
    {
        Digest? digest = null;
        if (text.IndexOf('@', StringComparison.Ordinal) is var at and >= 0)
        {
            if (!Oci.Digest.TryParse(text[(at + 1)..], out var parsed))
            {
                return null;
            }

            (digest, text) = (parsed, text[..at]);
        }

        string? tag = null;
        if (text.LastIndexOf(':') is var colon and >= 0 && text.IndexOf('/', colon) < 0)
        {
            (tag, text) = (text[(colon + 1)..], text[..colon]);
            if (!TagPattern().IsMatch(tag))
            {
                return null;
            }
        }

        // 64 hex digits alone are an id, never a name.
        if (tag is null && digest is null && text.Length == 64 && Oci.Digest.IsHex(text))
        {
            return null;
        }

        var (registry, repository) = Split(text);
        return repository.Length + registry.Length + 1 <= NameLengthLimit && RepositoryPattern().IsMatch(repository)
            && RegistryPattern().IsMatch(registry)
            ? new(registry, repository, tag ?? (digest is null ? "latest" : null), digest)
            : null;
    }

    private static (string Registry, string Repository) Split(string name)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? "" : name[..slash];
        var isRegistry = first.AsSpan().IndexOfAny('.', ':') >= 0 || first == "localhost" || first.Any(char.IsAsciiLetterUpper);
        var (registry, repository) = isRegistry ? (first, name[(slash + 1)..]) : (DockerHub, name);
        if (registry == "index.docker.io")
        {
            registry = DockerHub;
        }

        return (registry, registry == DockerHub && !repository.Contains('/', StringComparison.Ordinal) ? OfficialPrefix + repository : repository);
    }

    // OCI Distribution Spec 1.1, "Pulling manifests", and Docker's reference grammar. \z, as $ would let a line feed through.
    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\z", RegexOptions.CultureInvariant)]
    private static partial Regex TagPattern();

    [GeneratedRegex(@"^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex RepositoryPattern();

    [GeneratedRegex(
        @"^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?\z",
        RegexOptions.CultureInvariant)]
    private static partial Regex RegistryPattern();
}
