namespace Berth.Releases.Projects;

/// <summary>Whether a container's first process is a shell that waits for the program: it gets the stop signal, and the program does not.</summary>
internal static class FirstShell
{
    private static readonly string[] s_shells = ["sh", "bash", "dash", "ash", "ksh", "zsh"];

    /// <summary>The shell's name; null when it is something else, or has ended.</summary>
    /// <param name="pid">On the host.</param>
    /// <remarks>proc_pid_cmdline(5). Of a script it begins with the interpreter.</remarks>
    internal static string? Of(int pid)
    {
        try
        {
            var line = pid > 0 ? File.ReadAllText($"/proc/{pid}/cmdline") : "";
            var name = Path.GetFileName(line.Split('\0', 2)[0]);
            return s_shells.Contains(name) ? name : null;
        }
        catch (IOException)
        {
            return null; // it has ended
        }
    }
}
