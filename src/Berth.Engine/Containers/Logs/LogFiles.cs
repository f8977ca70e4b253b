using System.Globalization;
using Berth.Linux.Files;

namespace Berth.Engine.Containers.Logs;

/// <summary>
/// The files of one log: <c>PATH</c>, which conmon writes, and <c>PATH.1</c>, <c>PATH.2</c> …, the older the higher. Renaming and
/// opening by name take turns, so that a reader never looks at a rotation that is half done. <c>PATH.0</c> is a second name of the current file: conmon replaces that
/// by itself when it has written very much (<see cref="LogLimits.BackstopBytes"/>), and then the file before is still there.
/// </summary>
/// <param name="path">The current file. It is missing from a rotation until conmon has opened the next one.</param>
/// <param name="gate">The same for all who use this log.</param>
internal sealed class LogFiles(string path, Lock gate)
{
    internal string Path => path;

    /// <summary>Opens all that exist, oldest first.</summary>
    internal IReadOnlyList<LogFile> OpenAll()
    {
        lock (gate)
        {
            List<LogFile> files = [.. Names().Select(LogFile.TryOpen).OfType<LogFile>()];
            if (files.Count > 0)
            {
                files[0].BeginsInside = TornStreams(files[0].Inode);
            }

            return files;
        }
    }

    /// <summary>
    /// Opens the file that follows one; null while there is none. There being one means that conmon has let go of the one before. If that
    /// has been thrown away meanwhile, the oldest there is.
    /// </summary>
    /// <param name="current">Null for the first there is.</param>
    internal LogFile? OpenAfter(LogFile? current)
    {
        lock (gate)
        {
            var names = Names();
            var own = current is null ? -1 : names.FindIndex(current.IsAt);
            return own + 1 < names.Count ? LogFile.TryOpen(names[own + 1]) : null;
        }
    }

    /// <summary>From that size on a log has its second name, long before conmon replaces it: most never grow so large.</summary>
    internal const long WorthKeepingBytes = 1 << 20;

    /// <summary>Gives the current file its second name, if it has none and is that large.</summary>
    /// <returns>False when conmon has replaced the file that has it: that comes first, by <see cref="ShiftKept"/>.</returns>
    internal bool Keep(long fromBytes)
    {
        lock (gate)
        {
            if (IsReplaced())
            {
                return false;
            }

            if (new FileInfo(path) is { Exists: true } file && file.Length >= fromBytes && LogFile.InodeOf(path) is { } current && LogFile.InodeOf(KeptPath) != current)
            {
                File.Delete(KeptPath); // of a file that was rotated
                using var directory = DirectoryHandle.Open(System.IO.Path.GetDirectoryName(path)!);
                directory.CreateHardLink(System.IO.Path.GetFileName(KeptPath), directory, System.IO.Path.GetFileName(path));
            }

            return true;
        }
    }

    /// <summary>Makes room for a new current file; the oldest beyond <paramref name="maxFiles"/> goes.</summary>
    /// <returns>The file that went, still open, or null. Once its successor is there, <see cref="RememberTorn"/> it.</returns>
    internal LogFile? Shift(int maxFiles)
    {
        lock (gate)
        {
            if (IsReplaced())
            {
                Shift(KeptPath, maxFiles)?.Dispose();
            }

            File.Delete(KeptPath);
            return Shift(path, maxFiles); // conmon writes into it until it has opened the new one; readers that have it open read to its end
        }
    }

    /// <summary>The same for the file that conmon has replaced: its successor is there already.</summary>
    internal LogFile? ShiftKept(int maxFiles)
    {
        lock (gate)
        {
            return Shift(KeptPath, maxFiles);
        }
    }

    private LogFile? Shift(string newest, int maxFiles)
    {
        var dropped = LogFile.TryOpen(maxFiles > 1 ? $"{path}.{maxFiles - 1}" : newest);
        for (var i = maxFiles - 1; i > 1; i--)
        {
            if (File.Exists($"{path}.{i - 1}"))
            {
                File.Move($"{path}.{i - 1}", $"{path}.{i}", overwrite: true);
            }
        }

        if (maxFiles > 1)
        {
            File.Move(newest, path + ".1", overwrite: true);
        }
        else
        {
            File.Delete(newest);
        }

        return dropped;
    }

    /// <summary>Notes that the oldest file begins with the rest of a line whose first part has gone, so that nobody shows half a line.</summary>
    internal void RememberTorn(LogFile dropped)
    {
        var streams = string.Join(' ', dropped.OpenStreams().Select(isStderr => isStderr ? "stderr" : "stdout"));
        lock (gate)
        {
            using var oldest = Names() is [var name, ..] ? LogFile.TryOpen(name) : null;
            if (streams.Length == 0 || oldest is null)
            {
                File.Delete(TornPath);
                return;
            }

            File.WriteAllText(TornPath + ".new", string.Create(CultureInfo.InvariantCulture, $"{oldest.Inode} {streams}"));
            File.Move(TornPath + ".new", TornPath, overwrite: true);
        }
    }

    private string KeptPath => path + ".0";

    // The second name is that of neither the current file nor of the one that was rotated last.
    private bool IsReplaced()
    {
        var (current, kept) = (LogFile.InodeOf(path), LogFile.InodeOf(KeptPath));
        return kept is not null && current is not null && kept != current && kept != LogFile.InodeOf(path + ".1");
    }

    // "INODE STREAM …": the oldest file, and the streams in whose lines it begins.
    private string TornPath => System.IO.Path.GetDirectoryName(path) + "/torn-line";

    private HashSet<bool> TornStreams(ulong inode) =>
        File.Exists(TornPath) && File.ReadAllText(TornPath).Split(' ') is [var known, .. var streams] && known == inode.ToString(CultureInfo.InvariantCulture)
            ? [.. streams.Select(stream => stream == "stderr")]
            : [];

    // By their numbers, not by counting up: a daemon killed while it renamed leaves a gap.
    private List<string> Names()
    {
        var prefix = System.IO.Path.GetFileName(path) + ".";
        var older = FilesBeside(path).Where(file => System.IO.Path.GetFileName(file).StartsWith(prefix, StringComparison.Ordinal))
            .Select(file => (File: file, Suffix: System.IO.Path.GetFileName(file)[prefix.Length..]))
            .Where(file => int.TryParse(file.Suffix, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && (number > 0 || IsReplaced()))
            .OrderByDescending(file => int.Parse(file.Suffix, NumberStyles.None, CultureInfo.InvariantCulture))
            .Select(file => file.File);
        return [.. older, .. File.Exists(path) ? [path] : Array.Empty<string>()];
    }

    private static string[] FilesBeside(string path)
    {
        try
        {
            return Directory.GetFiles(System.IO.Path.GetDirectoryName(path)!);
        }
        catch (DirectoryNotFoundException)
        {
            return []; // the container is being removed
        }
    }
}
