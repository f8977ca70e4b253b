using System.Globalization;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers;

/// <summary>Signal names and numbers, signal(7), x86-64 and arm64.</summary>
internal static class Signals
{
    internal const int Kill = 9;
    internal const int Term = 15;

    private static readonly Dictionary<string, int> Numbers = new(StringComparer.Ordinal)
    {
        ["HUP"] = 1, ["INT"] = 2, ["QUIT"] = 3, ["ILL"] = 4, ["TRAP"] = 5, ["ABRT"] = 6, ["IOT"] = 6, ["BUS"] = 7, ["FPE"] = 8, ["KILL"] = 9,
        ["USR1"] = 10, ["SEGV"] = 11, ["USR2"] = 12, ["PIPE"] = 13, ["ALRM"] = 14, ["TERM"] = 15, ["STKFLT"] = 16, ["CHLD"] = 17, ["CLD"] = 17,
        ["CONT"] = 18, ["STOP"] = 19, ["TSTP"] = 20, ["TTIN"] = 21, ["TTOU"] = 22, ["URG"] = 23, ["XCPU"] = 24, ["XFSZ"] = 25, ["VTALRM"] = 26,
        ["PROF"] = 27, ["WINCH"] = 28, ["IO"] = 29, ["POLL"] = 29, ["PWR"] = 30, ["SYS"] = 31, ["RTMIN"] = 34, ["RTMAX"] = 64,
    };

    /// <summary><c>SIGTERM</c>, <c>TERM</c>, <c>15</c>, <c>SIGRTMIN+3</c>; the fallback when empty.</summary>
    internal static int Parse(string? text, int fallback) =>
        string.IsNullOrEmpty(text) ? fallback : TryParse(text, out var number) ? number
        : throw BerthException.Invalid(long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) ? $"the linux daemon does not support signal {text}" : $"invalid signal: {text}");

    internal static bool TryParse(string text, out int number)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number))
        {
            return number is > 0 and <= 64;
        }

        var name = text.ToUpperInvariant();
        name = name.StartsWith("SIG", StringComparison.Ordinal) ? name[3..] : name;
        if (Numbers.TryGetValue(name, out number))
        {
            return true;
        }

        var sign = name.IndexOfAny(['+', '-']);
        if (sign <= 0 || !name.StartsWith("RTM", StringComparison.Ordinal) || !Numbers.TryGetValue(name[..sign], out var start)
            || !int.TryParse(name[sign..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var offset))
        {
            return false;
        }

        number = start + offset;
        return number is >= 34 and <= 64;
    }
}
