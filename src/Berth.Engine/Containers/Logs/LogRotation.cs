using System.Globalization;
using Berth.Engine.Errors;
using Berth.Linux.Files;

namespace Berth.Engine.Containers.Logs;

/// <summary>How large a container's log may grow, from <c>max-size</c> and <c>max-file</c>.</summary>
/// <param name="MaxBytes">The file is rotated when it is larger; 0 for no limit.</param>
/// <param name="MaxFiles">Files that are kept, the current one included.</param>
internal sealed record LogLimits(long MaxBytes, int MaxFiles)
{
    private const long SmallestBackstop = 256 << 20;
    private const long SmallestBytes = 4096; // rotating for every line would cost more than the lines
    private static readonly LogLimits s_jsonFile = new(10_000_000, 3); // a forgotten log fills no disk
    private static readonly LogLimits s_local = new(20_000_000, 5); // Docker documentation, "Local file logging driver"

    /// <summary>
    /// Bytes after which conmon replaces the file by itself, so that a container does not fill the disk while no daemon rotates; 0 for never. It counts all that it
    /// writes, rotations or not: so <see cref="LogFiles.Keep"/> sees to it that nothing is lost by that while a daemon lives.
    /// </summary>
    internal long BackstopBytes => MaxBytes == 0 ? 0 : Math.Max(SmallestBackstop, MaxBytes <= long.MaxValue / 16 ? MaxBytes * 16 : long.MaxValue);

    /// <summary>What holds without options; <c>max-size</c> alone keeps one file, as in Docker, and -1 is no limit.</summary>
    /// <exception cref="BerthException">An option that is not a size or a number, or one that Berth does not do.</exception>
    internal static LogLimits Parse(LogConfig config)
    {
        var fallback = config.Type == "local" ? s_local : s_jsonFile;
        long? maxBytes = null;
        int? maxFiles = null;
        foreach (var (key, value) in config.Config ?? [])
        {
            switch (key)
            {
                case "max-size":
                    maxBytes = Size(value);
                    break;
                case "max-file" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var files) && files > 0:
                    maxFiles = files;
                    break;
                case "labels" or "labels-regex" or "env" or "env-regex" or "tag": // for whoever reads it with details: LogDetails
                case "compress" when value == "false":
                case "mode" when value is "blocking":
                    break;
                default:
                    throw BerthException.Invalid($"unknown log opt '{key}' for {(config.Type.Length > 0 ? config.Type : "json-file")} log driver: {key}={value} is not supported; known are max-size (such as 10m), max-file (a number from 1), labels, labels-regex, env, env-regex, tag, compress=false and mode=blocking");
            }
        }

        return new(maxBytes ?? fallback.MaxBytes, maxFiles ?? (maxBytes is null || config.Type == "local" ? fallback.MaxFiles : 1));
    }

    private static long Size(string text)
    {
        if (text == "-1")
        {
            return 0;
        }

        var digits = text.TrimEnd('b', 'B', 'k', 'K', 'm', 'M', 'g', 'G');
        var unit = text[digits.Length..].ToLowerInvariant().TrimEnd('b') switch { "" => 1L, "k" => 1_000L, "m" => 1_000_000L, "g" => 1_000_000_000L, _ => 0L };
        return unit > 0 && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 && number <= long.MaxValue / unit
            ? Math.Max(SmallestBytes, number * unit)
            : throw BerthException.Invalid($"the log option max-size={text} is not a size; write a number and k, m or g, such as 10m");
    }
}

/// <summary>
/// Rotates a running container's log: the file is renamed, then conmon is told to open a new one (its control fifo), so that no
/// line is lost or torn. Woken by what is written.
/// </summary>
internal sealed class LogRotation(LogFiles files, string controlDirectory, LogLimits limits, DirectoryWatcher watcher)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20); // a container that writes all the time does not wake us more often

    /// <summary>Works until <paramref name="ended"/> completes.</summary>
    internal async Task RunAsync(Task ended)
    {
        while (!ended.IsCompleted)
        {
            using (var changes = new FileChanges(watcher, files.Path))
            {
                if (!files.Keep(LogFiles.WorthKeepingBytes))
                {
                    using var dropped = files.ShiftKept(limits.MaxFiles);
                    RememberTorn(dropped);
                }

                if (new FileInfo(files.Path) is { Exists: true } current && current.Length > limits.MaxBytes)
                {
                    await RotateAsync(changes, ended).ConfigureAwait(false);
                }

                await changes.NextAsync(ended, CancellationToken.None).ConfigureAwait(false);
            }

            await Task.WhenAny(Task.Delay(s_pause), ended).ConfigureAwait(false);
        }
    }

    private async Task RotateAsync(FileChanges changes, Task ended)
    {
        using var dropped = files.Shift(limits.MaxFiles);
        await ContainerService.WriteControlAsync(controlDirectory, 2, 0, 0).ConfigureAwait(false);
        // With one file only, its successor appears when conmon has opened it.
        while (dropped is not null && !File.Exists(files.Path) && limits.MaxFiles == 1 && !ended.IsCompleted)
        {
            await changes.NextAsync(ended, CancellationToken.None).ConfigureAwait(false);
        }

        RememberTorn(dropped);
    }

    private void RememberTorn(LogFile? dropped)
    {
        if (dropped is not null)
        {
            files.RememberTorn(dropped);
        }
    }
}
