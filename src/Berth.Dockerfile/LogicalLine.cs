namespace Berth.Dockerfile;

/// <summary>One instruction's text, continuation lines joined, with a map back to where each character stood.</summary>
internal sealed class LogicalLine(string text, IReadOnlyList<LineSegment> segments, IReadOnlyList<string> documents)
{
    public string Text { get; } = text;

    public int Line => segments[0].Line;

    /// <summary>Bodies of its here-documents, in order; filled by the reader.</summary>
    public IReadOnlyList<string> Documents { get; } = documents;

    public (int Line, int Column) Position(int offset)
    {
        var segment = segments[0];
        foreach (var candidate in segments)
        {
            if (candidate.Offset > offset)
            {
                break;
            }

            segment = candidate;
        }

        return (segment.Line, segment.Column + Math.Max(0, offset - segment.Offset));
    }
}

/// <param name="Offset">First character's place in the logical line.</param>
/// <param name="Column">Its column in the file, from one.</param>
internal readonly record struct LineSegment(int Offset, int Line, int Column);
