using System.Text;

namespace Berth.Dockerfile;

/// <summary>One walk over one word. Nested words (<c>${A:-${B}}</c>) are walked by recursion, to a bounded depth.</summary>
internal sealed class WordExpansion(
    string text, Func<string, string?> lookup, char escape, bool requireVariables, bool keepQuotes = false)
{
    private const int DepthLimit = 64;
    private const int LengthLimit = 4 << 20; // no sensible value is longer; a few lines of ENV can double themselves beyond all memory

    private int _position;
    private int _depth;

    private bool AtEnd => _position >= text.Length;

    public string Run() => Walk(stop: '\0', keepQuotes);

    private string Walk(char stop, bool quotesStay)
    {
        if (++_depth > DepthLimit)
        {
            throw new WordException($"variables are nested more than {DepthLimit} deep");
        }

        var result = new StringBuilder();
        while (!AtEnd && (stop == '\0' || text[_position] != stop))
        {
            switch (text[_position])
            {
                case '\'' when !quotesStay:
                    result.Append(SingleQuoted());
                    break;
                case '"' when !quotesStay:
                    result.Append(DoubleQuoted());
                    break;
                case '$':
                    result.Append(Variable());
                    break;
                case var character when character == escape:
                    AppendEscaped(result, quotesStay);
                    break;
                default:
                    result.Append(text[_position++]);
                    break;
            }

            Bound(result.Length);
        }

        if (stop != '\0')
        {
            if (AtEnd)
            {
                throw new WordException($"'{Shorten(text)}': the variable's closing brace is missing");
            }

            _position++;
        }

        _depth--;
        return result.ToString();
    }

    private void AppendEscaped(StringBuilder result, bool quotesStay)
    {
        _position++;
        if (AtEnd)
        {
            if (quotesStay)
            {
                result.Append(escape);
            }

            return;
        }

        if (quotesStay && text[_position] != '$' && text[_position] != escape)
        {
            result.Append(escape);
        }

        result.Append(text[_position++]);
    }

    private string SingleQuoted()
    {
        var end = text.IndexOf('\'', _position + 1);
        if (end < 0)
        {
            throw new WordException($"{Shorten(text)}: the closing single quote is missing");
        }

        var content = text[(_position + 1)..end];
        _position = end + 1;
        return content;
    }

    private string DoubleQuoted()
    {
        var result = new StringBuilder();
        _position++;
        while (!AtEnd && text[_position] != '"')
        {
            if (text[_position] == '$')
            {
                result.Append(Variable());
            }
            else if (text[_position] == escape && _position + 1 < text.Length && IsEscapableInQuotes(text[_position + 1]))
            {
                result.Append(text[_position + 1]);
                _position += 2;
            }
            else
            {
                result.Append(text[_position++]);
            }

            Bound(result.Length);
        }

        if (AtEnd)
        {
            throw new WordException($"{Shorten(text)}: the closing double quote is missing");
        }

        _position++;
        return result.ToString();
    }

    private bool IsEscapableInQuotes(char character) => character is '"' or '$' || character == escape;

    private string Variable()
    {
        _position++; // the dollar sign
        if (!AtEnd && text[_position] == '{')
        {
            _position++;
            return Braced();
        }

        var name = Name();
        return name.Length == 0 ? "$" : lookup(name) ?? string.Empty;
    }

    private string Braced()
    {
        var name = Name();
        if (name.Length == 0)
        {
            throw new WordException($"'{Shorten(text)}': a variable's name must follow '${{'");
        }

        if (AtEnd)
        {
            throw new WordException($"'{Shorten(text)}': the variable's closing brace is missing");
        }

        var modifier = text[_position++];
        return modifier switch
        {
            '}' => lookup(name) ?? string.Empty,
            ':' => Conditional(name, NextModifier(), emptyCounts: true),
            '-' or '+' or '?' => Conditional(name, modifier, emptyCounts: false),
            '#' or '%' => Trimmed(name, modifier),
            '/' => Replaced(name),
            _ => throw new WordException($"'{Shorten(text)}': '{modifier}' is not a known modifier after '${{{name}'"),
        };
    }

    private char NextModifier()
    {
        if (AtEnd || text[_position] is not ('-' or '+' or '?'))
        {
            throw new WordException($"'{Shorten(text)}': one of '-', '+' and '?' must follow the colon");
        }

        return text[_position++];
    }

    private string Conditional(string name, char modifier, bool emptyCounts)
    {
        var word = Walk('}', quotesStay: false);
        var value = lookup(name);
        var isSet = value is not null && !(emptyCounts && value.Length == 0);
        if (modifier == '+')
        {
            return isSet ? word : string.Empty;
        }

        if (modifier == '?' && !isSet && requireVariables)
        {
            throw new WordException(word.Length == 0 ? $"the variable '{name}' must be set" : $"{name}: {word}");
        }

        return isSet ? value! : modifier == '-' ? word : string.Empty;
    }

    private string Trimmed(string name, char modifier)
    {
        var greedy = !AtEnd && text[_position] == modifier;
        if (greedy)
        {
            _position++;
        }

        var pattern = new Glob(RawUntil('}', '\0'));
        var value = lookup(name) ?? string.Empty;
        return modifier == '#' ? pattern.TrimStart(value, greedy) : pattern.TrimEnd(value, greedy);
    }

    private string Replaced(string name)
    {
        var all = !AtEnd && text[_position] == '/';
        if (all)
        {
            _position++;
        }

        var pattern = new Glob(RawUntil('/', '}'));
        var replacement = text[_position - 1] == '/' ? Walk('}', quotesStay: false) : string.Empty;
        return pattern.Replace(lookup(name) ?? string.Empty, replacement, all);
    }

    /// <summary>The text up to an end character, variables replaced, escapes kept for the pattern.</summary>
    private string RawUntil(char end, char otherEnd)
    {
        var result = new StringBuilder();
        while (!AtEnd && text[_position] != end && (otherEnd == '\0' || text[_position] != otherEnd))
        {
            if (text[_position] == escape && _position + 1 < text.Length)
            {
                result.Append('\\').Append(text[_position + 1]);
                _position += 2;
            }
            else if (text[_position] == '$')
            {
                result.Append(Variable());
            }
            else
            {
                result.Append(text[_position++]);
            }
        }

        if (AtEnd)
        {
            throw new WordException($"'{Shorten(text)}': the variable's closing brace is missing");
        }

        _position++;
        return result.ToString();
    }

    private string Name()
    {
        if (AtEnd)
        {
            return string.Empty;
        }

        var start = _position;
        if (char.IsAsciiLetter(text[start]) || text[start] == '_')
        {
            while (!AtEnd && (char.IsAsciiLetterOrDigit(text[_position]) || text[_position] == '_'))
            {
                _position++;
            }
        }
        else if (char.IsAsciiDigit(text[start]))
        {
            while (!AtEnd && char.IsAsciiDigit(text[_position]))
            {
                _position++;
            }
        }
        else if (text[start] is '@' or '*' or '#' or '!' or '?' or '-' or '$')
        {
            _position++; // the shell's own parameters; never set while building
        }

        return text[start.._position];
    }

    private static void Bound(int length)
    {
        if (length > LengthLimit)
        {
            throw new WordException($"the value grows beyond {LengthLimit >> 20} MiB");
        }
    }

    private static string Shorten(string word) => word.Length <= 60 ? word : word[..57] + "...";
}
