namespace Berth.Dockerfile;

/// <summary>The <c>&lt;&lt;EOF</c> in an instruction's line that announces a here-document.</summary>
internal sealed record HeredocMarker(int FileDescriptor, string Name, bool Expands, bool StripsTabs, int Offset)
{
    private static readonly string[] s_carriers = ["RUN", "COPY", "ADD"];

    /// <summary>The markers of an instruction that may carry here-documents; none in exec form.</summary>
    public static IReadOnlyList<HeredocMarker> FindAll(string instruction, char escape)
    {
        var words = Words.Split(instruction, 0, escape);
        var first = words.Count > 1 && words[0].Text.Equals("ONBUILD", StringComparison.OrdinalIgnoreCase) ? 1 : 0;
        if (words.Count <= first
            || !s_carriers.Contains(words[first].Text, StringComparer.OrdinalIgnoreCase)
            || !instruction.Contains("<<", StringComparison.Ordinal))
        {
            return [];
        }

        var arguments = words.Skip(first + 1).SkipWhile(word => word.Text.StartsWith("--", StringComparison.Ordinal)).ToList();
        if (arguments.Count == 0 || JsonWords.TryParse(instruction[arguments[0].Offset..], out _))
        {
            return [];
        }

        return [.. arguments.Select(TryParse).OfType<HeredocMarker>()];
    }

    public static HeredocMarker? TryParse(Word word)
    {
        var text = word.Text;
        var digits = text.TakeWhile(char.IsAsciiDigit).Count();
        if (digits > 3 || !text.AsSpan(digits).StartsWith("<<"))
        {
            return null;
        }

        var name = text[(digits + 2)..];
        var stripsTabs = name.StartsWith('-');
        name = stripsTabs ? name[1..] : name;
        var quoted = name.Length > 1 && name[0] is '"' or '\'' && name[^1] == name[0];
        name = quoted ? name[1..^1] : name;
        if (name.Length == 0 || name.Contains('<', StringComparison.Ordinal))
        {
            return null;
        }

        var fileDescriptor = digits == 0 ? 0 : int.Parse(text.AsSpan(0, digits), System.Globalization.CultureInfo.InvariantCulture);
        return new HeredocMarker(fileDescriptor, name, !quoted, stripsTabs, word.Offset);
    }
}
