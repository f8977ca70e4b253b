namespace Berth.Dockerfile;

/// <summary>The <c>--name=value</c> words between an instruction's name and its arguments.</summary>
internal sealed class FlagReader
{
    private readonly List<Flag> _flags = [];

    public FlagReader(string text, int from, char escape)
    {
        End = text.Length;
        foreach (var word in Words.Split(text, from, escape))
        {
            if (!word.Text.StartsWith("--", StringComparison.Ordinal) || word.Text.Length == 2)
            {
                End = word.Offset + (word.Text == "--" ? 2 : 0);
                while (End < text.Length && char.IsWhiteSpace(text[End]))
                {
                    End++;
                }

                break;
            }

            var equals = word.Text.IndexOf('=', StringComparison.Ordinal);
            _flags.Add(equals < 0
                ? new Flag(word.Text[2..], null, word.Offset)
                : new Flag(word.Text[2..equals], word.Text[(equals + 1)..], word.Offset));
        }
    }

    /// <summary>Where the arguments begin.</summary>
    public int End { get; }

    /// <summary>The flag's last occurrence; what is never taken is reported as unsupported.</summary>
    public Flag? Take(string name)
    {
        var found = TakeEach(name);
        return found.Count == 0 ? null : found[^1];
    }

    public IReadOnlyList<Flag> TakeEach(string name)
    {
        var found = _flags.FindAll(flag => flag.Name == name);
        _flags.RemoveAll(flag => flag.Name == name);
        return found;
    }

    public IReadOnlyList<Flag> TakeAll()
    {
        Flag[] rest = [.. _flags];
        _flags.Clear();
        return rest;
    }
}

/// <param name="Value">Null when there was no equals sign.</param>
/// <param name="Offset">Where its dashes stand in the logical line.</param>
internal sealed record Flag(string Name, string? Value, int Offset);
