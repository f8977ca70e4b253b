using System.Globalization;

namespace Berth.Linux.Processes;

/// <summary>Facts about processes from proc(5).</summary>
public static class ProcessTable
{
    /// <summary>Start time in clock ticks since boot (field 22 of /proc/PID/stat); -1 when the process is gone.</summary>
    public static long StartTicks(int pid)
    {
        var fields = StatFields(pid);
        return fields is null ? -1 : long.Parse(fields[19], CultureInfo.InvariantCulture);
    }

    /// <summary>Whether it has ended, also when its parent has not taken notice yet. proc_pid_stat(5), state.</summary>
    public static bool HasEnded(int pid) => StatFields(pid) is not { } fields || fields[0] is "Z" or "X";

    /// <summary>The parent's id; -1 when the process is gone.</summary>
    public static int Parent(int pid)
    {
        var fields = StatFields(pid);
        return fields is null ? -1 : int.Parse(fields[1], CultureInfo.InvariantCulture);
    }

    /// <summary>Resident memory that belongs to no file, in bytes (RssAnon of /proc/PID/status); zero when the process is gone.</summary>
    public static long AnonymousBytes(int pid)
    {
        try
        {
            return File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/status")).FirstOrDefault(line => line.StartsWith("RssAnon:", StringComparison.Ordinal)) is { } line
                && long.TryParse(line["RssAnon:".Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture, out var kibibytes)
                ? kibibytes * 1024
                : 0;
        }
        catch (IOException)
        {
            return 0; // it has exited
        }
    }

    /// <summary>The short name (comm) of a process, or null when it is gone.</summary>
    public static string? Name(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm").TrimEnd('\n');
        }
        catch (IOException)
        {
            return null; // it has exited
        }
    }

    /// <summary>The arguments of a process, each ended by a zero byte; null when it is gone. proc_pid_cmdline(5).</summary>
    public static string? CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline"));
        }
        catch (IOException)
        {
            return null; // it has exited
        }
    }

    // The fields behind "pid (comm)": a comm may hold spaces and brackets, so counting starts at the last bracket.
    private static string[]? StatFields(int pid)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{pid}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null; // it has exited
        }
    }
}
