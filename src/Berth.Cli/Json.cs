using System.Globalization;
using System.Text.Json.Nodes;

namespace Berth.Cli;

/// <summary>Reading the daemon's JSON without types: a name that is not there reads as empty.</summary>
internal static class Json
{
    internal static JsonArray Array(IEnumerable<string> values) => new([.. values.Select(value => (JsonNode)value!)]);

    internal static string Text(this JsonNode? node, string name) => node is JsonObject map && map[name] is JsonValue value
        ? value.TryGetValue<string>(out var text) ? text : value.ToJsonString()
        : "";

    internal static long Number(this JsonNode? node, string name) => long.TryParse(node.Text(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0;

    internal static bool Flag(this JsonNode? node, string name) => node.Text(name) == "true";

    internal static IEnumerable<JsonNode> List(this JsonNode? node, string name) => node is JsonObject map && map[name] is JsonArray items ? items.OfType<JsonNode>() : [];

    internal static IEnumerable<JsonNode> Items(this JsonNode? node) => node is JsonArray items ? items.OfType<JsonNode>() : [];

    internal static IEnumerable<string> Texts(this JsonNode? node, string name) => node.List(name).Select(item => item.ToString());

    internal static IEnumerable<KeyValuePair<string, string>> Pairs(this JsonNode? node, string name) =>
        node is JsonObject map && map[name] is JsonObject pairs ? pairs.Select(pair => new KeyValuePair<string, string>(pair.Key, pair.Value?.ToString() ?? "")) : [];
}
