namespace Berth.Dockerfile.Ignore;

/// <summary>A <c>.dockerignore</c> file: which paths of a build context are left out.</summary>
/// <remarks>Docker build manual, ".dockerignore files". The last pattern that matches a path, or a folder above it, decides.</remarks>
public sealed class DockerIgnore
{
    private const int LengthLimit = 1 << 20;
    private const int PatternLimit = 10_000;

    private readonly List<PathPattern> _patterns;

    private DockerIgnore(List<PathPattern> patterns) => _patterns = patterns;

    /// <summary>Leaves nothing out.</summary>
    public static DockerIgnore Empty { get; } = new([]);

    /// <exception cref="FormatException">A pattern is malformed, or there are too many; the message names the line.</exception>
    public static DockerIgnore Parse(string text)
    {
        if (text.Length > LengthLimit)
        {
            throw new FormatException($".dockerignore is longer than {LengthLimit >> 20} MiB");
        }

        var patterns = new List<PathPattern>();
        var lines = text.TrimStart('\uFEFF').Split('\n');
        for (var index = 0; index < lines.Length; index++)
        {
            if (lines[index].StartsWith('#') || string.IsNullOrWhiteSpace(lines[index]))
            {
                continue;
            }

            if (patterns.Count == PatternLimit)
            {
                throw new FormatException($".dockerignore:{index + 1}:1: more than {PatternLimit} patterns");
            }

            patterns.Add(ParsePattern(lines[index].Trim(), index + 1));
        }

        return new DockerIgnore(patterns);
    }

    /// <summary>From patterns as <c>COPY --exclude</c> has them.</summary>
    /// <exception cref="FormatException">A pattern is malformed.</exception>
    public static DockerIgnore FromPatterns(IEnumerable<string> patterns) => Parse(string.Join('\n', patterns));

    /// <param name="path">Relative to the context, with <c>/</c> between its parts.</param>
    public bool Excludes(string path)
    {
        var index = LastMatch(path);
        return index >= 0 && !_patterns[index].IsException;
    }

    /// <summary>Whether a folder is left out with everything below it, so that it need not be walked.</summary>
    public bool ExcludesTree(string folder)
    {
        var index = LastMatch(folder);
        return index >= 0
            && !_patterns[index].IsException
            && !_patterns.Skip(index + 1).Any(pattern => pattern.IsException && pattern.CanMatchBelow(folder));
    }

    private int LastMatch(string path)
    {
        for (var index = _patterns.Count - 1; index >= 0; index--)
        {
            if (_patterns[index].MatchesOrHolds(path))
            {
                return index;
            }
        }

        return -1;
    }

    private static PathPattern ParsePattern(string line, int number)
    {
        var isException = line.StartsWith('!');
        var pattern = isException ? line[1..].Trim() : line;
        try
        {
            return new PathPattern(pattern, isException);
        }
        catch (FormatException mistake)
        {
            throw new FormatException($".dockerignore:{number}:1: '{line}': {mistake.Message}", mistake);
        }
    }
}
