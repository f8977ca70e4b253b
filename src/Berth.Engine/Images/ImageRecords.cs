using System.Text.Json.Serialization;
using Berth.Oci;
using Berth.Oci.Images;

namespace Berth.Engine.Images;

/// <summary>An image that is here. Immutable: a new tag makes a new value with the same id.</summary>
public sealed record Image
{
    /// <summary>The digest of the configuration's bytes.</summary>
    public required Digest Id { get; init; }

    [JsonIgnore]
    public ImageConfig Config { get; init; } = new() { RootFs = new() { DiffIds = [] } };

    /// <summary>Full names with tag: <c>docker.io/library/nginx:latest</c>.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Full names with the digest under which a registry has it.</summary>
    public IReadOnlyList<string> Digests { get; init; } = [];

    /// <summary>Bytes of all layers, unpacked.</summary>
    public long Size { get; init; }

    public DateTimeOffset? LastTagged { get; init; }

    /// <summary>The image that a build or commit started from; what <c>docker inspect</c> calls Parent.</summary>
    public Digest? Parent { get; init; }

    [JsonIgnore]
    public IReadOnlyList<Digest> ChainIds => RootFileSystem.ChainIds(Config.RootFs.DiffIds);

    /// <summary><c>nginx:latest</c>.</summary>
    [JsonIgnore]
    public IEnumerable<string> FamiliarTags => Tags.Select(name => ImageReference.Parse(name).Familiar);

    /// <summary><c>nginx@sha256:…</c>.</summary>
    [JsonIgnore]
    public IEnumerable<string> FamiliarDigests => Digests.Select(name => ImageReference.Parse(name).Familiar);

    /// <summary>What a person would call it: its first tag, else its short id.</summary>
    [JsonIgnore]
    public string DisplayName => Tags.Count > 0 ? ImageReference.Parse(Tags[0]).Familiar : Id.Short;
}

/// <summary>A layer that is unpacked here.</summary>
public sealed record Layer
{
    /// <summary>Names the layer together with all below it; the key under which it is shared.</summary>
    public required Digest ChainId { get; init; }

    public required Digest DiffId { get; init; }

    /// <summary>The chain id below; null for the lowest.</summary>
    public Digest? Parent { get; init; }

    /// <summary>Name of its directory under <c>layers/</c>: short, as all names of an image must fit into one mount's options.</summary>
    public required string Directory { get; init; }

    /// <summary>Bytes of its uncompressed tar.</summary>
    public required long Size { get; init; }

    /// <summary>The compressed form as it came from a registry, if it did. A built layer has none and is packed when it leaves.</summary>
    public Descriptor? Blob { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Image))]
[JsonSerializable(typeof(Layer))]
[JsonSerializable(typeof(List<ArchiveManifest>))]
internal sealed partial class ImageJson : JsonSerializerContext;

/// <summary>An entry of <c>manifest.json</c> in what <c>docker save</c> writes.</summary>
internal sealed record ArchiveManifest
{
    [JsonPropertyName("Config")]
    public string Config { get; init; } = "";

    [JsonPropertyName("RepoTags")]
    public IReadOnlyList<string>? RepoTags { get; init; }

    [JsonPropertyName("Layers")]
    public IReadOnlyList<string> Layers { get; init; } = [];
}
