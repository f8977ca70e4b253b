using System.Globalization;
using System.Text.RegularExpressions;
using Berth.Engine.Errors;

namespace Berth.Api.DockerApi;

/// <summary>Times in a query, as <c>since</c> and <c>until</c>: seconds since 1970, with a fraction or without, or RFC 3339. Docker Engine API, "Get container logs".</summary>
internal static partial class TimeParameter
{
    private const decimal NanosecondsPerSecond = 1_000_000_000m;

    [GeneratedRegex(@"^(?<before>[^.]*)\.(?<digits>[0-9]{1,9})(?<after>.*)$", RegexOptions.NonBacktracking)]
    private static partial Regex WithFraction();

    /// <summary>Nanoseconds since 1970; null for none.</summary>
    /// <exception cref="BerthException">It is not a time.</exception>
    internal static long? Nanoseconds(string? text)
    {
        if (string.IsNullOrEmpty(text) || text == "0")
        {
            return null;
        }

        if (decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds))
        {
            return Math.Abs(seconds) < long.MaxValue / NanosecondsPerSecond ? (long)(seconds * NanosecondsPerSecond) : throw NoTime(text);
        }

        // .NET's own times have seven digits, and round the rest.
        var fraction = 0L;
        var whole = WithFraction().Replace(text, match =>
        {
            fraction = long.Parse(match.Groups["digits"].Value.PadRight(9, '0'), CultureInfo.InvariantCulture);
            return match.Groups["before"].Value + match.Groups["after"].Value;
        });
        return DateTimeOffset.TryParse(whole, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? (time.UtcTicks - DateTime.UnixEpoch.Ticks) * TimeSpan.NanosecondsPerTick + fraction
            : throw NoTime(text);
    }

    /// <summary>As <see cref="Nanoseconds"/>, to the tenth of a microsecond.</summary>
    internal static DateTimeOffset? Moment(string? text) => Nanoseconds(text) is { } nanoseconds ? DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / TimeSpan.NanosecondsPerTick) : null;

    private static BerthException NoTime(string text) => BerthException.Invalid($"\"{text}\" is not a time: seconds since 1970 or RFC 3339");
}
