using Berth.Engine.Errors;
using Berth.Releases.Ledger;
using Berth.Releases.Planning;
using Berth.Releases.Rollouts;
using Microsoft.Extensions.Logging;

namespace Berth.Releases.Projects;

// What becomes of a release once its containers serve: it is watched, and accepted or taken back; and how one is taken back that failed or was called back on its way.
public sealed partial class ProjectService
{
    /// <summary>Takes back the release that is under way, or watched: whoever waits for it is told so.</summary>
    /// <returns>Its number.</returns>
    /// <exception cref="BerthException">There is none; nothing has changed then.</exception>
    public async Task<int> UndoAsync(string project, ReleaseCaller caller, ProjectProgress progress)
    {
        while (true)
        {
            if (_underWay.TryGetValue(project, out var undoing) && await undoing.RequestAsync(CalledBack(caller)).ConfigureAwait(false))
            {
                return undoing.Number;
            }

            using var held = await HoldAsync(project, CancellationToken.None).ConfigureAwait(false);
            if (_watches.TryRemove(project, out var watch))
            {
                await CallBackAsync(watch, caller, progress).ConfigureAwait(false);
                return watch.Release.Number;
            }

            if (!_underWay.ContainsKey(project))
            {
                throw BerthException.Conflict($"no release of '{project}' is under way or watched; 'berth rollback' brings the one before back");
            }
        }
    }

    // Its containers are still there.
    private Task CallBackAsync(ReleaseWatch watch, ReleaseCaller caller, ProjectProgress progress)
    {
        watch.End(CalledBack(caller));
        return GoBackAsync(watch.Release, watch.Rollouts, watch.TakenBack!, progress);
    }

    private static string CalledBack(ReleaseCaller caller) => $"called back by {(caller.User.Length > 0 ? caller.User : "an operator")}";

    private async Task BeginWatchAsync(ReleaseRecord release, IReadOnlyList<Rollout> rollouts, TimeSpan? asked)
    {
        var replaced = rollouts.Where(rollout => rollout.Serving.Keys.Any(slot => slot.OldId is not null)).ToList();
        var duration = asked ?? (replaced.Count > 0 ? replaced.Max(rollout => rollout.Settings.Watch) : TimeSpan.Zero);
        if (replaced.Count == 0 || duration <= TimeSpan.Zero)
        {
            await FinishAsync(release, rollouts).ConfigureAwait(false);
            return;
        }

        release = await ledger.PutAsync(release with
        {
            Status = ReleaseStatus.Watched,
            WatchEnds = engine.Time.GetUtcNow() + duration,
            Rolled = RolledOf(replaced),
        }).ConfigureAwait(false);
        Watch(release, replaced);
    }

    private static List<RolledService> RolledOf(IEnumerable<Rollout> rollouts) =>
    [
        .. rollouts.Select(rollout => new RolledService(
            rollout.Service, rollout.Settings, [.. rollout.Serving.Select(pair => new RolledContainer(pair.Key.Name, pair.Key.Number, pair.Value, pair.Key.OldId))])),
    ];

    private void Watch(ReleaseRecord release, IReadOnlyList<Rollout> rollouts)
    {
        var watch = new ReleaseWatch(engine, release, rollouts);
        _watches[release.Project] = watch;
        watch.Ended = Task.Run(() => JudgeAsync(watch));
    }

    private async Task<string?> JudgeAsync(ReleaseWatch watch)
    {
        try
        {
            var reason = await watch.RunAsync(_stopping.Token).ConfigureAwait(false);
            using var held = await HoldAsync(watch.Release.Project, _stopping.Token).ConfigureAwait(false);
            if (!_watches.TryRemove(new(watch.Release.Project, watch)))
            {
                return watch.TakenBack; // somebody else has decided meanwhile
            }

            if (reason is null)
            {
                await FinishAsync(watch.Release, watch.Rollouts).ConfigureAwait(false);
            }
            else
            {
                LogWentBack(watch.Release.Number, watch.Release.Project, reason);
                await GoBackAsync(watch.Release, watch.Rollouts, reason, Silent).ConfigureAwait(false);
            }

            return reason;
        }
        catch (OperationCanceledException) when (watch.TakenBack is not null)
        {
            using var done = await HoldAsync(watch.Release.Project, CancellationToken.None).ConfigureAwait(false); // whoever takes it back has that meanwhile
            return watch.TakenBack;
        }
        catch (OperationCanceledException)
        {
            return null; // the next daemon goes on, or somebody else has decided
        }
        catch (Exception exception) when (exception is BerthException or IOException)
        {
            LogWatchFailed(exception, watch.Release.Number, watch.Release.Project);
            return exception.Message;
        }
    }

    /// <summary>What is watched counts as good: another release, or the end of the project, comes.</summary>
    private async Task AcceptAsync(string project)
    {
        if (_watches.TryRemove(project, out var watch))
        {
            watch.End();
            await FinishAsync(watch.Release, watch.Rollouts).ConfigureAwait(false);
        }
    }

    /// <summary>The project is taken down, with all its containers.</summary>
    private async Task ForgetWatchAsync(string project)
    {
        if (_watches.TryRemove(project, out var watch))
        {
            watch.End();
            await ledger.PutAsync(watch.Release with { Status = ReleaseStatus.Done, Rolled = [], WatchEnds = null }).ConfigureAwait(false);
        }
    }

    private async Task FinishAsync(ReleaseRecord release, IReadOnlyList<Rollout> rollouts)
    {
        await Task.WhenAll(rollouts.Select(rollout => rollout.FinishAsync())).ConfigureAwait(false);
        await ledger.PutAsync(release with { Status = ReleaseStatus.Done, Rolled = [], WatchEnds = null }).ConfigureAwait(false);
    }

    private async Task GoBackAsync(ReleaseRecord release, IReadOnlyList<Rollout> rollouts, string reason, ProjectProgress progress)
    {
        release = await ledger.PutAsync(release with { Status = ReleaseStatus.GoingBack, Reason = reason }).ConfigureAwait(false); // should the daemon be killed, the next one goes on
        await TakeBackAsync(release, rollouts, ReleaseStatus.WentBack, progress).ConfigureAwait(false);
    }

    /// <summary>What a release had rolled goes back, and what it had changed otherwise is made as the release before it says.</summary>
    /// <param name="outcome">What the ledger says of it then.</param>
    /// <returns>The release that serves now, and what stood in its way; null when there is none, or nothing did.</returns>
    private async Task<(ReleaseRecord? Before, string? Obstacle)> TakeBackAsync(ReleaseRecord release, IReadOnlyList<Rollout> rollouts, ReleaseStatus outcome, ProjectProgress progress)
    {
        await GoBackAsync(rollouts).ConfigureAwait(false);
        var before = Previous(release);
        var obstacle = before is null ? null : await RestoreAsync(before, ServicesOf(release), progress).ConfigureAwait(false);
        await ledger.PutAsync(release with { Status = outcome, Rolled = [], WatchEnds = null }).ConfigureAwait(false);
        return (before, obstacle);
    }

    private static async Task GoBackAsync(IReadOnlyList<Rollout> rollouts)
    {
        foreach (var rollout in rollouts.Reverse())
        {
            await rollout.GoBackAsync().ConfigureAwait(false);
        }
    }

    /// <summary>A release that failed on the way: what it had rolled goes back, and what it had changed otherwise is made as the release before it says.</summary>
    /// <param name="plan">All that it may have changed; null when an earlier daemon had begun it, and may have changed more.</param>
    /// <returns>What serves now, for people; null when there was nothing to go back to.</returns>
    private async Task<string?> UndoAsync(ReleaseRecord release, IReadOnlyList<Rollout> rollouts, Plan? plan, string reason, ProjectProgress progress)
    {
        release = await ledger.PutAsync(release with { Status = ReleaseStatus.GoingBack, Reason = reason, Rolled = RolledOf(rollouts), Ended = engine.Time.GetUtcNow() }).ConfigureAwait(false);
        if (plan is not null && !plan.Actions.Any(action => action is RollService { Replacements.Count: > 0 } or UpdateContainer or RefreshVolume || action.Effects.HasFlag(PlanEffects.Interrupts)))
        {
            await GoBackAsync(rollouts).ConfigureAwait(false); // all that was there before is as it was
            await ledger.PutAsync(release with { Status = ReleaseStatus.Failed, Rolled = [] }).ConfigureAwait(false);
            return null;
        }

        return await TakeBackAsync(release, rollouts, ReleaseStatus.Failed, progress).ConfigureAwait(false) switch
        {
            (null, _) => null,
            ({ } before, { } obstacle) => $"release {before.Number} could not be put back completely: {obstacle}",
            ({ } before, null) => $"release {before.Number} serves.",
        };
    }

    /// <summary>Makes the project as a release that served had it. Most of it is so already.</summary>
    /// <returns>What stood in the way; null when nothing did.</returns>
    /// <param name="obsolete">The services of the release that is taken back.</param>
    private async Task<string?> RestoreAsync(ReleaseRecord release, IReadOnlySet<string> obsolete, ProjectProgress progress)
    {
        try
        {
            await RetagAsync(release).ConfigureAwait(false);
            var project = Load(release);
            var files = await _files.PrepareAsync(project, project.Services.Values, CancellationToken.None).ConfigureAwait(false);
            var plan = Planner.Plan(project, await ActualAsync(project, CancellationToken.None).ConfigureAwait(false), new() { ImagesAreReady = true, GoesBack = true, NoBuild = true, Obsolete = obsolete });
            Require(plan, progress);
            var executor = new PlanExecutor(engine, _reader, project, progress, null);
            await executor.RunAsync(plan.Actions, files, CancellationToken.None).ConfigureAwait(false);
            foreach (var refresh in project.Services.Values.SelectMany(service => VolumeRefreshes.Of(project, service)).Where(refresh => engine.Volumes.Find(refresh.Name) is not null))
            {
                await executor.RefreshAsync(refresh).ConfigureAwait(false); // the release that is taken back may have got that far
            }

            await Task.WhenAll(executor.Rollouts.Select(rollout => rollout.FinishAsync())).ConfigureAwait(false);
            return null;
        }
        catch (BerthException exception)
        {
            LogNotRestored(exception, release.Number, release.Project);
            return exception.Message;
        }
    }

    [LoggerMessage(5001, LogLevel.Warning, "Release {Number} of {Project} goes back: {Reason}")]
    private partial void LogWentBack(int number, string project, string reason);

    [LoggerMessage(5002, LogLevel.Error, "The watch of release {Number} of {Project} ended badly")]
    private partial void LogWatchFailed(Exception exception, int number, string project);

    [LoggerMessage(5003, LogLevel.Error, "Release {Number} of {Project} could not be put back completely")]
    private partial void LogNotRestored(Exception exception, int number, string project);
}
