using System.Globalization;
using Berth.Engine.Containers.Files;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Linux.Cgroups;
using Berth.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace Berth.Engine.Containers;

// How a container's run ends: its exit is seen and recorded, what the run left is taken away, and the restart policy decides.
public sealed partial class ContainerService
{
    private static readonly TimeSpan RestartDelayFirst = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RestartDelayLongest = TimeSpan.FromMinutes(1);
    private const int ExitCodeOfRestart = 255;
    private static readonly TimeSpan RunThatCounts = TimeSpan.FromSeconds(10); // a run this long makes the next delay short again

    private static readonly TimeSpan NextTry = TimeSpan.FromSeconds(5); // at what a shortage has kept from being done

    private async Task WatchExitAsync(Container container, PidFd conmon)
    {
        await _exits.WaitAsync(conmon).ConfigureAwait(false);
        try
        {
            await HandleExitAsync(container).ConfigureAwait(false);
        }
        catch (Exception exception) // whatever it is: an end that nobody handles is one that nobody sees
        {
            LogExitFailed(exception, container.Name);
            container.TellWaiters(removed: false, restarting: false); // it has ended, whatever is left of it
            _ = FinishExitAsync(container, container.Record);
        }
        finally
        {
            container.Attachments.EndRun();
        }
    }

    // What its end could not do, for there was no room for another process or no memory: until it is done, or the container is started again or removed, which do it as well.
    private async Task FinishExitAsync(Container container, ContainerRecord ended)
    {
        while (true)
        {
            await Task.Delay(NextTry, _time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_closing.IsCancellationRequested)
            {
                return; // the next daemon does it
            }

            try
            {
                if (ended.IsRunning)
                {
                    await HandleExitAsync(container).ConfigureAwait(false);
                    return;
                }

                await using var held = await HoldAsync(container).ConfigureAwait(false);
                if (container.IsRemoved || !ReferenceEquals(container.Record, ended))
                {
                    return;
                }

                await TearDownAsync(ended).ConfigureAwait(false);
                await SaveAsync(container, ended).ConfigureAwait(false);
                Leave(ended.Endpoints);
                if (ended.Status == ContainerStatus.Restarting)
                {
                    ScheduleRestart(container);
                }
                else if (ended.HostConfig.AutoRemove)
                {
                    await RemoveHeldAsync(container, withAnonymousVolumes: true).ConfigureAwait(false);
                }

                return;
            }
            catch (Exception exception) // whatever it is: an end that nobody handles is one that nobody sees
            {
                LogExitFailed(exception, container.Name);
            }
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

            var isRestarted = IsMachineRestarted(record);
            var memory = IsOutOfMemory(record) ? CgroupUsage.Read(_cgroups, _options.CgroupOf(record)) : null; // as long as its group is there
            var exited = Exited(record, isRestarted, memory);
            SignalInit(record, Signals.Kill); // conmon was killed while its container lives: nobody records its output any more
            await UnfreezeIfPausedAsync(container).ConfigureAwait(false); // a frozen process takes no signal
            container.HealthLoop?.Cancel();
            container.Health = null;
            container.Conmon?.Dispose();
            container.Conmon = null;
            await container.EndRotationAsync().ConfigureAwait(false);
            restart = !isRestarted && ShouldRestart(exited);
            container.Record = exited with { Status = restart ? ContainerStatus.Restarting : ContainerStatus.Exited };
            _ports.TryRemove(record.Id, out _);
            await RefreshTrafficAsync().ConfigureAwait(false); // new connections go elsewhere before the address is gone
            await TakeDownAsync(record, processesHaveEnded: HasOwnProcesses(record) && Conmon.ReadExitCode(RunDirectory(record.Id), record.Id) is not null).ConfigureAwait(false);
            if (await SaveExitAsync(container).ConfigureAwait(false))
            {
                DeleteRun(record); // it says how the container ended: only once that is recorded
            }

            Leave(record.Endpoints);
            if (exited.OomKilled)
            {
                _events.Publish("container", "oom", record.Id, Attributes(record, ("memory", Number(memory?.MemoryPeak)), ("memoryLimit", Number(memory?.MemoryLimit))));
            }

            (string, string)[] reason = exited.Error.Length > 0 ? [("reason", exited.Error)] : []; // what Docker does not tell
            _events.Publish("container", "die", record.Id, Attributes(record, [("exitCode", Number(exited.ExitCode)), .. reason]));
            PublishJoined(record, joined: false);
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

    private static string Number(long? number) => (number ?? 0).ToString(CultureInfo.InvariantCulture);

    // Whoever waits for the end is told even when there is no room to record it: the next start of the daemon sees it again.
    private async Task<bool> SaveExitAsync(Container container)
    {
        try
        {
            await SaveAsync(container, container.Record).ConfigureAwait(false);
            return true;
        }
        catch (IOException exception) when (Shortage.IsOfRoom(exception))
        {
            LogExitNotSaved(exception, container.Name);
            return false;
        }
    }

    private ContainerRecord Exited(ContainerRecord record, bool isMachineRestarted, CgroupUsage? memory)
    {
        if (isMachineRestarted)
        {
            return record with
            {
                Pid = 0, ConmonPid = 0, ExitCode = ExitCodeOfRestart, Error = "the machine was restarted while the container ran", OomKilled = false, RestartCount = 0, FinishedAt = _time.GetUtcNow(),
            };
        }

        var directory = RunDirectory(record.Id);
        var code = Conmon.ReadExitCode(directory, record.Id);
        var isOutOfMemory = IsOutOfMemory(record);
        return record with
        {
            Pid = 0,
            ConmonPid = 0,
            ExitCode = code ?? 137,
            Error = code is null ? "conmon, which watches the container, was killed; the container was ended with it"
                : isOutOfMemory ? OutOfMemory(memory)
                : record is { EndedForHealth: true, StoppedByRequest: false } ? $"it was unhealthy and has the label {RestartUnhealthyLabel}: it is started again" : "",
            OomKilled = isOutOfMemory,
            FinishedAt = _time.GetUtcNow(),
        };
    }

    private bool IsOutOfMemory(ContainerRecord record) => File.Exists(RunDirectory(record.Id) + "/persist/oom") || File.Exists(RunDirectory(record.Id) + "/oom"); // conmon writes it

    private static string OutOfMemory(CgroupUsage? memory) => memory is null
        ? "out of memory: the kernel killed a process of it at its memory limit"
        : string.Create(CultureInfo.InvariantCulture, $"out of memory: the kernel killed a process of it at its limit of {memory.MemoryLimit >> 20} MiB; at most {memory.MemoryPeak >> 20} MiB were in use. Give it more memory, or find what uses it");

    // All that a run keeps in memory is gone, and an end that was seen is recorded before that is taken away. That is no failure of the container: its policy counts no
    // try, and "on-failure" does not apply, as with Docker.
    private bool IsMachineRestarted(ContainerRecord record) => !Directory.Exists(RunDirectory(record.Id));

    private bool ShouldRestart(ContainerRecord record) => !_goesDown && !record.StoppedByRequest && (record.EndedForHealth || record.HostConfig.RestartPolicy switch
    {
        { Name: "always" or "unless-stopped" } => true,
        { Name: "on-failure" } policy => record.ExitCode != 0 && (policy.MaximumRetryCount == 0 || record.RestartCount < policy.MaximumRetryCount),
        _ => false,
    });

    // Its record says what for before it is asked to end: a daemon that is killed meanwhile leaves one that the next starts again.
    private async Task EndUnhealthyAsync(Container container)
    {
        var exit = container.WaitAsync(WaitCondition.NextExit);
        await using (await HoldAsync(container).ConfigureAwait(false))
        {
            if (container.Record is not { Status: ContainerStatus.Running, StoppedByRequest: false } || container.Health?.Status != "unhealthy")
            {
                return;
            }

            LogUnhealthy(container.Name);
            await SaveAsync(container, container.Record with { EndedForHealth = true }).ConfigureAwait(false);
        }

        await AskToEndAsync(container, exit, signal: null, timeoutSeconds: null).ConfigureAwait(false);
    }

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

    // Idempotent: takes away whatever a run has left.
    private async Task TearDownAsync(ContainerRecord record)
    {
        await TakeDownAsync(record, processesHaveEnded: false).ConfigureAwait(false);
        DeleteRun(record);
    }

    // Processes first, so that their sockets say goodbye; then the links. Where no process is left, both at the same time.
    private async Task TakeDownAsync(ContainerRecord record, bool processesHaveEnded)
    {
        var runtime = Directory.Exists($"{_runtime.StateRoot}/{record.Id}") ? _runtime.DeleteAsync(record.Id) : Task.CompletedTask;
        if (!processesHaveEnded)
        {
            await runtime.ConfigureAwait(false);
        }

        _faults.Reached("container.end.deleted");
        await _wiring.DeleteAsync(record.Id, record.Endpoints).ConfigureAwait(false);
        _faults.Reached("container.end.unwired");
        await runtime.ConfigureAwait(false);
        ContainerFiles.Unmount(DataDirectory(record.Id));
        await _volumes.UnmountAsync(record, All).ConfigureAwait(false);
        _faults.Reached("container.end.unmounted");
    }

    private void DeleteRun(ContainerRecord record)
    {
        FolderDeletion.Delete(RunDirectory(record.Id)); // a conmon that is ending may still write its container's end
        _faults.Reached("container.end.forgotten");
    }

    [LoggerMessage(2001, LogLevel.Error, "The end of container {Name} could not be handled completely; that is tried again, and the next start of the daemon does it")]
    private partial void LogExitFailed(Exception exception, string name);

    [LoggerMessage(2007, LogLevel.Error, "The end of container {Name} could not be recorded, as the disk is full")]
    private partial void LogExitNotSaved(Exception exception, string name);

    [LoggerMessage(2008, LogLevel.Warning, "Container {Name} is unhealthy, and its label asks for it to be started again")]
    private partial void LogUnhealthy(string name);

    [LoggerMessage(2002, LogLevel.Warning, "Container {Name} could not be started again")]
    private partial void LogRestartFailed(Exception exception, string name);
}
