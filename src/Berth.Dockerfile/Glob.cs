using System.Text;

namespace Berth.Dockerfile;

/// <summary>A pattern of <c>${NAME#pattern}</c> and its relatives: <c>*</c> any characters, <c>?</c> one, <c>\</c> takes the next literally.</summary>
internal sealed class Glob
{
    private const long WorkLimit = 64 << 20; // steps; a hostile file could otherwise keep a core busy for hours

    private readonly List<char> _tokens = [];
    private readonly List<bool> _literals = []; // whether the token stands for itself

    public Glob(string pattern)
    {
        for (var index = 0; index < pattern.Length; index++)
        {
            var escaped = pattern[index] == '\\' && index + 1 < pattern.Length;
            index += escaped ? 1 : 0;
            _tokens.Add(pattern[index]);
            _literals.Add(escaped || pattern[index] is not ('*' or '?'));
        }
    }

    public string TrimStart(string value, bool greedy)
    {
        Bound((long)value.Length * (_tokens.Count + 1));
        var length = Longest(value, 0, greedy);
        return length < 0 ? value : value[length..];
    }

    public string TrimEnd(string value, bool greedy)
    {
        Bound((long)value.Length * value.Length * (_tokens.Count + 1));
        for (var step = 0; step <= value.Length; step++)
        {
            var start = greedy ? step : value.Length - step;
            if (Reaches(value, start, value.Length))
            {
                return value[..start];
            }
        }

        return value;
    }

    public string Replace(string value, string replacement, bool all)
    {
        Bound((long)value.Length * value.Length * (_tokens.Count + 1));
        var result = new StringBuilder();
        var index = 0;
        while (index < value.Length)
        {
            var length = Longest(value, index, greedy: true);
            if (length <= 0)
            {
                result.Append(value[index++]);
                continue;
            }

            result.Append(replacement);
            index += length;
            if (!all)
            {
                break;
            }
        }

        return result.Append(value, index, value.Length - index).ToString();
    }

    /// <summary>How many characters from <paramref name="start"/> the pattern takes; -1 when it does not match.</summary>
    private int Longest(string value, int start, bool greedy)
    {
        var best = -1;
        foreach (var end in Ends(value, start))
        {
            best = end - start;
            if (!greedy)
            {
                break;
            }
        }

        return best;
    }

    private bool Reaches(string value, int start, int end) => Ends(value, start).Any(one => one == end);

    /// <summary>Every position at which a match that begins at <paramref name="start"/> can end, rising.</summary>
    private IEnumerable<int> Ends(string value, int start)
    {
        var states = new bool[_tokens.Count + 1];
        states[0] = true;
        for (var index = start; ; index++)
        {
            for (var token = 0; token < _tokens.Count; token++)
            {
                states[token + 1] |= states[token] && IsStar(token);
            }

            if (states[_tokens.Count])
            {
                yield return index;
            }

            if (index >= value.Length)
            {
                yield break;
            }

            Step(states, value[index]);
        }
    }

    private void Step(bool[] states, char character)
    {
        for (var token = _tokens.Count; token >= 0; token--)
        {
            var stays = token < _tokens.Count && states[token] && IsStar(token);
            var arrives = token > 0 && states[token - 1] && !IsStar(token - 1) && Accepts(token - 1, character);
            states[token] = stays || arrives;
        }
    }

    private bool IsStar(int token) => !_literals[token] && _tokens[token] == '*';

    private bool Accepts(int token, char character) => !_literals[token] || _tokens[token] == character;

    private static void Bound(long work)
    {
        if (work > WorkLimit)
        {
            throw new WordException("the pattern and its value are too long");
        }
    }
}
