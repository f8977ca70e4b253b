using System.Diagnostics;

namespace Berth.Testing;

/// <summary>
/// Docker's own daemon beside a <see cref="TestDaemon"/>, to compare the two: its roots, control groups and leftovers lie in the test
/// daemon's slot, and it has a network namespace of its own, since its firewall rules would cut off the host. It comes from
/// <c>tests/tools/modern-docker.sh</c> and needs containerd, runc and iptables, which <c>./test --all</c> installs.
/// </summary>
public sealed class DockerDaemon : IAsyncDisposable
{
    private static readonly string Programs = Checkout.Artifacts + "/peers/modern-docker/usr/sbin";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // It starts in a group of the slot's, in one hierarchy, so that the slot's next holder finds what a killed test run has left.
    private const string StartScript =
        """
        for root in /sys/fs/cgroup/pids /sys/fs/cgroup; do
          if mkdir -p "$root$1" 2>/dev/null && echo $$ >"$root$1/cgroup.procs"; then break; fi
        done
        shift
        ip link set lo up
        exec "$@" >>"$0" 2>&1 </dev/null
        """;

    // Folders that Docker and containerd make whatever their roots are.
    private static readonly string[] FixedFolders = ["/run/containerd/s", "/run/containerd", "/run/docker/plugins", "/run/docker", "/etc/docker"];
    private readonly TestDaemon _neighbour;
    private readonly IReadOnlyList<string> _foreignFolders = [.. FixedFolders.Where(Directory.Exists)];
    private Process? _process;

    private DockerDaemon(TestDaemon neighbour)
    {
        _neighbour = neighbour;
        Docker = new DockerCli(Folder + "/docker.sock", neighbour.Folder + "/docker");
    }

    /// <summary>Docker's client, pointed at this daemon.</summary>
    public DockerCli Docker { get; }

    public string CgroupParent => _neighbour.CgroupParent + "-docker";

    /// <summary>The daemon's process, whose namespaces are "the engine's".</summary>
    public int ProcessId => _process!.Id;

    private string Folder => _neighbour.Folder + "/dockerd";

    public static async Task<DockerDaemon> StartAsync(TestDaemon neighbour, CancellationToken cancellationToken)
    {
        (await new Command("/bin/sh", "-c", "command -v containerd runc iptables").RunAsync(cancellationToken)).EnsureSuccess();
        await DockerCli.PrepareAsync(cancellationToken);
        var daemon = new DockerDaemon(neighbour);
        try
        {
            await daemon.StartAsync(cancellationToken);
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Folder);
        await File.WriteAllTextAsync(Folder + "/daemon.json", "{}", cancellationToken);
        var start = new ProcessStartInfo("unshare",
        [
            "--net", "/bin/sh", "-c", StartScript, Folder + "/dockerd.log", _neighbour.CgroupParent + "-dockerd",
            Programs + "/dockerd", "--config-file", Folder + "/daemon.json", "--data-root", Folder + "/data", "--exec-root", Folder + "/run",
            "-H", $"unix://{Folder}/docker.sock", "-p", Folder + "/docker.pid", "--storage-driver", "overlay2", "--cgroup-parent", CgroupParent, "--cdi-spec-dir", Folder + "/cdi",
            "--exec-opt", "native.cgroupdriver=cgroupfs", "--init-path", "/usr/bin/tini-static",
        ]);
        start.Environment["PATH"] = $"{Programs}:{Environment.GetEnvironmentVariable("PATH")}"; // its docker-proxy
        _process = Process.Start(start)!;
        var waited = Stopwatch.StartNew();
        while ((await Docker.Docker("version").RunAsync(cancellationToken)).ExitCode != 0)
        {
            if (_process.HasExited || waited.Elapsed > Patience)
            {
                throw new InvalidOperationException($"dockerd did not start within {Patience.TotalSeconds} s. Its log:\n{await File.ReadAllTextAsync(Folder + "/dockerd.log", cancellationToken)}");
            }

            await Task.Delay(100, cancellationToken);
        }
    }

    /// <summary>Stops it; containers that are left are killed with the slot. Dispose it before its neighbour.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false } process)
        {
            await new Command("kill", "-TERM", $"{process.Id}").RunAsync(CancellationToken.None);
            await process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience, CancellationToken.None);
        }

        _process?.Dispose();
        foreach (var folder in FixedFolders.Except(_foreignFolders).Where(Directory.Exists).Where(folder => !Directory.EnumerateFileSystemEntries(folder).Any()))
        {
            Directory.Delete(folder); // one that is in use by now belongs to another daemon
        }
    }
}
