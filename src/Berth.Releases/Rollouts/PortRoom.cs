using System.Globalization;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Releases.Planning;

namespace Berth.Releases.Rollouts;

/// <summary>Whether the host ports that a release publishes are free, or held by containers that go with it.</summary>
internal static class PortRoom
{
    /// <summary>What speaks against the plan; empty when nothing does.</summary>
    internal static IReadOnlyList<string> Problems(EngineHost engine, ProjectModel project, Plan plan)
    {
        var leaving = plan.Actions.SelectMany(Leaving).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. from service in plan.Actions.Select(Starting).OfType<ServiceModel>().DistinctBy(service => service.Name)
               from port in service.Ports
               where port.PublishedFirst is not null && port.PublishedFirst == port.PublishedLast // out of several, one will do
               let address = port.HostIp ?? ""
               let holder = engine.Containers.PortHolder(port.Protocol, address, port.PublishedFirst ?? 0, record => leaving.Contains(record.Id) || IsOf(record, project, service))
               where holder is not null
               select string.Create(
                   CultureInfo.InvariantCulture,
                   $"service '{service.Name}': Bind for {(address.Length == 0 ? "0.0.0.0" : address)}:{port.PublishedFirst} failed: port is already allocated: it is in use by {holder}. Stop that, or publish another port."),
        ];
    }

    private static ServiceModel? Starting(PlanAction action) => action switch
    {
        CreateContainer { Start: true } create => create.Service,
        ReplaceContainer { Start: true } replace => replace.Service,
        RollService roll => roll.Service,
        StartContainer start => start.Service,
        UpdateContainer update when update.Changes.Any(change => change.Field.StartsWith("ports.", StringComparison.Ordinal)) => update.Service,
        _ => null,
    };

    private static IEnumerable<string> Leaving(PlanAction action) => action switch
    {
        ReplaceContainer replace => [replace.Existing.Id],
        RemoveContainer remove => [remove.Existing.Id],
        RollService roll => roll.Replacements.Select(replace => replace.Existing.Id),
        _ => [],
    };

    private static bool IsOf(ContainerRecord record, ProjectModel project, ServiceModel service) =>
        record.Label(ComposeLabels.Project) == project.Name && record.Label(ComposeLabels.Service) == service.Name;
}
