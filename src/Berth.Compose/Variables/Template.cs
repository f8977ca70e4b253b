using System.Text;

namespace Berth.Compose.Variables;

/// <summary>A text whose variables cannot be replaced.</summary>
internal sealed class TemplateException(string message) : FormatException(message);

/// <summary>A variable as a text names it: once for each place.</summary>
/// <param name="Default">Its value when it is not set, as it stands there; null without one.</param>
/// <param name="Alternate">What stands for it when it is set; null without one.</param>
/// <param name="IsRequired">Not being set is an error.</param>
public sealed record NamedVariable(string Name, string? Default, string? Alternate, bool IsRequired);

/// <summary>Replaces <c>$V</c>, <c>${V}</c>, <c>${V:-d}</c> and their relatives, nested ones too; <c>$$</c> is one dollar sign.</summary>
/// <param name="lookup">Null for a variable that is not set.</param>
/// <param name="lenient">A dollar sign before anything else stays, as environment files need; otherwise it is an error.</param>
/// <param name="undefined">Told each variable that is not set and has no default.</param>
/// <remarks>Compose Specification, 12-interpolation.md.</remarks>
internal sealed class Template(string text, Func<string, string?> lookup, bool lenient, Action<string> undefined)
{
    /// <summary>Told each variable that the text names; those whose value is missing are no error then.</summary>
    public Action<NamedVariable>? Named { get; init; }

    private const int DepthLimit = 32;
    private const int LengthLimit = 1 << 20;

    private int _position;

    public string Expand()
    {
        return text.Contains('$', StringComparison.Ordinal) ? Walk(depth: 0, active: true) : text;
    }

    /// <param name="active">False in a branch whose value is not used: its variables are not missed.</param>
    private string Walk(int depth, bool active)
    {
        if (depth > DepthLimit)
        {
            throw new TemplateException($"variables are nested more than {DepthLimit} deep");
        }

        var result = new StringBuilder();
        while (_position < text.Length && (depth == 0 || text[_position] != '}'))
        {
            if (text[_position] == '$')
            {
                result.Append(Variable(depth, active));
            }
            else
            {
                result.Append(text[_position++]);
            }

            if (result.Length > LengthLimit)
            {
                throw new TemplateException($"the value grows beyond {LengthLimit >> 20} MiB");
            }
        }

        return result.ToString();
    }

    private string Variable(int depth, bool active)
    {
        var next = ++_position < text.Length ? text[_position] : '\0';
        if (next == '$')
        {
            _position++;
            return "$";
        }

        if (next == '{')
        {
            _position++;
            return Braced(depth, active);
        }

        var name = Name();
        if (name.Length > 0)
        {
            Named?.Invoke(new(name, null, null, false));
            return Value(name, active);
        }

        return lenient ? "$" : throw new TemplateException($"'{Shorten(text)}': a lone '$' must be written '$$'");
    }

    private string Braced(int depth, bool active)
    {
        var name = Name();
        if (name.Length == 0)
        {
            throw new TemplateException($"'{Shorten(text)}': a variable's name must follow '${{'; a literal '$' is written '$$'");
        }

        var emptyCounts = Take(':');
        var modifier = _position < text.Length ? text[_position++] : '\0';
        if (modifier == '}' && !emptyCounts)
        {
            Named?.Invoke(new(name, null, null, false));
            return Value(name, active);
        }

        if (modifier is not ('-' or '+' or '?'))
        {
            throw new TemplateException(modifier == '\0'
                ? $"'{Shorten(text)}': the closing brace of '{name}' is missing"
                : $"'{Shorten(text)}': after '{name}' only ':-', '-', ':?', '?', ':+' and '+' are known");
        }

        var value = lookup(name);
        var isSet = value is not null && !(emptyCounts && value.Length == 0);
        var start = _position;
        var word = Walk(depth + 1, active && isSet == (modifier == '+'));
        var written = text[start.._position];
        if (!Take('}'))
        {
            throw new TemplateException($"'{Shorten(text)}': the closing brace of '{name}' is missing");
        }

        Named?.Invoke(new(name, modifier == '-' ? written : null, modifier == '+' ? written : null, modifier == '?'));
        return modifier switch
        {
            '+' => isSet ? word : string.Empty,
            '-' => isSet ? value! : word,
            _ => isSet || !active || Named is not null ? value ?? string.Empty : throw new TemplateException(
                $"required variable '{name}' is missing a value{(word.Length == 0 ? "" : $": {word}")}"),
        };
    }

    private string Value(string name, bool active)
    {
        var value = lookup(name);
        if (value is null && active)
        {
            undefined(name);
        }

        return value ?? string.Empty;
    }

    private bool Take(char character)
    {
        var found = _position < text.Length && text[_position] == character;
        _position += found ? 1 : 0;
        return found;
    }

    private string Name()
    {
        var start = _position;
        while (_position < text.Length
            && (char.IsAsciiLetter(text[_position])
                || text[_position] == '_'
                || (_position > start && char.IsAsciiDigit(text[_position]))))
        {
            _position++;
        }

        return text[start.._position];
    }

    private static string Shorten(string value) => value.Length <= 60 ? value : value[..57] + "...";
}
