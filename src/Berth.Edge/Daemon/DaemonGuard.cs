using System.Text.Json;
using Berth.Edge.State;
using Berth.Linux;
using Berth.Linux.Cgroups;
using Berth.Linux.Files;
using Berth.Linux.Processes;

namespace Berth.Edge.Daemon;

/// <summary>
/// Starts the daemon again when it died without having been told to stop, for daemons that asked for it (<c>--restart-after-crash</c>).
/// The daemon's record is the order: gone, it was stopped; another process in it, somebody has started one. Should two be
/// started at once, the lock of the data root lets one live, and the other ends.
/// </summary>
internal sealed class DaemonGuard(string directory, TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(30);
    private readonly ExitWatcher _exits = new();
    private readonly Lock _gate = new();
    private DaemonRecord? _watched;

    /// <summary>Watches the process that the record names now, if there is one and it is not watched yet.</summary>
    internal void Watch()
    {
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested || Read() is not { } record || record.IsSameProcess(_watched))
            {
                return;
            }

            _watched = record;
            _ = GuardAsync(record);
        }
    }

    /// <summary>Leaves the daemon to a successor's guard.</summary>
    internal void Stop() => _stopping.Cancel();

    public void Dispose()
    {
        _stopping.Cancel();
        _exits.Dispose();
    }

    private async Task GuardAsync(DaemonRecord record)
    {
        try
        {
            using var daemon = PidFd.OpenRecorded(record.Pid, record.StartTicks);
            if (daemon is not null)
            {
                await _exits.WaitAsync(daemon).WaitAsync(_stopping.Token).ConfigureAwait(false);
            }

            for (var delay = FirstDelay; record.IsSameProcess(Read()); delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay)
            {
                await Task.Delay(delay, time, _stopping.Token).ConfigureAwait(false);
                if (record.IsSameProcess(Read()))
                {
                    await RestartAsync(record).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // We are to end; whoever comes after us finds the record.
        }
    }

    /// <summary>Starts it once and returns when it has ended; one that serves writes a record of its own, which ends our part.</summary>
    private async Task RestartAsync(DaemonRecord record)
    {
        await Console.Error.WriteLineAsync($"berth-edge: the daemon (pid {record.Pid}) died; starting {string.Join(' ', record.Arguments)}").ConfigureAwait(false);
        try
        {
            using var log = LogFile.Append(record.LogPath);
            var child = Spawn.Start(new SpawnConfig
            {
                Path = record.Path,
                Arguments = record.Arguments,
                Environment = record.Environment,
                Descriptors = new Dictionary<int, Microsoft.Win32.SafeHandles.SafeFileHandle> { [1] = log, [2] = log },
                WorkingDirectory = record.WorkingDirectory,
            });
            CgroupLayout.Enter(child.Pid, record.Cgroups);
            await child.WaitAsync(_exits).WaitAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is LinuxException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"berth-edge: the daemon cannot be started: {exception.Message}").ConfigureAwait(false);
        }
    }

    private DaemonRecord? Read()
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes($"{directory}/{DaemonRecord.FileName}"), DaemonJson.Default.DaemonRecord);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
