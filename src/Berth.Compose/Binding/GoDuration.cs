using System.Globalization;

namespace Berth.Compose.Binding;

/// <summary>Durations as Docker writes them: <c>1h30m</c>, <c>1.5s</c>, <c>500ms</c>.</summary>
internal static class GoDuration
{
    private static readonly (string Unit, decimal Nanoseconds)[] s_units =
    [
        ("ns", 1m), ("us", 1_000m), ("µs", 1_000m), ("ms", 1_000_000m), ("s", 1_000_000_000m), ("m", 60_000_000_000m), ("h", 3_600_000_000_000m),
    ];

    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (string.IsNullOrEmpty(text) || text.Length > 64)
        {
            return false;
        }

        var total = 0m;
        var rest = text.AsSpan();
        while (!rest.IsEmpty && text != "0")
        {
            if (!TryPart(ref rest, out var nanoseconds))
            {
                return false;
            }

            total += nanoseconds;
        }

        if (total > TimeSpan.MaxValue.Ticks / 2 * 100m)
        {
            return false;
        }

        duration = TimeSpan.FromTicks((long)(total / 100m));
        return true;
    }

    private static bool TryPart(ref ReadOnlySpan<char> rest, out decimal nanoseconds)
    {
        nanoseconds = 0;
        var digits = 0;
        while (digits < rest.Length && (char.IsAsciiDigit(rest[digits]) || rest[digits] == '.'))
        {
            digits++;
        }

        var letters = digits;
        while (letters < rest.Length && !char.IsAsciiDigit(rest[letters]) && rest[letters] != '.')
        {
            letters++;
        }

        var unit = rest[digits..letters].ToString();
        var scale = s_units.FirstOrDefault(one => one.Unit == unit).Nanoseconds;
        if (digits > 18
            || scale == 0
            || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        nanoseconds = number * scale;
        rest = rest[letters..];
        return true;
    }
}
