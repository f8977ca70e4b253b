using System.Text;
using Berth.Compose.Yaml;

namespace Berth.Compose.Variables;

/// <summary>Reads <c>.env</c> and <c>env_file</c> files: <c>NAME=value</c> lines, quotes, comments, values over several lines.</summary>
/// <remarks>
/// Unquoted values end at white space and <c>#</c>, or at the line's end; all other characters stand for themselves, so passwords
/// survive. Single quotes keep everything; double quotes know escapes and variables. Compose Specification, 05-services.md, "Env_file format".
/// </remarks>
internal sealed class EnvFile
{
    private readonly string _text;
    private readonly string _file;
    private readonly Func<string, string?> _lookup;
    private readonly DiagnosticBag _diagnostics;
    private readonly List<KeyValuePair<string, string?>> _variables = [];
    private readonly Dictionary<string, string?> _known = new(StringComparer.Ordinal);
    private int _position;
    private readonly ExpandedLength _length = new();

    private EnvFile(string text, string file, Func<string, string?> lookup, DiagnosticBag diagnostics)
    {
        _text = text.TrimStart('\uFEFF').ReplaceLineEndings("\n");
        _file = file;
        _lookup = lookup;
        _diagnostics = diagnostics;
    }

    /// <summary>The variables in order; a name without <c>=</c> has the caller's value, or null.</summary>
    /// <param name="lookup">The caller's environment, which values may refer to and which has precedence there.</param>
    public static IReadOnlyList<KeyValuePair<string, string?>> Parse(
        string text, string file, Func<string, string?> lookup, DiagnosticBag diagnostics)
    {
        var reader = new EnvFile(text, file, lookup, diagnostics);
        while (reader._position < reader._text.Length)
        {
            reader.ReadEntry();
        }

        return reader._variables;
    }

    /// <summary><c>format: raw</c>: everything after the first equals sign is the value.</summary>
    public static IReadOnlyList<KeyValuePair<string, string?>> ParseRaw(string text) =>
    [
        .. text.TrimStart('\uFEFF').ReplaceLineEndings("\n").Split('\n')
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split('=', 2))
            .Select(parts => KeyValuePair.Create(parts[0], parts.Length > 1 ? parts[1] : null)),
    ];

    private Place Here => new(_file, 1 + _text.AsSpan(0, Math.Min(_position, _text.Length)).Count('\n'), 1);

    private void ReadEntry()
    {
        var line = _text[_position..LineEnd()];
        var content = line.TrimStart();
        if (content.Length == 0 || content[0] == '#')
        {
            _position = LineEnd() + 1;
            return;
        }

        var start = content.StartsWith("export ", StringComparison.Ordinal) ? content[7..].TrimStart() : content;
        var nameLength = start.TakeWhile(IsNameCharacter).Count();
        var name = start[..nameLength];
        var rest = start[nameLength..].TrimStart();
        if (name.Length == 0 || (rest.Length > 0 && rest[0] is not ('=' or ':' or '#')))
        {
            _diagnostics.Error(
                Here,
                $"'{(line.Length > 40 ? line[..37] + "..." : line)}' must have the form NAME=value; a name has letters, digits and '_'");
            _position = LineEnd() + 1;
        }
        else if (rest.Length == 0 || rest[0] == '#')
        {
            Add(name, _lookup(name));
            _position = LineEnd() + 1;
        }
        else
        {
            _position += line.Length - rest.Length + 1;
            Add(name, ReadValue());
        }
    }

    private void Add(string name, string? value)
    {
        _variables.Add(KeyValuePair.Create(name, value));
        _known[name] = value;
    }

    private string ReadValue()
    {
        while (_position < _text.Length && _text[_position] is ' ' or '\t')
        {
            _position++;
        }

        var first = _position < _text.Length ? _text[_position] : '\n';
        return first is '\'' or '"' && FindClosing(first) is var end && end >= 0 ? ReadQuoted(first, end) : ReadUnquoted();
    }

    private string ReadUnquoted()
    {
        var end = LineEnd();
        var value = _text[_position..end];
        for (var index = 0; index < value.Length; index++)
        {
            if (value[index] == '#' && (index == 0 || char.IsWhiteSpace(value[index - 1])))
            {
                value = value[..index];
                break;
            }
        }

        var expanded = Expand(value.Trim());
        _position = end + 1;
        return expanded;
    }

    private string ReadQuoted(char quote, int end)
    {
        var content = _text[(_position + 1)..end];
        var rest = _text[(end + 1)..LineEnd(end)].Trim();
        if (rest.Length > 0 && rest[0] != '#')
        {
            _diagnostics.Error(Here, $"'{rest}' stands after the closing quote");
        }

        var value = quote == '\'' ? content : Unescape(content);
        _position = LineEnd(end) + 1;
        return value;
    }

    private int FindClosing(char quote)
    {
        for (var index = _position + 1; index < _text.Length; index++)
        {
            if (quote == '"' && _text[index] == '\\')
            {
                index++;
            }
            else if (_text[index] == quote)
            {
                return index;
            }
        }

        _diagnostics.Error(Here, $"the closing {(quote == '"' ? "double" : "single")} quote is missing");
        return -1;
    }

    private string Unescape(string content)
    {
        var result = new StringBuilder();
        for (var index = 0; index < content.Length; index++)
        {
            if (content[index] != '\\' || index + 1 == content.Length)
            {
                result.Append(content[index]);
                continue;
            }

            var next = content[++index];
            result.Append(next switch
            {
                'n' => "\n",
                'r' => "\r",
                't' => "\t",
                '"' => "\"",
                '\\' => "\\",
                '$' => "$$",
                _ => $"\\{next}",
            });
        }

        return Expand(result.ToString());
    }

    private string Expand(string value)
    {
        if (!value.Contains('$', StringComparison.Ordinal) || _length.IsExceeded)
        {
            return value;
        }

        try
        {
            var expanded = new Template(value, name => _lookup(name) ?? _known.GetValueOrDefault(name), lenient: true, WarnUndefined).Expand();
            if (_length.Exceeds(expanded))
            {
                _diagnostics.Error(Here, $"with this line the values grow beyond {ExpandedLength.LimitMebibytes} MiB in all, as variables in them are replaced by others");
            }

            return expanded;
        }
        catch (TemplateException mistake)
        {
            _diagnostics.Error(Here, mistake.Message);
            return value;
        }
    }

    private void WarnUndefined(string name) =>
        _diagnostics.Warning(Here, $"the variable '{name}' is not set; a blank string takes its place");

    private int LineEnd() => LineEnd(_position);

    private int LineEnd(int from)
    {
        var end = _text.IndexOf('\n', from);
        return end < 0 ? _text.Length : end;
    }

    private static bool IsNameCharacter(char character) =>
        char.IsAsciiLetterOrDigit(character) || character is '_' or '.' or '-';
}
