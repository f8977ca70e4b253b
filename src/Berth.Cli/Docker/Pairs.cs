using System.Text;
using System.Text.Json.Nodes;

namespace Berth.Cli.Docker;

/// <summary>Options of the form NAME=VALUE.</summary>
internal static class Pairs
{
    /// <summary>As an object; a bare NAME takes the caller's variable, and is null where that is not set.</summary>
    internal static JsonObject ToJson(IEnumerable<string> values, CliContext context)
    {
        var result = new JsonObject();
        foreach (var value in values)
        {
            var equals = value.IndexOf('=', StringComparison.Ordinal);
            result[equals < 0 ? value : value[..equals]] = equals < 0 ? context.Variable(value) : value[(equals + 1)..];
        }

        return result;
    }

    /// <summary>As an object; a bare NAME is empty.</summary>
    internal static JsonObject Labels(IEnumerable<string> values)
    {
        var result = new JsonObject();
        foreach (var value in values)
        {
            var parts = value.Split('=', 2);
            result[parts[0]] = parts.Length == 2 ? parts[1] : "";
        }

        return result;
    }

    /// <summary>Fields between commas; one in quotation marks may hold commas itself, as in a line of CSV (RFC 4180).</summary>
    internal static List<string> CommaFields(string text)
    {
        var (fields, field, isQuoted) = (new List<string>(), new StringBuilder(), false);
        foreach (var letter in text)
        {
            if (letter == '"')
            {
                isQuoted = !isQuoted;
            }
            else if (letter == ',' && !isQuoted)
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else
            {
                field.Append(letter);
            }
        }

        return isQuoted ? throw new UsageException($"a quote is missing in '{text}'") : [.. fields, field.ToString()];
    }

    /// <summary>Those of files, without comments and empty ones.</summary>
    internal static IEnumerable<string> Lines(IEnumerable<string> files) => files.SelectMany(File.ReadLines).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#');

    /// <summary>As <c>NAME=VALUE</c> lines: first the files', then the options'. A bare NAME takes the caller's variable.</summary>
    internal static JsonArray Environment(IEnumerable<string> values, IEnumerable<string> files, CliContext context)
    {
        var result = new JsonArray();
        foreach (var line in Lines(files).Concat(values))
        {
            if (line.Contains('=', StringComparison.Ordinal))
            {
                result.Add((JsonNode)line!);
            }
            else if (context.Environment.TryGetValue(line, out var value))
            {
                result.Add((JsonNode)$"{line}={value}"!);
            }
        }

        return result;
    }
}
