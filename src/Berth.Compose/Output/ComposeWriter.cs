using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Berth.Compose.Model;

namespace Berth.Compose.Output;

/// <summary>Writes a resolved project as a compose file that loads into the same project: sorted, every path absolute.</summary>
public static partial class ComposeWriter
{
    private static readonly string[] s_first = ["name", "services", "networks", "volumes", "secrets", "configs"];

    public static string Write(ProjectModel project) => WriteTree((SortedDictionary<string, object>)Escaped(ModelTree.Of(project)));

    /// <summary>The same as JSON.</summary>
    public static string WriteJson(ProjectModel project) => WriteJsonTree((SortedDictionary<string, object>)Escaped(ModelTree.Of(project)));

    /// <summary>An override file that has the services' images alone: <c>config --lock-image-digests</c>.</summary>
    public static string WriteImages(ProjectModel project, bool asJson)
    {
        var services = new SortedDictionary<string, object>(StringComparer.Ordinal);
        foreach (var service in project.Services.Values.Where(service => service.Image is not null))
        {
            services[service.Name] = new SortedDictionary<string, object>(StringComparer.Ordinal) { ["image"] = service.Image! };
        }

        var tree = new SortedDictionary<string, object>(StringComparer.Ordinal) { ["name"] = project.Name, ["services"] = services };
        return asJson ? WriteJsonTree(tree) : WriteTree(tree);
    }

    /// <summary>Values stay as they are, dollars too.</summary>
    internal static string WriteTree(SortedDictionary<string, object> tree)
    {
        var text = new StringBuilder();
        foreach (var key in s_first.Concat(tree.Keys.Except(s_first)).Where(tree.ContainsKey))
        {
            WriteEntry(text, key, tree[key], 0);
        }

        return text.ToString();
    }

    /// <inheritdoc cref="WriteTree"/>
    internal static string WriteJsonTree(SortedDictionary<string, object> tree)
    {
        using var bytes = new MemoryStream();
        using (var writer = new System.Text.Json.Utf8JsonWriter(
            bytes, new() { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            ServiceHash.Write(writer, tree);
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private static void WriteEntry(StringBuilder text, string key, object value, int indent)
    {
        text.Append(' ', indent).Append(Scalar(key)).Append(':');
        switch (value)
        {
            case SortedDictionary<string, object> { Count: > 0 } map:
                text.Append('\n');
                WriteMap(text, map, indent + 2);
                break;
            case List<object> { Count: > 0 } list:
                text.Append('\n');
                WriteList(text, list, indent + 2);
                break;
            default:
                text.Append(' ').Append(Simple(value)).Append('\n');
                break;
        }
    }

    private static void WriteMap(StringBuilder text, SortedDictionary<string, object> map, int indent)
    {
        foreach (var (key, value) in map)
        {
            WriteEntry(text, key, value, indent);
        }
    }

    private static void WriteList(StringBuilder text, List<object> list, int indent)
    {
        foreach (var item in list)
        {
            if (item is SortedDictionary<string, object> map)
            {
                var inner = new StringBuilder();
                WriteMap(inner, map, indent + 2);
                text.Append(' ', indent).Append("- ").Append(inner, indent + 2, inner.Length - indent - 2);
            }
            else
            {
                text.Append(' ', indent).Append("- ").Append(Simple(item)).Append('\n');
            }
        }
    }

    private static string Simple(object value) => value switch
    {
        string word => Scalar(word),
        bool flag => flag ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        decimal number => number.ToString(CultureInfo.InvariantCulture),
        List<object> => "[]",
        SortedDictionary<string, object> => "{}",
        _ => "null",
    };

    // So that loading it again changes nothing.
    private static string Escaped(string value) => value.Replace("$", "$$", StringComparison.Ordinal);

    private static object Escaped(object value) => value switch
    {
        string word => Escaped(word),
        List<object> list => list.ConvertAll(Escaped),
        SortedDictionary<string, object> map => new SortedDictionary<string, object>(map.ToDictionary(pair => pair.Key, pair => Escaped(pair.Value)), StringComparer.Ordinal),
        _ => value,
    };

    private static string Scalar(string value) => IsSafePlain(value) ? value : Quoted(value);

    /// <summary>A word that no YAML reader, of version 1.1 or 1.2, takes for something else.</summary>
    private static bool IsSafePlain(string value) =>
        SafePlain().IsMatch(value) && !LooksTyped().IsMatch(value) && !value.EndsWith(':') && !value.Contains(": ", StringComparison.Ordinal);

    private static string Quoted(string value)
    {
        var text = new StringBuilder("\"");
        foreach (var character in value)
        {
            text.Append(character switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\u0085' or '\u2028' or '\u2029' or '\uFEFF' => Escaped(character),
                _ when char.IsControl(character) || char.IsSurrogate(character) && !IsPaired(value) => Escaped(character),
                _ => character.ToString(),
            });
        }

        return text.Append('"').ToString();
    }

    private static bool IsPaired(string value) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(value)) == value;

    private static string Escaped(char character) => $"\\u{(int)character:x4}";

    [GeneratedRegex(@"^[A-Za-z_/.$][A-Za-z0-9_/.$@:=+,-]*( [A-Za-z0-9_/.$@:=+,-]+)*$")]
    private static partial Regex SafePlain();

    [GeneratedRegex("^(y|n|yes|no|on|off|true|false|null|~|\\.inf|\\.nan|\\..*|[0-9.:]+)$", RegexOptions.IgnoreCase)]
    private static partial Regex LooksTyped();
}
