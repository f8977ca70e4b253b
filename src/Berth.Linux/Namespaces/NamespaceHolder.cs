using System.Globalization;
using System.Text;
using Berth.Linux.Mounts;
using Berth.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Berth.Linux.Namespaces;

/// <summary>
/// A process that holds namespaces which a process of many threads cannot make for itself: user namespaces, and others that belong to one. It ends
/// when this is disposed; what is to last is bound to a file before. unshare(1), nsenter(1).
/// </summary>
public sealed class NamespaceHolder : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly Task<int> _ended;
    private readonly SafeFileHandle _stdin;

    private NamespaceHolder(ChildProcess process, Task<int> ended, SafeFileHandle stdin) => (_process, _ended, _stdin) = (process, ended, stdin);

    /// <summary>A new user namespace with these ids.</summary>
    /// <exception cref="LinuxException">The kernel refuses it.</exception>
    /// <exception cref="IOException">A tool refuses, with its words.</exception>
    public static async Task<NamespaceHolder> UserAsync(IdMap map, ExitWatcher exits)
    {
        var holder = await StartAsync(["/usr/bin/unshare", "--user"], exits).ConfigureAwait(false);
        try
        {
            await File.WriteAllTextAsync(holder.ProcPath("uid_map"), IdMap.Text(map.Users)).ConfigureAwait(false);
            await File.WriteAllTextAsync(holder.ProcPath("gid_map"), IdMap.Text(map.Groups)).ConfigureAwait(false);
            return holder;
        }
        catch
        {
            await holder.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A new network namespace that belongs to the user namespace bound to <paramref name="userNamespace"/>: whoever is root there administers it.</summary>
    /// <exception cref="IOException">A tool refuses, with its words.</exception>
    public static Task<NamespaceHolder> NetworkAsync(string userNamespace, ExitWatcher exits) =>
        StartAsync(["/usr/bin/nsenter", "--user=" + userNamespace, "/usr/bin/unshare", "--net"], exits);

    /// <summary>Binds one of the namespaces to a file, so that it outlives the process.</summary>
    /// <param name="kind"><c>user</c> or <c>net</c>.</param>
    public void Bind(string kind, string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using (File.Create(path))
        {
        }

        Mount.Bind(NamespacePath(kind), path);
    }

    /// <summary>The namespace as a path, while the process lives.</summary>
    public string NamespacePath(string kind) => ProcPath("ns/" + kind);

    public async ValueTask DisposeAsync()
    {
        _stdin.Dispose(); // it reads the end of its input, and ends
        await _ended.ConfigureAwait(false);
    }

    private string ProcPath(string name) => string.Create(CultureInfo.InvariantCulture, $"/proc/{_process.Pid}/{name}");

    // It says a word once it is in its namespaces, and then waits for the end of its input.
    private static async Task<NamespaceHolder> StartAsync(IReadOnlyList<string> command, ExitWatcher exits)
    {
        var (inRead, inWrite) = Pipes.Create();
        var (outRead, outWrite) = Pipes.Create();
        var (errRead, errWrite) = Pipes.Create();
        ChildProcess process;
        using (inRead)
        using (outWrite)
        using (errWrite)
        {
            process = Spawn.Start(new SpawnConfig
            {
                Path = command[0],
                Arguments = [.. command, "--", "/bin/sh", "-c", "echo; read end"],
                Environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"],
                Descriptors = new Dictionary<int, SafeFileHandle> { [0] = inRead, [1] = outWrite, [2] = errWrite },
            });
        }

        var holder = new NamespaceHolder(process, process.WaitAsync(exits), inWrite);
        using var output = new FileStream(outRead, FileAccess.Read, bufferSize: 0);
        using var error = new FileStream(errRead, FileAccess.Read, bufferSize: 0);
        if (await output.ReadAsync(new byte[1]).ConfigureAwait(false) == 1)
        {
            return holder;
        }

        var words = new byte[4096];
        var length = await error.ReadAsync(words).ConfigureAwait(false);
        await holder.DisposeAsync().ConfigureAwait(false);
        throw new IOException($"{string.Join(' ', command)} refuses: {Encoding.UTF8.GetString(words, 0, length).Trim()}");
    }
}
