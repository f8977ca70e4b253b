using System.Globalization;
using System.Text;

namespace Berth.Engine.Containers.Logs;

/// <summary>One line, or a piece of one, as conmon writes it: <c>TIME stdout|stderr P|F TEXT</c> (P: the line goes on).</summary>
/// <param name="RawTime">RFC 3339 with nine digits and the machine's offset.</param>
/// <param name="IsPartial">The line goes on in the next piece.</param>
/// <param name="IsContinuation">The line began in a piece before.</param>
public readonly record struct LogLine(ReadOnlyMemory<byte> RawTime, bool IsStderr, bool IsPartial, bool IsContinuation, ReadOnlyMemory<byte> Text)
{
    /// <summary>Length of what <see cref="WriteTime"/> writes.</summary>
    public const int TimeBytes = 30;

    private const int SecondsBytes = 19; // 2026-11-26T21:40:00
    private const int FractionBytes = 10; // with its point

    /// <summary>Nanoseconds since 1970.</summary>
    public long Time => Nanoseconds(Offset());

    /// <summary>Writes the time as Docker does: in UTC, nine digits.</summary>
    /// <returns><see cref="TimeBytes"/>.</returns>
    public int WriteTime(Span<byte> target)
    {
        var offset = Offset();
        RawTime.Span[..(SecondsBytes + FractionBytes)].CopyTo(target);
        if (offset != TimeSpan.Zero)
        {
            (Seconds() - offset).TryFormat(target, out _, "yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
        }

        target[TimeBytes - 1] = (byte)'Z';
        return TimeBytes;
    }

    /// <summary>Reads a line without its end; false when it is not in that format (a line torn by a crash).</summary>
    internal static bool TryParse(ReadOnlyMemory<byte> line, out LogLine result)
    {
        result = default;
        var span = line.Span;
        var first = span.IndexOf((byte)' ');
        if (first < SecondsBytes + FractionBytes + 1 || span.Length < first + 10)
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
        if (kind is not ((byte)'P' or (byte)'F') || !IsTime(span[..first]))
        {
            return false;
        }

        result = new(line[..first], isStderr, kind == 'P', false, line[(first + 10)..]);
        return true;
    }

    private static bool IsTime(ReadOnlySpan<byte> text)
    {
        const string Shape = "0000-00-00T00:00:00.000000000";
        for (var i = 0; i < Shape.Length; i++)
        {
            if (Shape[i] == '0' ? text[i] is < (byte)'0' or > (byte)'9' : text[i] != Shape[i])
            {
                return false;
            }
        }

        var zone = text[Shape.Length..];
        return zone.SequenceEqual("Z"u8) || zone is [(byte)'+' or (byte)'-', _, _, (byte)':', _, _];
    }

    private long Nanoseconds(TimeSpan offset) =>
        ((Seconds() - offset).Ticks - DateTime.UnixEpoch.Ticks) * TimeSpan.NanosecondsPerTick + Number(SecondsBytes + 1, FractionBytes - 1);

    private DateTime Seconds() => new(Number(0, 4), Number(5, 2), Number(8, 2), Number(11, 2), Number(14, 2), Math.Min(59, Number(17, 2)), DateTimeKind.Utc);

    private TimeSpan Offset()
    {
        var zone = RawTime.Span[(SecondsBytes + FractionBytes)..];
        if (zone.Length == 1 || zone[1..].SequenceEqual("00:00"u8))
        {
            return TimeSpan.Zero;
        }

        var offset = TimeSpan.Parse(Encoding.ASCII.GetString(zone[1..]), CultureInfo.InvariantCulture);
        return zone[0] == '-' ? -offset : offset;
    }

    private int Number(int start, int length)
    {
        var number = 0;
        foreach (var digit in RawTime.Span.Slice(start, length))
        {
            number = number * 10 + digit - '0';
        }

        return number;
    }
}
