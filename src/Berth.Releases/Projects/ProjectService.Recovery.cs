using Berth.Engine.Errors;
using Berth.Releases.Ledger;
using Berth.Releases.Planning;
using Berth.Releases.Rollouts;
using Microsoft.Extensions.Logging;

namespace Berth.Releases.Projects;

// A daemon that dies leaves its releases to the next one: what is under way is finished, what goes back goes on to, what is watched is watched on.
public sealed partial class ProjectService
{
    /// <summary>Takes up what an earlier daemon left unfinished. Returns at once; the work goes on beside whatever else is asked for.</summary>
    public void Recover()
    {
        engine.Images.Kept = KeptImages;
        foreach (var release in ledger.All().Where(release => release.Status is ReleaseStatus.Running or ReleaseStatus.Watched or ReleaseStatus.GoingBack))
        {
            _ = TakeUpAsync(release);
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
                // One that was watched went back; one that was not had failed.
                await TakeBackAsync(release, rollouts, release.WatchEnds is null ? ReleaseStatus.Failed : ReleaseStatus.WentBack, Silent).ConfigureAwait(false);
                return;
            }

            var project = Load(release);
            RequireImages(release);
            await RetagAsync(release).ConfigureAwait(false);
            var files = await _files.PrepareAsync(project, project.Services.Values, _stopping.Token).ConfigureAwait(false);
            var plan = Planner.Plan(project, await ActualAsync(project, _stopping.Token).ConfigureAwait(false), new() { ImagesAreReady = true, NoBuild = true, LastGaps = LastGaps(project.Name) });
            Require(plan, Silent);
            var watch = release.AskedWatch is { } seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
            await CarryOutAsync(release, project, plan, files, new() { Watch = watch }, Silent, _stopping.Token, goesOn: true).ConfigureAwait(false);
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

    private bool IsRunning(string id) => engine.Containers.All.Any(container => container.Id == id && (container.Record.IsRunning || container.WillStart));

    private Rollout Resume(ReleaseRecord release, RolledService rolled)
    {
        var service = Load(release).Services[rolled.Service];
        var target = new EngineRollTarget(engine, service, slot => throw new InvalidOperationException($"{slot.Name} has had its turn"), null, Silent);
        return Rollout.Resume(
            rolled.Settings, [.. rolled.Containers.Select(one => (new RollSlot(rolled.Service, one.Name, one.Number, one.OldId), one.NewId))],
            id => engine.Containers.All.FirstOrDefault(container => container.Id == id)?.Record.IsRunning, target, engine.Time);
    }

    [LoggerMessage(5004, LogLevel.Information, "Going on with release {Number} of {Project}, which an earlier daemon had begun")]
    private partial void LogTakenUp(int number, string project);

    [LoggerMessage(5005, LogLevel.Error, "Release {Number} of {Project}, which an earlier daemon had begun, could not be finished")]
    private partial void LogNotTakenUp(Exception exception, int number, string project);
}
