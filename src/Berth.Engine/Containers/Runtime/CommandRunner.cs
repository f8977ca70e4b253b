using System.Text;
using Berth.Linux.Processes;

namespace Berth.Engine.Containers.Runtime;

/// <summary>What a helper process left: its exit code and what it wrote.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Error);

/// <summary>Runs short helper programs with exactly the descriptors they need.</summary>
public sealed class CommandRunner(ExitWatcher exits)
{
    private const int OutputLimitBytes = 1 << 20;

    internal ExitWatcher Exits => exits;

    /// <summary>The environment of helpers: a fixed PATH, and nothing of the daemon's own.</summary>
    internal static IReadOnlyList<string> Environment { get; } =
        ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "XDG_RUNTIME_DIR=/run"];

    /// <summary>Runs to the end. Output beyond 1 MiB is read and dropped.</summary>
    internal async Task<CommandResult> RunAsync(string path, IReadOnlyList<string> arguments, string? workingDirectory = null)
    {
        var (outRead, outWrite) = Pipes.Create();
        var (errRead, errWrite) = Pipes.Create();
        ChildProcess child;
        using (outWrite)
        using (errWrite)
        {
            child = Spawn.Start(new SpawnConfig
            {
                Path = path,
                Arguments = [path, .. arguments],
                Environment = Environment,
                Descriptors = new Dictionary<int, Microsoft.Win32.SafeHandles.SafeFileHandle> { [1] = outWrite, [2] = errWrite },
                WorkingDirectory = workingDirectory,
            });
        }

        var output = ReadAsync(outRead);
        var error = ReadAsync(errRead);
        var exitCode = await child.WaitAsync(exits).ConfigureAwait(false);
        return new(exitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
    }

    internal static async Task<string> ReadAsync(Microsoft.Win32.SafeHandles.SafeFileHandle pipe)
    {
        await using var stream = new FileStream(pipe, FileAccess.Read, bufferSize: 0);
        using var kept = new MemoryStream();
        var buffer = new byte[4096];
        int read;
        while ((read = await stream.ReadAsync(buffer).ConfigureAwait(false)) > 0)
        {
            if (kept.Length < OutputLimitBytes)
            {
                kept.Write(buffer, 0, read);
            }
        }

        return Encoding.UTF8.GetString(kept.GetBuffer(), 0, (int)kept.Length);
    }
}
