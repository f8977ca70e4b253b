using System.Collections.Concurrent;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Compose.Output;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Linux.Files;
using Berth.Oci;
using Berth.Releases.Ledger;
using Berth.Releases.Planning;
using Berth.Releases.Rollouts;

namespace Berth.Releases.Projects;

// Releases: a change of a project is written into the ledger and carried out. Once containers that serve are touched, it goes on whether its caller is still there or not.
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
            await CallBackAsync(watch, options.Caller, progress).ConfigureAwait(false);
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
        var actual = await ActualAsync(project, cancellationToken).ConfigureAwait(false);
        var first = Planner.Plan(project, actual, planOptions);
        if (first.Problems.Count > 0)
        {
            throw BerthException.Invalid(string.Join('\n', first.Problems));
        }

        if (options.ExpectedPlan is { } expected && PlanFingerprint.Of(project, actual, first) != expected)
        {
            throw BerthException.Conflict($"The plan does not hold any more: the files of '{project.Name}' or what runs of it have changed since it was made. 'berth plan' makes a new one.");
        }

        var began = engine.Time.GetTimestamp();
        var scope = PlanScope.Of(project, options.Plan.Services, options.Plan.NoDependencies);
        var files = await _files.PrepareAsync(project, scope.Services, cancellationToken).ConfigureAwait(false);
        await _images.PrepareAsync(project, first.Images, new(), progress, cancellationToken).ConfigureAwait(false);
        actual = first.Images.Count == 0 ? actual : await ActualAsync(project, cancellationToken).ConfigureAwait(false);
        var plan = Planner.Plan(project, actual, planOptions with { ImagesAreReady = true });
        Require(plan, progress);
        if (isForOneOff || options.Plan.NoStart || !plan.HasChanges)
        {
            // For one-off containers only networks and volumes are wanted; the service's own replicas are left alone.
            IReadOnlyList<PlanAction> actions = isForOneOff ? [.. plan.Actions.Where(action => action is CreateNetwork or CreateVolume || (options.Plan.RemoveOrphans && action is RemoveContainer remove && Planner.Orphans(project, actual).Contains(remove.Existing)))] : plan.Actions;
            var executor = new PlanExecutor(engine, _reader, project, progress, options.StopTimeoutSeconds, renewsVolumes: options.Plan.RenewVolumes);
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
            User = options.Caller.User, GitCommit = options.Caller.GitCommit ?? GitCommit.Of(project.WorkingDirectory), Folder = project.WorkingDirectory, Separator = project.Separator, Model = ComposeWriter.WriteJson(project),
            AskedWatch = options.Watch?.TotalSeconds, Images = ImagesOf(project), Plan = [.. plan.Actions.Select(PlanText.Of)],
            Durations = new() { ["images"] = engine.Time.GetElapsedTime(began).TotalSeconds },
        }, await ProjectFiles.ReadAsync(files, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);

        // What serves is not left half replaced because a terminal was closed.
        var touchesServing = plan.Actions.Any(action => action is RollService or UpdateContainer || action.Effects.HasFlag(PlanEffects.Interrupts));
        if (touchesServing)
        {
            progress(new(ProjectEventKind.Release, project.Name, $"Release {release.Number}"));
        }

        return await CarryOutAsync(release, project, plan, files, options, progress, touchesServing ? _stopping.Token : cancellationToken).ConfigureAwait(false);
    }

    /// <param name="ending">Has it taken back where no daemon that stops is the reason.</param>
    /// <param name="goesOn">An earlier daemon has begun it.</param>
    private async Task<IReadOnlyList<Container>> CarryOutAsync(
        ReleaseRecord release, ProjectModel project, Plan plan, IReadOnlyDictionary<string, string> files, UpOptions options, ProjectProgress progress, CancellationToken ending,
        bool goesOn = false)
    {
        await using var undoing = new Undoing(release.Number, reason => ledger.PutAsync(release with { Status = ReleaseStatus.GoingBack, Reason = reason }), ending);
        _underWay[project.Name] = undoing;
        try
        {
            return await CarryOutAsync(release, project, plan, files, options, progress, undoing, goesOn).ConfigureAwait(false);
        }
        finally
        {
            _underWay.TryRemove(project.Name, out _);
        }
    }

    private async Task<IReadOnlyList<Container>> CarryOutAsync(
        ReleaseRecord release, ProjectModel project, Plan plan, IReadOnlyDictionary<string, string> files, UpOptions options, ProjectProgress progress, Undoing undoing, bool goesOn)
    {
        var executor = new PlanExecutor(engine, _reader, project, progress, options.StopTimeoutSeconds, goesOn ? release.Started : null, options.Plan.RenewVolumes);
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
            await undoing.AbandonAsync().ConfigureAwait(false);
            var reason = exception is not OperationCanceledException ? exception.Message : undoing.Reason ?? "cancelled by its caller";
            var rollouts = exception is OperationCanceledException ? executor.Begun : executor.Rollouts;
            var again = await UndoAsync(release with { Jobs = new(executor.Jobs, StringComparer.Ordinal) }, rollouts, goesOn ? null : plan, reason, progress).ConfigureAwait(false);
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
        _files.RemoveUnused(project.Name, engine.Containers.All.SelectMany(container => container.Record.Mounts).Select(mount => mount.Source).Concat(files.Values).ToHashSet(StringComparer.Ordinal));
        await BeginWatchAsync(release, executor.Rollouts, options.Watch).ConfigureAwait(false);
        return [.. executor.Containers];
    }

    // Of each project the last releases that served, so that each can be brought back.
    private HashSet<Digest> KeptImages() =>
    [
        .. ledger.All().Where(release => release.Served).GroupBy(release => release.Project, StringComparer.Ordinal)
            .SelectMany(releases => releases.OrderByDescending(release => release.Number).Take(KeptReleases))
            .SelectMany(release => release.Images.Values)
            .Select(Digest.Parse),
    ];

    private async Task<ActualProject> ActualAsync(ProjectModel project, CancellationToken cancellationToken) => _reader.Read(
        project.Name, project, _watches.TryGetValue(project.Name, out var watch) ? watch.Kept.ToHashSet(StringComparer.Ordinal) : null, await _files.FindAsync(project, cancellationToken).ConfigureAwait(false));

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

    private HashSet<string> ServicesOf(ReleaseRecord release) => [.. Load(release).Services.Keys];

    private ProjectModel Load(ReleaseRecord release)
    {
        var result = ComposeLoader.Load(new()
        {
            CurrentFolder = release.Folder, ProjectDirectory = release.Folder, ProjectName = release.Project, Files = ["-"], StandardInput = release.Model,
            Environment = new Dictionary<string, string>(), Profiles = ["*"], Kept = ledger.FilesOf(release), Open = RegularFile.Open,
            Compatibility = release.Separator == ComposeNames.FormerSeparator,
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
}
