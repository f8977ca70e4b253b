namespace Berth.Cli;

internal enum OptionKind
{
    Flag,
    Value,
    List,

    /// <summary>A flag that may have a duration.</summary>
    OptionalDuration,
}

/// <summary>An option of a verb.</summary>
/// <param name="Short">A letter, or <c>'\0'</c> for none.</param>
/// <param name="ValueName">What stands for its value in the help.</param>
internal sealed record Option(string Name, char Short, OptionKind Kind, string ValueName, string Help)
{
    internal static Option Flag(string name, char shortName, string help) => new(name, shortName, OptionKind.Flag, "", help);

    internal static Option Flag(string name, string help) => new(name, '\0', OptionKind.Flag, "", help);

    internal static Option Value(string name, char shortName, string value, string help) => new(name, shortName, OptionKind.Value, value, help);

    internal static Option Value(string name, string value, string help) => new(name, '\0', OptionKind.Value, value, help);

    internal static Option OptionalDuration(string name, char shortName, string help) => new(name, shortName, OptionKind.OptionalDuration, "[DURATION]", help);

    internal static Option List(string name, char shortName, string value, string help) => new(name, shortName, OptionKind.List, value, help);

    internal static Option List(string name, string value, string help) => new(name, '\0', OptionKind.List, value, help);
}

/// <summary>What stood on a command line, by the options that its verb has.</summary>
internal sealed class ParsedLine
{
    private readonly Dictionary<string, List<string>> _values = new(StringComparer.Ordinal);

    internal List<string> Arguments { get; } = [];

    /// <summary>The options that were given.</summary>
    internal IEnumerable<string> Given => _values.Keys;

    internal bool WantsHelp { get; set; }

    internal bool Has(string name) => _values.ContainsKey(name);

    internal bool Flag(string name) => _values.TryGetValue(name, out var values) && values[^1] is not "false";

    /// <summary>For a flag that holds unless it is given as <c>--name=false</c>.</summary>
    internal bool IsOn(string name) => !Has(name) || Flag(name);

    internal string? Value(string name) => _values.TryGetValue(name, out var values) ? values[^1] : null;

    internal IReadOnlyList<string> Values(string name) => _values.TryGetValue(name, out var values) ? values : [];

    internal int? Number(string name)
    {
        if (Value(name) is not { } text)
        {
            return null;
        }

        return int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new UsageException($"invalid argument \"{text}\" for \"--{name}\" flag: not a whole number");
    }

    internal void Add(string name, string value)
    {
        if (!_values.TryGetValue(name, out var values))
        {
            _values[name] = values = [];
        }

        values.Add(value);
    }
}

/// <summary>Reads options as Go's pflag does: <c>--name=value</c>, <c>--name value</c>, <c>-n value</c>, <c>-nvalue</c>, <c>-abc</c>, <c>--</c>.</summary>
internal static class CommandLine
{
    private static readonly string[] s_true = ["1", "t", "T", "true", "TRUE", "True"];
    private static readonly string[] s_false = ["0", "f", "F", "false", "FALSE", "False"];

    /// <param name="stopsAtArgument">What comes after the first argument belongs to something else, such as a container's command.</param>
    /// <exception cref="UsageException">An option that does not exist, or lacks its value.</exception>
    internal static ParsedLine Parse(IReadOnlyList<string> words, IReadOnlyList<Option> options, bool stopsAtArgument)
    {
        var line = new ParsedLine();
        for (var i = 0; i < words.Count; i++)
        {
            var word = words[i];
            if (word == "--")
            {
                line.Arguments.AddRange(words.Skip(i + 1));
                break;
            }

            if (word.Length < 2 || word[0] != '-')
            {
                if (stopsAtArgument)
                {
                    line.Arguments.AddRange(words.Skip(i));
                    break;
                }

                line.Arguments.Add(word);
            }
            else if (word[1] == '-')
            {
                ReadLong(words, ref i, options, line);
            }
            else
            {
                ReadShort(words, ref i, options, line);
            }
        }

        return line;
    }

    private static void ReadLong(IReadOnlyList<string> words, ref int i, IReadOnlyList<Option> options, ParsedLine line)
    {
        var word = words[i];
        var equals = word.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? word[2..] : word[2..equals];
        name = name == "no-TTY" ? "no-tty" : name; // Compose writes it both ways
        var value = equals < 0 ? null : word[(equals + 1)..];
        var option = options.FirstOrDefault(one => one.Name == name);
        if (option is null)
        {
            line.WantsHelp |= name == "help" ? true : throw new UsageException($"unknown flag: --{name}");
            return;
        }

        if (option.Kind == OptionKind.Flag)
        {
            line.Add(name, Boolean(name, value ?? "true"));
        }
        else if (option.Kind == OptionKind.OptionalDuration)
        {
            line.Add(name, value ?? (i + 1 < words.Count && IsDuration(words[i + 1]) ? words[++i] : ""));
        }
        else if (value is not null || ++i < words.Count)
        {
            line.Add(name, value ?? words[i]);
        }
        else
        {
            throw new UsageException($"flag needs an argument: --{name}");
        }
    }

    private static void ReadShort(IReadOnlyList<string> words, ref int i, IReadOnlyList<Option> options, ParsedLine line)
    {
        var word = words[i];
        for (var at = 1; at < word.Length; at++)
        {
            var letter = word[at];
            var option = options.FirstOrDefault(one => one.Short == letter);
            if (option is null)
            {
                line.WantsHelp |= letter == 'h' ? true : throw new UsageException($"unknown shorthand flag: '{letter}' in {word}");
                continue;
            }

            var rest = word[(at + 1)..];
            if (option.Kind == OptionKind.Flag)
            {
                if (rest.StartsWith('='))
                {
                    line.Add(option.Name, Boolean(option.Name, rest[1..]));
                    return;
                }

                line.Add(option.Name, "true");
                continue;
            }

            if (option.Kind == OptionKind.OptionalDuration)
            {
                line.Add(option.Name, rest.TrimStart('='));
                return;
            }

            if (rest.Length == 0 && ++i >= words.Count)
            {
                throw new UsageException($"flag needs an argument: '{letter}' in {word}");
            }

            line.Add(option.Name, rest.Length == 0 ? words[i] : rest.TrimStart('='));
            return;
        }
    }

    private static bool IsDuration(string word) => word.Length > 1 && char.IsAsciiDigit(word[0]) && word[^1] is 's' or 'm' or 'h' && word[..^1].All(char.IsAsciiDigit);

    private static string Boolean(string name, string value) =>
        s_true.Contains(value) ? "true"
        : s_false.Contains(value) ? "false"
        : throw new UsageException($"invalid argument \"{value}\" for \"--{name}\" flag: it is true or false");
}
