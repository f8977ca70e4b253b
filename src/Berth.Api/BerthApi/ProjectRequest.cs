using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Engine.Errors;
using Berth.Linux.Files;
using Microsoft.AspNetCore.Http;

namespace Berth.Api.BerthApi;

/// <summary>The body of a project request: where the client is, what its environment holds, and what it asks for.</summary>
internal sealed class ProjectRequest(JsonObject body)
{
    private const string NoFiles = "no compose file";

    internal IReadOnlyList<string> Services => Strings("services");

    internal static async Task<ProjectRequest> ReadAsync(HttpContext context)
    {
        using var document = RequestJson.Read(await Http.ReadBodyAsync(context).ConfigureAwait(false));
        return RequestJson.WithoutNulls(document.RootElement.Clone()) is JsonObject body ? new(body) : throw BerthException.Invalid("invalid JSON: the request's body is not an object");
    }

    /// <param name="named">Services that the command names; a profile does not hold them back.</param>
    internal ComposeLoadResult Load(IReadOnlyList<string> named) => ComposeLoader.Load(Options(named));

    /// <inheritdoc cref="Load"/>
    internal ComposeLoadOptions Options(IReadOnlyList<string> named) => new()
    {
        CurrentFolder = Text("currentFolder") is { } folder && folder.StartsWith('/') ? folder : throw BerthException.Invalid("currentFolder must be an absolute path"),
        Files = Strings("files"),
        StandardInput = Text("standardInput"),
        ProjectDirectory = Text("projectDirectory"),
        ProjectName = Text("projectName"),
        EnvFiles = Strings("envFiles"),
        Profiles = Strings("profiles"),
        NamedServices = named,
        AllResources = Flag("allResources"),
        Compatibility = Flag("compatibility"),
        KeepsPaths = Flag("keepPaths"),
        SkipsChecks = Flag("skipChecks"),
        Open = RegularFile.Open,
        Environment = Map("environment").ToDictionary(pair => pair.Key, pair => pair.Value ?? "", StringComparer.Ordinal),
    };

    /// <summary>The given name, where it is all that is known: there are no files to read.</summary>
    internal string? NameWithoutFiles(ComposeLoadResult result) =>
        Text("projectName") is { Length: > 0 } name && Strings("files").Count == 0
            && result.Errors is [{ File: "", Line: 0 } only] && only.Message.StartsWith(NoFiles, StringComparison.Ordinal)
            ? name
            : null;

    internal string? Text(string name) => Value(name, JsonValueKind.String)?.GetValue<string>();

    internal bool Flag(string name) => body[name] is JsonValue value && value.GetValueKind() == JsonValueKind.True;

    internal int? Number(string name) => Value(name, JsonValueKind.Number) is { } value
        ? value.TryGetValue<int>(out var number) ? number : throw BerthException.Invalid($"'{name}' is not a whole number")
        : null;

    internal long? LongNumber(string name) => Value(name, JsonValueKind.Number) is { } value
        ? value.TryGetValue<long>(out var number) ? number : throw BerthException.Invalid($"'{name}' is not a whole number")
        : null;

    internal IReadOnlyList<string> Strings(string name) => body[name] switch
    {
        null => [],
        JsonArray array when array.All(item => item?.GetValueKind() == JsonValueKind.String) => [.. array.Select(item => item!.GetValue<string>())],
        _ => throw BerthException.Invalid($"'{name}' is not a list of texts"),
    };

    internal Dictionary<string, string?> Map(string name) => body[name] switch
    {
        null => [],
        JsonObject map when map.All(pair => pair.Value is null || pair.Value.GetValueKind() == JsonValueKind.String) =>
            map.ToDictionary(pair => pair.Key, pair => pair.Value?.GetValue<string>(), StringComparer.Ordinal),
        _ => throw BerthException.Invalid($"'{name}' is not a map of texts"),
    };

    internal Dictionary<string, int> Scale() => Map("scale").ToDictionary(
        pair => pair.Key,
        pair => int.TryParse(pair.Value, System.Globalization.CultureInfo.InvariantCulture, out var number) && number is >= 0 and <= 1000
            ? number
            : throw BerthException.Invalid($"--scale {pair.Key}={pair.Value}: the number of containers must be 0–1000"),
        StringComparer.Ordinal);

    internal PullPolicy? Pull() => Text("pull") switch
    {
        null or "" or "policy" => null,
        "always" => PullPolicy.Always,
        "missing" => PullPolicy.Missing,
        "never" => PullPolicy.Never,
        var other => throw BerthException.Invalid($"--pull {other}: write always, missing or never"),
    };

    private JsonValue? Value(string name, JsonValueKind kind) => body[name] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == kind => value,
        _ => throw BerthException.Invalid($"'{name}' is not a {kind.ToString().ToLowerInvariant()}"),
    };
}
