using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Berth.Cli.Output;

/// <summary>The part of Go's templates that scripts use: <c>{{.A.B}}</c> and <c>{{json .A}}</c>. Anything else is refused.</summary>
internal static class RowTemplate
{
    private static readonly JsonSerializerOptions s_readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <exception cref="UsageException">The template has something else, or names a field that is not there.</exception>
    internal static string Render(string template, JsonNode? data)
    {
        var text = new StringBuilder();
        var rest = template.Replace("\\t", "\t", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal);
        while (rest.IndexOf("{{", StringComparison.Ordinal) is >= 0 and var start)
        {
            var end = rest.IndexOf("}}", start, StringComparison.Ordinal);
            if (end < 0)
            {
                throw new UsageException($"the template '{template}' has an unclosed {{{{");
            }

            text.Append(rest.AsSpan(0, start)).Append(Value(template, rest[(start + 2)..end].Trim(' ', '-'), data));
            rest = rest[(end + 2)..];
        }

        return text.Append(rest).ToString();
    }

    private static string Value(string template, string expression, JsonNode? data)
    {
        var isJson = expression.StartsWith("json ", StringComparison.Ordinal);
        var path = isJson ? expression["json ".Length..].Trim() : expression;
        if (!path.StartsWith('.') || path.AsSpan().IndexOfAny(" |()") >= 0)
        {
            throw new UsageException($"the template '{template}': only {{{{.Field}}}} and {{{{json .Field}}}} are supported; for more, use --format json with a program such as jq");
        }

        var node = data;
        foreach (var name in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            node = node is JsonObject map && map.TryGetPropertyValue(name, out var inner) ? inner
                : throw new UsageException($"the template '{template}': there is no field '{name}'{(node is JsonObject known ? $"; there are {string.Join(", ", known.Select(pair => pair.Key))}" : "")}");
        }

        return isJson ? node is null ? "null" : node.ToJsonString(s_readable)
            : node switch { null => "<no value>", JsonValue value when value.TryGetValue<string>(out var text) => text, _ => node.ToJsonString(s_readable) };
    }
}
