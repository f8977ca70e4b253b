namespace Berth.Dockerfile;

// COPY and ADD.
internal sealed partial class InstructionParser
{
    private CopyInstruction ParseCopy()
    {
        var from = Value("from");
        var (owner, mode, link, exclude) = FileFlags();
        var (sources, documents, destination) = Files();
        return new CopyInstruction(_line.Line, Source, sources, documents, destination, from, owner, mode, link, exclude);
    }

    private AddInstruction ParseAdd()
    {
        var checksum = Value("checksum");
        var (owner, mode, link, exclude) = FileFlags();
        var (sources, documents, destination) = Files();
        return new AddInstruction(_line.Line, Source, sources, documents, destination, owner, mode, link, exclude, checksum);
    }

    private (string? Owner, string? Mode, bool Link, IReadOnlyList<string> Exclude) FileFlags()
    {
        var exclude = _flags.TakeEach("exclude").Select(flag => Value(flag)).OfType<string>().ToList();
        return (Value("chown"), Value("chmod"), Switch("link"), exclude);
    }

    private (List<string> Sources, List<Heredoc> Documents, string Destination) Files()
    {
        var isJson = JsonWords.TryParse(_rest, out var json);
        var words = isJson ? [.. json.Select(text => new Word(text, 0))] : Words.Split(_rest, 0, _escape);
        var sources = new List<string>();
        var documents = new List<Heredoc>();
        var bodies = new Queue<string>(_line.Documents);
        foreach (var word in words.SkipLast(1))
        {
            CheckFile(word);
            if (!isJson && bodies.Count > 0 && HeredocMarker.TryParse(word) is { } marker)
            {
                documents.Add(Document(marker, bodies.Dequeue()));
            }
            else
            {
                sources.Add(word.Text);
            }
        }

        if (words.Count < 2)
        {
            Error(0, $"{Keyword} needs at least one source and a destination");
            return ([], [], string.Empty);
        }

        CheckFile(words[^1]);
        return (sources, documents, words[^1].Text);
    }

    private void CheckFile(Word word)
    {
        CheckWord(word.Text, word.Offset);
        if (word.Text.Length == 0)
        {
            Error(word.Offset, "a path must not be empty");
        }
    }

    private static Heredoc Document(HeredocMarker marker, string content) =>
        new(marker.FileDescriptor, marker.Name, marker.Expands, marker.StripsTabs, content);

    private string? Value(string name) => _flags.Take(name) is { } flag ? Value(flag) : null;

    private string? Value(Flag flag)
    {
        if (string.IsNullOrEmpty(flag.Value))
        {
            Report(flag.Offset, $"--{flag.Name} needs a value: --{flag.Name}=VALUE");
        }
        else if (Words.FindMistake(flag.Value, _escape) is { } mistake)
        {
            Report(flag.Offset, mistake);
        }

        return flag.Value;
    }

    private bool Switch(string name)
    {
        if (_flags.Take(name) is not { } flag)
        {
            return false;
        }

        if (flag.Value is null or "true" or "1" or "false" or "0")
        {
            return flag.Value is null or "true" or "1";
        }

        Report(flag.Offset, $"--{name} must be true or false, not '{Shorten(flag.Value)}'");
        return false;
    }
}
