using Berth.Edge.State;
using Berth.Engine.Build;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Engine.Events;
using Berth.Engine.Images;
using Berth.Engine.Networks;
using Berth.Engine.State;
using Berth.Engine.Users;
using Berth.Engine.Volumes;
using Berth.Linux.Cgroups;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace Berth.Engine;

/// <summary>
/// The whole engine of one daemon: makes its parts, recovers what an earlier daemon left, and lets go of it again.
/// Containers and the data plane run on when it is disposed.
/// </summary>
public sealed partial class EngineHost : IAsyncDisposable
{
    private readonly EngineParts _parts;
    private readonly FileStream _lock;
    private readonly ILogger<EngineHost> _logger;
    private readonly StepRunner _steps;
    private readonly RulesGuard _rulesGuard;

    private EngineHost(EngineParts parts, FileStream dataLock, ImageStoreOptions imageOptions)
    {
        _parts = parts;
        _lock = dataLock;
        _logger = parts.Loggers.CreateLogger<EngineHost>();
        Volumes = new VolumeService(parts.State, parts.Options, parts.Events, parts.Time, parts.Runtime.Commands);
        VolumeRefresh = new VolumeRefresh(Volumes, parts.Options, parts.Faults);
        Networks = new NetworkService(parts.State, parts.Options, parts.Events, parts.Time, parts.Wiring);
        Images = new ImageStore(parts.State, parts.Options.DataRoot, imageOptions, parts.Time);
        _steps = new StepRunner(parts, Networks, () => Containers!.RefreshTrafficAsync());
        Builder = new ImageBuilder(
            Images, parts.State, _steps, parts.Options.DataRoot, parts.Options.Builder, parts.Time);
        Containers = new ContainerService(parts, new ContainerImages(Images), Networks, Volumes);
        Networks.BridgeRemoved = Containers.RefreshTrafficAsync;
        _rulesGuard = new RulesGuard(parts.Options, Containers.RestoreTrafficAsync, parts.Time, parts.Loggers.CreateLogger<RulesGuard>());
        Images.UsedBy = id => [.. Containers.All.Where(container => container.Record.ImageId == id.ToString() || container.Record.Mounts.Any(mount => mount.Type == "image" && mount.Source == id.ToString()))
            .Select(container => container.Id)];
        Images.StoodOn = () => Containers.All.Where(container => container.Record.Status != ContainerStatus.Removing)
            .SelectMany(container => container.Record.Mounts.SelectMany(mount => mount.LowerDirectories).Concat(container.Record.LowerDirectories));
    }

    public EngineOptions Options => _parts.Options;

    public EventBus Events => _parts.Events;

    public StateStore State => _parts.State;

    /// <summary>Places at which a test may stop the process.</summary>
    public FaultPoints Faults => _parts.Faults;

    public TimeProvider Time => _parts.Time;

    public VolumeService Volumes { get; }

    public VolumeRefresh VolumeRefresh { get; }

    public NetworkService Networks { get; }

    public ImageStore Images { get; }

    public ImageBuilder Builder { get; }

    public ContainerService Containers { get; }

    /// <summary>Name and reason of the OCI runtime in use.</summary>
    public (string Name, string Path, string Reason) Runtime => (_parts.Runtime.Name, _parts.Runtime.Path, _parts.Runtime.Reason);

    public CgroupLayout Cgroups => _parts.Cgroups;

    /// <summary>Opens the roots, reads the state and makes it agree with what runs.</summary>
    /// <param name="options">Where the engine lives.</param>
    /// <param name="imageOptions">Registries and mirrors.</param>
    /// <param name="loggers">For all parts.</param>
    /// <param name="time">The clock.</param>
    /// <param name="faults">Where a test may stop the process.</param>
    /// <exception cref="BerthException">Another daemon has the same data root, or something needed is not installed.</exception>
    public static async Task<EngineHost> StartAsync(
        EngineOptions options, ImageStoreOptions imageOptions, ILoggerFactory loggers, TimeProvider time, FaultPoints faults)
    {
        Directory.CreateDirectory(options.DataRoot);
        Directory.CreateDirectory(options.ExecRoot);
        File.SetUnixFileMode(options.DataRoot, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute); // what is in there is nobody else's: secrets, and programs that change their user
        var dataLock = Lock(options);
        try
        {
            options = options with { AppArmorProfile = await AppArmor.LoadAsync(options).ConfigureAwait(false) };
        }
        catch (BerthException exception)
        {
            LogNoAppArmor(loggers.CreateLogger<EngineHost>(), exception.Message); // as where Berth itself runs in a container: its own do without, as before
        }

        var parts = CreateParts(options, StateStore.Open(options.DataRoot + "/state.db", faults, reservePath: options.DataRoot + "/reserve"), loggers, time, faults);
        var host = new EngineHost(parts, dataLock, imageOptions);
        await host.RecoverAsync().ConfigureAwait(false);
        return host;
    }

    /// <summary>Has the data plane start this process again should it crash; call it once the process serves.</summary>
    /// <param name="logPath">What its output is appended to then.</param>
    public Task RestartAfterCrashAsync(string logPath) => _parts.Edge.RecordDaemonAsync(new DaemonRecord
    {
        Pid = Environment.ProcessId,
        StartTicks = ProcessTable.StartTicks(Environment.ProcessId),
        Path = Environment.ProcessPath!,
        Arguments = [Environment.ProcessPath!, .. Environment.GetCommandLineArgs().Skip(1)],
        Environment = [.. Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(entry => $"{entry.Key}={entry.Value}")],
        WorkingDirectory = Environment.CurrentDirectory,
        LogPath = logPath,
        Cgroups = Cgroups.DirectoriesOf(Environment.ProcessId),
    });

    /// <summary>Returns when the state answers, with all that waits for it: nothing in the engine gets on without.</summary>
    public Task ProbeAsync() => _parts.State.CommitAsync(_ => { });

    /// <summary>From now on the end of this process is no crash.</summary>
    public Task NoRestartAfterCrashAsync() => _parts.Edge.RecordDaemonAsync(null);

    /// <summary>Ends the data plane and takes away rules, bridges and cgroups. For uninstalling and tests; containers must be gone.</summary>
    public async Task CleanUpAsync()
    {
        await _parts.Edge.StopAsync().ConfigureAwait(false);
        await _parts.Traffic.CloseAsync(Networks.All).ConfigureAwait(false);
        foreach (var network in Networks.All.Where(network => network.IsBridge))
        {
            _parts.Wiring.RemoveBridge(network);
        }

        RemappedFiles.Remove(Options.ExecRoot);
        await AppArmor.UnloadAsync(Options).ConfigureAwait(false);
        _parts.Cgroups.Remove(Options.CgroupParent);
        _parts.Cgroups.Remove($"{Options.CgroupParent}-conmon");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var container in Containers.All)
        {
            container.HealthLoop?.Cancel();
            container.PendingRestart?.Cancel();
        }

        Containers.Close();
        await _rulesGuard.DisposeAsync().ConfigureAwait(false);
        Builder.Dispose();
        Images.Dispose();
        await _parts.Edge.DisposeAsync().ConfigureAwait(false);
        await _parts.Departed.IdleAsync().ConfigureAwait(false);
        await _parts.State.DisposeAsync().ConfigureAwait(false);
        _parts.Exits.Dispose();
        _parts.Watcher.Dispose();
        _parts.Wiring.Dispose();
        await _lock.DisposeAsync().ConfigureAwait(false);
    }

    /// <exception cref="BerthException">A program that the engine needs is not installed.</exception>
    internal static EngineParts CreateParts(EngineOptions options, StateStore state, ILoggerFactory loggers, TimeProvider time, FaultPoints faults)
    {
        var nullDevice = NullDevice.Prepare(options.DataRoot, loggers.CreateLogger<Conmon>());
        if (options.Users is not null && nullDevice is null)
        {
            throw new BerthException(
                ErrorKind.Failed,
                $"userns-remap cannot be done here: no device can be opened below {options.DataRoot}, and this host's /dev/null must not be given to containers' users. Mount that file system without nodev, or remove the setting.");
        }

        var exits = new ExitWatcher();
        var commands = new CommandRunner(exits);
        var cgroups = CgroupLayout.Detect();
        var runtime = OciRuntime.Probe(options.Runtime, options.ExecRoot + "/runtime", cgroups, commands);
        var conmonPath = new[] { "/usr/bin/conmon", "/usr/libexec/podman/conmon", "/usr/local/bin/conmon" }.FirstOrDefault(File.Exists)
            ?? throw new BerthException(ErrorKind.Failed, "conmon is not installed, so no container can run. Install it: apt-get install conmon");
        var departed = new DepartedEndpoints(id => NetworkWiring.NamespacePath(options, id), loggers.CreateLogger<DepartedEndpoints>());
        var remapped = new RemappedFiles(options, exits);
        var wiring = new NetworkWiring(options, departed, exits);
        var edge = new EdgeProcess(options, cgroups, exits, loggers.CreateLogger<EdgeProcess>());
        var conmon = new Conmon(conmonPath, runtime, cgroups, commands, $"{options.CgroupParent}-conmon", nullDevice);
        var traffic = new TrafficRules(options, wiring, edge, departed, new ForwardAccept(options.Name, loggers.CreateLogger<ForwardAccept>()), time);
        return new(state, options, new EventBus(time), time, faults, wiring, departed, traffic, edge, runtime, new(runtime), conmon, remapped, cgroups, exits, new DirectoryWatcher(), loggers);
    }

    private async Task RecoverAsync()
    {
        LogRuntime(_parts.Runtime.Name, _parts.Runtime.Reason);
        await _parts.Remapped.PrepareAsync().ConfigureAwait(false);
        var records = Containers.Load();
        await Volumes.LoadAsync().ConfigureAwait(false);
        foreach (var intent in State.OpenIntents().Where(intent => intent.Kind == NetworkService.RemoveIntent))
        {
            var network = System.Text.Json.JsonSerializer.Deserialize(intent.Data, EngineJson.Default.NetworkRecord)!;
            if (records.Any(record => record.IsRunning && record.Endpoints.Any(endpoint => endpoint.NetworkId == network.Id)))
            {
                await intent.CompleteAsync().ConfigureAwait(false); // its removal had failed, for a full disk, and it was used again
                continue;
            }

            _parts.Wiring.RemoveBridge(network);
            await State.CommitAsync(batch => batch.Delete(NetworkService.Kind, network.Id).Close(intent)).ConfigureAwait(false);
        }

        await Networks.LoadAsync(records).ConfigureAwait(false); // without those whose removal was just completed
        await _parts.Edge.StartAsync().ConfigureAwait(false);
        await _steps.RecoverAsync().ConfigureAwait(false);
        await Containers.RecoverAsync().ConfigureAwait(false);
        _rulesGuard.Start();
    }

    // Held open without sharing for as long as this daemon lives; the kernel lets go of it however the process ends.
    private static FileStream Lock(EngineOptions options)
    {
        var path = options.DataRoot + "/berthd.lock";
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (exception is not (DirectoryNotFoundException or FileNotFoundException))
        {
            throw new BerthException(
                ErrorKind.Conflict, $"Another daemon uses the data root '{options.DataRoot}' (its lock {path} is held). Stop it, or give this one another --data-root.", exception);
        }
    }

    [LoggerMessage(1002, LogLevel.Warning, "Containers have no profile of AppArmor: {Reason}")]
    private static partial void LogNoAppArmor(ILogger logger, string reason);

    [LoggerMessage(1001, LogLevel.Information, "Containers run with {Runtime}: {Reason}")]
    private partial void LogRuntime(string runtime, string reason);
}
