using System.Globalization;
using Berth.Edge.State;
using Berth.Linux.Processes;

namespace Berth.Edge;

/// <summary>
/// That one data plane serves a directory: a lock that the kernel lets go of however the process ends, and a file that says who it is,
/// <c>PID START-TICKS BUILD</c>, which appears once it answers.
/// </summary>
internal sealed class OnlyOne : IDisposable
{
    private readonly string _pidPath;
    private readonly FileStream _lock;

    private OnlyOne(string directory, FileStream claimed) => (_pidPath, _lock) = (directory + "/edge.pid", claimed);

    /// <summary>Null when another process has the directory.</summary>
    internal static OnlyOne? TryClaim(string directory)
    {
        try
        {
            return new(directory, new FileStream(directory + "/edge.lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception) when (exception is not (FileNotFoundException or DirectoryNotFoundException))
        {
            return null;
        }
    }

    internal void Announce()
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {ProcessTable.StartTicks(Environment.ProcessId)} {EdgeBuild.Of(Environment.ProcessPath!)}");
        File.WriteAllText(_pidPath + ".new", text);
        File.Move(_pidPath + ".new", _pidPath, overwrite: true);
    }

    /// <summary>Lets another one claim the directory while this process lives on.</summary>
    internal void Leave()
    {
        File.Delete(_pidPath); // before the lock: the successor writes its own
        _lock.Dispose();
    }

    public void Dispose() => _lock.Dispose();
}
