using System.Globalization;
using System.Text;
using System.Text.Json;
using Berth.Engine.Errors;
using Berth.Linux.Cgroups;
using Berth.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Berth.Engine.Containers.Runtime;

/// <summary>What conmon is started for: a container, or one exec in it.</summary>
internal sealed record ConmonConfig
{
    public required string ContainerId { get; init; }

    /// <summary>The container's id again, or the exec's.</summary>
    public required string SessionId { get; init; }

    /// <summary>Absolute directory of this session: bundle, attach socket, pid files, exit file.</summary>
    public required string Directory { get; init; }

    public required string Name { get; init; }

    /// <summary>The log file; null keeps no log.</summary>
    public string? LogPath { get; init; }

    /// <summary>Backstop in bytes, above the daemon's own rotation limit; 0 for none.</summary>
    public long LogSizeBackstop { get; init; }

    public bool Terminal { get; init; }

    public bool OpenStdin { get; init; }

    public bool LeaveStdinOpen { get; init; }

    /// <summary>It is in a user namespace of its own.</summary>
    public bool HasOwnUsers { get; init; }

    /// <summary>For an exec: its process file.</summary>
    public string? ExecProcessPath { get; init; }

    /// <summary>For an exec: how readily the kernel kills it, -1000 to 1000. proc_pid_oom_score_adj(5).</summary>
    public int OomScoreAdj { get; init; }
}

/// <summary>A started conmon. For an exec, <see cref="Conmon.ReleaseExec"/> lets it go on once its client is attached.</summary>
internal sealed class ConmonSession(ChildProcess first, SafeFileHandle syncRead, SafeFileHandle startWrite, SafeFileHandle? attachRead, RuntimeView view) : IDisposable
{
    internal RuntimeView View { get; } = view; // until the runtime has done its work

    internal ChildProcess First { get; } = first;

    internal SafeFileHandle SyncRead { get; } = syncRead;

    internal SafeFileHandle StartWrite { get; } = startWrite;

    internal SafeFileHandle? AttachRead { get; } = attachRead;

    public void Dispose()
    {
        View.Dispose();
        SyncRead.Dispose();
        StartWrite.Dispose();
        AttachRead?.Dispose();
    }
}

/// <summary>
/// Starts conmon(8), which holds a container's stdio, writes its log and records its exit code. It forks away from us, so
/// that it survives us; we know it by its pid file. The exit code, of an exec too, appears in <c>DIRECTORY/exit/CONTAINER</c>
/// before it ends.
/// </summary>
/// <param name="nullDevice">See <see cref="NullDevice"/>; null when there is none.</param>
internal sealed class Conmon(string path, OciRuntime runtime, CgroupLayout cgroups, CommandRunner commands, string cgroup, string? nullDevice)
{
    private const int SyncDescriptor = 3;
    private const int StartDescriptor = 4;
    private const int AttachDescriptor = 5;

    /// <summary>Pure: the arguments for a session.</summary>
    internal static IReadOnlyList<string> Arguments(ConmonConfig config, IReadOnlyList<string> runtime)
    {
        var arguments = new List<string>
        {
            "--api-version", "1",
            "-c", config.ContainerId,
            "-u", config.SessionId,
            "-n", config.Name,
            "-r", runtime[0],
            "-b", config.Directory,
            "-p", config.Directory + "/pidfile",
            "-P", config.Directory + "/conmon.pid",
            "-l", config.LogPath is null ? "none" : "k8s-file:" + config.LogPath,
            "--exit-dir", config.Directory + "/exit",
            "--persist-dir", config.Directory + "/persist",
            "--full-attach",
            "--no-sync-log",
            "--log-level", "error",
        };
        foreach (var argument in runtime.Skip(1))
        {
            arguments.Add("--runtime-arg");
            arguments.Add(argument);
        }

        if (config.LogSizeBackstop > 0)
        {
            arguments.AddRange(["--log-size-max", config.LogSizeBackstop.ToString(CultureInfo.InvariantCulture)]);
        }

        if (config.Terminal)
        {
            arguments.Add("-t");
        }

        if (config.OpenStdin)
        {
            arguments.Add("-i");
        }

        if (config.LeaveStdinOpen)
        {
            arguments.Add("--leave-stdin-open");
        }

        if (config.ExecProcessPath is not null)
        {
            arguments.AddRange(["-e", "--exec-attach", "--exec-process-spec", config.ExecProcessPath]);
        }

        return arguments;
    }

    /// <summary>For a program that is started without conmon and reads from nothing; null as for the constructor.</summary>
    internal SafeFileHandle? OpenNull() => nullDevice is null ? null : File.OpenHandle(nullDevice, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);

    /// <summary>Starts it in its own cgroup. The directory must exist.</summary>
    internal async Task<ConmonSession> StartAsync(ConmonConfig config)
    {
        Directory.CreateDirectory(config.Directory + "/exit");
        Directory.CreateDirectory(config.Directory + "/persist");
        var (syncRead, syncWrite) = Pipes.Create();
        var (startRead, startWrite) = Pipes.Create();
        var isExec = config.ExecProcessPath is not null;
        var (attachRead, attachWrite) = isExec ? Pipes.Create() : default((SafeFileHandle, SafeFileHandle)?) ?? default;
        var descriptors = new Dictionary<int, SafeFileHandle> { [SyncDescriptor] = syncWrite, [StartDescriptor] = startRead };
        var environment = new List<string>(CommandRunner.Environment) { $"_OCI_SYNCPIPE={SyncDescriptor}", $"_OCI_STARTPIPE={StartDescriptor}" };
        if (isExec)
        {
            descriptors[AttachDescriptor] = attachWrite!;
            environment.Add($"_OCI_ATTACHPIPE={AttachDescriptor}");
        }

        RuntimeView? view = null;
        try
        {
            view = await runtime.OpenAsync().ConfigureAwait(false);
            // crun does not set it for an exec, which has what its parents have, and conmon gives its child 0: so conmon starts choom(1), which starts crun.
            IReadOnlyList<string> scored = config.OomScoreAdj == 0 ? [] : ["/usr/bin/choom", "-n", config.OomScoreAdj.ToString(CultureInfo.InvariantCulture), "--"];
            var child = Spawn.Start(new SpawnConfig
            {
                Path = path,
                Arguments = [path, .. Arguments(config, [.. scored, .. RuntimeFor(config, view)])],
                Environment = environment,
                Descriptors = descriptors,
                WorkingDirectory = config.Directory,
            });
            cgroups.Place(child.Pid, cgroup); // it waits for our byte before it forks
            var session = new ConmonSession(child, syncRead, startWrite, isExec ? attachRead : null, view);
            Pipes.WriteByte(startWrite);
            return session;
        }
        catch
        {
            view?.Dispose();
            throw;
        }
        finally
        {
            syncWrite.Dispose();
            startRead.Dispose();
            attachWrite?.Dispose();
        }
    }

    // An exec has a terminal, a pipe, or null as its input. A container's first process is given the container's own null device by the runtime itself; but to enter
    // a user namespace crun (1.8 at least) gives what it has as its input to the root of that first.
    private IReadOnlyList<string> RuntimeFor(ConmonConfig config, RuntimeView view) =>
        nullDevice is not null && config is { Terminal: false, OpenStdin: false } and ({ ExecProcessPath: not null } or { HasOwnUsers: true })
            ? NullDevice.InFrontOf(nullDevice, view.Command)
            : view.Command;

    /// <summary>Waits until the runtime has made the container or exec. Returns the process id of its first process.</summary>
    /// <param name="session">Which.</param>
    /// <param name="verb">What is being done, for the message: create or exec.</param>
    /// <exception cref="BerthException">The runtime refused; the message is its own.</exception>
    internal static async Task<int> ReadPidAsync(ConmonSession session, string verb)
    {
        // One JSON object per line: {"pid": N}, or a negative number with a message.
        var line = await ReadLineAsync(session.SyncRead).ConfigureAwait(false);
        session.View.Dispose();
        if (line.Length == 0)
        {
            throw new BerthException(ErrorKind.Failed, "conmon ended before it had started the container; see the daemon's log.");
        }

        using var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        var number = root.TryGetProperty("pid", out var pid) ? pid.GetInt32() : root.TryGetProperty("data", out var data) ? data.GetInt32() : -1;
        if (number > 0)
        {
            return number;
        }

        var message = root.TryGetProperty("message", out var text) ? text.GetString() ?? "" : "";
        throw RuntimeFailure.From(message, verb);
    }

    /// <summary>For an exec: waits until its attach socket is there.</summary>
    internal static async Task WaitUntilAttachableAsync(ConmonSession session) => await ReadLineAsync(session.AttachRead!).ConfigureAwait(false);

    /// <summary>For an exec: lets it run.</summary>
    internal static void ReleaseExec(ConmonSession session) => Pipes.WriteByte(session.StartWrite);

    /// <summary>Reaps the short-lived first process and returns the id of the conmon that stays.</summary>
    internal async Task<int> ReapFirstAsync(ConmonSession session, string directory)
    {
        await session.First.WaitAsync(commands.Exits).ConfigureAwait(false);
        return ReadPidFile(directory + "/conmon.pid") ?? throw new BerthException(ErrorKind.Failed, "conmon ended before it wrote its process id.");
    }

    internal static int? ReadPidFile(string path) =>
        File.Exists(path) && int.TryParse(File.ReadAllText(path), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : null;

    /// <summary>The exit code that conmon recorded, or null when it was killed before it could.</summary>
    internal static int? ReadExitCode(string directory, string containerId)
    {
        var file = $"{directory}/exit/{containerId}";
        return File.Exists(file) && int.TryParse(File.ReadAllText(file), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var code) ? code : null;
    }

    private static async Task<string> ReadLineAsync(SafeFileHandle pipe)
    {
        // The stream does not own the pipe: an exec's pipe carries its exit code later on.
        var text = new List<byte>();
        var buffer = new byte[1];
        await using var stream = new FileStream(new SafeFileHandle(pipe.DangerousGetHandle(), ownsHandle: false), FileAccess.Read, bufferSize: 0);
        while (await stream.ReadAsync(buffer).ConfigureAwait(false) == 1 && buffer[0] != '\n')
        {
            text.Add(buffer[0]);
        }

        return Encoding.UTF8.GetString([.. text]);
    }
}
