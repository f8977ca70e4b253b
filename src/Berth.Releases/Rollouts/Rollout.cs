using Berth.Engine.Errors;
using Berth.Releases.Planning;

namespace Berth.Releases.Rollouts;

/// <summary>
/// The containers of one service take over from one another, in turns; <see cref="RollOrder"/> says how. The old copies are kept, running where there is room:
/// <see cref="GoBackAsync"/> has them serve again, <see cref="FinishAsync"/> takes them away.
/// </summary>
/// <remarks>Keeps no state that the containers do not show too, so that after a kill the next daemon can go on from them.</remarks>
internal sealed class Rollout(RollSettings settings, IReadOnlyList<RollSlot> slots, IRollTarget target, TimeProvider time)
{
    private readonly Dictionary<RollSlot, string> _new = []; // that serve
    private readonly List<string> _warm = []; // old copies that run out of service, oldest turn first
    private readonly List<string> _cold = []; // old copies that are stopped

    internal string Service => slots[0].Service;

    internal RollSettings Settings => settings;

    /// <summary>The turns that were taken: slot, and id of its new copy.</summary>
    internal IReadOnlyDictionary<RollSlot, string> Serving => _new;

    /// <summary>How long nobody served, where a copy had to end before the next one could start.</summary>
    internal TimeSpan Gap { get; private set; }

    /// <summary>Continues a rollout all of whose turns were taken before, by an earlier daemon.</summary>
    /// <param name="isRunning">Of an old copy's id; null when it is gone.</param>
    internal static Rollout Resume(RollSettings settings, IReadOnlyList<(RollSlot Slot, string NewId)> turns, Func<string, bool?> isRunning, IRollTarget target, TimeProvider time)
    {
        var rollout = new Rollout(settings, [.. turns.Select(turn => turn.Slot)], target, time);
        foreach (var (slot, id) in turns)
        {
            rollout._new[slot] = id;
            if (slot.OldId is { } old && isRunning(old) is { } runs)
            {
                (runs ? rollout._warm : rollout._cold).Add(old);
            }
        }

        return rollout;
    }

    /// <summary>All turns, one after the other.</summary>
    /// <exception cref="BerthException">More new copies failed than may. Unless the settings say otherwise, the old ones serve again.</exception>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        var failures = new List<BerthException>();
        var turns = slots.Chunk(settings.Parallelism).ToList();
        for (var i = 0; i < turns.Count; i++)
        {
            if (i > 0 && settings.Delay > TimeSpan.Zero)
            {
                await Task.Delay(settings.Delay, time, cancellationToken).ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                failures.AddRange(await TakeTurnAsync(turns[i], cancellationToken).ConfigureAwait(false));
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                await GoBackAsync().ConfigureAwait(false); // unforeseen: no half of a service stays behind
                throw;
            }

            var mayGoOn = failures.Count <= settings.MaximumFailureRatio * slots.Count || settings.FailureAction == FailureAction.Continue;
            if (failures.Count == slots.Count || !mayGoOn)
            {
                await GiveUpAsync(failures).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The old copies serve again, and the new ones go.</summary>
    internal async Task GoBackAsync()
    {
        if (settings.Order == RollOrder.Alone)
        {
            await Task.WhenAll(_new.Values.Select(target.StopHeldAsync)).ConfigureAwait(false); // before the old ones start: never two at once
        }

        List<RollSlot> returning = [.. slots.Where(slot => slot.OldId is { } old && (_warm.Contains(old) || _cold.Contains(old)))];
        if (settings.Order != RollOrder.Alone)
        {
            await RestartAsync(returning).ConfigureAwait(false);
        }

        await target.SwitchAsync(
        [
            .. _new.Select(pair => new RollSwitch(pair.Value, InService: false, pair.Key.NextName)),
            .. returning.Select(slot => new RollSwitch(slot.OldId!, InService: true, slot.Name)),
        ]).ConfigureAwait(false);
        if (settings.Order == RollOrder.Alone)
        {
            await RestartAsync(returning).ConfigureAwait(false);
        }

        await Task.WhenAll(_new.Values.Select(TakeAwayAsync)).ConfigureAwait(false);
        _new.Clear();
        _warm.Clear();
        _cold.Clear();
    }

    /// <summary>The new copies have proved themselves: the old ones end what they were asked, and go.</summary>
    internal async Task FinishAsync()
    {
        await Task.WhenAll(_warm.Concat(_cold).Select(TakeAwayAsync)).ConfigureAwait(false);
        _warm.Clear();
        _cold.Clear();
    }

    private async Task TakeAwayAsync(string id)
    {
        await target.CoolAsync(id, settings.Drain).ConfigureAwait(false);
        await target.RemoveAsync(id).ConfigureAwait(false);
    }

    // Old copies that were stopped. They were good enough before, and there is nothing better to go back to: a failure is not looked at.
    private async Task RestartAsync(IReadOnlyList<RollSlot> slots)
    {
        List<string> cold = [.. slots.Select(slot => slot.OldId!).Where(_cold.Contains)];
        await Task.WhenAll(cold.Select(async id =>
        {
            await target.StartAsync(id).ConfigureAwait(false);
            await target.WaitUntilReadyAsync(id, CancellationToken.None).ConfigureAwait(false);
        })).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _cold.RemoveAll(cold.Contains);
    }

    private async Task GiveUpAsync(IReadOnlyList<BerthException> failures)
    {
        var reason = string.Join('\n', failures.Select(failure => failure.Message).Distinct());
        if (settings.FailureAction == FailureAction.Pause)
        {
            throw new BerthException(
                failures[0].Kind, $"Service '{Service}' is replaced in part and stays so (failure_action: pause): {_new.Count} of {slots.Count} new containers serve. {reason}");
        }

        await GoBackAsync().ConfigureAwait(false);
        throw new BerthException(failures[0].Kind, reason, failures[0]);
    }

    private Task<IReadOnlyList<BerthException>> TakeTurnAsync(RollSlot[] turn, CancellationToken cancellationToken) => settings.Order switch
    {
        RollOrder.StartFirst => StartFirstAsync(turn, cancellationToken),
        RollOrder.StopFirst => StopFirstAsync(turn, cancellationToken),
        _ => AloneAsync(turn, cancellationToken),
    };

    private async Task<IReadOnlyList<BerthException>> StartFirstAsync(RollSlot[] turn, CancellationToken cancellationToken)
    {
        await MakeRoomAsync(turn.Length).ConfigureAwait(false);
        var failures = new List<BerthException>();
        var ready = (await Task.WhenAll(turn.Select(slot => BringUpAsync(slot, failures, cancellationToken))).ConfigureAwait(false)).OfType<(RollSlot Slot, string Id)>().ToList();
        await TakeOverAsync(ready).ConfigureAwait(false);
        foreach (var (slot, _) in ready.Where(one => one.Slot.OldId is not null))
        {
            _warm.Add(slot.OldId!);
        }

        return failures;
    }

    private async Task<IReadOnlyList<BerthException>> StopFirstAsync(RollSlot[] turn, CancellationToken cancellationToken)
    {
        List<RollSlot> leaving = [.. turn.Where(slot => slot.OldId is not null)];
        await target.SwitchAsync([.. leaving.Select(slot => new RollSwitch(slot.OldId!, InService: false, slot.PreviousName))]).ConfigureAwait(false);
        await Task.WhenAll(leaving.Select(slot => target.CoolAsync(slot.OldId!, settings.Drain))).ConfigureAwait(false);
        _cold.AddRange(leaving.Select(slot => slot.OldId!));
        var failures = new List<BerthException>();
        var ready = (await Task.WhenAll(turn.Select(slot => BringUpAsync(slot, failures, cancellationToken))).ConfigureAwait(false)).OfType<(RollSlot Slot, string Id)>().ToList();
        await TakeOverAsync(ready).ConfigureAwait(false);
        List<RollSlot> failed = [.. leaving.Except(ready.Select(one => one.Slot))];
        await RestartAsync(failed).ConfigureAwait(false);
        await target.SwitchAsync([.. failed.Select(slot => new RollSwitch(slot.OldId!, InService: true, slot.Name))]).ConfigureAwait(false);
        return failures;
    }

    // All is made before the first one ends, so that the gap is the programs' own end and start.
    private async Task<IReadOnlyList<BerthException>> AloneAsync(RollSlot[] turn, CancellationToken cancellationToken)
    {
        var made = new List<(RollSlot Slot, string Id)>();
        try
        {
            foreach (var slot in turn)
            {
                made.Add((slot, await target.MakeAsync(slot).ConfigureAwait(false)));
                await target.PrepareAsync(made[^1].Id).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            await Task.WhenAll(made.Select(one => target.RemoveAsync(one.Id))).ConfigureAwait(false);
            if (exception is not BerthException failure)
            {
                throw;
            }

            return [failure]; // the old ones serve on
        }

        var began = time.GetTimestamp();
        await Task.WhenAll(turn.Where(slot => slot.OldId is not null).Select(slot => target.StopHeldAsync(slot.OldId!))).ConfigureAwait(false);
        _cold.AddRange(turn.Where(slot => slot.OldId is not null).Select(slot => slot.OldId!));
        await TakeOverAsync(made).ConfigureAwait(false);
        var failures = new List<BerthException>();
        await Task.WhenAll(made.Select(async one =>
        {
            try
            {
                await target.StartAsync(one.Id).ConfigureAwait(false);
                await target.WaitUntilReadyAsync(one.Id, cancellationToken).ConfigureAwait(false);
            }
            catch (BerthException failure)
            {
                lock (failures)
                {
                    failures.Add(failure);
                }
            }
        })).ConfigureAwait(false);
        Gap = time.GetElapsedTime(began);
        return failures;
    }

    /// <summary>Makes a copy, starts it and waits for it. Null when it failed; then nothing of it is left.</summary>
    private async Task<(RollSlot Slot, string Id)?> BringUpAsync(RollSlot slot, List<BerthException> failures, CancellationToken cancellationToken)
    {
        string? id = null;
        try
        {
            id = await target.MakeAsync(slot).ConfigureAwait(false);
            await target.StartAsync(id).ConfigureAwait(false);
            await target.WaitUntilReadyAsync(id, cancellationToken).ConfigureAwait(false);
            return (slot, id);
        }
        catch (Exception exception)
        {
            if (id is not null)
            {
                await target.RemoveAsync(id).ConfigureAwait(false);
            }

            if (exception is not BerthException failure)
            {
                throw;
            }

            lock (failures)
            {
                failures.Add(failure);
            }

            return null;
        }
    }

    private async Task TakeOverAsync(IReadOnlyList<(RollSlot Slot, string Id)> copies)
    {
        if (copies.Count == 0)
        {
            return;
        }

        await target.SwitchAsync(
        [
            .. copies.Select(one => new RollSwitch(one.Id, InService: true, one.Slot.Name)),
            .. copies.Where(one => one.Slot.OldId is not null).Select(one => new RollSwitch(one.Slot.OldId!, InService: false, one.Slot.PreviousName)),
        ]).ConfigureAwait(false);
        foreach (var (slot, id) in copies)
        {
            _new[slot] = id;
        }
    }

    // Old copies are kept running for as long as nobody else needs their place.
    private async Task MakeRoomAsync(int wanted)
    {
        var running = slots.Count(slot => slot.OldId is not null) - _cold.Count + _new.Count;
        foreach (var id in _warm.Take(Math.Max(0, running + wanted - settings.MaximumTotal)).ToList())
        {
            await target.CoolAsync(id, settings.Drain).ConfigureAwait(false);
            _warm.Remove(id);
            _cold.Add(id);
        }
    }
}
