using System.Globalization;

namespace Berth.Compose.Binding;

/// <summary>Sizes as Docker writes them: <c>64m</c>, <c>1.5gb</c>, <c>512KiB</c>, <c>1024</c>; units are powers of 1024.</summary>
internal static class ByteSize
{
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        var unit = text.Trim().ToLowerInvariant();
        var number = unit.TrimEnd('b', 'i', 'k', 'm', 'g', 't', 'p').Trim();
        unit = unit[number.Length..].Trim();
        var power = unit switch
        {
            "" or "b" => 0,
            "k" or "kb" or "kib" => 1,
            "m" or "mb" or "mib" => 2,
            "g" or "gb" or "gib" => 3,
            "t" or "tb" or "tib" => 4,
            "p" or "pb" or "pib" => 5,
            _ => -1,
        };
        if (power < 0
            || number.Length > 18
            || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            || value * (1L << (10 * power)) > long.MaxValue)
        {
            return false;
        }

        bytes = (long)(value * (1L << (10 * power)));
        return true;
    }
}
