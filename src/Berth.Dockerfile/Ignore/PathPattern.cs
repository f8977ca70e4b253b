namespace Berth.Dockerfile.Ignore;

/// <summary>One pattern over slash-separated paths: <c>*</c> and <c>?</c> within a part, <c>[a-z]</c>, <c>**</c> over parts.</summary>
/// <remarks>Go's <c>filepath.Match</c>, and <c>**</c> as Docker adds it. Runs as a state machine, so its time is bounded by
/// pattern length times path length whatever the pattern is.</remarks>
internal sealed class PathPattern
{
    private const int LengthLimit = 4096;

    private readonly List<Token> _tokens = [];

    /// <exception cref="FormatException">The pattern is malformed.</exception>
    public PathPattern(string pattern, bool isException)
    {
        IsException = isException;
        var cleaned = Clean(pattern);
        if (cleaned.Length > LengthLimit)
        {
            throw new FormatException($"longer than {LengthLimit} characters");
        }

        Compile(cleaned);
    }

    /// <summary>It began with <c>!</c>: what it matches stays in.</summary>
    public bool IsException { get; }

    /// <summary>Whether it matches the path, or a folder that the path lies in.</summary>
    public bool MatchesOrHolds(string path)
    {
        var states = Start();
        for (var index = 0; index < path.Length; index++)
        {
            if (path[index] == '/' && index > 0 && states[^1])
            {
                return true;
            }

            if (!Step(ref states, path[index]))
            {
                return false;
            }
        }

        return states[^1];
    }

    /// <summary>Whether it could match anything below a folder.</summary>
    public bool CanMatchBelow(string folder)
    {
        var states = Start();
        return folder.All(character => Step(ref states, character)) && Step(ref states, '/');
    }

    private bool[] Start()
    {
        var states = new bool[_tokens.Count + 1];
        Enter(states, 0);
        return states;
    }

    private bool Step(ref bool[] states, char character)
    {
        var next = new bool[states.Length];
        var alive = false;
        for (var index = 0; index < _tokens.Count; index++)
        {
            if (!states[index])
            {
                continue;
            }

            var token = _tokens[index];
            if (token.Stays(character))
            {
                Enter(next, index);
                alive = true;
            }

            if (token.Passes(character))
            {
                Enter(next, index + 1);
                alive = true;
            }
        }

        states = next;
        return alive;
    }

    /// <summary>Enters a state and those that follow it without taking a character.</summary>
    private void Enter(bool[] states, int index)
    {
        while (!states[index]) // what is entered already has been followed already
        {
            states[index] = true;
            if (index == _tokens.Count)
            {
                return;
            }

            switch (_tokens[index].Kind)
            {
                case TokenKind.Star or TokenKind.Anything:
                    index++;
                    break;
                case TokenKind.Folders:
                    states[index + 1] = true; // the loop that takes them
                    index += 2; // or no folder at all
                    break;
                default:
                    return;
            }
        }
    }

    private void Compile(string pattern)
    {
        for (var index = 0; index < pattern.Length; index++)
        {
            switch (pattern[index])
            {
                case '*' when index + 1 < pattern.Length && pattern[index + 1] == '*':
                    index = CompileDoubleStar(pattern, index);
                    break;
                case '*':
                    _tokens.Add(new Token(TokenKind.Star));
                    break;
                case '?':
                    _tokens.Add(new Token(TokenKind.One));
                    break;
                case '[':
                    index = CompileClass(pattern, index);
                    break;
                case '\\' when index + 1 < pattern.Length:
                    _tokens.Add(new Token(TokenKind.Literal, pattern[++index]));
                    break;
                case '\\':
                    throw new FormatException("nothing follows the backslash");
                default:
                    _tokens.Add(new Token(TokenKind.Literal, pattern[index]));
                    break;
            }
        }
    }

    private int CompileDoubleStar(string pattern, int index)
    {
        var end = index + 1;
        if (end + 1 < pattern.Length && pattern[end + 1] == '/')
        {
            _tokens.Add(new Token(TokenKind.Folders));
            _tokens.Add(new Token(TokenKind.FoldersLoop));
            return end + 1;
        }

        _tokens.Add(new Token(TokenKind.Anything));
        return end;
    }

    private int CompileClass(string pattern, int index)
    {
        var position = index + 1;
        var negated = position < pattern.Length && pattern[position] == '^';
        position += negated ? 1 : 0;
        var ranges = new List<(char Low, char High)>();
        while (position < pattern.Length && (pattern[position] != ']' || ranges.Count == 0))
        {
            var low = ClassCharacter(pattern, ref position);
            var high = low;
            if (position + 1 < pattern.Length && pattern[position] == '-')
            {
                position++;
                high = ClassCharacter(pattern, ref position);
            }

            ranges.Add((low, high));
        }

        if (position >= pattern.Length)
        {
            throw new FormatException("the closing ']' is missing");
        }

        _tokens.Add(new Token(TokenKind.Class, '\0', ranges, negated));
        return position;
    }

    private static char ClassCharacter(string pattern, ref int position)
    {
        if (pattern[position] is '-' or ']')
        {
            throw new FormatException($"'{pattern[position]}' must be written as '\\{pattern[position]}' between brackets");
        }

        position += pattern[position] == '\\' ? 1 : 0;
        return position < pattern.Length ? pattern[position++] : throw new FormatException("the closing ']' is missing");
    }

    /// <summary>Drops leading and trailing slashes, <c>.</c> parts, and resolves <c>..</c> where it has something to cancel.</summary>
    private static string Clean(string pattern)
    {
        var parts = new List<string>();
        foreach (var part in pattern.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".." && parts.Count > 0 && parts[^1] != "..")
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else if (part != ".")
            {
                parts.Add(part);
            }
        }

        if (pattern.Length == 0)
        {
            throw new FormatException("a pattern is missing");
        }

        return parts.Count == 0 ? "." : string.Join('/', parts);
    }

    private enum TokenKind
    {
        Literal,
        One,
        Star,
        Class,

        /// <summary><c>**</c>: any characters.</summary>
        Anything,

        /// <summary><c>**/</c>: no or some whole folders; always followed by its loop.</summary>
        Folders,
        FoldersLoop,
    }

    private sealed record Token(TokenKind Kind, char Character = '\0', List<(char Low, char High)>? Ranges = null, bool Negated = false)
    {
        public bool Stays(char character) => Kind switch
        {
            TokenKind.Star => character != '/',
            TokenKind.Anything or TokenKind.FoldersLoop => true,
            _ => false,
        };

        public bool Passes(char character) => Kind switch
        {
            TokenKind.Literal => character == Character,
            TokenKind.One => character != '/',
            TokenKind.Class => character != '/' && Ranges!.Any(range => range.Low <= character && character <= range.High) != Negated,
            TokenKind.FoldersLoop => character == '/',
            _ => false,
        };
    }
}
