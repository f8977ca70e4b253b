using System.Globalization;

namespace Berth.Cli.Output;

/// <summary>Which part of a log: the same options for services and containers.</summary>
internal static class LogOptions
{
    internal static IReadOnlyList<Option> Options { get; } =
    [
        Option.Flag("follow", 'f', "Go on with what comes"), Option.Flag("timestamps", 't', "With times"),
        Option.Value("tail", 'n', "LINES", "Only so many of the last lines (default all)"),
        Option.Value("since", "TIME", "From a time (2026-01-31T10:00:00Z), or how long ago (10m)"), Option.Value("until", "TIME", "Up to a time"),
    ];

    internal static string Query(ParsedLine line) => string.Concat(
        line.Flag("follow") ? "&follow=1" : "",
        line.Flag("timestamps") ? "&timestamps=1" : "",
        line.Value("tail") is { } tail ? "&tail=" + Uri.EscapeDataString(tail) : "",
        line.Value("since") is { } since ? "&since=" + Moment(since, TimeProvider.System.GetUtcNow()) : "",
        line.Value("until") is { } until ? "&until=" + Moment(until, TimeProvider.System.GetUtcNow()) : "");

    /// <summary>Seconds since 1970, from a time or from how long ago.</summary>
    internal static string Moment(string text, DateTimeOffset now)
    {
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out _))
        {
            return text;
        }

        var moment = DurationText.TryParse(text, out var ago) ? now - ago
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var time) ? time
            : throw new UsageException($"'{text}' is neither a time (2026-01-31T10:00:00Z) nor how long ago (1h30m)");
        return (moment.ToUnixTimeMilliseconds() / 1000.0).ToString("0.000", CultureInfo.InvariantCulture);
    }
}

/// <summary>Go's durations: <c>1h30m</c>, <c>500ms</c>.</summary>
internal static class DurationText
{
    internal static readonly System.Buffers.SearchValues<char> NumberLetters = System.Buffers.SearchValues.Create("0123456789.");

    internal static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        var rest = text.AsSpan();
        while (rest.Length > 0)
        {
            var digits = rest.IndexOfAnyExcept(NumberLetters);
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            rest = rest[digits..];
            var end = rest.IndexOfAny(NumberLetters);
            var unit = end < 0 ? rest : rest[..end];
            double? seconds = unit switch { "h" => 3600, "m" => 60, "s" => 1, "ms" => 1e-3, "us" or "µs" => 1e-6, "ns" => 1e-9, _ => null };
            if (seconds is null || number * seconds > TimeSpan.MaxValue.TotalSeconds / 2)
            {
                return false;
            }

            duration += TimeSpan.FromSeconds(number * seconds.Value);
            rest = rest[unit.Length..];
        }

        return text.Length > 0;
    }
}
