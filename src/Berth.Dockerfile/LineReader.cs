using System.Text;

namespace Berth.Dockerfile;

/// <summary>Cuts a Dockerfile into logical lines: comments and blank lines dropped, continuations joined, here-documents attached.</summary>
/// <remarks>Dockerfile reference, "Format", "Parser directives" and "Here-Documents".</remarks>
internal sealed class LineReader
{
    private static readonly string[] s_directives = ["syntax", "escape", "check"];

    private readonly string[] _lines;
    private readonly DiagnosticBag _diagnostics;
    private readonly Dictionary<string, string> _directives = new(StringComparer.Ordinal);
    private int _next;

    public LineReader(string text, DiagnosticBag diagnostics)
    {
        _lines = text.TrimStart('\uFEFF').Split('\n');
        for (var index = 0; index < _lines.Length; index++)
        {
            _lines[index] = _lines[index].TrimEnd('\r');
        }

        _diagnostics = diagnostics;
        ReadDirectives();
    }

    public char Escape { get; private set; } = '\\';

    public IReadOnlyDictionary<string, string> Directives => _directives;

    /// <summary>The next instruction; null at the end of the file.</summary>
    public LogicalLine? Next()
    {
        while (_next < _lines.Length)
        {
            var start = _next;
            var line = _lines[_next++];
            if (string.IsNullOrWhiteSpace(line) || IsComment(line))
            {
                continue;
            }

            var indent = line.Length - line.TrimStart().Length;
            var text = new StringBuilder();
            var segments = new List<LineSegment>();
            var continues = Append(line, indent, start, text, segments);
            while (continues && _next < _lines.Length)
            {
                var index = _next++;
                if (!string.IsNullOrWhiteSpace(_lines[index]) && !IsComment(_lines[index]))
                {
                    continues = Append(_lines[index], 0, index, text, segments);
                }
            }

            var joined = text.ToString().TrimEnd();
            if (joined.Length > 0)
            {
                return new LogicalLine(joined, segments, ReadDocuments(joined, start + 1));
            }
        }

        return null;
    }

    /// <summary>Adds a physical line; true when it ends in the escape character and so continues.</summary>
    private bool Append(string line, int from, int index, StringBuilder text, List<LineSegment> segments)
    {
        var content = line.TrimEnd();
        var continues = content.EndsWith(Escape) && !(content.Length > 1 && content[^2] == Escape);
        segments.Add(new LineSegment(text.Length, index + 1, from + 1));
        text.Append(continues ? content[from..^1] : line[from..]);
        return continues;
    }

    private List<string> ReadDocuments(string instruction, int line)
    {
        var documents = new List<string>();
        foreach (var marker in HeredocMarker.FindAll(instruction, Escape))
        {
            documents.Add(ReadDocument(marker, line));
        }

        return documents;
    }

    private string ReadDocument(HeredocMarker marker, int line)
    {
        var content = new StringBuilder();
        while (_next < _lines.Length)
        {
            var candidate = marker.StripsTabs ? _lines[_next].TrimStart('\t') : _lines[_next];
            _next++;
            if (candidate == marker.Name)
            {
                return content.ToString();
            }

            content.Append(candidate).Append('\n');
        }

        _diagnostics.Error(line, 1, $"the here-document '{marker.Name}' is never closed: a line '{marker.Name}' must end it");
        return content.ToString();
    }

    private void ReadDirectives()
    {
        while (_next < _lines.Length && TryReadDirective(_lines[_next], out var name, out var value))
        {
            if (!_directives.TryAdd(name, value))
            {
                _diagnostics.Error(_next + 1, 1, $"the parser directive '{name}' is given twice");
            }

            if (name == "escape")
            {
                SetEscape(value);
            }

            _next++;
        }
    }

    private void SetEscape(string value)
    {
        if (value is "\\" or "`")
        {
            Escape = value[0];
        }
        else
        {
            _diagnostics.Error(_next + 1, 1, $"the escape character must be '\\' or '`', not '{value}'");
        }
    }

    private static bool TryReadDirective(string line, out string name, out string value)
    {
        (name, value) = (string.Empty, string.Empty);
        var comment = line.TrimStart();
        var equals = comment.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0 || comment[0] != '#')
        {
            return false;
        }

        name = comment[1..equals].Trim().ToLowerInvariant();
        value = comment[(equals + 1)..].Trim();
        return s_directives.Contains(name);
    }

    private static bool IsComment(string line) => line.AsSpan().TrimStart().StartsWith("#");
}
