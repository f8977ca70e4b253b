using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Oci.Images;

/// <summary>The image's configuration; the digest of its bytes is the image's id.</summary>
/// <remarks>OCI Image Spec 1.1, config.md, with what Docker adds (Healthcheck, OnBuild, Shell, ArgsEscaped).</remarks>
public sealed record ImageConfig
{
    public string Architecture { get; init; } = "";

    public string? Variant { get; init; }

    public ContainerDefaults? Config { get; init; }

    [JsonConverter(typeof(GoTimeConverter))]
    public DateTimeOffset? Created { get; init; }

    public string? Author { get; init; }

    public string? Comment { get; init; }

    public IReadOnlyList<HistoryEntry>? History { get; init; }

    public string Os { get; init; } = "";

    [JsonPropertyName("os.version")]
    public string? OsVersion { get; init; }

    [JsonPropertyName("rootfs")]
    public required RootFileSystem RootFs { get; init; }

    public Platform Platform => new() { Architecture = Architecture, OperatingSystem = Os, Variant = Variant };
}

/// <summary>The digests of the uncompressed layers, lowest first.</summary>
public sealed record RootFileSystem
{
    public string Type { get; init; } = "layers";

    [JsonPropertyName("diff_ids")]
    public required IReadOnlyList<Digest> DiffIds { get; init; }

    /// <summary>The digest that names a layer together with all below it: the key under which unpacked layers are shared.</summary>
    /// <remarks>OCI Image Spec 1.1, config.md, "Layer ChainID".</remarks>
    public static IReadOnlyList<Digest> ChainIds(IEnumerable<Digest> diffIds)
    {
        var chain = new List<Digest>();
        foreach (var diffId in diffIds)
        {
            chain.Add(chain.Count == 0 ? diffId : Chain(chain[^1], diffId));
        }

        return chain;
    }

    public static Digest Chain(Digest parentChainId, Digest diffId) =>
        parentChainId == default ? diffId : Digest.Of(System.Text.Encoding.ASCII.GetBytes($"{parentChainId} {diffId}"));
}

/// <summary>How one layer, or a change of configuration, came about.</summary>
public sealed record HistoryEntry
{
    [JsonConverter(typeof(GoTimeConverter))]
    public DateTimeOffset? Created { get; init; }

    [JsonPropertyName("created_by")]
    public string? CreatedBy { get; init; }

    public string? Author { get; init; }

    public string? Comment { get; init; }

    [JsonPropertyName("empty_layer")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool EmptyLayer { get; init; }
}

/// <summary>What a container gets when its creator says nothing else. The names are Docker's, capitals included.</summary>
public sealed record ContainerDefaults
{
    [JsonPropertyName("User")]
    public string? User { get; init; }

    [JsonPropertyName("ExposedPorts")]
    public Dictionary<string, EmptyObject>? ExposedPorts { get; init; }

    [JsonPropertyName("Env")]
    public IReadOnlyList<string>? Env { get; init; }

    [JsonPropertyName("Entrypoint")]
    public IReadOnlyList<string>? Entrypoint { get; init; }

    [JsonPropertyName("Cmd")]
    public IReadOnlyList<string>? Cmd { get; init; }

    [JsonPropertyName("Healthcheck")]
    public HealthCheck? Healthcheck { get; init; }

    /// <summary>Set for Windows images; kept because it is part of what the id covers.</summary>
    [JsonPropertyName("ArgsEscaped")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool ArgsEscaped { get; init; }

    [JsonPropertyName("Volumes")]
    public Dictionary<string, EmptyObject>? Volumes { get; init; }

    [JsonPropertyName("WorkingDir")]
    public string? WorkingDir { get; init; }

    [JsonPropertyName("OnBuild")]
    public IReadOnlyList<string>? OnBuild { get; init; }

    [JsonPropertyName("Labels")]
    public Dictionary<string, string>? Labels { get; init; }

    [JsonPropertyName("StopSignal")]
    public string? StopSignal { get; init; }

    [JsonPropertyName("Shell")]
    public IReadOnlyList<string>? Shell { get; init; }
}

/// <summary>A health check. Times in nanoseconds; zero or absent is Docker's default.</summary>
public sealed record HealthCheck
{
    /// <summary><c>["NONE"]</c>, <c>["CMD", …]</c> or <c>["CMD-SHELL", command]</c>; empty inherits.</summary>
    [JsonPropertyName("Test")]
    public IReadOnlyList<string>? Test { get; init; }

    [JsonPropertyName("Interval")]
    public long? Interval { get; init; }

    [JsonPropertyName("Timeout")]
    public long? Timeout { get; init; }

    [JsonPropertyName("StartPeriod")]
    public long? StartPeriod { get; init; }

    [JsonPropertyName("StartInterval")]
    public long? StartInterval { get; init; }

    [JsonPropertyName("Retries")]
    public int? Retries { get; init; }
}

/// <summary>Go's <c>struct{}</c>: the value of a set that is written as a map.</summary>
public sealed record EmptyObject
{
    public static EmptyObject Instance { get; } = new();
}

/// <summary>RFC 3339 with a <c>Z</c>, as Go writes it.</summary>
public sealed class GoTimeConverter : JsonConverter<DateTimeOffset>
{
    public static string Format(DateTimeOffset time) =>
        time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", System.Globalization.CultureInfo.InvariantCulture);

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Format(value));
}
