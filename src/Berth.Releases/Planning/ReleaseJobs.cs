using Berth.Compose;
using Berth.Compose.Model;

namespace Berth.Releases.Planning;

/// <summary>
/// The release phase: services that do their work once in each release and end, such as migrations. Nothing that serves is replaced before they have ended well; if one
/// does not, the release has failed and what served goes on.
/// </summary>
internal sealed class ReleaseJobs
{
    private readonly ProjectModel _project;
    private readonly HashSet<string> _jobs;
    private readonly HashSet<string> _needed = new(StringComparer.Ordinal); // by jobs, directly or not

    internal ReleaseJobs(ProjectModel project)
    {
        _project = project;
        _jobs =
        [
            .. project.Services.Values.Where(service => service.Extension?.Release == true).Select(service => service.Name),
            .. project.Services.Values.SelectMany(service => service.DependsOn).Where(pair => pair.Value.Condition == DependencyCondition.CompletedSuccessfully).Select(pair => pair.Key),
        ];
        _jobs.IntersectWith(project.Services.Keys);
        var pending = new Stack<string>(_jobs);
        while (pending.TryPop(out var name))
        {
            foreach (var other in ServiceOrder.Prerequisites(project.Services[name]).Where(project.Services.ContainsKey).Where(_needed.Add))
            {
                pending.Push(other);
            }
        }
    }

    internal IReadOnlySet<string> Names => _jobs;

    internal bool Contains(string service) => _jobs.Contains(service);

    /// <summary>Whether the release has failed when this job does: unless all that wait for it would go on without it.</summary>
    /// <param name="isInvolved">Whether a service has a part in the release; what the others ask for does not matter.</param>
    internal bool MustSucceed(string job, Func<string, bool> isInvolved) => _project.Services[job].Extension?.Release == true
        || _project.Services.Values.Any(service => isInvolved(service.Name) && service.DependsOn.TryGetValue(job, out var needed) && needed is { Required: true, Condition: DependencyCondition.CompletedSuccessfully });

    /// <summary>Whether a service's containers are replaced only once the jobs are done: all but the jobs themselves and what they need.</summary>
    internal bool Precede(string service) => !_jobs.Contains(service) && !_needed.Contains(service);
}
