using System.Text.Json;
using Berth.Engine.Containers.Health;
using Berth.Engine.Containers.Logs;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Engine.Networks;
using Berth.Linux.Mounts;
using Berth.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace Berth.Engine.Containers;

public sealed partial class ContainerService
{
    /// <summary>The containers as recorded, before anything is settled.</summary>
    internal IReadOnlyList<ContainerRecord> Load()
    {
        foreach (var (id, data) in _state.Documents(Kind).All())
        {
            var record = JsonSerializer.Deserialize(data, EngineJson.Default.ContainerRecord)!;
            _containers[id] = new Container(record);
            _names[record.Name] = id;
            if (record.IsRunning)
            {
                _ports[id] = AdoptedPorts(record); // of all before anything else: whatever makes the rules anew meanwhile leaves nobody out
            }
        }

        return [.. _containers.Values.Select(container => container.Record)];
    }

    /// <summary>
    /// Makes records and truth agree after a start of the daemon. Steps: 1. undo or finish what was under way. 2. Adopt
    /// every container whose conmon lives. 3. Settle the ends that nobody saw, and the starts that lack their last step. 4. Remove what belongs to no container.
    /// 5. Start those that should run, unless the options say not to.
    /// </summary>
    internal async Task RecoverAsync()
    {
        // Step 1
        foreach (var intent in _state.OpenIntents().Where(intent => intent.Kind is "container.start" or "container.remove"))
        {
            await SettleAsync(intent).ConfigureAwait(false);
        }

        // Steps 2 and 3
        var ended = new List<Container>();
        foreach (var container in _containers.Values.Where(container => container.Record.IsRunning))
        {
            if (!Adopt(container))
            {
                ended.Add(container);
            }
        }

        var unlinked = new List<EndpointRecord>();
        foreach (var intent in _state.OpenIntents().Where(intent => intent.Kind == LinkIntent))
        {
            unlinked.Add(await SettleLinkAsync(intent).ConfigureAwait(false));
        }

        await RefreshTrafficAsync().ConfigureAwait(false);
        Leave([.. _containers.Values.Where(container => !container.Record.IsRunning).SelectMany(container => container.Record.Endpoints), .. unlinked]); // what the killed daemon had not come to
        foreach (var container in ended)
        {
            try
            {
                await HandleExitAsync(container).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is IOException or BerthException)
            {
                LogExitFailed(exception, container.Name); // the others are not kept waiting
                _ = FinishExitAsync(container, container.Record);
            }
        }

        foreach (var container in _containers.Values.Where(container => container.Record.IsRunning && _runtime.IsOnlyCreated(container.Id)))
        {
            await BeginProgramAsync(container).ConfigureAwait(false);
        }

        foreach (var intent in _state.OpenIntents().Where(intent => intent.Kind == FreezeIntent))
        {
            await ThawAsync(intent).ConfigureAwait(false);
        }

        // Step 4
        await RemoveStraysAsync().ConfigureAwait(false);
        _settled.SetResult();

        // Step 5
        if (!_options.StartsContainers)
        {
            return;
        }

        foreach (var container in _containers.Values.Where(container => container.Record.Status == ContainerStatus.Restarting && container.PendingRestart is null))
        {
            ScheduleRestart(container);
        }

        var restarts = _state.OpenIntents().Where(intent => intent.Kind == RestartIntent).ToList();
        var again = restarts.Where(IsToBeDone).Select(intent => _containers[intent.Subject]).ToHashSet();
        foreach (var container in again.Where(container => container.Record.IsRunning))
        {
            _ = RestartAgainAsync(container); // the daemon's clients do not wait for its end
        }

        await StartInOrderAsync(
            [.. StartOrder.Sort([.. _containers.Values.Where(container => NeedsStart(container) || (again.Contains(container) && !container.Record.IsRunning)).Select(container => container.Record)]).Select(record => _containers[record.Id])],
            again).ConfigureAwait(false);

        foreach (var intent in restarts.Where(intent => !again.Any(container => container.Id == intent.Subject && container.Record.IsRunning && IsToBeDone(intent))))
        {
            await intent.CompleteAsync().ConfigureAwait(false);
        }
    }

    // Unless it has been started since.
    private bool IsToBeDone(State.Intent restart) =>
        _containers.TryGetValue(restart.Subject, out var container)
        && container.Record.StartedAt == JsonSerializer.Deserialize(restart.Data, EngineJson.Default.ContainerRecord)!.StartedAt;

    private async Task RestartAgainAsync(Container container)
    {
        try
        {
            await RestartAsync(container, null, null).ConfigureAwait(false); // its intent supersedes the one that was left
        }
        catch (Exception exception) when (exception is BerthException or IOException)
        {
            LogRestartFailed(exception, container.Name);
        }
    }

    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously); // what runs is adopted, and what is left over is gone

    /// <summary>Begins the health checks of a container that has just started, or, at the start of the daemon, once everything is settled.</summary>
    /// <param name="state">What is known already; null at its start.</param>
    private void StartHealth(Container container, ContainerRecord started, HealthState? state = null)
    {
        if (HealthMonitor.Command(started.Config) is null)
        {
            container.Health = null;
            return;
        }

        container.Health = state ?? new HealthState { Status = "starting" };
        var ending = new CancellationTokenSource();
        container.HealthLoop = ending;
        var monitor = new HealthMonitor(container, started.Config.Healthcheck!, Execs, _time, async next =>
        {
            var before = container.Health?.Status;
            container.TellHealth(next);
            if (before != next.Status)
            {
                _events.Publish("container", $"health_status: {next.Status}", container.Id, Attributes(container.Record));
                await RefreshTrafficAsync().ConfigureAwait(false);
                if (next.Status == "unhealthy" && started.Label(RestartUnhealthyLabel) == "true")
                {
                    await EndUnhealthyAsync(container).ConfigureAwait(false);
                }
            }
        });
        _ = WatchHealthAsync(monitor, container, ending.Token);
    }

    private static readonly TimeSpan s_rotationPause = TimeSpan.FromSeconds(5);

    /// <summary>Keeps the log of a container that runs within its limits.</summary>
    private void StartRotation(Container container)
    {
        var record = container.Record;
        var limits = LogLimits.Parse(record.HostConfig.LogConfig);
        if (limits.MaxBytes > 0 && record.HostConfig.LogConfig.Type != "none")
        {
            var rotation = new LogRotation(new(LogPath(record.Id), container.LogNames), RunDirectory(record.Id), limits, _watcher);
            var ending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            container.Rotation = (Task.Run(() => RotateAsync(rotation, container.Name, ending.Task)), ending); // whoever starts it does not wait for files
        }
    }

    private async Task RotateAsync(LogRotation rotation, string name, Task ended)
    {
        while (!ended.IsCompleted)
        {
            try
            {
                await rotation.RunAsync(ended).ConfigureAwait(false);
            }
            catch (IOException exception) when (!ended.IsCompleted)
            {
                LogRotationFailed(exception, name); // the disk is full, perhaps: it goes on when there is room
                await Task.WhenAny(Task.Delay(s_rotationPause, _time), ended).ConfigureAwait(false);
            }
        }
    }

    private async Task WatchHealthAsync(HealthMonitor monitor, Container container, CancellationToken cancellationToken)
    {
        try
        {
            await _settled.Task.ConfigureAwait(false);
            await monitor.RunAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogHealthFailed(exception, container.Name);
        }
    }

    private async Task SettleAsync(State.Intent intent)
    {
        var record = JsonSerializer.Deserialize(intent.Data, EngineJson.Default.ContainerRecord)!;
        await EndConmonAsync(record.Id).ConfigureAwait(false);
        await TearDownAsync(record).ConfigureAwait(false);
        _ports.TryRemove(record.Id, out _);
        if (intent.Kind == "container.remove")
        {
            DeleteData(record.Id);
            _containers.TryRemove(record.Id, out _);
            _names.TryRemove(record.Name, out _);
            await _images.LetGoAsync(record).ConfigureAwait(false);
            await _state.CommitAsync(batch => batch.Delete(Kind, record.Id).Close(intent)).ConfigureAwait(false);
            return;
        }

        if (_containers.TryGetValue(record.Id, out var container))
        {
            // It had been asked to run: a policy brings it back below, else it is as if it had not been started. What else was recorded since the intent stays.
            record = container.Record;
            var wanted = record.HostConfig.RestartPolicy.Name is "always" or "unless-stopped";
            await SaveAsync(
                container,
                record with { Status = wanted ? ContainerStatus.Restarting : record.StartedAt is null ? ContainerStatus.Created : ContainerStatus.Exited, Pid = 0, ConmonPid = 0 },
                intent).ConfigureAwait(false);
        }
        else
        {
            await intent.CompleteAsync().ConfigureAwait(false);
        }
    }

    // A conmon of an attempt that was never recorded: its pid file is in the bundle.
    private async Task EndConmonAsync(string id)
    {
        if (Conmon.ReadPidFile(RunDirectory(id) + "/conmon.pid") is not { } pid || ProcessTable.Name(pid) != "conmon")
        {
            return;
        }

        if (ProcessTable.CommandLine(pid)?.Contains(id, StringComparison.Ordinal) != true)
        {
            return;
        }

        await _runtime.DeleteAsync(id).ConfigureAwait(false);
        using var conmon = PidFd.OpenRecorded(pid, ProcessTable.StartTicks(pid));
        if (conmon is not null)
        {
            conmon.Signal(Signals.Kill);
            await _exits.WaitAsync(conmon).ConfigureAwait(false);
        }
    }

    private bool Adopt(Container container)
    {
        var record = container.Record;
        if (PidFd.OpenRecorded(record.ConmonPid, record.ConmonStartTicks) is not { } conmon)
        {
            return false;
        }

        if (ProcessTable.HasEnded(record.ConmonPid))
        {
            conmon.Dispose();
            return false; // settled like the others, before anybody asks
        }

        container.Conmon = conmon;
        container.Record = record = record with { EndedForHealth = false }; // if it is unhealthy, that is found anew
        if (record.Status == ContainerStatus.Running)
        {
            StartHealth(container, record);
        }

        container.ExitHandling = WatchExitAsync(container, conmon);
        StartRotation(container);
        LogAdopted(record.Name, record.Pid);
        return true;
    }

    // The earlier daemon had recorded the start, and was killed before its last step.
    private async Task BeginProgramAsync(Container container)
    {
        try
        {
            await _runtime.StartAsync(container.Id).ConfigureAwait(false);
            _events.Publish("container", "start", container.Id, Attributes(container.Record));
        }
        catch (BerthException exception)
        {
            LogRestartFailed(exception, container.Name);
            SignalInit(container.Record, Signals.Kill); // its end is handled as any other
        }
    }

    private static IReadOnlyList<PortMapping> AdoptedPorts(ContainerRecord record) =>
        record.HostConfig.NetworkMode == "host" ? [] : record.Ports;

    private static bool NeedsStart(Container container) =>
        container.Record is { StoppedByRequest: false, Status: ContainerStatus.Exited }
        && (container.Record.EndedForHealth || container.Record.HostConfig.RestartPolicy.Name is "always" or "unless-stopped");

    private async Task RemoveStraysAsync()
    {
        // An adopted container may end meanwhile, and then takes its things away itself: so each is looked at under its gate.
        foreach (var container in _containers.Values)
        {
            await using var held = await HoldAsync(container).ConfigureAwait(false);
            if (!container.Record.IsRunning && (Directory.Exists(RunDirectory(container.Id)) || File.Exists(_wiring.NamespacePath(container.Id))))
            {
                await TearDownAsync(container.Record).ConfigureAwait(false);
            }
        }

        foreach (var folder in new[] { $"{_options.ExecRoot}/netns", $"{_options.ExecRoot}/containers", $"{_options.DataRoot}/containers" })
        {
            if (!Directory.Exists(folder))
            {
                continue;
            }

            foreach (var stray in Directory.EnumerateFileSystemEntries(folder).Where(path => !_containers.ContainsKey(Path.GetFileName(path))).ToList())
            {
                LogStray(stray);
                foreach (var mount in MountTable.MountPoints().Where(point => point == stray || point.StartsWith(stray + "/", StringComparison.Ordinal)).Reverse().ToList())
                {
                    Mount.UnmountAll(mount);
                }

                if (Directory.Exists(stray))
                {
                    Directory.Delete(stray, recursive: true);
                }
                else
                {
                    File.Delete(stray);
                }
            }
        }
    }

    [LoggerMessage(2003, LogLevel.Information, "Container {Name} runs on (pid {Pid})")]
    private partial void LogAdopted(string name, int pid);

    [LoggerMessage(2004, LogLevel.Warning, "Removing {Path}, which belongs to no container")]
    private partial void LogStray(string path);

    [LoggerMessage(2005, LogLevel.Error, "The health check of container {Name} ended unexpectedly")]
    private partial void LogHealthFailed(Exception exception, string name);

    [LoggerMessage(2006, LogLevel.Error, "The log of container {Name} is not rotated any more until its next start")]
    private partial void LogRotationFailed(Exception exception, string name);
}
