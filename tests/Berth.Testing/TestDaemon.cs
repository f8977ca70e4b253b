using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Berth.Testing;

/// <summary>
/// A <c>berthd</c> of the build with roots, names and addresses of its own: a developer's containers and other tests are out of its
/// reach. Disposing removes its containers and networks as a user would, stops it, and clears away the rest.
/// </summary>
/// <example><code>
/// await using var daemon = await TestDaemon.StartAsync(cancellationToken);
/// await daemon.Docker.Docker("run", "--rm", "debian:bookworm-slim", "true").RunAsync(cancellationToken);
/// await daemon.KillAsync();
/// await daemon.RestartAsync(cancellationToken);
/// </code></example>
public sealed class TestDaemon : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(30);
    private readonly DaemonSlot _slot;
    private readonly IReadOnlyList<string> _flags;
    private Process? _process;

    private TestDaemon(DaemonSlot slot, IReadOnlyList<string> flags)
    {
        (_slot, _flags) = (slot, flags);
        _slot.Make("docker");
        Docker = new DockerCli(Socket, Folder + "/docker");
        Api = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        })
        { BaseAddress = new Uri("http://berth/") };
    }

    /// <summary>Everything of this daemon on disk lies below it; gone after disposal.</summary>
    public string Folder => _slot.Folder;

    public string DataRoot => Folder + "/data";

    public string ExecRoot => Folder + "/run";

    public string Socket => ExecRoot + "/berth.sock";

    /// <summary>Where a test writes its plan for the daemon's end; see <c>FaultPlan</c> in <c>Berth.Daemon</c>.</summary>
    public string FaultFolder => Folder + "/faults";

    public string LogPath => Folder + "/berthd.log";

    public string CgroupParent => _slot.CgroupParent;

    public string NftTable => _slot.NftTable;

    /// <summary>First letters of this daemon's bridges.</summary>
    public string BridgePrefix => _slot.BridgePrefix;

    /// <summary>Docker's own clients. Call <see cref="DockerCli.PrepareAsync"/> before the first use.</summary>
    public DockerCli Docker { get; }

    /// <summary>The Docker Engine API over the daemon's socket.</summary>
    public HttpClient Api { get; }

    /// <summary>Of the daemon that serves now, whoever started it; null when none does.</summary>
    public int? ProcessId => File.Exists(PidPath) && int.TryParse(File.ReadAllText(PidPath), out var pid) && Directory.Exists($"/proc/{pid}") ? pid : null;

    /// <summary>Whether the process that this object started has ended by itself.</summary>
    public bool HasEnded => _process is { HasExited: true };

    /// <summary>Returns once the process that this object started has ended, or after that time.</summary>
    public async Task UntilEndedAsync(TimeSpan patience)
    {
        try
        {
            await (_process?.WaitForExitAsync(CancellationToken.None) ?? Task.CompletedTask).WaitAsync(patience);
        }
        catch (TimeoutException)
        {
            return; // the caller looks at HasEnded
        }
    }

    private IReadOnlyList<string> Arguments =>
    [
        "--config-file", Folder + "/daemon.json", "--data-root", DataRoot, "--exec-root", ExecRoot, "-H", "unix://" + Socket,
        "--nft-table", _slot.NftTable, "--bridge", _slot.BridgePrefix + "0", "--bridge-prefix", _slot.BridgePrefix,
        "--cgroup-parent", _slot.CgroupParent, "--cdi-spec-dir", Folder + "/cdi", "--default-address-pool", $"base={_slot.AddressPool},size=24", .. _flags,
    ];

    /// <summary>The folder of the build that the next start uses; null for <see cref="Checkout.Program"/>'s.</summary>
    public string? Build { get; set; }

    private string Program => Build is null ? Checkout.Program("Berth.Daemon", "berthd") : Build + "/berthd";

    private string PidPath => ExecRoot + "/berthd.pid";

    /// <param name="flags">Beside those that keep it apart from others, for example <c>--registry-mirror</c>.</param>
    /// <param name="prepare">Called before the first start; what it mounts below <see cref="Folder"/> is unmounted at the end.</param>
    public static async Task<TestDaemon> StartAsync(IReadOnlyList<string> flags, CancellationToken cancellationToken, Func<TestDaemon, Task>? prepare = null)
    {
        var daemon = new TestDaemon(await DaemonSlot.TakeAsync(), flags);
        try
        {
            await (prepare?.Invoke(daemon) ?? Task.CompletedTask);
            await daemon.RestartAsync(cancellationToken);
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    public static Task<TestDaemon> StartAsync(CancellationToken cancellationToken) => StartAsync([], cancellationToken);

    /// <summary>The built <c>berth</c> command, pointed at this daemon.</summary>
    public Command Berth(string folder, params IReadOnlyList<string> arguments) => new(Checkout.Program("Berth.Cli", "berth-cli"), arguments)
    {
        WorkingDirectory = folder,
        Environment = new Dictionary<string, string?> { ["BERTH_HOST"] = "unix://" + Socket, ["DOCKER_HOST"] = null, ["DOCKER_CONFIG"] = Folder + "/docker" },
    };

    /// <summary>From now on the places that the daemon reaches between side effects are recorded, or it is killed at one of them.</summary>
    /// <param name="plan"><c>record</c>, N, or <c>NAME N</c>; see <c>FaultPlan</c> in <c>Berth.Daemon</c>.</param>
    public async Task PlanFaultAsync(string plan)
    {
        Directory.CreateDirectory(FaultFolder);
        File.Delete(FaultFolder + "/points");
        await File.WriteAllTextAsync(FaultFolder + "/plan", plan);
    }

    /// <summary>Takes the plan back; returns the places that were reached.</summary>
    public async Task<IReadOnlyList<string>> EndFaultPlanAsync()
    {
        File.Delete(FaultFolder + "/plan");
        return File.Exists(FaultFolder + "/points") ? await File.ReadAllLinesAsync(FaultFolder + "/points") : [];
    }

    /// <summary>Sends SIGKILL and returns when the process is gone. Containers and the edge go on.</summary>
    public Task KillAsync() => EndAsync("-KILL");

    /// <summary>Sends SIGTERM and waits. Containers and the edge go on.</summary>
    public Task StopAsync() => EndAsync("-TERM");

    /// <summary>
    /// All that a restart of the machine takes: the daemon, the edge, containers and what watches them, mounts, links, rules, control groups, and <see cref="ExecRoot"/>, which is
    /// in memory. This kernel's own memory of connections goes on.
    /// </summary>
    public async Task LosePowerAsync()
    {
        await KillAsync();
        await _slot.LosePowerAsync();
        Directory.Delete(ExecRoot, recursive: true);
    }

    private async Task EndAsync(string signal)
    {
        // Ours, or one that the data plane has started in its place.
        using var other = _process is null or { HasExited: true } && ProcessId is { } pid ? Process.GetProcessById(pid) : null;
        if ((other ?? _process) is { HasExited: false } process)
        {
            await new Command("kill", signal, $"{process.Id}").RunAsync(CancellationToken.None);
            await process.WaitForExitAsync(CancellationToken.None).WaitAsync(StartPatience, CancellationToken.None);
        }

        _process?.Dispose();
        _process = null;
    }

    /// <summary>Starts the daemon, after stopping it if it runs; returns once it answers.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        // The shell leaves the log to the daemon itself: a pipe would end with this process, and the daemon with it.
        var start = new ProcessStartInfo("/bin/sh",
            ["-c", "exec \"$@\" >>\"$0\" 2>&1 </dev/null", LogPath, Program, .. Arguments]);
        await File.WriteAllTextAsync(Folder + "/daemon.json", "{}", cancellationToken);
        start.Environment["BERTH_FAULTS"] = FaultFolder;
        _process = Process.Start(start)!;
        await WaitUntilItAnswersAsync(cancellationToken);
    }

    /// <summary>Another daemon on the same roots, beside the one that runs.</summary>
    public Command Another() => new(Program, Arguments);

    /// <summary>Returns once a daemon answers, whoever started it.</summary>
    public async Task WaitUntilItAnswersAsync(CancellationToken cancellationToken)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var answer = await Api.GetAsync("_ping", cancellationToken);
                answer.EnsureSuccessStatusCode();
                return;
            }
            catch (HttpRequestException exception)
            {
                // 75: another process has the data root, so that one is waited for.
                if (_process is { HasExited: true, ExitCode: not 75 } || waited.Elapsed > StartPatience)
                {
                    throw new InvalidOperationException($"berthd {(_process is { HasExited: true, ExitCode: var code } ? $"ended with {code}" : $"did not start within {StartPatience.TotalSeconds} s")}. Its log:\n{File.ReadAllText(LogPath)}", exception);
                }
            }

            await Task.Delay(20, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (ProcessId is not null)
            {
                if (HasEnded)
                {
                    await RestartAsync(CancellationToken.None); // a test that failed while its daemon was down: its own message must not be lost
                }

                await RemoveEverythingAsync();
                await StopAsync();
            }
        }
        finally
        {
            Api.Dispose();
            _process?.Dispose();
            await _slot.ClearAsync();
            _slot.Dispose();
        }
    }

    private async Task RemoveEverythingAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        foreach (var container in await Api.GetFromJsonAsync<List<JsonElement>>("containers/json?all=1", patience.Token) ?? [])
        {
            using var removed = await Api.DeleteAsync($"containers/{container.GetProperty("Id").GetString()}?force=1&v=1", patience.Token);
        }

        using var pruned = await Api.PostAsync("networks/prune", null, patience.Token);
    }
}
