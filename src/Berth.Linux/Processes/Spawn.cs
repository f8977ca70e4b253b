using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Berth.Linux.Processes;

/// <summary>What to start, and which descriptors it gets. Descriptors that are not named stay closed (O_CLOEXEC).</summary>
public sealed record SpawnConfig
{
    /// <summary>Absolute path of the program.</summary>
    public required string Path { get; init; }

    /// <summary>Arguments, the program's own name first.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The whole environment, as NAME=VALUE.</summary>
    public required IReadOnlyList<string> Environment { get; init; }

    /// <summary>Child's descriptor number → ours. 0, 1 and 2 are /dev/null unless named.</summary>
    public IReadOnlyDictionary<int, SafeFileHandle> Descriptors { get; init; } = new Dictionary<int, SafeFileHandle>();

    /// <summary>Start in a session of its own, so that a terminal's Ctrl-C does not reach it.</summary>
    public bool NewSession { get; init; } = true;

    public string? WorkingDirectory { get; init; }
}

/// <summary>posix_spawn(3) with file actions: a child gets exactly the descriptors named, default signals and an empty mask.</summary>
public static unsafe class Spawn
{
    private const short POSIX_SPAWN_SETSIGDEF = 0x04;
    private const short POSIX_SPAWN_SETSIGMASK = 0x08;
    private const short POSIX_SPAWN_SETSID = 0x80;

    /// <summary>Starts a process and returns its id. The caller reaps it with <see cref="ChildProcess"/>.</summary>
    /// <exception cref="LinuxException">The program could not be started.</exception>
    public static ChildProcess Start(SpawnConfig config)
    {
        var actions = stackalloc byte[256];
        var attributes = stackalloc byte[512];
        var signals = stackalloc byte[128];
        Must(Libc.posix_spawn_file_actions_init(actions));
        Must(Libc.posix_spawnattr_init(attributes));
        using var path = new Utf8Strings([config.Path]);
        using var argv = new Utf8Strings(config.Arguments);
        using var envp = new Utf8Strings(config.Environment);
        try
        {
            new Span<byte>(signals, 128).Fill(0xFF); // sigfillset leaves out glibc's own two signals, which posix_spawn then has ignored
            Must(Libc.posix_spawnattr_setsigdefault(attributes, signals));
            Must(Libc.sigemptyset(signals));
            Must(Libc.posix_spawnattr_setsigmask(attributes, signals));
            Must(Libc.posix_spawnattr_setflags(
                attributes, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (config.NewSession ? POSIX_SPAWN_SETSID : 0))));
            AddDescriptors(actions, config);
            if (config.WorkingDirectory is not null)
            {
                Must(Libc.posix_spawn_file_actions_addchdir_np(actions, config.WorkingDirectory));
            }

            int pid;
            var error = Libc.posix_spawn(&pid, path.First, actions, attributes, argv.Pointers, envp.Pointers);
            return error == 0 ? new ChildProcess(pid) : throw new LinuxException((Errno)error, "posix_spawn", $"'{config.Path}'");
        }
        finally
        {
            Must(Libc.posix_spawn_file_actions_destroy(actions));
            Must(Libc.posix_spawnattr_destroy(attributes));
        }
    }

    /// <summary>Makes this process another program, with its environment, its standard streams and its id. execv(3).</summary>
    /// <exception cref="LinuxException">The program could not be started; this process goes on.</exception>
    public static void Replace(string path, IReadOnlyList<string> arguments)
    {
        using var program = new Utf8Strings([path]);
        using var argv = new Utf8Strings(arguments);
        Libc.execv(program.First, argv.Pointers);
        throw new LinuxException(Libc.LastErrno, "execv", $"'{path}'");
    }

    private static void AddDescriptors(byte* actions, SpawnConfig config)
    {
        // Each passes through a number above all of ours and all of the child's, so that no dup2 overwrites what a later one needs.
        var firstSpare = 1 + config.Descriptors.SelectMany(pair => new[] { pair.Key, (int)pair.Value.DangerousGetHandle() }).DefaultIfEmpty(2).Max();
        var spare = firstSpare;
        foreach (var (_, source) in config.Descriptors)
        {
            Must(Libc.posix_spawn_file_actions_adddup2(actions, (int)source.DangerousGetHandle(), spare++));
        }

        spare = firstSpare;
        foreach (var (target, _) in config.Descriptors)
        {
            Must(Libc.posix_spawn_file_actions_adddup2(actions, spare++, target));
        }

        // Whatever else is open, our own or what we were started with, is closed.
        var last = config.Descriptors.Count == 0 ? 2 : Math.Max(2, config.Descriptors.Keys.Max());
        for (var fd = 3; fd < last; fd++)
        {
            if (!config.Descriptors.ContainsKey(fd))
            {
                Must(Libc.posix_spawn_file_actions_addclose(actions, fd));
            }
        }

        Must(Libc.posix_spawn_file_actions_addclosefrom_np(actions, last + 1));
        for (var fd = 0; fd <= 2; fd++)
        {
            if (!config.Descriptors.ContainsKey(fd))
            {
                Must(Libc.posix_spawn_file_actions_addopen(actions, fd, "/dev/null", fd == 0 ? Libc.O_RDONLY : Libc.O_WRONLY, 0));
            }
        }
    }

    private static void Must(int error)
    {
        if (error != 0)
        {
            throw new LinuxException((Errno)error, "posix_spawn", "its attributes and file actions");
        }
    }

    private sealed class Utf8Strings : IDisposable
    {
        private readonly int _count;

        public Utf8Strings(IReadOnlyList<string> values)
        {
            _count = values.Count;
            Pointers = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
            for (var i = 0; i < _count; i++)
            {
                var length = Encoding.UTF8.GetByteCount(values[i]);
                Pointers[i] = (byte*)NativeMemory.AllocZeroed((nuint)length + 1);
                Encoding.UTF8.GetBytes(values[i], new Span<byte>(Pointers[i], length));
            }
        }

        public byte** Pointers { get; }

        public byte* First => Pointers[0];

        public void Dispose()
        {
            for (var i = 0; i < _count; i++)
            {
                NativeMemory.Free(Pointers[i]);
            }

            NativeMemory.Free(Pointers);
        }
    }
}
