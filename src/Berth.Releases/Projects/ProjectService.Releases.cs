using System.Collections.Concurrent;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Compose.Output;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Oci;
using Berth.Releases.Ledger;
using Berth.Releases.Planning;
using Berth.Releases.Rollouts;
using Microsoft.Extensions.Logging;

namespace Berth.Releases.Projects;

// Releases: a change of a project is written into the ledger, carried out, watched, and taken back when it does badly. Once containers that serve are touched, it goes on
// whether its caller is still there or not; a daemon that dies leaves it to the next one.
public sealed partial class ProjectService
{
    private const int KeptReleases = 5; // whose images pruning leaves alone
    private readonly ConcurrentDictionary<string, ReleaseWatch> _watches = new(StringComparer.Ordinal); // by project
    private readonly ConcurrentDictionary<string, Undoing> _underWay = new(StringComparer.Ordinal); // by project
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>The releases of a project, newest first.</summary>
    public IReadOnlyList<ReleaseRecord> Releases(string project) => ledger.Of(project);

    /// <summary>Signed evidence of a project's releases, and of what of it runs now.</summary>
    public string Evidence(string project) => new Evidence(engine.Options.DataRoot + "/evidence-key.pem").Sign(
        project, Environment.MachineName, engine.Time.GetUtcNow(), ledger.Of(project),
        Containers(project, [], oneOffs: false).Where(container => container.Record is { IsRunning: true, StartedAt: not null })
            .Select(container => (container.Name, container.Record.ImageId, container.Record.StartedAt!.Value)));

    /// <summary>Makes the project as its files say. Returns the containers that are part of it now.</summary>
    /// <exception cref="BerthException">What cannot be, told before anything is changed where that is possible; and why a release failed or went back.</exception>
    public async Task<IReadOnlyList<Container>> UpAsync(ProjectModel project, UpOptions options, ProjectProgress progress, CancellationToken cancellationToken)
    {
        IReadOnlyList<Container> containers;
        using (await HoldAsync(project.Name, cancellationToken, options.Caller.ToString(), progress).ConfigureAwait(false))
        {
            containers = await UpHeldAsync(project, options, progress, cancellationToken).ConfigureAwait(false);
            if (options.Wait)
            {
                await WaitAsync(containers, options.WaitTimeout, progress, cancellationToken).ConfigureAwait(false);
            }
        }

        if (options.AwaitWatch && _watches.TryGetValue(project.Name, out var watch))
        {
            progress(new(ProjectEventKind.Container, project.Name, "Watching", Detail: $"release {watch.Release.Number}, until {watch.Release.WatchEnds:HH:mm:ss} UTC"));
            if (await watch.Ended.WaitAsync(cancellationToken).ConfigureAwait(false) is { } reason)
            {
                throw new BerthException(ErrorKind.Failed, $"Release {watch.Release.Number} of '{project.Name}' went back: {reason}. The release before it serves again.");
            }
        }

        return containers;
    }

    /// <summary>Brings an earlier release back.</summary>
    /// <param name="number">Null for the one before the one that serves.</param>
    /// <exception cref="BerthException">There is none, or it cannot be brought back; nothing has changed then.</exception>
    public async Task<ReleaseRecord> RollBackAsync(string project, int? number, UpOptions options, ProjectProgress progress, CancellationToken cancellationToken)
    {
        using var held = await HoldAsync(project, cancellationToken, options.Caller.ToString(), progress).ConfigureAwait(false);
        var current = ledger.Of(project).FirstOrDefault(release => release.Served)
            ?? throw BerthException.NotFound($"the project '{project}' has no release that serves; 'berth up -d' makes one");
        var target = number is { } asked
            ? ledger.Find(project, asked) ?? throw BerthException.NotFound($"the project '{project}' has no release {asked}; 'berth releases' lists them")
            : ledger.Of(project).FirstOrDefault(release => release.Served && release.Number < current.Number && !release.IsSameAs(current))
                ?? throw BerthException.NotFound($"the project '{project}' has no release before {current.Number} to go back to");
        if (!target.Served)
        {
            throw BerthException.Invalid($"release {target.Number} of '{project}' never served ({target.Reason}), so it cannot be brought back");
        }

        // Its containers are still there.
        if (_watches.TryGetValue(project, out var watch) && Previous(watch.Release) is { } kept && kept.Number == target.Number && _watches.TryRemove(project, out _))
        {
            watch.End(CalledBack(options.Caller));
            await GoBackAsync(watch.Release, watch.Rollouts, watch.TakenBack!, progress).ConfigureAwait(false);
            return target;
        }

        var model = Load(target);
        RequireImages(target);
        foreach (var warning in DataPaths.WarningsOnTheWayBack(model, target.Images, current.Images, engine.Volumes.All.Select(volume => volume.Name).ToHashSet(StringComparer.Ordinal)))
        {
            progress(new(ProjectEventKind.Warning, project, warning));
        }

        await RetagAsync(target).ConfigureAwait(false);
        await UpHeldAsync(
            model,
            options with
            {
                Caller = options.Caller with { Command = $"rollback to {target.Number}", GitCommit = target.GitCommit },
                Plan = options.Plan with { GoesBack = true, NoBuild = true, Obsolete = ServicesOf(current), Pull = PullPolicy.Never },
            },
            progress, cancellationToken).ConfigureAwait(false);
        return target;
    }

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
                watch.End(CalledBack(caller));
                await GoBackAsync(watch.Release, watch.Rollouts, watch.TakenBack!, progress).ConfigureAwait(false);
                return watch.Release.Number;
            }

            if (!_underWay.ContainsKey(project))
            {
                throw BerthException.Conflict($"no release of '{project}' is under way or watched; 'berth rollback' brings the one before back");
            }
        }
    }

    private static string CalledBack(ReleaseCaller caller) => $"called back by {(caller.User.Length > 0 ? caller.User : "an operator")}";

    /// <summary>Takes up what an earlier daemon left unfinished. Returns at once; the work goes on beside whatever else is asked for.</summary>
    public void Recover()
    {
        engine.Images.Kept = KeptImages;
        foreach (var release in ledger.All().Where(release => release.Status is ReleaseStatus.Running or ReleaseStatus.Watched or ReleaseStatus.GoingBack))
        {
            _ = TakeUpAsync(release);
        }
    }

    /// <summary>Nothing more is begun; what is under way ends at its next step, for the next daemon to go on from.</summary>
    public async Task CloseAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_watches.Values.Select(watch => (Task)watch.Ended)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<IReadOnlyList<Container>> UpHeldAsync(
        ProjectModel project, UpOptions options, ProjectProgress progress, CancellationToken cancellationToken, bool isForOneOff = false)
    {
        var planOptions = options.Plan with { LastGaps = LastGaps(project.Name) };
        var first = Planner.Plan(project, Actual(project), planOptions);
        if (first.Problems.Count > 0)
        {
            throw BerthException.Invalid(string.Join('\n', first.Problems));
        }

        var began = engine.Time.GetTimestamp();
        var scope = PlanScope.Of(project, options.Plan.Services, options.Plan.NoDependencies);
        var files = await _files.PrepareAsync(project, scope.Services, cancellationToken).ConfigureAwait(false);
        await _images.PrepareAsync(project, first.Images, new(), progress, cancellationToken).ConfigureAwait(false);
        var plan = Planner.Plan(project, Actual(project), planOptions with { ImagesAreReady = true });
        Require(plan, progress);
        if (isForOneOff || options.Plan.NoStart || !plan.HasChanges)
        {
            // For one-off containers only networks and volumes are wanted; the service's own replicas are left alone.
            IReadOnlyList<PlanAction> actions = isForOneOff ? [.. plan.Actions.Where(action => action is CreateNetwork or CreateVolume)] : plan.Actions;
            var executor = new PlanExecutor(engine, _reader, project, progress, options.StopTimeoutSeconds);
            await executor.RunAsync(actions, files, cancellationToken).ConfigureAwait(false);
            return [.. executor.Containers];
        }

        if ((List<string>)[.. PortRoom.Problems(engine, project, plan), .. MemoryRoom.Problems(engine, plan)] is { Count: > 0 } problems)
        {
            throw new BerthException(ErrorKind.Unavailable, string.Join('\n', problems));
        }

        await AcceptAsync(project.Name).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        var release = await ledger.BeginAsync(new()
        {
            Project = project.Name, Number = 0, Status = ReleaseStatus.Running, Command = options.Caller.Command, Started = engine.Time.GetUtcNow(),
            User = options.Caller.User, GitCommit = options.Caller.GitCommit ?? GitCommit.Of(project.WorkingDirectory), Folder = project.WorkingDirectory, Model = ComposeWriter.WriteJson(project),
            AskedWatch = options.Watch?.TotalSeconds, Images = ImagesOf(project), Plan = [.. plan.Actions.Select(PlanText.Of)],
            Durations = new() { ["images"] = engine.Time.GetElapsedTime(began).TotalSeconds },
        }).ConfigureAwait(false);

        // What serves is not left half replaced because a terminal was closed.
        var touchesServing = plan.Actions.Any(action => action is RollService || action.Effects.HasFlag(PlanEffects.Interrupts));
        if (touchesServing)
        {
            progress(new(ProjectEventKind.Release, project.Name, $"Release {release.Number}"));
        }

        await using var undoing = new Undoing(release.Number, touchesServing ? _stopping.Token : cancellationToken);
        _underWay[project.Name] = undoing;
        try
        {
            return await CarryOutAsync(release, project, plan, files, options, progress, undoing).ConfigureAwait(false);
        }
        finally
        {
            _underWay.TryRemove(project.Name, out _);
        }
    }

    private async Task<IReadOnlyList<Container>> CarryOutAsync(
        ReleaseRecord release, ProjectModel project, Plan plan, IReadOnlyDictionary<string, string> files, UpOptions options, ProjectProgress progress, Undoing undoing,
        bool goesOn = false)
    {
        var executor = new PlanExecutor(engine, _reader, project, progress, options.StopTimeoutSeconds, goesOn ? release.Started : null);
        var began = engine.Time.GetTimestamp();
        try
        {
            await executor.RunAsync(plan.Actions, files, undoing.Token).ConfigureAwait(false);
            await undoing.CloseAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            throw new BerthException(ErrorKind.Unavailable, $"The daemon stops; the next one goes on with release {release.Number} of '{project.Name}'.");
        }
        catch (Exception exception)
        {
            var reason = exception is not OperationCanceledException ? exception.Message : undoing.Reason ?? "cancelled by its caller";
            var rollouts = exception is OperationCanceledException ? executor.Begun : executor.Rollouts;
            var again = await UndoAsync(release with { Jobs = new(executor.Jobs, StringComparer.Ordinal) }, rollouts, plan, reason, progress).ConfigureAwait(false);
            if (exception is OperationCanceledException && undoing.Reason is not null)
            {
                throw new BerthException(ErrorKind.Failed, $"Release {release.Number} of '{project.Name}' was {reason}{(again is null ? "" : "; " + again)}", exception);
            }

            if (exception is not BerthException failure)
            {
                throw;
            }

            throw new BerthException(failure.Kind, again is null ? failure.Message : $"Release {release.Number} of '{project.Name}' failed; {again}\n{failure.Message}", failure);
        }

        release = release with
        {
            Ended = engine.Time.GetUtcNow(),
            Jobs = new(executor.Jobs, StringComparer.Ordinal),
            Durations = new(release.Durations, StringComparer.Ordinal) { ["containers"] = engine.Time.GetElapsedTime(began).TotalSeconds },
            Gaps = new(executor.Rollouts.Where(rollout => rollout.Gap > TimeSpan.Zero).ToDictionary(rollout => rollout.Service, rollout => rollout.Gap.TotalSeconds), StringComparer.Ordinal),
        };
        await BeginWatchAsync(release, executor.Rollouts, options.Watch).ConfigureAwait(false);
        return [.. executor.Containers];
    }

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
        foreach (var rollout in rollouts.Reverse())
        {
            await rollout.GoBackAsync().ConfigureAwait(false);
        }

        if (Previous(release) is { } before)
        {
            await RestoreAsync(before, ServicesOf(release), progress).ConfigureAwait(false);
        }

        await ledger.PutAsync(release with { Status = ReleaseStatus.WentBack, Rolled = [], WatchEnds = null }).ConfigureAwait(false);
    }

    /// <summary>A release that failed on the way: what it had rolled goes back, and what it had changed otherwise is made as the release before it says.</summary>
    /// <returns>What serves now, for people; null when there was nothing to go back to.</returns>
    private async Task<string?> UndoAsync(ReleaseRecord release, IReadOnlyList<Rollout> rollouts, Plan plan, string reason, ProjectProgress progress)
    {
        release = await ledger.PutAsync(release with { Status = ReleaseStatus.GoingBack, Reason = reason, Rolled = RolledOf(rollouts), Ended = engine.Time.GetUtcNow() }).ConfigureAwait(false);
        foreach (var rollout in rollouts.Reverse())
        {
            await rollout.GoBackAsync().ConfigureAwait(false);
        }

        var ended = release with { Status = ReleaseStatus.Failed, Rolled = [] };
        if (!plan.Actions.Any(action => action is RollService { Replacements.Count: > 0 } or RefreshVolume || action.Effects.HasFlag(PlanEffects.Interrupts)) || Previous(release) is not { } before)
        {
            await ledger.PutAsync(ended).ConfigureAwait(false);
            return null;
        }

        var obstacle = await RestoreAsync(before, ServicesOf(release), progress).ConfigureAwait(false);
        await ledger.PutAsync(ended).ConfigureAwait(false);
        return obstacle is { } problem
            ? $"release {before.Number} could not be put back completely: {problem}"
            : $"release {before.Number} serves.";
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
            var plan = Planner.Plan(project, Actual(project), new() { ImagesAreReady = true, GoesBack = true, NoBuild = true, Obsolete = obsolete });
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

    private async Task TakeUpAsync(ReleaseRecord release)
    {
        try
        {
            using var held = await HoldAsync(release.Project, _stopping.Token).ConfigureAwait(false);
            List<Rollout> rollouts = [.. release.Rolled.Select(service => Resume(release, service))];
            if (release.Status == ReleaseStatus.Watched)
            {
                if (rollouts.SelectMany(rollout => rollout.Serving.Values).Any(IsRunning))
                {
                    Watch(release, rollouts);
                }
                else if (release.Rolled.SelectMany(service => service.Containers).Any(container => container.OldId is { } old && IsRunning(old)))
                {
                    await GoBackAsync(release, rollouts, "its containers ended while no daemon watched them", Silent).ConfigureAwait(false);
                }
                else
                {
                    await FinishAsync(release, rollouts).ConfigureAwait(false); // the machine was restarted: that says nothing about the new copies
                }

                return;
            }

            LogTakenUp(release.Number, release.Project);
            if (release.Status == ReleaseStatus.GoingBack)
            {
                await GoOnBackAsync(release, rollouts).ConfigureAwait(false);
                return;
            }

            var project = Load(release);
            RequireImages(release);
            await RetagAsync(release).ConfigureAwait(false);
            var files = await _files.PrepareAsync(project, project.Services.Values, _stopping.Token).ConfigureAwait(false);
            var plan = Planner.Plan(project, Actual(project), new() { ImagesAreReady = true, NoBuild = true, LastGaps = LastGaps(project.Name) });
            Require(plan, Silent);
            await using var undoing = new Undoing(release.Number, _stopping.Token);
            _underWay[release.Project] = undoing;
            try
            {
                await CarryOutAsync(
                    release, project, plan, files, new() { Watch = release.AskedWatch is { } seconds ? TimeSpan.FromSeconds(seconds) : null }, Silent, undoing, goesOn: true).ConfigureAwait(false);
            }
            finally
            {
                _underWay.TryRemove(release.Project, out _);
            }
        }
        catch (OperationCanceledException)
        {
            return; // the next daemon goes on
        }
        catch (Exception exception) when (exception is BerthException or IOException)
        {
            LogNotTakenUp(exception, release.Number, release.Project);
            if (ledger.Find(release.Project, release.Number) is { Status: ReleaseStatus.Running } open)
            {
                await ledger.PutAsync(open with { Status = ReleaseStatus.Failed, Reason = exception.Message, Ended = engine.Time.GetUtcNow() }).ConfigureAwait(false);
            }
        }
    }

    // A release that was watched went back; one that was not had failed.
    private async Task GoOnBackAsync(ReleaseRecord release, IReadOnlyList<Rollout> rollouts)
    {
        if (release.WatchEnds is not null)
        {
            await GoBackAsync(release, rollouts, release.Reason, Silent).ConfigureAwait(false);
            return;
        }

        foreach (var rollout in rollouts.Reverse())
        {
            await rollout.GoBackAsync().ConfigureAwait(false);
        }

        if (Previous(release) is { } before)
        {
            await RestoreAsync(before, ServicesOf(release), Silent).ConfigureAwait(false);
        }

        await ledger.PutAsync(release with { Status = ReleaseStatus.Failed, Rolled = [] }).ConfigureAwait(false);
    }

    private bool IsRunning(string id) => engine.Containers.All.Any(container => container.Id == id && container.Record.IsRunning);

    private Rollout Resume(ReleaseRecord release, RolledService rolled)
    {
        var service = Load(release).Services[rolled.Service];
        var target = new EngineRollTarget(engine, service, slot => throw new InvalidOperationException($"{slot.Name} has had its turn"), null, Silent);
        return Rollout.Resume(
            rolled.Settings, [.. rolled.Containers.Select(one => (new RollSlot(rolled.Service, one.Name, one.Number, one.OldId), one.NewId))],
            id => engine.Containers.All.FirstOrDefault(container => container.Id == id)?.Record.IsRunning, target, engine.Time);
    }

    // Of each project the last releases that served, so that each can be brought back.
    private HashSet<Digest> KeptImages() =>
    [
        .. ledger.All().Where(release => release.Served).GroupBy(release => release.Project, StringComparer.Ordinal)
            .SelectMany(releases => releases.OrderByDescending(release => release.Number).Take(KeptReleases))
            .SelectMany(release => release.Images.Values)
            .Select(Digest.Parse),
    ];

    private ActualProject Actual(ProjectModel project) =>
        _reader.Read(project.Name, project, _watches.TryGetValue(project.Name, out var watch) ? watch.Kept.ToHashSet(StringComparer.Ordinal) : null);

    /// <summary>What served before a release; a release that went back, or failed, does not count.</summary>
    private ReleaseRecord? Previous(ReleaseRecord release) => ledger.Of(release.Project).FirstOrDefault(other => other.Number < release.Number && other.Served);

    private Dictionary<string, double> LastGaps(string project)
    {
        var gaps = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (service, seconds) in ledger.Of(project).SelectMany(release => release.Gaps))
        {
            gaps.TryAdd(service, seconds); // the newest comes first
        }

        return gaps;
    }

    private SortedDictionary<string, string> ImagesOf(ProjectModel project) => new(
        project.Services.Values.Select(service => ImagePlanner.ImageOf(project, service)).Distinct()
            .Select(name => (name, Image: engine.Images.TryResolve(name))).Where(pair => pair.Image is not null)
            .ToDictionary(pair => pair.name, pair => pair.Image!.Id.ToString()),
        StringComparer.Ordinal);

    private static HashSet<string> ServicesOf(ReleaseRecord release) => [.. Load(release).Services.Keys];

    private static ProjectModel Load(ReleaseRecord release)
    {
        var result = ComposeLoader.Load(new()
        {
            CurrentFolder = release.Folder, ProjectDirectory = release.Folder, ProjectName = release.Project, Files = ["-"], StandardInput = release.Model,
            Environment = new Dictionary<string, string>(), Profiles = ["*"],
        });
        return result.Project ?? throw BerthException.Invalid($"release {release.Number} of '{release.Project}' cannot be read back:\n{string.Join('\n', result.Errors)}");
    }

    private void RequireImages(ReleaseRecord release)
    {
        var missing = release.Images.Where(pair => engine.Images.TryResolve(pair.Value) is null).Select(pair => $"{pair.Key} ({pair.Value[..19]})").ToList();
        if (missing.Count > 0)
        {
            throw BerthException.NotFound($"release {release.Number} of '{release.Project}' cannot be brought back: {(missing.Count == 1 ? "this image is" : "these images are")} no longer here: {string.Join(", ", missing)}");
        }
    }

    // A reference means what it meant in that release, so that the next 'up' does not take its containers for outdated.
    private async Task RetagAsync(ReleaseRecord release)
    {
        foreach (var (name, id) in release.Images)
        {
            if (engine.Images.TryResolve(id) is { } image && engine.Images.TryResolve(name)?.Id != image.Id)
            {
                await engine.Images.TagAsync(image, ImageReference.Parse(name)).ConfigureAwait(false);
            }
        }
    }

    private static void Silent(ProjectEvent one)
    {
        // Nobody is there to be told; the ledger has what matters.
    }

    [LoggerMessage(5001, LogLevel.Warning, "Release {Number} of {Project} goes back: {Reason}")]
    private partial void LogWentBack(int number, string project, string reason);

    [LoggerMessage(5002, LogLevel.Error, "The watch of release {Number} of {Project} ended badly")]
    private partial void LogWatchFailed(Exception exception, int number, string project);

    [LoggerMessage(5003, LogLevel.Error, "Release {Number} of {Project} could not be put back completely")]
    private partial void LogNotRestored(Exception exception, int number, string project);

    [LoggerMessage(5004, LogLevel.Information, "Going on with release {Number} of {Project}, which an earlier daemon had begun")]
    private partial void LogTakenUp(int number, string project);

    [LoggerMessage(5005, LogLevel.Error, "Release {Number} of {Project}, which an earlier daemon had begun, could not be finished")]
    private partial void LogNotTakenUp(Exception exception, int number, string project);
}
