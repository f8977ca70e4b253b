using Berth.Compose.Model;

namespace Berth.Releases.Planning;

/// <summary>Compares what a project should be with what it is, and says what to do. Pure: it reads nothing and changes nothing.</summary>
public static class Planner
{
    /// <summary>Plans <c>up</c>: images, then networks and volumes, then containers in the order of their dependencies.</summary>
    public static Plan Plan(ProjectModel desired, ActualProject actual, PlanOptions options)
    {
        var scope = PlanScope.Of(desired, options.Services, options.NoDependencies);
        var findings = new PlanFindings();
        findings.Problems.AddRange(scope.Unknown.Select(name => $"no such service: {name}"));
        var images = new ImagePlanner(desired, actual, options, scope, findings).Plan();
        var resources = new ResourcePlanner(desired, actual, scope, findings);
        var resourceActions = resources.Plan();
        var orphans = OrphanActions(desired, actual, options, findings);
        var containers = new ContainerPlanner(desired, actual, options, scope, resources.RecreatedNetworks, images, findings);
        IReadOnlyList<PlanAction> actions = [.. orphans, .. resourceActions, .. containers.Plan()];
        return new Plan(options.ImagesAreReady ? [] : images, WithoutIdleJobs(desired, actions), findings.Warnings, findings.Problems);
    }

    // A job that has done its work does it again in the next release, but is no reason for one.
    private static IReadOnlyList<PlanAction> WithoutIdleJobs(ProjectModel desired, IReadOnlyList<PlanAction> actions)
    {
        var jobs = new ReleaseJobs(desired);
        bool IsDone(PlanAction action) =>
            action is StartContainer { Existing: { State: ContainerState.Exited, ExitCode: 0 } } start && jobs.Contains(start.Service.Name);
        return actions.All(action => action is LeaveContainer or WaitForDependency || IsDone(action))
            ? [.. actions.Select(action => IsDone(action) ? new LeaveContainer(((StartContainer)action).Service, ((StartContainer)action).Existing, "it has done its work") : action)]
            : actions;
    }

    /// <summary>Plans <c>down</c>: containers in reverse order, then networks, and volumes and images if asked for.</summary>
    /// <param name="desired">Null when only the project's name is known: then labels tell what belongs to it.</param>
    public static Plan PlanDown(ProjectModel? desired, ActualProject actual, DownOptions options) =>
        new DownPlanner(desired, actual, options).Plan();

    /// <summary>Containers of services that the files no longer have, and what <c>run</c> left behind.</summary>
    public static IReadOnlyList<ActualContainer> Orphans(ProjectModel desired, ActualProject actual) =>
    [
        .. actual.Containers.Where(container =>
            (!desired.Services.ContainsKey(container.Service) && !desired.DisabledServices.ContainsKey(container.Service))
            || (container.IsOneOff && container.State is ContainerState.Exited or ContainerState.Dead)),
    ];

    private static List<PlanAction> OrphanActions(ProjectModel desired, ActualProject actual, PlanOptions options, PlanFindings findings)
    {
        var orphans = Orphans(desired, actual);
        var going = orphans.Where(orphan => options.RemoveOrphans || options.Obsolete.Contains(orphan.Service)).ToList();
        var staying = orphans.Except(going).ToList();
        if (staying.Count > 0)
        {
            findings.Warnings.Add(
                $"Found orphan containers ([{string.Join(' ', staying.Select(orphan => orphan.Name))}]) for this project. If you removed or "
                + "renamed this service in your compose file, you can run this command with the --remove-orphans flag to clean it up.");
        }

        return [.. going.Select(orphan => new RemoveContainer(orphan, WithVolumes: false, OrphanReason(orphan)))];
    }

    private static string OrphanReason(ActualContainer orphan) =>
        orphan.IsOneOff ? "'run' left it behind" : $"the project has no service '{orphan.Service}'";
}

/// <summary>What the parts of the planner noticed.</summary>
internal sealed class PlanFindings
{
    public List<string> Warnings { get; } = [];

    public List<string> Problems { get; } = [];
}
