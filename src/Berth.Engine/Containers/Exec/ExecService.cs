using System.Collections.Concurrent;
using System.Net.Sockets;
using Berth.Engine.Containers.Attach;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Linux.Processes;

namespace Berth.Engine.Containers.Exec;

/// <summary>What is asked of an exec. Docker Engine API, "ExecConfig".</summary>
public sealed record ExecConfig
{
    public bool AttachStdin { get; set; }

    public bool AttachStdout { get; set; }

    public bool AttachStderr { get; set; }

    public string DetachKeys { get; set; } = "";

    public bool Tty { get; set; }

    public IReadOnlyList<string>? Env { get; set; }

    public IReadOnlyList<string>? Cmd { get; set; }

    public bool Privileged { get; set; }

    public string User { get; set; } = "";

    public string WorkingDir { get; set; } = "";

    public IReadOnlyList<int>? ConsoleSize { get; set; }
}

/// <summary>A command in a running container: asked for, running, or ended.</summary>
public sealed class ExecSession(string id, Container container, ExecConfig config)
{
    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Id { get; } = id;

    public Container Container { get; } = container;

    public ExecConfig Config { get; } = config;

    public bool Started { get; internal set; }

    public int Pid { get; internal set; }

    /// <summary>Null until it has ended.</summary>
    public int? ExitCode => _ended.Task.IsCompletedSuccessfully ? _ended.Task.GetAwaiter().GetResult() : null;

    /// <summary>The exit code, once it has ended.</summary>
    public Task<int> Ended => _ended.Task;

    internal void End(int exitCode) => _ended.TrySetResult(exitCode);
}

/// <summary>Runs commands in running containers, each under a conmon of its own: it outlives the daemon like its container.</summary>
public sealed class ExecService
{
    private const int Kept = 512; // ended sessions that can still be inspected
    private readonly ContainerService _containers;
    private readonly EngineParts _parts;
    private readonly ConcurrentDictionary<string, ExecSession> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _endedIds = new();

    internal ExecService(ContainerService containers, EngineParts parts) => (_containers, _parts) = (containers, parts);

    public ExecSession Resolve(string id) => _sessions.TryGetValue(id, out var session) ? session : throw BerthException.NotFound($"No such exec instance: {id}");

    public IReadOnlyList<string> IdsOf(Container container) =>
        [.. _sessions.Values.Where(session => session.Container == container && session is { Started: true, ExitCode: null }).Select(session => session.Id)];

    public ExecSession Create(Container container, ExecConfig config)
    {
        if (config.Cmd is not { Count: > 0 })
        {
            throw BerthException.Invalid("No exec command specified");
        }

        RequireRunning(container);
        var session = new ExecSession(ContainerCreation.NewId(), container, config);
        _sessions[session.Id] = session;
        return session;
    }

    /// <summary>
    /// Starts it. With a client, returns when the command has ended or the client has left; without one, when it runs.
    /// </summary>
    /// <param name="client">Called once the command is about to run; gives the connection to the client.</param>
    /// <exception cref="BerthException">The container does not run, or the command cannot be executed.</exception>
    public async Task StartAsync(ExecSession session, Func<Task<Stream>>? client, CancellationToken cancellationToken)
    {
        if (session.Started)
        {
            throw BerthException.Conflict($"Error: Exec command {session.Id} is already running");
        }

        RequireRunning(session.Container);
        session.Started = true;
        var directory = Directory(session);
        System.IO.Directory.CreateDirectory(directory);
        ConmonSession? conmon = null;
        try
        {
            var process = Describe(session);
            await File.WriteAllBytesAsync(directory + "/process.json", RuntimeSpecWriter.Process(process), cancellationToken).ConfigureAwait(false);
            conmon = await _parts.Conmon.StartAsync(new ConmonConfig
            {
                ContainerId = session.Container.Id,
                SessionId = session.Id,
                Directory = directory,
                Name = session.Container.Name,
                Terminal = session.Config.Tty,
                OpenStdin = session.Config.AttachStdin,
                ExecProcessPath = directory + "/process.json",
            }).ConfigureAwait(false);
            _parts.Faults.Reached("exec.conmon");
            var conmonPid = await _parts.Conmon.ReapFirstAsync(conmon, directory).ConfigureAwait(false);
            await Conmon.WaitUntilAttachableAsync(conmon).ConfigureAwait(false);
            await RunAsync(session, conmon, conmonPid, directory, client, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            conmon?.Dispose();
            Finish(session, directory, exception is BerthException ? RuntimeFailure.ExitCode(exception.Message) ?? 126 : 126);
            throw;
        }
    }

    /// <summary>Runs a command to its end and returns its exit code and what it wrote, up to a limit. For health checks.</summary>
    internal async Task<(int ExitCode, string Output)> CaptureAsync(Container container, ExecConfig config, int limitBytes, CancellationToken cancellationToken)
    {
        var session = Create(container, config with { AttachStdout = true, AttachStderr = true });
        using var kept = new BoundedStream(limitBytes);
        using var killed = cancellationToken.Register(() => Kill(session));
        await StartAsync(session, () => Task.FromResult<Stream>(kept), CancellationToken.None).ConfigureAwait(false);
        var exitCode = await session.Ended.ConfigureAwait(false);
        _sessions.TryRemove(session.Id, out _);
        return (exitCode, kept.Text);
    }

    /// <summary>Changes its terminal's size.</summary>
    public async Task ResizeAsync(ExecSession session, int rows, int columns)
    {
        if (session is not { Started: true, ExitCode: null })
        {
            throw BerthException.Conflict($"Exec command {session.Id} is not running");
        }

        await ContainerService.WriteControlAsync(Directory(session), 1, rows, columns).ConfigureAwait(false);
    }

    private static void Kill(ExecSession session)
    {
        if (session.Pid > 0)
        {
            using var process = PidFd.OpenRecorded(session.Pid, ProcessTable.StartTicks(session.Pid));
            process?.Signal(Signals.Kill);
        }
    }

    private static void RequireRunning(Container container)
    {
        if (container.Record.Status != ContainerStatus.Running)
        {
            throw BerthException.Conflict(
                container.Record.Status == ContainerStatus.Paused
                    ? $"Container {container.Name} is paused, unpause the container before exec"
                    : $"container {container.Id} is not running");
        }
    }

    private async Task RunAsync(
        ExecSession session, ConmonSession conmon, int conmonPid, string directory, Func<Task<Stream>>? client, CancellationToken cancellationToken)
    {
        var watched = PidFd.OpenRecorded(conmonPid, ProcessTable.StartTicks(conmonPid));
        Socket? socket = null;
        if (client is not null)
        {
            socket = AttachSocket.Connect(directory);
        }

        _parts.Faults.Reached("exec.attachable");
        Conmon.ReleaseExec(conmon);
        _parts.Faults.Reached("exec.released");
        try
        {
            session.Pid = await Conmon.ReadPidAsync(conmon).ConfigureAwait(false);
        }
        catch
        {
            socket?.Dispose();
            watched?.Dispose();
            throw;
        }

        var ending = EndAsync(session, conmon, watched, directory);
        if (client is null || socket is null)
        {
            return;
        }

        using (socket)
        {
            var options = new AttachOptions
            {
                Stdin = session.Config.AttachStdin,
                Stdout = session.Config.AttachStdout || session.Config.Tty,
                Stderr = session.Config.AttachStderr,
                Raw = session.Config.Tty,
                DetachKeys = session.Config.Tty ? DetachKeySequence.Parse(session.Config.DetachKeys) : [],
            };
            if (!await AttachPump.RunAsync(socket, await client().ConfigureAwait(false), options, cancellationToken).ConfigureAwait(false)
                && !cancellationToken.IsCancellationRequested)
            {
                await ending.ConfigureAwait(false); // so that the exit code is there when the client asks for it
            }
        }
    }

    private async Task EndAsync(ExecSession session, ConmonSession conmon, PidFd? watched, string directory)
    {
        if (watched is not null)
        {
            await _parts.Exits.WaitAsync(watched).ConfigureAwait(false);
            watched.Dispose();
        }

        conmon.Dispose();
        Finish(session, directory, Conmon.ReadExitCode(directory, session.Container.Id) ?? 137);
    }

    private void Finish(ExecSession session, string directory, int exitCode)
    {
        if (System.IO.Directory.Exists(directory))
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }

        session.End(exitCode);
        _endedIds.Enqueue(session.Id);
        while (_endedIds.Count > Kept && _endedIds.TryDequeue(out var oldest))
        {
            _sessions.TryRemove(oldest, out _);
        }
    }

    private string Directory(ExecSession session) => $"{_containers.RunDirectory(session.Container.Id)}/exec/{session.Id}";

    private ProcessModel Describe(ExecSession session)
    {
        var record = session.Container.Record;
        var files = new ContainerFiles(_parts.Options, _containers.DataDirectory(record.Id));
        var user = ProcessUser.Resolve(
            session.Config.User.Length > 0 ? session.Config.User : record.Config.User, files.Lines("etc/passwd"), files.Lines("etc/group"), record.HostConfig.GroupAdd);
        var config = record.Config with
        {
            Tty = session.Config.Tty, Env = ContainerCreation.MergeEnvironment(record.Config.Env ?? [], session.Config.Env ?? []),
        };
        return new ProcessModel
        {
            Terminal = session.Config.Tty,
            Args = session.Config.Cmd!,
            Env = RuntimeSpecBuilder.EnvironmentOf(config, user),
            WorkingDirectory = session.Config.WorkingDir.Length > 0 ? session.Config.WorkingDir : record.Config.WorkingDir.Length > 0 ? record.Config.WorkingDir : "/",
            User = user,
            Capabilities = Capabilities.For(session.Config.Privileged || record.HostConfig.Privileged, record.HostConfig.CapAdd, record.HostConfig.CapDrop),
            Ulimits = record.HostConfig.Ulimits ?? [],
            NoNewPrivileges = record.HostConfig.SecurityOpt?.Any(option => option.StartsWith("no-new-privileges", StringComparison.Ordinal)) ?? false,
            OomScoreAdj = record.HostConfig.OomScoreAdj,
        };
    }
}
