using Berth.Linux.Processes;

namespace Berth.Engine.Containers;

/// <summary>
/// A container as the running daemon knows it: its record, and what only lives in this process. Its record is
/// replaced while <see cref="Gate"/> is held; reading needs no lock.
/// </summary>
public sealed class Container(ContainerRecord record)
{
    private volatile ContainerRecord _record = record;
    private readonly Lock _waitersGate = new();
    private readonly List<(WaitCondition Condition, TaskCompletionSource<ContainerExit> Source)> _waiters = [];

    public ContainerRecord Record
    {
        get => _record;
        internal set => _record = value;
    }

    public string Id => _record.Id;

    public string Name => _record.Name;

    /// <summary>What the health check last said; null without one.</summary>
    public HealthState? Health { get; internal set; }

    /// <summary>After each health check, whether its verdict changed or not.</summary>
    public event Action<HealthState>? HealthChecked;

    /// <summary>Orders the operations on this container.</summary>
    internal SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>Held while the names of log files change or are looked at.</summary>
    internal Lock LogNames { get; } = new();

    internal PidFd? Conmon { get; set; }

    /// <summary>Keeps the log of the present run within its limits; see <see cref="EndRotationAsync"/>.</summary>
    internal (Task Running, TaskCompletionSource Ending)? Rotation { get; set; }

    /// <summary>Afterwards nobody makes or renames files of the log any more: before they are deleted.</summary>
    internal async Task EndRotationAsync()
    {
        if (Rotation is var (running, ending))
        {
            ending.TrySetResult();
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Rotation = null;
        }
    }

    /// <summary>It was taken away under its gate: whoever waited for that finds nothing.</summary>
    internal bool IsRemoved { get; set; }

    /// <summary>All of a start but its last step, done beforehand; null without one.</summary>
    internal PreparedStart? Prepared { get; set; }

    internal Attach.AttachHub Attachments { get; } = new();

    internal Task ExitHandling { get; set; } = Task.CompletedTask;

    internal CancellationTokenSource? HealthLoop { get; set; }

    internal CancellationTokenSource? PendingRestart { get; set; }

    /// <summary>It does not run, and will be started without anybody asking: by its restart policy, or once what it depends on is there.</summary>
    public bool WillStart => PendingRestart is not null;

    internal bool KillRequested { get; set; }

    internal void TellHealth(HealthState state)
    {
        Health = state;
        HealthChecked?.Invoke(state);
    }

    /// <summary>Completes at the container's next end (or, for <see cref="WaitCondition.NotRunning"/>, at once when it does not run).</summary>
    public Task<ContainerExit> WaitAsync(WaitCondition condition)
    {
        lock (_waitersGate)
        {
            var record = Record;
            if (condition == WaitCondition.NotRunning && record.Status is not (ContainerStatus.Running or ContainerStatus.Paused or ContainerStatus.Restarting))
            {
                return Task.FromResult(new ContainerExit(record.ExitCode, record.Error));
            }

            var source = new TaskCompletionSource<ContainerExit>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((condition, source));
            return source.Task;
        }
    }

    internal void TellWaiters(bool removed, bool restarting)
    {
        lock (_waitersGate)
        {
            var exit = new ContainerExit(Record.ExitCode, Record.Error);
            _waiters.RemoveAll(waiter =>
            {
                var isDue = removed || waiter.Condition == WaitCondition.NextExit || (waiter.Condition == WaitCondition.NotRunning && !restarting);
                return isDue && waiter.Source.TrySetResult(exit);
            });
        }
    }
}

public enum WaitCondition
{
    NotRunning,
    NextExit,
    Removed,
}

/// <summary>How a container ended. <see cref="Error"/> is empty unless it could not be started.</summary>
public sealed record ContainerExit(int ExitCode, string Error);

/// <summary>Docker Engine API, "Health". Immutable; replaced whole.</summary>
public sealed record HealthState
{
    /// <summary><c>starting</c>, <c>healthy</c> or <c>unhealthy</c>.</summary>
    public required string Status { get; init; }

    public int FailingStreak { get; init; }

    /// <summary>The last five results, oldest first.</summary>
    public IReadOnlyList<HealthResult> Log { get; init; } = [];
}

public sealed record HealthResult(DateTimeOffset Start, DateTimeOffset End, int ExitCode, string Output);

/// <summary>A container's first process waits for the word to become the program.</summary>
/// <param name="Record">As it is once it runs, as far as that was known.</param>
/// <param name="Intent">Open until it runs, or is taken away.</param>
internal sealed record PreparedStart(ContainerRecord Record, PidFd Conmon, State.Intent Intent);
