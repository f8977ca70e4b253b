using Berth.Linux.Files;

namespace Berth.Engine.Containers;

/// <summary>Copies a tree with owners, modes, times and attributes, by cp(1) of the system.</summary>
internal static class TreeCopy
{
    /// <summary>Copies what is in <paramref name="source"/>, and its own owner and mode, into an existing directory. Links are copied, not followed.</summary>
    internal static void Copy(DirectoryHandle source, string target)
    {
        // The child reaches the directory through our descriptor: a path could have been led elsewhere by a link meanwhile.
        var start = new System.Diagnostics.ProcessStartInfo("/bin/cp")
        {
            ArgumentList = { "-a", "--reflink=auto", "--", $"/proc/{Environment.ProcessId}/fd/{source.DangerousGetHandle()}/.", target },
            RedirectStandardError = true,
        };
        using var process = System.Diagnostics.Process.Start(start) ?? throw new IOException("/bin/cp could not be started.");
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new IOException($"Copying the image's files into '{target}' failed: {error.Trim()}");
        }
    }
}
