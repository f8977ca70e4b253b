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
    internal static void Write(
        CliContext context, ParsedLine line, IReadOnlyList<JsonNode> rows, Func<JsonNode, string> id,
        IReadOnlyList<(string Head, string Field, Func<JsonNode, string> Value)> columns, IReadOnlyList<(string Field, Func<JsonNode, string> Value)> furtherFields)
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

        foreach (var row in rows)
        {
            var fields = columns.Select(column => (column.Field, Value: column.Value(row)))
                .Concat(furtherFields.Select(field => (field.Field, Value: field.Value(row)))).DistinctBy(field => field.Field, StringComparer.Ordinal).ToList();
            if (format == "json")
            {
                var item = new JsonObject();
                fields.ForEach(field => item[field.Field] = field.Value);
                context.Output.WriteLine(item.ToJsonString(s_readable));
                continue;
            }

            var node = new JsonObject();
            fields.ForEach(field => node[field.Field] = field.Value);
            context.Output.WriteLine(RowTemplate.Render(format, node));
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
