using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace Berth.Engine.Containers;

// How a container's run ends: its exit is seen and recorded, what the run left is taken away, and the restart policy decides.
public sealed partial class ContainerService
{
    private static readonly TimeSpan RestartDelayFirst = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RestartDelayLongest = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RunThatCounts = TimeSpan.FromSeconds(10); // a run this long makes the next delay short again

    private async Task WatchExitAsync(Container container, PidFd conmon)
    {
        await _exits.WaitAsync(conmon).ConfigureAwait(false);
        try
        {
            await HandleExitAsync(container).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or BerthException)
        {
            LogExitFailed(exception, container.Name);
            container.TellWaiters(removed: false, restarting: false); // it has ended, whatever is left of it
        }
    }

    private async Task HandleExitAsync(Container container)
    {
        var restart = false;
        await using (await HoldAsync(container).ConfigureAwait(false))
        {
            var record = container.Record;
            if (!record.IsRunning)
            {
                return; // settled already, by a start that failed
            }

            var exited = Exited(record);
            SignalInit(record, Signals.Kill); // conmon was killed while its container lives: nobody records its output any more
            container.HealthLoop?.Cancel();
            container.Health = null;
            container.Conmon?.Dispose();
            container.Conmon = null;
            restart = ShouldRestart(exited);
            container.Record = exited with { Status = restart ? ContainerStatus.Restarting : ContainerStatus.Exited };
            _ports.TryRemove(record.Id, out _);
            await RefreshTrafficAsync().ConfigureAwait(false); // new connections go elsewhere before the address is gone
            await TearDownAsync(record, processesHaveEnded: HasOwnProcesses(record) && Conmon.ReadExitCode(RunDirectory(record.Id), record.Id) is not null).ConfigureAwait(false);
            Leave(record.Endpoints);
            await SaveExitAsync(container).ConfigureAwait(false);
            if (exited.OomKilled)
            {
                _events.Publish("container", "oom", record.Id, Attributes(record));
            }

            _events.Publish(
                "container", "die", record.Id,
                Attributes(record, ("exitCode", exited.ExitCode.ToString(System.Globalization.CultureInfo.InvariantCulture))));
            if (!restart && record.HostConfig.AutoRemove)
            {
                await RemoveHeldAsync(container, withAnonymousVolumes: true).ConfigureAwait(false);
            }
        }

        container.TellWaiters(removed: false, restarting: restart);
        if (restart)
        {
            ScheduleRestart(container);
        }
    }

    // Whoever waits for the end is told even when there is no room to record it: the next start of the daemon sees it again.
    private async Task SaveExitAsync(Container container)
    {
        try
        {
            await SaveAsync(container, container.Record).ConfigureAwait(false);
        }
        catch (IOException exception) when (DiskSpace.IsExhausted(exception))
        {
            LogExitNotSaved(exception, container.Name);
        }
    }

    private ContainerRecord Exited(ContainerRecord record)
    {
        var directory = RunDirectory(record.Id);
        var code = Conmon.ReadExitCode(directory, record.Id);
        return record with
        {
            Pid = 0,
            ConmonPid = 0,
            ExitCode = code ?? 137,
            Error = code is null ? "conmon, which watches the container, was killed; the container was ended with it" : "",
            OomKilled = File.Exists(directory + "/persist/oom") || File.Exists(directory + "/oom"),
            FinishedAt = _time.GetUtcNow(),
        };
    }

    private bool ShouldRestart(ContainerRecord record) => !_goesDown && !record.StoppedByRequest && record.HostConfig.RestartPolicy switch
    {
        { Name: "always" or "unless-stopped" } => true,
        { Name: "on-failure" } policy => record.ExitCode != 0 && (policy.MaximumRetryCount == 0 || record.RestartCount < policy.MaximumRetryCount),
        _ => false,
    };

    private void ScheduleRestart(Container container)
    {
        var record = container.Record;
        var ran = record.FinishedAt - record.StartedAt ?? TimeSpan.Zero;
        var count = ran >= RunThatCounts ? 0 : record.RestartCount;
        var delay = TimeSpan.FromTicks(Math.Min(RestartDelayLongest.Ticks, RestartDelayFirst.Ticks << Math.Min(count, 20)));
        var cancelled = new CancellationTokenSource();
        container.PendingRestart = cancelled;
        _ = RestartLaterAsync(container, delay, count + 1, cancelled.Token);
    }

    private async Task RestartLaterAsync(Container container, TimeSpan delay, int count, CancellationToken cancellationToken)
    {
        await Task.Delay(delay, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await using (await HoldAsync(container).ConfigureAwait(false))
        {
            if (cancellationToken.IsCancellationRequested || container.Record.Status != ContainerStatus.Restarting)
            {
                return;
            }

            container.PendingRestart = null;
            try
            {
                await StartHeldAsync(container, count).ConfigureAwait(false);
                return;
            }
            catch (Exception exception) when (exception is BerthException or IOException)
            {
                LogRestartFailed(exception, container.Name);
                var failed = container.Record with { Status = ContainerStatus.Exited, RestartCount = count, ExitCode = Math.Max(1, container.Record.ExitCode) };
                var again = ShouldRestart(failed);
                await SaveAsync(container, failed with { Status = again ? ContainerStatus.Restarting : ContainerStatus.Exited }).ConfigureAwait(false);
                if (!again)
                {
                    container.TellWaiters(removed: false, restarting: false);
                    return;
                }
            }
        }

        ScheduleRestart(container);
    }

    private static async Task CancelPendingRestartAsync(Container container)
    {
        if (container.PendingRestart is { } pending)
        {
            container.PendingRestart = null;
            await pending.CancelAsync().ConfigureAwait(false);
        }
    }

    // With a process namespace of its own, the end of the first process is the end of all.
    private static bool HasOwnProcesses(ContainerRecord record) => record.HostConfig.PidMode.Length == 0;

    // Idempotent: takes away whatever a run has left. Processes first, so that their sockets say goodbye; then the links. Where no process
    // is left, both at the same time.
    private async Task TearDownAsync(ContainerRecord record, bool processesHaveEnded = false)
    {
        var runtime = Directory.Exists($"{_runtime.StateRoot}/{record.Id}") ? _runtime.DeleteAsync(record.Id) : Task.CompletedTask;
        if (!processesHaveEnded)
        {
            await runtime.ConfigureAwait(false);
        }

        _faults.Reached("container.end.deleted");
        _wiring.Delete(record.Id, record.Endpoints);
        _faults.Reached("container.end.unwired");
        await runtime.ConfigureAwait(false);
        ContainerFiles.Unmount(DataDirectory(record.Id));
        _faults.Reached("container.end.unmounted");
        var directory = RunDirectory(record.Id);
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [LoggerMessage(2001, LogLevel.Error, "The end of container {Name} could not be handled completely; the next start of the daemon will")]
    private partial void LogExitFailed(Exception exception, string name);

    [LoggerMessage(2007, LogLevel.Error, "The end of container {Name} could not be recorded, as the disk is full")]
    private partial void LogExitNotSaved(Exception exception, string name);

    [LoggerMessage(2002, LogLevel.Warning, "Container {Name} could not be started again")]
    private partial void LogRestartFailed(Exception exception, string name);
}
