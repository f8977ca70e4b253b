using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Output;

namespace Berth.Cli.Projects;

/// <summary>A plan that was kept: what was asked, and the fingerprint of what that came to. It holds no variables of the caller, so no secrets.</summary>
internal sealed class PlanFile
{
    private const string Mark = "berth-plan";
    private const int MaximumBytes = 16 << 20;
    private static readonly string[] s_callers = ["environment", "user", "standardInput"];
    private readonly JsonObject _content;

    private PlanFile(JsonObject content) => _content = content;

    /// <summary>Takes a plan's file from the arguments, when the first one is.</summary>
    internal static PlanFile? Take(ParsedLine line, IEnumerable<Option> planOptions)
    {
        if (line.Arguments is not [var path, ..] || !File.Exists(path) || Read(path) is not { } content)
        {
            return null;
        }

        if (line.Arguments.Count > 1)
        {
            throw new UsageException($"{path} is a plan: it says itself which services it is about");
        }

        if (planOptions.FirstOrDefault(option => line.Has(option.Name)) is { } option)
        {
            throw new UsageException($"{path} is a plan: --{option.Name} was to be given when it was made");
        }

        line.Arguments.Clear();
        return new(content);
    }

    internal static async Task WriteAsync(string path, JsonObject request, JsonObject view)
    {
        if (request.ContainsKey("standardInput"))
        {
            throw new CliException(1, "--out: a plan of a file from standard input cannot be kept, as that is not there again later");
        }

        var asked = new JsonObject(request.Where(pair => !s_callers.Contains(pair.Key)).Select(pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone())));
        var content = new JsonObject
        {
            [Mark] = 1,
            ["project"] = view.Text("project"),
            ["fingerprint"] = view.Text("fingerprint"),
            ["request"] = asked,
            ["actions"] = view["actions"]?.DeepClone(),
        };
        await File.WriteAllTextAsync(path, content.ToJsonString(Listing.Indented) + "\n").ConfigureAwait(false);
    }

    /// <summary>Asks for exactly this plan.</summary>
    internal void Apply(JsonObject request)
    {
        foreach (var (name, value) in _content["request"]!.AsObject().Where(pair => !s_callers.Contains(pair.Key)))
        {
            request[name] = value?.DeepClone();
        }

        request["expectedPlan"] = _content.Text("fingerprint");
    }

    private static JsonObject? Read(string path)
    {
        if (new FileInfo(path).Length is 0 or > MaximumBytes)
        {
            return null;
        }

        try
        {
            return JsonNode.Parse(File.ReadAllBytes(path)) is JsonObject content && content[Mark] is not null && content["request"] is JsonObject ? content : null;
        }
        catch (JsonException)
        {
            return null; // some other file with a service's name
        }
    }
}
