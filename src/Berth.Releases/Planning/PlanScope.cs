using Berth.Compose;
using Berth.Compose.Model;

namespace Berth.Releases.Planning;

/// <summary>The services that a command is about, in the order of their dependencies.</summary>
/// <param name="Services">The named ones and those they need.</param>
/// <param name="Named">Only the named ones; all when none was named.</param>
/// <param name="Unknown">Names that the project does not have.</param>
internal sealed record PlanScope(IReadOnlyList<ServiceModel> Services, IReadOnlySet<string> Named, IReadOnlyList<string> Unknown)
{
    public bool Contains(string service) => Services.Any(one => one.Name == service);

    public static PlanScope Of(ProjectModel project, IReadOnlyList<string> named, bool withoutDependencies)
    {
        string[] wanted = named.Count == 0 ? [.. project.Services.Keys] : [.. named.Where(project.Services.ContainsKey)];
        var members = withoutDependencies ? wanted.ToHashSet(StringComparer.Ordinal) : ProjectSelection.WithPrerequisites(project.Services, wanted);
        return new PlanScope(
            [.. ServiceOrder.Sort(project.Services).Where(service => members.Contains(service.Name))],
            wanted.ToHashSet(StringComparer.Ordinal),
            [.. named.Where(name => !project.Services.ContainsKey(name))]);
    }
}
