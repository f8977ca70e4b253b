using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Oci.Images;

/// <summary>Reads and writes the JSON of images without reflection. Absent stays absent; what Berth does not know is passed over.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    MaxDepth = 32)]
[JsonSerializable(typeof(Manifest))]
[JsonSerializable(typeof(ImageIndex))]
[JsonSerializable(typeof(ManifestProbe))]
[JsonSerializable(typeof(ImageConfig))]
[JsonSerializable(typeof(ContainerDefaults))]
[JsonSerializable(typeof(HealthCheck))]
public sealed partial class OciJson : JsonSerializerContext
{
    /// <summary>As <see cref="Default"/>, but writes commands readable: only what JSON itself demands is escaped.</summary>
    public static OciJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        MaxDepth = 32,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static byte[] Write(ImageConfig config) => JsonSerializer.SerializeToUtf8Bytes(config, Readable.ImageConfig);

    public static byte[] Write(Manifest manifest) => JsonSerializer.SerializeToUtf8Bytes(manifest, Readable.Manifest);

    public static byte[] Write(ImageIndex index) => JsonSerializer.SerializeToUtf8Bytes(index, Readable.ImageIndex);

    /// <exception cref="InvalidDataException">Not an image configuration.</exception>
    public static ImageConfig ReadConfig(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, Readable.ImageConfig)
                ?? throw new InvalidDataException("The image configuration is 'null'.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"This is not an image configuration: {exception.Message}", exception);
        }
    }

    /// <exception cref="InvalidDataException">Not a manifest or index.</exception>
    public static ManifestProbe ReadManifest(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, Readable.ManifestProbe)
                ?? throw new InvalidDataException("The manifest is 'null'.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"This is not an image manifest: {exception.Message}", exception);
        }
    }
}
