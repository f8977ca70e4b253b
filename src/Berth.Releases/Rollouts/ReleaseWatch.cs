using System.Globalization;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Health;
using Berth.Engine.Events;
using Berth.Releases.Ledger;

namespace Berth.Releases.Rollouts;

/// <summary>
/// Judges the new copies of a release for a while after they have taken over: an end, a lack of memory, a failing check, or many connections that were cut off speak against
/// them. What it cannot see at a port: answers that are errors, and slowness.
/// </summary>
internal sealed class ReleaseWatch(EngineHost engine, ReleaseRecord release, IReadOnlyList<Rollout> rollouts)
{
    private const int FewResets = 10; // clients come and go
    private const double ManyResets = 0.1; // of the connections that were accepted
    private static readonly TimeSpan CountersPause = TimeSpan.FromSeconds(2); // the kernel does not announce them
    private readonly CancellationTokenSource _ending = new();

    internal ReleaseRecord Release => release;

    internal IReadOnlyList<Rollout> Rollouts => rollouts;

    /// <summary>Completes when the watch has ended and what follows from it is done: null, or why the release went back.</summary>
    internal Task<string?> Ended { get; set; } = Task.FromResult<string?>(null);

    /// <summary>Ids of the old copies, which are kept in case the new ones do badly.</summary>
    internal IEnumerable<string> Kept => release.Rolled.SelectMany(service => service.Containers).Select(container => container.OldId).OfType<string>();

    /// <summary>Why somebody has taken the release back; null while nobody has.</summary>
    internal string? TakenBack { get; private set; }

    /// <summary>Somebody else has decided.</summary>
    /// <param name="takenBack">Why the release goes back; null when it counts as good.</param>
    internal void End(string? takenBack = null)
    {
        TakenBack = takenBack;
        _ending.Cancel();
    }

    /// <summary>Looks on until the release's <see cref="ReleaseRecord.WatchEnds"/>.</summary>
    /// <returns>Null when nothing speaks against the new copies, else what does.</returns>
    /// <exception cref="OperationCanceledException">It was ended, or the daemon stops.</exception>
    internal async Task<string?> RunAsync(CancellationToken stopping)
    {
        using var events = engine.Events.Subscribe(since: null); // before the first look, so that no change falls in between
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token, stopping);
        var copies = rollouts.SelectMany(rollout => rollout.Serving.Values).ToHashSet(StringComparer.Ordinal);
        if (copies.Select(Judge).OfType<string>().FirstOrDefault() is { } already)
        {
            return already;
        }

        var end = release.WatchEnds - engine.Time.GetUtcNow() ?? TimeSpan.Zero;
        using var over = new CancellationTokenSource(end > TimeSpan.Zero ? end : TimeSpan.Zero, engine.Time);
        using var any = CancellationTokenSource.CreateLinkedTokenSource(either.Token, over.Token);
        var counters = WatchCountersAsync(copies, any.Token);
        try
        {
            while (true)
            {
                var next = events.Reader.ReadAsync(any.Token).AsTask();
                if (await Task.WhenAny(next, counters).ConfigureAwait(false) == counters && await counters.ConfigureAwait(false) is { } counted)
                {
                    return counted;
                }

                var one = await next.ConfigureAwait(false);
                if (copies.Contains(one.ActorId) && (one.Action == "die" ? Died(one) : Judge(one.ActorId)) is { } reason)
                {
                    return reason;
                }
            }
        }
        catch (OperationCanceledException) when (!either.IsCancellationRequested)
        {
            return null; // it has passed
        }
        catch (System.Threading.Channels.ChannelClosedException)
        {
            return "too much happened at once to follow its containers";
        }
        finally
        {
            await any.CancelAsync().ConfigureAwait(false);
        }
    }

    private Container? Find(string id) => engine.Containers.All.FirstOrDefault(container => container.Id == id);

    // What somebody has stopped or removed says nothing about the release.
    private string? Died(EngineEvent one) => Find(one.ActorId) is { Record: { StoppedByRequest: false, Status: not ContainerStatus.Removing } }
        ? $"the new container {one.Attributes.GetValueOrDefault("name")} ended ({one.Attributes.GetValueOrDefault("exitCode")})"
        : null;

    private string? Judge(string id)
    {
        if (Find(id) is not { Record: { StoppedByRequest: false, Status: not ContainerStatus.Removing } record } container)
        {
            return null;
        }

        return record.OomKilled ? OutOfMemory(record)
            : (!record.IsRunning && !container.WillStart) || record.RestartCount > 0 ? string.Create(CultureInfo.InvariantCulture, $"the new container {record.Name} ended ({record.ExitCode})")
            : container.Health is { Status: "unhealthy" } ? $"the new container {record.Name} is unhealthy"
            : null;
    }

    /// <returns>Never, unless a process was killed for want of memory, which its container may survive, or too many connections were cut off.</returns>
    private async Task<string?> WatchCountersAsync(HashSet<string> copies, CancellationToken cancellationToken)
    {
        List<(Container Container, TcpCounters? Before)> watched =
        [
            .. engine.Containers.All.Where(container => copies.Contains(container.Id))
                .Select(container => (container, container.Record.HostConfig.NetworkMode == "host" ? (TcpCounters?)null : TcpCounters.Read(container.Record.Pid))),
        ];
        while (true)
        {
            await Task.Delay(CountersPause, engine.Time, cancellationToken).ConfigureAwait(false);
            foreach (var (container, tcp) in watched)
            {
                if (engine.Cgroups.OutOfMemoryKills(engine.Options.CgroupOf(container.Record)) > 0)
                {
                    return OutOfMemory(container.Record);
                }

                if (tcp is not { } before)
                {
                    continue;
                }

                var now = TcpCounters.Read(container.Record.Pid);
                var (resets, accepted) = (now.Resets - before.Resets, now.Accepted - before.Accepted);
                if (resets > FewResets && resets > accepted * ManyResets)
                {
                    return $"{resets} of {accepted} connections to the new container {container.Name} were cut off";
                }
            }
        }
    }

    private static string OutOfMemory(ContainerRecord record) => $"the new container {record.Name} ran out of memory";
}
