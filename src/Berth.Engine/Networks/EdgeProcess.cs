using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Berth.Edge.State;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Linux;
using Berth.Linux.Cgroups;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace Berth.Engine.Networks;

/// <summary>
/// The data plane's process as seen from the daemon: its state file, and that it runs. It serves without us; we start it when it
/// is not there, adopt it when it is, and start it again when it ends.
/// </summary>
internal sealed partial class EdgeProcess(EngineOptions options, CgroupLayout cgroups, ExitWatcher exits, ILogger<EdgeProcess> logger) : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60); // of a machine that has much else to do, too
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private PidFd? _process;
    private Task _ended = Task.CompletedTask; // of that process
    private byte[] _written = [];

    internal string Directory => options.ExecRoot + "/edge";

    internal int Pid => _process?.Pid ?? 0;

    private string SocketPath => Directory + "/edge.sock";

    private string PidPath => Directory + "/edge.pid";

    /// <summary>Adopts the running process or starts one.</summary>
    internal async Task StartAsync()
    {
        if (options.EdgePath is null)
        {
            return;
        }

        System.IO.Directory.CreateDirectory(Directory);
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            await EnsureRunningAsync().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Gives the data plane a new state; returns when it answers names and holds ports by it.</summary>
    /// <exception cref="BerthException">It cannot take a port.</exception>
    internal async Task ApplyAsync(EdgeState state)
    {
        if (options.EdgePath is null)
        {
            return;
        }

        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            var bytes = JsonSerializer.SerializeToUtf8Bytes(state, EdgeJson.Default.EdgeState);
            if (bytes.AsSpan().SequenceEqual(_written))
            {
                return;
            }

            var path = Directory + "/state.json";
            await File.WriteAllBytesAsync(path + ".new", bytes).ConfigureAwait(false);
            File.Move(path + ".new", path, overwrite: true);
            _written = bytes;
            await EnsureRunningAsync().ConfigureAwait(false);
            var answer = await AskOrRestartAsync("reload").ConfigureAwait(false);
            if (answer != "ok")
            {
                throw new BerthException(ErrorKind.Failed, answer);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Ends the process: nothing needs it any more.</summary>
    internal async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_process is { } process)
        {
            process.Signal(15);
            await _ended.ConfigureAwait(false);
        }

        foreach (var pid in cgroups.Processes(Cgroup)) // those that still relay what they accepted before they were replaced
        {
            await EndAsync(pid).ConfigureAwait(false);
        }

        cgroups.Remove(Cgroup);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _gate.Dispose();
    }

    /// <summary>
    /// Has the data plane start this process again when it dies without having said so: it is recorded before, and the record is
    /// taken back with null. The file holds our environment, so only root may read it.
    /// </summary>
    internal async Task RecordDaemonAsync(DaemonRecord? daemon)
    {
        var path = $"{Directory}/{DaemonRecord.FileName}";
        if (daemon is null)
        {
            File.Delete(path);
            return;
        }

        await using (var file = new FileStream(path + ".new", new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            await JsonSerializer.SerializeAsync(file, daemon, DaemonJson.Default.DaemonRecord).ConfigureAwait(false);
        }

        File.Move(path + ".new", path, overwrite: true);
        var answer = await AskAsync("watch").ConfigureAwait(false);
        if (answer != "ok")
        {
            LogNotWatched(answer);
        }
    }

    private string Cgroup => $"{options.CgroupParent}-edge";

    private async Task EnsureRunningAsync()
    {
        if (_process is not null)
        {
            return;
        }

        var found = Adopt(out var build);
        if (found is not null && build != EdgeBuild.Of(options.EdgePath!))
        {
            found = await ReplaceAsync(found).ConfigureAwait(false);
        }

        _process = found ?? await LaunchAsync(null).ConfigureAwait(false);
        _ended = exits.WaitAsync(_process);
        _ = WatchAsync(_process, _ended);
    }

    // One of another build runs: ours takes its sockets over, and it ends with the connections that it relays.
    private async Task<PidFd?> ReplaceAsync(PidFd old)
    {
        try
        {
            var successor = await LaunchAsync(old).ConfigureAwait(false);
            LogReplaced(old.Pid, successor.Pid);
            return successor;
        }
        catch (BerthException exception)
        {
            LogNotReplaced(old.Pid, exception);
            return Adopt(out _); // it serves on, or has just gone
        }
    }

    private async Task EndAsync(int pid)
    {
        try
        {
            using var process = PidFd.Open(pid);
            var ended = exits.WaitAsync(process);
            if (process.Signal(15))
            {
                await ended.ConfigureAwait(false);
            }
        }
        catch (LinuxException exception) when (exception.Errno == Errno.ESRCH)
        {
            return; // it has ended by itself
        }
    }

    // The data plane says itself who it is, once it answers; only one lives in the directory.
    private PidFd? Adopt(out string build)
    {
        build = "";
        if (!File.Exists(PidPath))
        {
            return null;
        }

        var fields = File.ReadAllText(PidPath).Split(' ');
        build = fields.Length > 2 ? fields[2] : ""; // builds that could not be replaced did not say
        var found = fields.Length >= 2
            && int.TryParse(fields[0], System.Globalization.CultureInfo.InvariantCulture, out var pid)
            && long.TryParse(fields[1], System.Globalization.CultureInfo.InvariantCulture, out var ticks)
            && !ProcessTable.HasEnded(pid) // killed, and whoever inherits orphans on this machine takes its time
            ? PidFd.OpenRecorded(pid, ticks)
            : null;
        if (found is not null)
        {
            cgroups.Place(found.Pid, Cgroup); // again, should a daemon have been killed before it had done so
        }

        return found;
    }

    private async Task<PidFd> LaunchAsync(PidFd? predecessor)
    {
        using var appeared = new SemaphoreSlim(0);
        using var watcher = new FileSystemWatcher(Directory, "edge.pid");
        watcher.Created += (_, _) => appeared.Release();
        watcher.Renamed += (_, _) => appeared.Release();
        watcher.EnableRaisingEvents = true;
        using var log = LogFile.Append(Directory + "/edge.log");
        var child = Spawn.Start(new SpawnConfig
        {
            Path = options.EdgePath!,
            Arguments = predecessor is null ? [options.EdgePath!, Directory] : [options.EdgePath!, Directory, "--succeed"],
            Environment = [.. CommandRunner.Environment, .. RuntimeEnvironment()],
            Descriptors = new Dictionary<int, Microsoft.Win32.SafeHandles.SafeFileHandle> { [1] = log, [2] = log },
        });
        var ended = child.WaitAsync(exits);
        using var timeout = new CancellationTokenSource(StartTimeout);
        while (true)
        {
            if (Adopt(out _) is { } process)
            {
                if (process.Pid != predecessor?.Pid)
                {
                    return process;
                }

                process.Dispose();
            }

            var change = appeared.WaitAsync(timeout.Token);
            await Task.WhenAny(change, ended).ConfigureAwait(false);
            if (ended.IsCompletedSuccessfully && await ended.ConfigureAwait(false) is not 0 and var status)
            {
                throw new BerthException(ErrorKind.Failed, $"The data plane '{options.EdgePath}' ended with {status}; see {Directory}/edge.log.");
            }

            if (timeout.IsCancellationRequested)
            {
                throw new BerthException(ErrorKind.Failed, $"The data plane '{options.EdgePath}' did not start within {StartTimeout.TotalSeconds} s; see {Directory}/edge.log.");
            }

            await change.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // The program's own runtime settings (garbage collector, location of .NET) pass on; nothing else of our environment does.
    private static IEnumerable<string> RuntimeEnvironment() =>
        Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .Where(entry => ((string)entry.Key).StartsWith("DOTNET_", StringComparison.Ordinal))
            .Select(entry => $"{entry.Key}={entry.Value}");

    private async Task WatchAsync(PidFd process, Task ended)
    {
        await ended.ConfigureAwait(false);
        if (_stopping.IsCancellationRequested || !ReferenceEquals(_process, process))
        {
            return;
        }

        LogEnded(process.Pid);
        for (var delay = TimeSpan.FromMilliseconds(50); ; delay = TimeSpan.FromSeconds(Math.Min(30, delay.TotalSeconds * 2)))
        {
            await _gate.WaitAsync(_stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stopping.IsCancellationRequested)
            {
                return;
            }

            try
            {
                if (ReferenceEquals(_process, process))
                {
                    _process = null;
                }

                await EnsureRunningAsync().ConfigureAwait(false); // it reads the state file by itself
                return;
            }
            catch (Exception exception) when (exception is BerthException or IOException)
            {
                LogNotStarted(exception);
            }
            finally
            {
                _gate.Release();
            }

            await Task.Delay(delay, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // back-off between starts
        }
    }

    // The caller holds the gate. A data plane that refuses has closed its socket: it is about to end, whoever ends it.
    private async Task<string> AskOrRestartAsync(string request)
    {
        try
        {
            return await AskAsync(request).ConfigureAwait(false);
        }
        catch (SocketException exception)
        {
            if (Adopt(out _) is { } other && other.Pid != _process!.Pid)
            {
                _process = null; // it has been replaced, by a daemon that was killed meanwhile
                await EnsureRunningAsync().ConfigureAwait(false);
                return await AskAsync(request).ConfigureAwait(false);
            }

            try
            {
                await _ended.WaitAsync(StartTimeout).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                throw new BerthException(
                    ErrorKind.Failed, $"The data plane (pid {_process!.Pid}) runs, but does not answer at {SocketPath}; end it, and it is started anew.", exception);
            }

            _process = null;
            await EnsureRunningAsync().ConfigureAwait(false);
            return await AskAsync(request).ConfigureAwait(false);
        }
    }

    private async Task<string> AskAsync(string request)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using var timeout = new CancellationTokenSource(StartTimeout);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), timeout.Token).ConfigureAwait(false);
        await socket.SendAsync(Encoding.UTF8.GetBytes(request + "\n"), timeout.Token).ConfigureAwait(false);
        var answer = new StringBuilder();
        var buffer = new byte[4096];
        int length;
        while ((length = await socket.ReceiveAsync(buffer, timeout.Token).ConfigureAwait(false)) > 0)
        {
            answer.Append(Encoding.UTF8.GetString(buffer, 0, length));
        }

        return answer.ToString().TrimEnd('\n');
    }

    [LoggerMessage(3001, LogLevel.Warning, "The data plane (pid {Pid}) ended; starting it again")]
    private partial void LogEnded(int pid);

    [LoggerMessage(3004, LogLevel.Information, "The data plane (pid {Old}) was of another build; pid {New} has taken its sockets over")]
    private partial void LogReplaced(int old, int @new);

    [LoggerMessage(3005, LogLevel.Warning, "The data plane (pid {Old}) is of another build, and could not be replaced")]
    private partial void LogNotReplaced(int old, Exception exception);

    [LoggerMessage(3003, LogLevel.Warning, "The data plane will not start this daemon again after a crash: {Answer}")]
    private partial void LogNotWatched(string answer);

    [LoggerMessage(3002, LogLevel.Error, "The data plane could not be started")]
    private partial void LogNotStarted(Exception exception);
}
