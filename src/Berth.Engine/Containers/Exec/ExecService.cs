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
    private readonly TaskCompletionSource _running = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Id { get; } = id;

    public Container Container { get; } = container;

    public ExecConfig Config { get; } = config;

    public bool Started { get; internal set; }

    /// <summary>From here on a failure is the command's own: its words go where the output goes.</summary>
    public bool ReachedRuntime { get; internal set; }

    /// <summary>The engine's own, as a health check is: no event tells of it.</summary>
    internal bool IsInternal { get; set; }

    public int Pid { get; internal set; }

    /// <summary>Null until it has ended.</summary>
    public int? ExitCode => _ended.Task.IsCompletedSuccessfully ? _ended.Task.GetAwaiter().GetResult() : null;

    /// <summary>Rows and columns of its terminal, if whoever starts it says so.</summary>
    public IReadOnlyList<int>? ConsoleSize { get; set; }

    /// <summary>The exit code, once it has ended.</summary>
    public Task<int> Ended => _ended.Task;

    /// <summary>Completes when its program runs, or will not.</summary>
    internal Task Running => _running.Task;

    internal void Run(int pid)
    {
        Pid = pid;
        _running.TrySetResult();
    }

    internal void End(int exitCode)
    {
        _ended.TrySetResult(exitCode);
        _running.TrySetResult();
    }
}

/// <summary>Runs commands in running containers, each under a conmon of its own: it outlives the daemon like its container.</summary>
public sealed class ExecService
{
    private static readonly TimeSpan s_startPatience = TimeSpan.FromSeconds(10); // Docker's own
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

        _ = DetachKeySequence.Parse(config.DetachKeys);
        var session = Add(container, config);
        Publish(session, "exec_create: " + string.Join(' ', config.Cmd));
        return session;
    }

    private ExecSession Add(Container container, ExecConfig config)
    {
        RequireRunning(container);
        var session = new ExecSession(ContainerCreation.NewId(), container, config);
        _sessions[session.Id] = session;
        return session;
    }

    private void Publish(ExecSession session, string action, params (string Key, string Value)[] more)
    {
        if (!session.IsInternal)
        {
            _parts.Events.Publish("container", action, session.Container.Id, ContainerService.Attributes(session.Container.Record, [("execID", session.Id), .. more]));
        }
    }

    /// <exception cref="BerthException">It was started before, or the container does not run.</exception>
    public static void RequireStartable(ExecSession session)
    {
        if (session.Started)
        {
            throw BerthException.Conflict(session.ExitCode is null ? $"Error: Exec command {session.Id} is already running" : $"exec command {session.Id} has already run");
        }

        RequireRunning(session.Container);
    }

    /// <summary>
    /// Starts it. With a client, returns when the command has ended or the client has left; without one, when it runs.
    /// </summary>
    /// <param name="client">Called once the command is about to run; gives the connection to the client.</param>
    /// <exception cref="BerthException">The container does not run, or the command cannot be executed.</exception>
    public async Task StartAsync(ExecSession session, Func<Task<Stream>>? client, CancellationToken cancellationToken)
    {
        RequireStartable(session);
        session.Started = true;
        Publish(session, "exec_start: " + string.Join(' ', session.Config.Cmd ?? []));
        var directory = Directory(session);
        System.IO.Directory.CreateDirectory(directory);
        ConmonSession? conmon = null;
        try
        {
            var process = Describe(session);
            await File.WriteAllBytesAsync(directory + "/process.json", RuntimeSpecWriter.Process(process), cancellationToken).ConfigureAwait(false);
            session.ReachedRuntime = true;
            conmon = await _parts.Conmon.StartAsync(new ConmonConfig
            {
                ContainerId = session.Container.Id,
                SessionId = session.Id,
                Directory = directory,
                Name = session.Container.Name,
                Terminal = session.Config.Tty,
                OpenStdin = session.Config.AttachStdin,
                ExecProcessPath = directory + "/process.json",
                OomScoreAdj = process.OomScoreAdj,
            }).ConfigureAwait(false);
            _parts.Faults.Reached("exec.conmon");
            var conmonPid = await _parts.Conmon.ReapFirstAsync(conmon, directory).ConfigureAwait(false);
            await Conmon.WaitUntilAttachableAsync(conmon).ConfigureAwait(false);
            await RunAsync(session, conmon, conmonPid, directory, client, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            conmon?.Dispose();
            if (!session.ReachedRuntime)
            {
                _sessions.TryRemove(session.Id, out _); // as in Docker: whoever asks for its exit code learns that there is none
            }

            Finish(session, directory, exception is BerthException ? RuntimeFailure.ExitCode(exception.Message) ?? 126 : 126);
            throw;
        }
    }

    /// <summary>So many health checks are started at a time: those of hundreds of containers, all at once after a start of the daemon, leave it room for its clients.</summary>
    internal SemaphoreSlim CheckStarts { get; } = new(Environment.ProcessorCount * 2);

    /// <summary>Runs a command to its end and returns its exit code and what it wrote, up to a limit.</summary>
    /// <param name="cancellationToken">Kills it.</param>
    public Task<(int ExitCode, string Output)> CaptureAsync(Container container, ExecConfig config, int limitBytes, CancellationToken cancellationToken) =>
        CaptureAsync(container, config, limitBytes, static () => { }, cancellationToken);

    /// <summary>As above, for health checks.</summary>
    /// <param name="begun">Called once the program runs.</param>
    internal async Task<(int ExitCode, string Output)> CaptureAsync(Container container, ExecConfig config, int limitBytes, Action begun, CancellationToken cancellationToken)
    {
        var session = Add(container, config with { AttachStdout = true, AttachStderr = true });
        _ = session.Running.ContinueWith(_ => begun(), TaskScheduler.Default);
        session.IsInternal = true;
        using var kept = new BoundedStream(limitBytes);
        using var killed = cancellationToken.Register(() => Kill(session));
        await StartAsync(session, () => Task.FromResult<Stream>(kept), CancellationToken.None).ConfigureAwait(false);
        var exitCode = await session.Ended.ConfigureAwait(false);
        _sessions.TryRemove(session.Id, out _);
        return (exitCode, kept.Text);
    }

    /// <summary>Changes its terminal's size.</summary>
    /// <remarks>Clients ask for it as soon as they have the connection: it waits until the program runs, as Docker does.</remarks>
    public async Task ResizeAsync(ExecSession session, int rows, int columns)
    {
        if (session.Started)
        {
            try
            {
                await session.Running.WaitAsync(s_startPatience).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                throw new BerthException(ErrorKind.Failed, "timeout waiting for exec session ready");
            }
        }

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
            session.Run(await Conmon.ReadPidAsync(conmon, "exec").ConfigureAwait(false));
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
            var stream = await client().ConfigureAwait(false);
            using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            try
            {
                if (await AttachPump.RunAsync(socket, stream, options, _containers.HangUpAsync(stream, watching.Token), cancellationToken).ConfigureAwait(false) == AttachEnd.Ended)
                {
                    await ending.ConfigureAwait(false); // so that the exit code is there when the client asks for it
                }
            }
            finally
            {
                await watching.CancelAsync().ConfigureAwait(false);
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

        Publish(session, "exec_die", ("exitCode", exitCode.ToString(System.Globalization.CultureInfo.InvariantCulture)));
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
        var security = SecurityOptions.Parse(record.HostConfig.SecurityOpt, _parts.Options.NoNewPrivileges);
        var isPrivileged = session.Config.Privileged || record.HostConfig.Privileged;
        var config = record.Config with
        {
            Tty = session.Config.Tty, Env = ContainerCreation.MergeEnvironment(record.Config.Env ?? [], session.Config.Env ?? []),
        };
        return new ProcessModel
        {
            Terminal = session.Config.Tty,
            ConsoleSize = session.Config.Tty && (session.ConsoleSize ?? session.Config.ConsoleSize) is [> 0 and var rows, > 0 and var columns] ? (rows, columns) : null,
            Args = session.Config.Cmd!,
            Env = RuntimeSpecBuilder.EnvironmentOf(config, user),
            WorkingDirectory = session.Config.WorkingDir.Length > 0 ? session.Config.WorkingDir : record.Config.WorkingDir.Length > 0 ? record.Config.WorkingDir : "/",
            User = user,
            Capabilities = Capabilities.For(isPrivileged, record.HostConfig.CapAdd, record.HostConfig.CapDrop),
            Ulimits = record.HostConfig.Ulimits ?? [],
            NoNewPrivileges = security.NoNewPrivileges,
            AppArmorProfile = AppArmor.ProfileOf(_parts.Options, security.AppArmor, isPrivileged),
            OomScoreAdj = record.HostConfig.OomScoreAdj,
        };
    }
}
