using Berth.Engine.Networks;

namespace Berth.Engine.Containers;

/// <summary>In which order containers come back when all of them were down: whom others depend on comes first.</summary>
internal static class StartOrder
{
    private const string DependsOn = "com.docker.compose.depends_on"; // SERVICE:CONDITION:RESTART,…
    private const string OfContainer = "container:";

    /// <summary>The services that a container's own depends on, and what has to be so before it starts. Compose Specification, 05-services.md, "depends_on".</summary>
    internal static IEnumerable<(ServiceKey Service, StartCondition Condition)> Conditions(ContainerRecord record) => ServiceKey.Of(record) is not { } own ? [] : record.Label(DependsOn)
        .Split(',', StringSplitOptions.RemoveEmptyEntries)
        .Select(text => text.Split(':'))
        .Select(parts => (own with { Service = parts[0] }, parts is [_, "service_healthy", ..] ? StartCondition.Healthy : parts is [_, "service_completed_successfully", ..] ? StartCondition.Completed : StartCondition.Started));

    /// <summary>Pure. A circle is broken where it is met; otherwise the order stays as it is.</summary>
    internal static IReadOnlyList<ContainerRecord> Sort(IReadOnlyList<ContainerRecord> records)
    {
        var byService = records.ToLookup(ServiceKey.Of);
        var byId = records.ToDictionary(record => record.Id, StringComparer.Ordinal);
        var (sorted, seen) = (new List<ContainerRecord>(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var record in records)
        {
            Visit(record);
        }

        return sorted;

        void Visit(ContainerRecord record)
        {
            if (!seen.Add(record.Id))
            {
                return;
            }

            foreach (var earlier in Needed(record))
            {
                Visit(earlier);
            }

            sorted.Add(record);
        }

        IEnumerable<ContainerRecord> Needed(ContainerRecord record)
        {
            var services = Conditions(record).SelectMany(one => byService[one.Service]);
            var host = record.HostConfig;
            var others = record.Links.Select(link => link.ContainerId)
                .Concat(new[] { host.NetworkMode, host.IpcMode, host.PidMode }.Where(mode => mode.StartsWith(OfContainer, StringComparison.Ordinal)).Select(mode => mode[OfContainer.Length..]));
            return services.Concat(others.Select(id => byId.GetValueOrDefault(id)).OfType<ContainerRecord>());
        }
    }
}

/// <summary>What has to be so of a service's containers before one that depends on it starts.</summary>
internal enum StartCondition
{
    Started,
    Healthy,
    Completed,
}
