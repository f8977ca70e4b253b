using System.Globalization;

namespace Berth.Cli.Output;

/// <summary>Sizes, ages and shortened texts in Docker's words.</summary>
internal static class HumanText
{
    private static readonly string[] s_units = ["B", "kB", "MB", "GB", "TB"];

    /// <summary>Three significant digits, powers of 1000: <c>117MB</c>, <c>1.24GB</c>.</summary>
    internal static string Size(long bytes)
    {
        var size = (double)bytes;
        var unit = 0;
        while (size >= 1000 && unit < s_units.Length - 1)
        {
            size /= 1000;
            unit++;
        }

        var digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
        var text = Math.Round(size, digits).ToString(digits == 0 || unit == 0 ? "0" : digits == 1 ? "0.#" : "0.##", CultureInfo.InvariantCulture);
        return text + s_units[unit];
    }

    /// <summary><c>5 minutes</c>, <c>About an hour</c>. Docker's go-units, HumanDuration.</summary>
    internal static string Age(TimeSpan age)
    {
        var (seconds, minutes, hours) = ((long)age.TotalSeconds, (long)age.TotalMinutes, (long)Math.Round(age.TotalHours));
        return seconds < 1 ? "Less than a second"
            : seconds == 1 ? "1 second"
            : seconds < 60 ? Plain(seconds, "seconds")
            : minutes == 1 ? "About a minute"
            : minutes < 60 ? Plain(minutes, "minutes")
            : hours == 1 ? "About an hour"
            : hours < 48 ? Plain(hours, "hours")
            : hours < 24 * 7 * 2 ? Plain(hours / 24, "days")
            : hours < 24 * 30 * 2 ? Plain(hours / 24 / 7, "weeks")
            : hours < 24 * 365 * 2 ? Plain(hours / 24 / 30, "months")
            : Plain((long)(age.TotalHours / 24 / 365), "years");
    }

    internal static string Shorten(string text, int length) => text.Length <= length ? text : text[..(length - 1)] + "…";

    /// <summary>Twelve digits of <c>sha256:…</c>.</summary>
    internal static string ShortId(string id)
    {
        var digits = id.StartsWith("sha256:", StringComparison.Ordinal) ? id["sha256:".Length..] : id;
        return digits.Length > 12 ? digits[..12] : digits;
    }

    private static string Plain(long number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{number} {unit}");
}
