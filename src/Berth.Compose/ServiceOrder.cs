using Berth.Compose.Model;

namespace Berth.Compose;

/// <summary>In which order services start.</summary>
public static class ServiceOrder
{
    /// <summary>The services that must be there first: dependencies, and those whose namespaces it shares.</summary>
    public static IEnumerable<string> Prerequisites(ServiceModel service) =>
        service.DependsOn.Keys
            .Concat(new[] { service.NetworkMode, service.Pid, service.Ipc }
                .OfType<string>()
                .Where(mode => mode.StartsWith("service:", StringComparison.Ordinal))
                .Select(mode => mode[8..]))
            .Distinct(StringComparer.Ordinal);

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
