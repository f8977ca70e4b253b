using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Engine.Networks;
using Berth.Linux.Processes;

namespace Berth.Engine.Containers;

public sealed partial class ContainerService
{
    private const int DefaultStopTimeoutSeconds = 10;
    private const string RestartIntent = "container.restart";

    /// <summary>Starts a container that does not run.</summary>
    /// <exception cref="BerthException">NotModified when it runs already; otherwise what stood in the way. Nothing of the attempt is left.</exception>
    public async Task StartAsync(Container container)
    {
        await using var held = await HoldAsync(container).ConfigureAwait(false);
        await CancelPendingRestartAsync(container).ConfigureAwait(false);
        if (container.Record.Status == ContainerStatus.Paused)
        {
            throw BerthException.Conflict("cannot start a paused container, try unpause instead");
        }

        if (container.Record.IsRunning)
        {
            throw new BerthException(ErrorKind.NotModified, $"Container {container.Name} is already started");
        }

        await StartHeldAsync(container, restartCount: 0).ConfigureAwait(false);
    }

    /// <summary>
    /// Does all of a start but its last step: network, root file system, and a first process that waits for <see cref="StartAsync"/> to become the program. Until then the
    /// container counts as not running. Without effect on one that runs, or is prepared already.
    /// </summary>
    /// <exception cref="BerthException">What stood in the way; nothing of the attempt is left.</exception>
    public async Task PrepareStartAsync(Container container)
    {
        await using var held = await HoldAsync(container).ConfigureAwait(false);
        var record = container.Record;
        if (record.IsRunning || container.Prepared is not null)
        {
            return;
        }

        await using var intent = await _state.BeginIntentAsync("container.start", record.Id, EngineJson.Bytes(record)).ConfigureAwait(false);
        try
        {
            using var joining = Join(record);
            _ports[record.Id] = await AllocatePortsAsync(record).ConfigureAwait(false);
            var (started, conmon) = await RunAsync(container, record).ConfigureAwait(false);
            container.Prepared = new(started, conmon, intent);
            await RefreshTrafficAsync().ConfigureAwait(false); // names are answered in it from the first moment
        }
        catch (Exception exception)
        {
            await FailedStartAsync(container, exception, intent).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Asks the program to end, and ends it after the timeout.</summary>
    /// <param name="timeoutSeconds">Null: the container's own, else 10; negative: for ever.</param>
    public async Task StopAsync(Container container, string? signal, int? timeoutSeconds)
    {
        var willStart = container.WillStart;
        await CancelPendingRestartAsync(container).ConfigureAwait(false);
        if (willStart || container.Record.Status == ContainerStatus.Restarting)
        {
            await using var held = await HoldAsync(container).ConfigureAwait(false);
            if (!container.Record.IsRunning)
            {
                await SaveAsync(container, container.Record with { Status = ContainerStatus.Exited, StoppedByRequest = true }).ConfigureAwait(false);
                container.TellWaiters(removed: false, restarting: false);
                return;
            }
        }

        if (!container.Record.IsRunning)
        {
            throw new BerthException(ErrorKind.NotModified, $"Container {container.Name} is already stopped");
        }

        var exit = container.WaitAsync(WaitCondition.NextExit);
        await using (await HoldAsync(container).ConfigureAwait(false))
        {
            await SaveAsync(container, container.Record with { StoppedByRequest = true }).ConfigureAwait(false);
        }

        await AskToEndAsync(container, exit, signal, timeoutSeconds).ConfigureAwait(false);
        _events.Publish("container", "stop", container.Id, Attributes(container.Record));
    }

    /// <summary>
    /// Ends every container because the machine goes down: each is asked to and has its own time. What a restart policy wants to run
    /// is started again by the next daemon.
    /// </summary>
    public async Task ShutDownAsync()
    {
        _goesDown = true;
        await Task.WhenAll(_containers.Values.Where(container => container.Record.Status is ContainerStatus.Running or ContainerStatus.Paused).Select(async container =>
        {
            var exit = container.WaitAsync(WaitCondition.NextExit);
            if (container.Record.IsRunning)
            {
                await AskToEndAsync(container, exit, signal: null, timeoutSeconds: null).ConfigureAwait(false);
            }
        })).ConfigureAwait(false);
    }

    private async Task AskToEndAsync(Container container, Task exit, string? signal, int? timeoutSeconds)
    {
        var number = Signals.Parse(signal ?? container.Record.Config.StopSignal, Signals.Term);
        PublishKill(container.Record, number);
        SignalInit(container.Record, number);
        if (container.Record.Status == ContainerStatus.Paused)
        {
            await _runtime.PauseAsync(container.Id, pause: false).ConfigureAwait(false); // a frozen process takes no signal
        }

        var seconds = timeoutSeconds ?? container.Record.Config.StopTimeout ?? DefaultStopTimeoutSeconds;
        using var timeout = new CancellationTokenSource();
        if (seconds >= 0)
        {
            timeout.CancelAfter(TimeSpan.FromSeconds(seconds));
        }

        try
        {
            await exit.WaitAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            PublishKill(container.Record, Signals.Kill);
            SignalInit(container.Record, Signals.Kill);
            await exit.ConfigureAwait(false);
        }
    }

    /// <summary>Sends a signal to the container's first process.</summary>
    public async Task KillAsync(Container container, string? signal)
    {
        var number = Signals.Parse(signal, Signals.Kill);
        if (!container.Record.IsRunning)
        {
            throw BerthException.Conflict($"cannot kill container: {container.Name}: container {container.Id} is not running");
        }

        var exit = container.WaitAsync(WaitCondition.NextExit);
        if (number is Signals.Kill or Signals.Term || number == Signals.Parse(container.Record.Config.StopSignal, Signals.Term))
        {
            await using var held = await HoldAsync(container).ConfigureAwait(false);
            await SaveAsync(container, container.Record with { StoppedByRequest = true }).ConfigureAwait(false);
        }

        SignalInit(container.Record, number);
        PublishKill(container.Record, number);
        if (number == Signals.Kill)
        {
            await UnfreezeIfPausedAsync(container).ConfigureAwait(false);
            await exit.ConfigureAwait(false);
        }
    }

    /// <summary>Stops and starts. A daemon that is killed meanwhile has the next one do it: whoever asks for a restart wants it to run.</summary>
    public async Task RestartAsync(Container container, string? signal, int? timeoutSeconds)
    {
        if (container.Record.Status is not (ContainerStatus.Running or ContainerStatus.Paused))
        {
            await StartAgainAsync(container).ConfigureAwait(false);
            return;
        }

        await using var intent = await _state.BeginIntentAsync(RestartIntent, container.Id, EngineJson.Bytes(container.Record)).ConfigureAwait(false);
        try
        {
            await StopAsync(container, signal, timeoutSeconds).ConfigureAwait(false);
            await StartAgainAsync(container).ConfigureAwait(false);
        }
        finally
        {
            await intent.CompleteAsync().ConfigureAwait(false);
        }
    }

    private async Task StartAgainAsync(Container container)
    {
        await using (await HoldAsync(container).ConfigureAwait(false))
        {
            if (!container.Record.IsRunning)
            {
                await StartHeldAsync(container, restartCount: 0).ConfigureAwait(false);
            }
        }

        _events.Publish("container", "restart", container.Id, Attributes(container.Record));
    }

    public async Task PauseAsync(Container container, bool pause)
    {
        await using var held = await HoldAsync(container).ConfigureAwait(false);
        var wanted = pause ? ContainerStatus.Running : ContainerStatus.Paused;
        if (container.Record.Status != wanted)
        {
            throw BerthException.Conflict(
                !container.Record.IsRunning ? $"container {container.Id} is not running" : pause ? $"Container {container.Name} is already paused" : $"Container {container.Name} is not paused");
        }

        await _runtime.PauseAsync(container.Id, pause).ConfigureAwait(false);
        await SaveAsync(container, container.Record with { Status = pause ? ContainerStatus.Paused : ContainerStatus.Running }).ConfigureAwait(false);
        _events.Publish("container", pause ? "pause" : "unpause", container.Id, Attributes(container.Record));
    }

    /// <summary>The lines of ps(1), run with arguments that a client gave.</summary>
    /// <exception cref="BerthException">ps refused them.</exception>
    public async Task<IReadOnlyList<string>> ListProcessesAsync(IReadOnlyList<string> arguments)
    {
        if (!File.Exists("/usr/bin/ps"))
        {
            throw new BerthException(ErrorKind.Failed, "the arguments of top are those of the program ps, which is not installed: apt-get install procps");
        }

        var result = await _runtime.Commands.RunAsync("/usr/bin/ps", arguments).ConfigureAwait(false);
        return result.ExitCode == 0 ? result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries) : throw BerthException.Invalid($"ps: {result.Error.Split('\n', 2)[0].Trim()}");
    }

    private async Task KillAndWaitAsync(Container container)
    {
        await CancelPendingRestartAsync(container).ConfigureAwait(false);
        if (!container.Record.IsRunning)
        {
            return;
        }

        var exit = container.WaitAsync(WaitCondition.NextExit);
        await using (await HoldAsync(container).ConfigureAwait(false))
        {
            if (!container.Record.IsRunning)
            {
                return;
            }

            await SaveAsync(container, container.Record with { StoppedByRequest = true }).ConfigureAwait(false);
        }

        SignalInit(container.Record, Signals.Kill);
        await UnfreezeIfPausedAsync(container).ConfigureAwait(false);
        await exit.ConfigureAwait(false);
    }

    private async Task UnfreezeIfPausedAsync(Container container)
    {
        if (container.Record.Status == ContainerStatus.Paused)
        {
            await _runtime.PauseAsync(container.Id, pause: false).ConfigureAwait(false);
        }
    }

    private void PublishKill(ContainerRecord record, int signal) =>
        _events.Publish("container", "kill", record.Id, Attributes(record, ("signal", signal.ToString(System.Globalization.CultureInfo.InvariantCulture))));

    private static void SignalInit(ContainerRecord record, int signal)
    {
        using var init = PidFd.OpenRecorded(record.Pid, record.PidStartTicks);
        init?.Signal(signal); // gone already: its end is on the way to us
    }

    // The caller holds the gate and has seen that it does not run.
    private async Task StartHeldAsync(Container container, int restartCount)
    {
        if (container.IsRemoved)
        {
            throw BerthException.NotFound($"No such container: {container.Id}");
        }

        if (container.Prepared is null)
        {
            await JoinAgainOrFailAsync(container).ConfigureAwait(false);
        }

        var record = container.Record;
        var prepared = container.Prepared;
        await using var intent = prepared?.Intent ?? await _state.BeginIntentAsync("container.start", record.Id, EngineJson.Bytes(record)).ConfigureAwait(false);
        try
        {
            if (prepared is not null && !ReferenceEquals(prepared.Record.Endpoints, record.Endpoints))
            {
                await TearDownAsync(record).ConfigureAwait(false); // it was joined to another network meanwhile
                prepared.Conmon.Dispose();
                container.Prepared = prepared = null;
            }

            using var joining = Join(record);
            if (prepared is null)
            {
                if (File.Exists(_wiring.NamespacePath(record.Id)))
                {
                    await TearDownAsync(record).ConfigureAwait(false); // its last end could not do it
                }

                _ports[record.Id] = await AllocatePortsAsync(record).ConfigureAwait(false);
            }

            // What has become of a prepared one meanwhile, its name and whether it is in service, stays.
            var started = prepared is null
                ? await RunAsync(container, record).ConfigureAwait(false)
                : (Record: Started(container, record, prepared.Record.Pid, prepared.Record.ConmonPid) with
                {
                    PidStartTicks = prepared.Record.PidStartTicks, ConmonStartTicks = prepared.Record.ConmonStartTicks, // whose processes those were then
                }, prepared.Conmon);
            container.Conmon = started.Conmon;
            StartHealth(container, started.Record);
            await SaveAsync(container, started.Record with { RestartCount = restartCount }, intent).ConfigureAwait(false);
            container.Prepared = null;
            container.Attachments.ConnectPending(RunDirectory(record.Id));
            var refreshed = RefreshTrafficAsync();
            if (prepared is null)
            {
                await refreshed.ConfigureAwait(false); // the program may ask for names at once
            }

            await Task.WhenAll(refreshed, _runtime.StartAsync(record.Id)).ConfigureAwait(false);
            _faults.Reached("container.start.started");
            PublishJoined(record, joined: true);
            _events.Publish("container", "start", record.Id, Attributes(record));
            container.ExitHandling = WatchExitAsync(container, started.Conmon);
            StartRotation(container);
        }
        catch (Exception exception)
        {
            await FailedStartAsync(container, exception, intent).ConfigureAwait(false);
            throw;
        }
    }

    private async Task JoinAgainOrFailAsync(Container container)
    {
        try
        {
            await JoinAgainAsync(container).ConfigureAwait(false);
        }
        catch (BerthException exception)
        {
            await SaveAsync(container, container.Record with { ExitCode = 128, Error = exception.Message }).ConfigureAwait(false);
            throw;
        }
    }

    private async Task FailedStartAsync(Container container, Exception exception, State.Intent intent)
    {
        container.Prepared = null;
        _ports.TryRemove(container.Id, out _);
        container.HealthLoop?.Cancel();
        container.Health = null;
        container.Conmon?.Dispose();
        container.Conmon = null;
        await TearDownAsync(container.Record).ConfigureAwait(false);
        container.Attachments.DropPending();
        container.Attachments.EndRun();
        var exitCode = exception is BerthException ? RuntimeFailure.ExitCode(exception.Message) ?? 128 : 128;
        await SaveAsync(
            container,
            container.Record with
            {
                Status = container.Record.StartedAt is null || container.Record.Status == ContainerStatus.Created ? ContainerStatus.Created : ContainerStatus.Exited,
                Pid = 0, ConmonPid = 0, ExitCode = exitCode, Error = exception.Message,
            },
            intent).ConfigureAwait(false);
        await RefreshTrafficAsync().ConfigureAwait(false);
        Leave(container.Record.Endpoints);
        if (container.Record.HostConfig.AutoRemove)
        {
            await RemoveHeldAsync(container, withAnonymousVolumes: true).ConfigureAwait(false);
        }
        else
        {
            container.TellWaiters(removed: false, restarting: false);
        }
    }

    /// <summary>Who has a host port now, as it stands in a message; null when nobody has.</summary>
    /// <param name="protocol"><c>tcp</c>, <c>udp</c> or <c>sctp</c>.</param>
    /// <param name="hostIp">Empty for every address.</param>
    /// <param name="mayShare">Containers that do not stand in the way.</param>
    public string? PortHolder(string protocol, string hostIp, int port, Func<ContainerRecord, bool> mayShare) => PortAllocation.HolderOf(
        protocol, hostIp, port, _containers.Values.Where(other => other.Record.IsRunning && !mayShare(other.Record)).Select(other => (other.Record, PortsOf(other))), _edge.Pid);

    private async Task<IReadOnlyList<PortMapping>> AllocatePortsAsync(ContainerRecord record)
    {
        var networks = _networks.All;
        var translating = Publishing.Ipv4(record, networks) ?? Publishing.Ipv6(record, networks);
        if (record.HostConfig.PortBindings is not { Count: > 0 } || translating is not var (network, _))
        {
            return [];
        }

        await _portGate.WaitAsync().ConfigureAwait(false);
        try
        {
            var others = _containers.Values.Where(other => other.Id != record.Id && _ports.ContainsKey(other.Id))
                .Select(other => (other.Record, PortsOf(other))).ToList();
            var ports = PortAllocation.Allocate(record, others, (protocol, address, port) => PortAllocation.Holder(protocol, address, port, _edge.Pid), network.Settings.HostBinding);
            _ports[record.Id] = ports; // taken from now on
            return ports;
        }
        finally
        {
            _portGate.Release();
        }
    }
}
