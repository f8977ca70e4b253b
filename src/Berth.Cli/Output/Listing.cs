using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Berth.Cli.Output;

/// <summary>Lists: a table, ids only, a JSON object for each row, or a row template as <c>{{.Names}}</c>.</summary>
internal static class Listing
{
    internal static JsonSerializerOptions Line { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static JsonSerializerOptions Indented { get; } = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, IndentSize = 4 };

    private static readonly JsonSerializerOptions s_readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="columns">Head, field name, value.</param>
    /// <param name="furtherFields">Fields that only JSON and templates have.</param>
    /// <param name="asArray">JSON is one array of all rows, as some of Compose's verbs have it.</param>
    internal static void Write(
        CliContext context, ParsedLine line, IReadOnlyList<JsonNode> rows, Func<JsonNode, string> id,
        IReadOnlyList<(string Head, string Field, Func<JsonNode, string> Value)> columns, IReadOnlyList<(string Field, Func<JsonNode, JsonNode?> Value)> furtherFields, bool asArray = false)
    {
        if (line.Flag("quiet"))
        {
            rows.Select(id).ToList().ForEach(context.Output.WriteLine);
            return;
        }

        var format = line.Value("format") ?? "table";
        if (format == "table")
        {
            context.Output.Write(Table.Render([.. columns.Select(column => column.Head)], rows.Select(row => (IReadOnlyList<string>)[.. columns.Select(column => column.Value(row))])));
            return;
        }

        var items = rows.Select(row => new JsonObject(columns.Select(column => KeyValuePair.Create(column.Field, (JsonNode?)column.Value(row)))
            .Concat(furtherFields.Select(field => KeyValuePair.Create(field.Field, field.Value(row)))).DistinctBy(field => field.Key, StringComparer.Ordinal)));
        if (format == "json" && asArray)
        {
            context.Output.WriteLine(new JsonArray([.. items]).ToJsonString(s_readable));
            return;
        }

        foreach (var item in items)
        {
            context.Output.WriteLine(format == "json" ? item.ToJsonString(s_readable) : RowTemplate.Render(format, item));
        }
    }

    internal static string Ago(long unixSeconds) => HumanText.Age(TimeProvider.System.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(unixSeconds)) + " ago";

    /// <summary><c>0.0.0.0:8000->80/tcp, [::]:8000->80/tcp, 443/tcp</c></summary>
    internal static string Ports(JsonNode container) => string.Join(", ", container.List("Ports").Select(port =>
    {
        var inner = $"{port.Text("PrivatePort")}/{port.Text("Type")}";
        var ip = port.Text("IP");
        return port.Text("PublicPort").Length == 0 ? inner : $"{(ip.Contains(':', StringComparison.Ordinal) ? $"[{ip}]" : ip)}:{port.Text("PublicPort")}->{inner}";
    }).Distinct());
}
