using System.Globalization;
using System.Text;

namespace Berth.Engine.Containers.Logs;

/// <summary>One line, or part of one, as conmon writes it: <c>TIME stdout|stderr P|F TEXT</c> (P: the line goes on).</summary>
public readonly record struct LogLine(DateTimeOffset Time, string TimeText, bool IsStderr, bool IsPartial, ReadOnlyMemory<byte> Text)
{
    /// <summary>Reads a line without its end; false when it is not in that format (a line torn by a crash).</summary>
    internal static bool TryParse(ReadOnlyMemory<byte> line, out LogLine result)
    {
        result = default;
        var span = line.Span;
        var first = span.IndexOf((byte)' ');
        if (first < 20 || span.Length < first + 10)
        {
            return false;
        }

        var stream = span.Slice(first + 1, 6);
        var isStderr = stream.SequenceEqual("stderr"u8);
        if (!isStderr && !stream.SequenceEqual("stdout"u8))
        {
            return false;
        }

        var kind = span[first + 8];
        var timeText = Encoding.ASCII.GetString(span[..first]);
        if (kind is not ((byte)'P' or (byte)'F') || !DateTimeOffset.TryParse(timeText, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
        {
            return false;
        }

        result = new(time, timeText, isStderr, kind == 'P', line[(first + 10)..]);
        return true;
    }
}
