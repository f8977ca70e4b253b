using System.Globalization;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers.Logs;

/// <summary>How large a container's log may grow, from <c>max-size</c> and <c>max-file</c>.</summary>
/// <param name="MaxBytes">The file is rotated when it is larger; 0 for no limit, Docker's default.</param>
/// <param name="MaxFiles">Files that are kept, the current one included; 1 when not said, as in Docker.</param>
internal sealed record LogLimits(long MaxBytes, int MaxFiles)
{
    private const long SmallestBytes = 4096; // rotating for every line would cost more than the lines

    /// <exception cref="BerthException">An option that is not a size or a number, or one that Berth does not do.</exception>
    internal static LogLimits Parse(IReadOnlyDictionary<string, string>? options)
    {
        var (maxBytes, maxFiles) = (0L, 1);
        foreach (var (key, value) in options ?? new Dictionary<string, string>())
        {
            switch (key)
            {
                case "max-size":
                    maxBytes = Size(value);
                    break;
                case "max-file" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var files) && files > 0:
                    maxFiles = files;
                    break;
                case "compress" when value == "false":
                case "mode" when value is "blocking":
                    break;
                default:
                    throw BerthException.Invalid($"the log option {key}={value} is not supported; known are max-size (such as 10m), max-file (a number from 1), compress=false and mode=blocking");
            }
        }

        return new(maxBytes, maxFiles);
    }

    private static long Size(string text)
    {
        if (text == "-1")
        {
            return 0;
        }

        var digits = text.TrimEnd('b', 'B', 'k', 'K', 'm', 'M', 'g', 'G');
        var unit = text[digits.Length..].ToLowerInvariant().TrimEnd('b') switch { "" => 1L, "k" => 1L << 10, "m" => 1L << 20, "g" => 1L << 30, _ => 0L };
        return unit > 0 && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 && number <= long.MaxValue / unit
            ? Math.Max(SmallestBytes, number * unit)
            : throw BerthException.Invalid($"the log option max-size={text} is not a size; write a number and k, m or g, such as 10m");
    }
}

/// <summary>
/// Rotates a running container's log: the file is renamed, then conmon is told to open a new one (its control fifo), so that no
/// line is lost or torn. Woken by inotify.
/// </summary>
internal sealed class LogRotation(LogFiles files, string controlDirectory, LogLimits limits)
{
    /// <summary>Works until <paramref name="ended"/> completes.</summary>
    internal async Task RunAsync(Task ended)
    {
        using var changes = new FileChanges(files.Path);
        while (!ended.IsCompleted)
        {
            if (new FileInfo(files.Path) is { Exists: true } current && current.Length > limits.MaxBytes)
            {
                await RotateAsync(changes, ended).ConfigureAwait(false);
            }

            await changes.NextAsync(ended, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task RotateAsync(FileChanges changes, Task ended)
    {
        using var dropped = files.Shift(limits.MaxFiles);
        await ContainerService.WriteControlAsync(controlDirectory, 2, 0, 0).ConfigureAwait(false);
        if (dropped is null)
        {
            return;
        }

        // With one file only, its successor appears when conmon has opened it.
        while (!File.Exists(files.Path) && limits.MaxFiles == 1 && !ended.IsCompleted)
        {
            await changes.NextAsync(ended, CancellationToken.None).ConfigureAwait(false);
        }

        files.RememberTorn(dropped);
    }
}
