using System.Text.Json.Serialization;

namespace Berth.Oci.Images;

/// <summary>Media types of OCI Image Spec 1.1 and of Docker's schema 2, which say the same in other words.</summary>
public static class MediaTypes
{
    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json";
    public const string OciIndex = "application/vnd.oci.image.index.v1+json";
    public const string OciConfig = "application/vnd.oci.image.config.v1+json";
    public const string OciLayer = "application/vnd.oci.image.layer.v1.tar";
    public const string OciLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    public const string OciLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
    public const string DockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json";
    public const string DockerConfig = "application/vnd.docker.container.image.v1+json";
    public const string DockerLayer = "application/vnd.docker.image.rootfs.diff.tar";
    public const string DockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    public static bool IsIndex(string? mediaType) => mediaType is OciIndex or DockerManifestList;

    public static bool IsManifest(string? mediaType) => mediaType is OciManifest or DockerManifest;

    /// <summary>Whether Berth can unpack it. How it is compressed is then read from its first bytes, which cannot be wrong.</summary>
    public static bool IsLayer(string? mediaType) =>
        mediaType is OciLayer or OciLayerGzip or OciLayerZstd or DockerLayer or DockerLayerGzip;
}

/// <summary>Points to content: what it is, its digest and its exact size.</summary>
/// <remarks>OCI Image Spec 1.1, descriptor.md.</remarks>
public sealed record Descriptor
{
    public string MediaType { get; init; } = "";

    public required Digest Digest { get; init; }

    /// <summary>In bytes.</summary>
    public required long Size { get; init; }

    public Platform? Platform { get; init; }

    public Dictionary<string, string>? Annotations { get; init; }
}

/// <summary>The parts of one image for one platform.</summary>
/// <remarks>OCI Image Spec 1.1, manifest.md; Docker's "Image Manifest V 2, Schema 2".</remarks>
public sealed record Manifest
{
    public int SchemaVersion { get; init; } = 2;

    public string? MediaType { get; init; }

    public required Descriptor Config { get; init; }

    public required IReadOnlyList<Descriptor> Layers { get; init; }

    public Dictionary<string, string>? Annotations { get; init; }
}

/// <summary>One image for several platforms, or the contents of an OCI layout directory.</summary>
/// <remarks>OCI Image Spec 1.1, image-index.md; Docker's "manifest list".</remarks>
public sealed record ImageIndex
{
    public int SchemaVersion { get; init; } = 2;

    public string? MediaType { get; init; }

    public required IReadOnlyList<Descriptor> Manifests { get; init; }
}

/// <summary>What a registry answers when it was asked for a manifest: one of two forms, told apart by <c>mediaType</c> or content.</summary>
public sealed record ManifestProbe
{
    public int SchemaVersion { get; init; }

    public string? MediaType { get; init; }

    [JsonPropertyName("manifests")]
    public IReadOnlyList<Descriptor>? Manifests { get; init; }

    [JsonPropertyName("config")]
    public Descriptor? Config { get; init; }

    [JsonPropertyName("layers")]
    public IReadOnlyList<Descriptor>? Layers { get; init; }
}
