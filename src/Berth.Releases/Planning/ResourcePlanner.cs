using Berth.Compose.Model;
using Berth.Compose.Output;

namespace Berth.Releases.Planning;

/// <summary>The networks and volumes that the services in scope need.</summary>
internal sealed class ResourcePlanner(ProjectModel project, ActualProject actual, PlanScope scope, PlanFindings findings)
{
    private readonly HashSet<string> _recreated = new(StringComparer.Ordinal);

    /// <summary>Keys of the networks that are made anew; filled by <see cref="Plan"/>.</summary>
    public IReadOnlySet<string> RecreatedNetworks => _recreated;

    public IReadOnlyList<PlanAction> Plan()
    {
        var isAll = scope.Services.Count == project.Services.Count; // then with those that no service uses, where the project was loaded so
        var networks = (isAll ? project.Networks.Keys : scope.Services.SelectMany(service => service.Networks.Keys)).Distinct().Order(StringComparer.Ordinal);
        var volumes = (isAll ? project.Volumes.Keys : scope.Services.SelectMany(service => service.Volumes)
            .Where(mount => mount is { Kind: MountKind.Volume, Source: not null })
            .Select(mount => mount.Source!))
            .Distinct()
            .Order(StringComparer.Ordinal);
        return
        [
            .. networks.Select(key => PlanNetwork(project.Networks[key])).OfType<PlanAction>(),
            .. volumes.Select(key => PlanVolume(project.Volumes[key])).OfType<PlanAction>(),
        ];
    }

    private PlanAction? PlanNetwork(NetworkModel network)
    {
        var existing = actual.Networks.FirstOrDefault(one => one.Name == network.Name);
        if (existing is null && network.IsExternal)
        {
            findings.Problems.Add(
                $"network '{network.Name}' is declared as external, but does not exist; "
                + $"create it with 'docker network create {network.Name}'");
            return null;
        }

        if (existing is null)
        {
            return new CreateNetwork(network, "it does not exist yet");
        }

        if (network.IsExternal)
        {
            return null;
        }

        if (existing.Key is null)
        {
            findings.Warnings.Add($"network '{network.Name}' exists, but this project did not create it; declare it as external to use it");
            return null;
        }

        if (existing.ConfigHash is null || existing.ConfigHash == ServiceHash.Compute(network) || existing.Changes is { Count: 0 })
        {
            return null;
        }

        _recreated.Add(network.Key);
        return new RecreateNetwork(network, existing, Attached(network.Key), "its settings changed") { Changes = existing.Changes ?? [] };
    }

    private List<ActualContainer> Attached(string network) =>
    [
        .. actual.Containers.Where(container =>
            project.Services.TryGetValue(container.Service, out var service) && service.Networks.ContainsKey(network)),
    ];

    private CreateVolume? PlanVolume(VolumeModel volume)
    {
        var existing = actual.Volumes.FirstOrDefault(one => one.Name == volume.Name);
        if (existing is null && volume.IsExternal)
        {
            findings.Problems.Add(
                $"volume '{volume.Name}' is declared as external, but does not exist; "
                + $"create it with 'docker volume create {volume.Name}'");
            return null;
        }

        if (existing is null)
        {
            return new CreateVolume(volume, "it does not exist yet");
        }

        if (!volume.IsExternal && existing.Key is null)
        {
            findings.Warnings.Add($"volume '{volume.Name}' exists, but this project did not create it; declare it as external to use it");
        }
        else if (!volume.IsExternal && existing.ConfigHash is { } hash && hash != ServiceHash.Compute(volume) && existing.Changes is not { Count: 0 })
        {
            findings.Warnings.Add(
                $"volume '{volume.Name}' has other settings than the file; it is left as it is, because making it anew would lose its data");
        }

        return null;
    }
}
