using Berth.Compose.Model;

namespace Berth.Compose;

/// <summary>In which order services start.</summary>
public static class ServiceOrder
{
    /// <summary>The services that must be there first: dependencies, those that it is linked to, and those whose container it shares something of.</summary>
    public static IEnumerable<string> Prerequisites(ServiceModel service) =>
        service.DependsOn.Keys
            .Concat(service.Links.Select(link => link.Target))
            .Concat(Shared(service))
            .Distinct(StringComparer.Ordinal);

    /// <summary>The services of whose container it has a namespace or the volumes: when that is replaced, so is its own.</summary>
    public static IEnumerable<string> Shared(ServiceModel service) => Namespaces(service).Concat(VolumesFrom(service)).Distinct(StringComparer.Ordinal);

    /// <summary>The services of whose container it has a namespace.</summary>
    public static IEnumerable<string> Namespaces(ServiceModel service) => new[] { service.NetworkMode, service.Pid, service.Ipc }
        .OfType<string>()
        .Where(mode => mode.StartsWith("service:", StringComparison.Ordinal))
        .Select(mode => mode[8..]);

    /// <summary>The services of whose container it has the volumes.</summary>
    public static IEnumerable<string> VolumesFrom(ServiceModel service) => service.VolumesFrom.Where(one => !one.IsContainer).Select(one => one.Source);

    /// <summary>All services, prerequisites first, otherwise by name. The project has no cycles: loading refuses them.</summary>
    public static IReadOnlyList<ServiceModel> Sort(IReadOnlyDictionary<string, ServiceModel> services)
    {
        var sorted = new List<ServiceModel>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in services.Keys.Order(StringComparer.Ordinal))
        {
            Visit(name);
        }

        return sorted;

        void Visit(string name)
        {
            if (!services.TryGetValue(name, out var service) || !seen.Add(name))
            {
                return;
            }

            foreach (var other in Prerequisites(service).Order(StringComparer.Ordinal))
            {
                Visit(other);
            }

            sorted.Add(service);
        }
    }
}
