using Berth.Compose;
using Berth.Compose.Model;

namespace Berth.Releases.Planning;

/// <summary>Takes a project down in the reverse order of its dependencies.</summary>
internal sealed class DownPlanner(ProjectModel? project, ActualProject actual, DownOptions options)
{
    private readonly PlanFindings _findings = new();

    public Plan Plan()
    {
        var actions = new List<PlanAction>();
        actions.AddRange(Containers());
        actions.AddRange(Networks());
        actions.AddRange(options.RemoveVolumes ? Volumes() : []);
        actions.AddRange(Images());
        return new Plan([], actions, _findings.Warnings, _findings.Problems);
    }

    private IEnumerable<PlanAction> Containers()
    {
        var orphans = project is null ? [] : Planner.Orphans(project, actual);
        string[] staying = [.. orphans.Where(orphan => !orphan.IsOneOff).Select(orphan => orphan.Name)];
        if (options is { RemoveOrphans: false, Services.Count: 0 } && staying.Length > 0)
        {
            _findings.Warnings.Add(
                $"Found orphan containers ([{string.Join(' ', staying)}]) for this project; --remove-orphans removes them too.");
        }

        var ranks = Ranks();
        return actual.Containers
            .Where(container => options.Services.Count == 0 || options.Services.Contains(container.Service))
            .Where(container => options.RemoveOrphans || !(container.IsOneOff || orphans.Contains(container))) // as in Docker Compose: what 'run' made is somebody's own
            .OrderByDescending(container => ranks.GetValueOrDefault(container.Service, int.MaxValue)) // orphans first
            .ThenByDescending(container => container.Number)
            .Select(container => new RemoveContainer(container, options.RemoveVolumes, "the project is taken down"));
    }

    /// <summary>Position of each service in the order of starting; from the files, else from the containers' labels.</summary>
    private Dictionary<string, int> Ranks()
    {
        var services = project?.Services.Concat(project.DisabledServices).ToDictionary(pair => pair.Key, pair => pair.Value);
        var names = services is null ? FromLabels() : ServiceOrder.Sort(services).Select(service => service.Name);
        return names.Select((name, index) => (name, index)).ToDictionary(one => one.name, one => one.index, StringComparer.Ordinal);
    }

    private List<string> FromLabels()
    {
        var needs = actual.Containers.GroupBy(container => container.Service, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.SelectMany(container => container.DependsOn).Distinct().ToList(), StringComparer.Ordinal);
        var sorted = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in needs.Keys.Order(StringComparer.Ordinal))
        {
            Visit(name);
        }

        return sorted;

        void Visit(string name)
        {
            if (!needs.TryGetValue(name, out var others) || !seen.Add(name))
            {
                return;
            }

            others.ForEach(Visit);
            sorted.Add(name);
        }
    }

    private IEnumerable<PlanAction> Networks() => actual.Networks
        .Where(network => network.Key is not null && !IsExternal(project?.Networks.GetValueOrDefault(network.Key)?.IsExternal))
        .Where(network => options.Services.Count == 0 || IsUsed(options.Services, network.Key!, OnNetwork) && !IsUsed(actual.Containers.Select(container => container.Service).Except(options.Services), network.Key!, OnNetwork))
        .OrderBy(network => network.Name, StringComparer.Ordinal)
        .Select(network => new RemoveNetwork(network.Name, "the project is taken down"));

    // Those that the files have: another file of the same project may have others, with data of its own.
    private IEnumerable<PlanAction> Volumes() => actual.Volumes
        .Where(volume => volume.Key is not null && (project is null || project.Volumes.GetValueOrDefault(volume.Key) is { IsExternal: false }))
        .Where(volume => options.Services.Count == 0 || IsUsed(options.Services, volume.Key!, HasVolume) && !IsUsed(project!.Services.Keys.Except(options.Services), volume.Key!, HasVolume))
        .OrderBy(volume => volume.Name, StringComparer.Ordinal)
        .Select(volume => new RemoveVolume(volume.Name, "its volumes are to go too"));

    // What a service uses that the files do not have, nobody knows.
    private bool IsUsed(IEnumerable<string> services, string key, Func<ServiceModel, string, bool> uses) =>
        services.Any(name => project is null || !project.Services.TryGetValue(name, out var service) ? !options.Services.Contains(name) : uses(service, key));

    private static bool OnNetwork(ServiceModel service, string network) => service.Networks.ContainsKey(network);

    private static bool HasVolume(ServiceModel service, string volume) => service.Volumes.Any(mount => mount.Kind == MountKind.Volume && mount.Source == volume);

    private IEnumerable<PlanAction> Images()
    {
        if (project is null || options.RemoveImages == ImageRemoval.None)
        {
            return [];
        }

        return project.Services.Values
            .Where(service => options.Services.Count == 0 || options.Services.Contains(service.Name))
            .Where(service => options.RemoveImages == ImageRemoval.All || service is { Build: not null, Image: null })
            .Select(service => ImagePlanner.ImageOf(project, service))
            .Distinct()
            .Where(actual.Images.ContainsKey)
            .Order(StringComparer.Ordinal)
            .Select(image => new RemoveImage(image, "images are to go too"));
    }

    private static bool IsExternal(bool? declared) => declared == true;
}
