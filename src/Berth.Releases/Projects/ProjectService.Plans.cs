using Berth.Compose.Model;
using Berth.Engine.Errors;
using Berth.Releases.Ledger;
using Berth.Releases.Planning;
using Berth.Releases.Rollouts;

namespace Berth.Releases.Projects;

/// <summary>A plan that is only looked at.</summary>
/// <param name="Fingerprint">For <see cref="UpOptions.ExpectedPlan"/>.</param>
public sealed record ProjectPlan(Plan Plan, string Fingerprint);

// What would be done, and what somebody else has done. Both change nothing.
public sealed partial class ProjectService
{
    /// <summary>What <see cref="UpAsync"/> with the same options would do now.</summary>
    public async Task<ProjectPlan> PlanAsync(ProjectModel project, UpOptions options, CancellationToken cancellationToken)
    {
        var planOptions = options.Plan with { LastGaps = LastGaps(project.Name) };
        var actual = await ActualAsync(project, cancellationToken).ConfigureAwait(false);
        var plan = Planner.Plan(project, actual, planOptions);
        var fingerprint = PlanFingerprint.Of(project, actual, plan);
        if (plan.Images.Count == 0 && plan.Problems.Count == 0)
        {
            plan = Planner.Plan(project, actual, planOptions with { ImagesAreReady = true }); // finds more, now that nothing is open
        }

        return new(plan with { Problems = [.. plan.Problems, .. PortRoom.Problems(engine, project, plan), .. MemoryRoom.Problems(engine, plan)] }, fingerprint);
    }

    /// <summary>What <see cref="DownAsync"/> would do now.</summary>
    /// <param name="desired">Null when only the name is known.</param>
    public Plan PlanDown(string project, ProjectModel? desired, DownOptions options) => Planner.PlanDown(desired, _reader.Read(project, desired), options);

    /// <summary>What would have to be done to have everything again as the release that serves left it.</summary>
    /// <exception cref="BerthException">No release serves.</exception>
    public async Task<(ReleaseRecord Release, Plan Plan)> DriftAsync(string project, CancellationToken cancellationToken)
    {
        var release = ledger.Of(project).FirstOrDefault(release => release.Served)
            ?? throw BerthException.NotFound($"the project '{project}' has no release that serves, so there is nothing to compare it with; 'berth up -d' makes one");
        var model = Load(release);
        var actual = await ActualAsync(model, cancellationToken).ConfigureAwait(false);
        var images = actual.Images.ToDictionary(
            pair => pair.Key, pair => release.Images.TryGetValue(pair.Key, out var id) ? pair.Value with { Id = id } : pair.Value, StringComparer.Ordinal); // newer ones are no drift
        var plan = Planner.Plan(model, actual with { Images = images }, new() { ImagesAreReady = true, GoesBack = true, NoBuild = true, Pull = PullPolicy.Never });
        return (release, plan);
    }
}
