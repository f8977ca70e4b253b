using System.Text.RegularExpressions;

namespace Berth.Dockerfile;

/// <summary>Turns one logical line into its instruction, reporting each mistake where it stands.</summary>
internal sealed partial class InstructionParser
{
    private static readonly string[] s_keywords =
    [
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "RUN",
        "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    ];

    private readonly LogicalLine _line;
    private readonly char _escape;
    private readonly DiagnosticBag _diagnostics;
    private readonly int _start;
    private readonly FlagReader _flags;
    private readonly string _rest;
    private readonly int _restOffset;
    private bool _failed;

    public InstructionParser(LogicalLine line, char escape, DiagnosticBag diagnostics, int start = 0)
    {
        _line = line;
        _escape = escape;
        _diagnostics = diagnostics;
        _start = start;
        var end = start;
        while (end < line.Text.Length && !char.IsWhiteSpace(line.Text[end]))
        {
            end++;
        }

        Keyword = line.Text[start..end].ToUpperInvariant();
        _flags = new FlagReader(line.Text, end, escape);
        _restOffset = _flags.End;
        _rest = line.Text[_restOffset..];
    }

    /// <summary>The instruction's name in capitals, whether it exists or not.</summary>
    public string Keyword { get; }

    private string Source => _line.Text[_start..];

    /// <summary>The instruction, or null when it has mistakes.</summary>
    public Instruction? Parse()
    {
        var instruction = Keyword switch
        {
            "ADD" => ParseAdd(),
            "ARG" => ParseArg(),
            "CMD" => new CmdInstruction(_line.Line, Source, ParseCommand(emptyAllowed: false)),
            "COPY" => ParseCopy(),
            "ENTRYPOINT" => new EntrypointInstruction(_line.Line, Source, ParseCommand(emptyAllowed: true)),
            "ENV" => new EnvInstruction(_line.Line, Source, ParseAssignments(legacyForm: true)),
            "EXPOSE" => ParseExpose(),
            "HEALTHCHECK" => ParseHealthcheck(),
            "LABEL" => new LabelInstruction(_line.Line, Source, ParseAssignments(legacyForm: true)),
            "MAINTAINER" => new MaintainerInstruction(_line.Line, Source, Required("a name")),
            "ONBUILD" => ParseOnBuild(),
            "RUN" => ParseRun(),
            "SHELL" => ParseShell(),
            "STOPSIGNAL" => new StopSignalInstruction(_line.Line, Source, SingleWord("a signal")),
            "USER" => new UserInstruction(_line.Line, Source, SingleWord("a user")),
            "VOLUME" => ParseVolume(),
            "WORKDIR" => new WorkdirInstruction(_line.Line, Source, Checked("a path")),
            _ => Unknown(),
        };
        RefuseLeftOverFlags();
        return _failed ? null : instruction;
    }

    /// <summary>A stage without its instructions. Returned even when it has mistakes, so that what follows it can be checked.</summary>
    public Stage ParseFrom(int index)
    {
        var platform = _flags.Take("platform");
        var words = Words.Split(_rest, 0, _escape);
        string? name = null;
        if (words.Count == 3 && words[1].Text.Equals("as", StringComparison.OrdinalIgnoreCase))
        {
            name = words[2].Text.ToLowerInvariant();
            CheckStageName(name, words[2].Offset);
        }
        else if (words.Count != 1)
        {
            Error(0, words.Count == 0 ? "FROM needs an image" : "FROM takes one image, or 'IMAGE AS NAME'");
        }

        var image = words.Count > 0 ? words[0].Text : string.Empty;
        CheckWord(image, 0);
        CheckWord(platform?.Value ?? string.Empty, 0);
        RefuseLeftOverFlags();
        return new Stage(name, index, image, platform?.Value, [], _line.Line, Source);
    }

    private Instruction? Unknown()
    {
        _flags.TakeAll();
        Report(_start, $"unknown instruction '{Shorten(Keyword)}'.{Nearest.Suggest(Keyword, s_keywords)}");
        return null;
    }

    private ArgInstruction ParseArg()
    {
        var declarations = new List<ArgDeclaration>();
        foreach (var word in RequiredWords("a name"))
        {
            var equals = word.Text.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? word.Text : word.Text[..equals];
            if (!VariableName().IsMatch(name))
            {
                Error(word.Offset, $"'{Shorten(name)}' is not a variable's name");
            }

            CheckWord(word.Text, word.Offset);
            declarations.Add(new ArgDeclaration(name, equals < 0 ? null : word.Text[(equals + 1)..]));
        }

        return new ArgInstruction(_line.Line, Source, declarations);
    }

    /// <summary><c>K=V K2=V2</c>, or the old form <c>K V with spaces</c>.</summary>
    private List<Assignment> ParseAssignments(bool legacyForm)
    {
        var words = RequiredWords("a key and a value");
        if (legacyForm && words.Count > 0 && !words[0].Text.Contains('=', StringComparison.Ordinal))
        {
            return LegacyAssignment(words);
        }

        var assignments = new List<Assignment>();
        foreach (var word in words)
        {
            var equals = word.Text.IndexOf('=', StringComparison.Ordinal);
            CheckWord(word.Text, word.Offset);
            if (equals <= 0)
            {
                Error(word.Offset, $"'{Shorten(word.Text)}' must have the form KEY=VALUE; a value with spaces needs quotes");
            }
            else
            {
                assignments.Add(new Assignment(word.Text[..equals], word.Text[(equals + 1)..]));
            }
        }

        return assignments;
    }

    private List<Assignment> LegacyAssignment(List<Word> words)
    {
        if (words.Count == 1)
        {
            Error(words[0].Offset, $"{Keyword} {Shorten(words[0].Text)} needs a value: {Keyword} {Shorten(words[0].Text)}=VALUE");
            return [];
        }

        var value = _rest[words[1].Offset..].TrimEnd();
        CheckWord(value, words[1].Offset);
        return [new Assignment(words[0].Text, value)];
    }

    private CommandLine ParseCommand(bool emptyAllowed)
    {
        if (JsonWords.TryParse(_rest, out var words))
        {
            if (words.Count == 0 && !emptyAllowed && Keyword != "CMD")
            {
                Error(0, $"{Keyword} needs a command");
            }

            return new CommandLine(words, null);
        }

        var text = Required("a command");
        if (text.StartsWith('[') && text.EndsWith(']') && text.Contains('"', StringComparison.Ordinal))
        {
            var (line, column) = _line.Position(_restOffset);
            _diagnostics.Warning(
                line, column,
                "this is not a JSON array (words need double quotes and commas), so the shell runs it as it stands");
        }

        return new CommandLine(null, text);
    }

    private ExposeInstruction ParseExpose()
    {
        var words = RequiredWords("a port");
        foreach (var word in words)
        {
            CheckWord(word.Text, word.Offset);
            if (!word.Text.Contains('$', StringComparison.Ordinal) && !ExposedPorts.IsValid(word.Text.Trim('"', '\'')))
            {
                Error(word.Offset, $"'{Shorten(word.Text)}' is not a port; write PORT, PORT/udp or FIRST-LAST, each 1 to 65535");
            }
        }

        return new ExposeInstruction(_line.Line, Source, Texts(words));
    }

    private VolumeInstruction ParseVolume()
    {
        var paths = JsonWords.TryParse(_rest, out var words) ? words : Texts(RequiredWords("a path"));
        if (paths.Count == 0 || paths.Any(string.IsNullOrWhiteSpace))
        {
            Error(0, "VOLUME needs a path");
        }

        foreach (var path in paths)
        {
            CheckWord(path, 0);
        }

        return new VolumeInstruction(_line.Line, Source, paths);
    }

    private ShellInstruction ParseShell()
    {
        if (!JsonWords.TryParse(_rest, out var words) || words.Count == 0)
        {
            Error(0, "SHELL needs a JSON array, for instance [\"/bin/sh\", \"-c\"]");
        }

        return new ShellInstruction(_line.Line, Source, words);
    }

    private OnBuildInstruction? ParseOnBuild()
    {
        var inner = new InstructionParser(_line, _escape, _diagnostics, _restOffset);
        if (_rest.Length == 0 || inner.Keyword is "ONBUILD" or "FROM" or "MAINTAINER")
        {
            Error(0, _rest.Length == 0 ? "ONBUILD needs an instruction" : $"{inner.Keyword} is not allowed after ONBUILD");
            return null;
        }

        var trigger = inner.Parse();
        _failed |= trigger is null;
        return trigger is null ? null : new OnBuildInstruction(_line.Line, Source, _rest, trigger);
    }

    private HealthcheckInstruction ParseHealthcheck()
    {
        var interval = Duration("interval");
        var timeout = Duration("timeout");
        var startPeriod = Duration("start-period");
        var startInterval = Duration("start-interval");
        var retries = Retries();
        var words = Words.Split(_rest, 0, _escape);
        var kind = words.Count == 0 ? string.Empty : words[0].Text.ToUpperInvariant();
        CommandLine? command = null;
        if (kind == "CMD")
        {
            var text = _rest[(words[0].Offset + 3)..].Trim();
            command = JsonWords.TryParse(text, out var arguments) ? new CommandLine(arguments, null) : new CommandLine(null, text);
            if (text.Length == 0 || arguments is { Count: 0 } && command.IsExec)
            {
                Error(0, "HEALTHCHECK CMD needs a command");
            }
        }
        else if (kind != "NONE" || words.Count > 1)
        {
            Error(0, "HEALTHCHECK must be followed by 'CMD command' or by 'NONE' alone");
        }

        return new HealthcheckInstruction(_line.Line, Source, command, interval, timeout, startPeriod, startInterval, retries);
    }

    private TimeSpan? Duration(string name)
    {
        if (_flags.Take(name) is not { } flag)
        {
            return null;
        }

        if (GoDuration.TryParse(flag.Value, out var duration) && (duration == TimeSpan.Zero || duration >= TimeSpan.FromMilliseconds(1)))
        {
            return duration;
        }

        Report(flag.Offset, $"--{name}: '{Shorten(flag.Value ?? string.Empty)}' is not a duration such as 30s or 1m30s, at least 1ms");
        return null;
    }

    private int? Retries()
    {
        if (_flags.Take("retries") is not { } flag)
        {
            return null;
        }

        if (int.TryParse(flag.Value, System.Globalization.CultureInfo.InvariantCulture, out var retries) && retries >= 0)
        {
            return retries;
        }

        Report(flag.Offset, $"--retries: '{Shorten(flag.Value ?? string.Empty)}' is not a number from 0");
        return null;
    }

    private void CheckStageName(string name, int offset)
    {
        if (!StageName().IsMatch(name) || name is "scratch" or "context")
        {
            Error(
                offset,
                $"'{Shorten(name)}' cannot name a stage: letters, digits, '-', '_' and '.', beginning with a letter, "
                + "and not 'scratch' or 'context'");
        }
    }

    private string Required(string what)
    {
        if (_rest.Length == 0)
        {
            Error(0, $"{Keyword} needs {what}");
        }

        return _rest;
    }

    private string Checked(string what)
    {
        var text = Required(what);
        CheckWord(text, 0);
        return text;
    }

    private string SingleWord(string what)
    {
        var words = Words.Split(Checked(what), 0, _escape);
        if (words.Count > 1)
        {
            Error(words[1].Offset, $"{Keyword} takes {what} and nothing else");
        }

        return _rest;
    }

    private List<Word> RequiredWords(string what) => Words.Split(Required(what), 0, _escape);

    private void CheckWord(string word, int offset)
    {
        if (Words.FindMistake(word, _escape) is { } mistake)
        {
            Error(offset, mistake);
        }
    }

    private void RefuseLeftOverFlags()
    {
        foreach (var flag in _flags.TakeAll())
        {
            Report(flag.Offset, $"{Keyword} does not support --{Shorten(flag.Name)}.{Nearest.Suggest(flag.Name, KnownFlags())}");
        }
    }

    private string[] KnownFlags() => Keyword switch
    {
        "FROM" => ["platform"],
        "RUN" => ["mount", "network", "security"],
        "COPY" => ["from", "chown", "chmod", "link", "exclude"],
        "ADD" => ["chown", "chmod", "link", "exclude", "checksum"],
        "HEALTHCHECK" => ["interval", "timeout", "start-period", "start-interval", "retries"],
        _ => [],
    };

    /// <summary>Reports a mistake at an offset of the text after the flags.</summary>
    private void Error(int offset, string message) => Report(_restOffset + offset, message);

    private void Report(int offset, string message)
    {
        _failed = true;
        var (line, column) = _line.Position(offset);
        _diagnostics.Error(line, column, message);
    }

    private static List<string> Texts(List<Word> words) => words.ConvertAll(word => word.Text);

    private static string Shorten(string text) => text.Length <= 80 ? text : text[..77] + "...";

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$")]
    private static partial Regex VariableName();

    [GeneratedRegex("^[a-z][a-z0-9_.-]*$")]
    private static partial Regex StageName();
}
