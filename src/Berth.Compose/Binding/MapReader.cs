using System.Globalization;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads one mapping key by key, typed. Every key must be read: <see cref="Finish"/> reports those that nobody knows.</summary>
internal sealed class MapReader(MapNode map, string path, DiagnosticBag diagnostics)
{
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    public string Path => path;

    public Place Place => map.Place;

    public DiagnosticBag Diagnostics => diagnostics;

    public IEnumerable<MapEntry> Entries => map.Entries;

    public YamlNode? Node(string key)
    {
        _read.Add(key);
        return map[key] is { } node && node is not ScalarNode { IsNull: true } ? node : null;
    }

    /// <summary>Whether the key is there, null or not.</summary>
    public bool Has(string key)
    {
        _read.Add(key);
        return map[key] is not null;
    }

    public Place PlaceOf(string key) => map.Entries.FirstOrDefault(entry => entry.Key == key)?.KeyPlace ?? map.Place;

    public void Error(string key, string message) => diagnostics.Error(map[key]?.Place ?? map.Place, $"{PathOf(key)}: {message}");

    private string PathOf(string key) => path.Length == 0 ? key : $"{path}.{key}";

    public string? Text(string key)
    {
        switch (Node(key))
        {
            case null:
                return null;
            case ScalarNode scalar:
                return scalar.Text;
            default:
                Error(key, "must be a single value");
                return null;
        }
    }

    public string? OneOf(string key, params string[] allowed)
    {
        var text = Text(key);
        if (text is null || allowed.Contains(text))
        {
            return text;
        }

        Error(key, $"'{text}' must be one of {string.Join(", ", allowed)}.{Nearest.Suggest(text, allowed)}");
        return null;
    }

    public bool? Bool(string key)
    {
        switch (Text(key)?.ToLowerInvariant())
        {
            case null:
                return null;
            case "true" or "yes" or "on" or "y":
                return true;
            case "false" or "no" or "off" or "n":
                return false;
            default:
                Error(key, $"'{Text(key)}' must be true or false");
                return null;
        }
    }

    public long? Number(string key, long minimum, long maximum)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= minimum
            && number <= maximum)
        {
            return number;
        }

        Error(key, $"'{text}' must be a whole number from {minimum}{(maximum == long.MaxValue ? " up" : $" to {maximum}")}");
        return null;
    }

    public int? Integer(string key, int minimum = 0, int maximum = int.MaxValue) => (int?)Number(key, minimum, maximum);

    public decimal? Decimal(string key)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number <= 1_000_000)
        {
            return number;
        }

        Error(key, $"'{text}' must be a number such as 0.5");
        return null;
    }

    public long? Bytes(string key, bool unlimitedAllowed = false)
    {
        if (Text(key) is not { } text || unlimitedAllowed && text == "-1")
        {
            return Text(key) is null ? null : -1;
        }

        if (ByteSize.TryParse(text, out var bytes))
        {
            return bytes;
        }

        Error(key, $"'{text}' must be a size in bytes such as 64m or 1.5g");
        return null;
    }

    public TimeSpan? Duration(string key)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (GoDuration.TryParse(text, out var duration))
        {
            return duration;
        }

        Error(key, $"'{text}' must be a duration such as 10s or 1m30s");
        return null;
    }

    /// <summary>File permissions: octal as <c>0440</c>, <c>0o440</c> and <c>"440"</c>. A number without quotes and without a zero before it is decimal, as in all of YAML.</summary>
    public int? Mode(string key)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        var isOctal = text.Length is > 0 and <= 6 && text.All(digit => digit is >= '0' and <= '7' or 'o');
        if (Node(key) is ScalarNode { IsPlain: true } && text[0] is >= '1' and <= '9' && text.Length <= 4 && text.All(char.IsAsciiDigit) && int.Parse(text, CultureInfo.InvariantCulture) is <= 0xFFF and var mode)
        {
            if (isOctal)
            {
                diagnostics.Warning(map[key]!.Place, $"{PathOf(key)}: {text} is a decimal number here, 0{Convert.ToString(mode, 8)} in octal; if it is octal, write 0{text}");
            }

            return mode;
        }

        var digits = text.StartsWith("0o", StringComparison.Ordinal) ? text[2..] : text;
        if (isOctal && digits.Length is > 0 and <= 5 && !digits.Contains('o', StringComparison.Ordinal))
        {
            return Convert.ToInt32(digits, 8);
        }

        Error(key, $"'{text}' must be octal permissions such as 0440");
        return null;
    }

    public IReadOnlyList<ScalarNode> Scalars(string key)
    {
        switch (Node(key))
        {
            case null:
                return [];
            case ListNode list when list.Items.All(item => item is ScalarNode):
                return [.. list.Items.Cast<ScalarNode>()];
            default:
                Error(key, "must be a list of single values");
                return [];
        }
    }

    public IReadOnlyList<string> Texts(string key) => [.. Scalars(key).Select(scalar => scalar.Text)];

    /// <summary>What stands there, as <c>config</c> prints it; null when there is nothing.</summary>
    public object? Written(string key) => Node(key) is { } node ? PlainValue.Of(node) : null;

    /// <summary>The texts of a list, as they stand there; null when there is none.</summary>
    public object? WrittenTexts(string key) => Node(key) is ListNode list ? list.Items.OfType<ScalarNode>().Select(object (scalar) => scalar.Text).ToList() : null;

    public IReadOnlyList<YamlNode> Items(string key)
    {
        switch (Node(key))
        {
            case null:
                return [];
            case ListNode list:
                return list.Items;
            default:
                Error(key, "must be a list");
                return [];
        }
    }

    /// <summary>Values by name; a null stays null.</summary>
    public IReadOnlyDictionary<string, string?> OptionalTextMap(string key)
    {
        var result = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var entry in MapEntries(key))
        {
            if (entry.Value is ScalarNode scalar)
            {
                result[entry.Key] = scalar.IsNull ? null : scalar.Text;
            }
            else
            {
                diagnostics.Error(entry.Value.Place, $"{PathOf(key)}.{entry.Key}: must be a single value");
            }
        }

        return result;
    }

    public IReadOnlyDictionary<string, string> TextMap(string key) =>
        OptionalTextMap(key).ToDictionary(pair => pair.Key, pair => pair.Value ?? string.Empty, StringComparer.Ordinal);

    public MapReader? Map(string key)
    {
        switch (Node(key))
        {
            case null:
                return null;
            case MapNode inner:
                return new MapReader(inner, PathOf(key), diagnostics);
            default:
                Error(key, "must be a mapping");
                return null;
        }
    }

    public IReadOnlyList<MapEntry> MapEntries(string key)
    {
        switch (Node(key))
        {
            case null:
                return [];
            case MapNode inner:
                return inner.Entries;
            default:
                Error(key, "must be a mapping");
                return [];
        }
    }

    /// <summary>Reports every key that was not read; <c>x-</c> extensions belong to other tools.</summary>
    /// <param name="unsupported">Keys of the specification that Berth does not carry out, and why or what to do instead.</param>
    public void Finish(params (string Key, string Reason)[] unsupported)
    {
        foreach (var entry in map.Entries)
        {
            if (_read.Contains(entry.Key) || entry.Key.StartsWith("x-", StringComparison.Ordinal))
            {
                continue;
            }

            var where = path.Length == 0 ? string.Empty : $"{path}: ";
            diagnostics.Error(entry.KeyPlace, unsupported.FirstOrDefault(one => one.Key == entry.Key).Reason is { } reason
                ? $"{where}the key '{entry.Key}' is not supported by Berth: {reason}"
                : $"{where}unknown key '{entry.Key}'.{Nearest.Suggest(entry.Key, _read)}");
        }
    }
}
