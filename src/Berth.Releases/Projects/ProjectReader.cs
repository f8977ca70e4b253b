using System.Globalization;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Releases.Planning;

namespace Berth.Releases.Projects;

/// <summary>Reads what the engine has of a project, by Compose's labels.</summary>
internal sealed class ProjectReader(EngineHost engine)
{
    internal IEnumerable<Container> Containers(string project) =>
        engine.Containers.All.Where(container => container.Record.Label(ComposeLabels.Project) == project && container.Record.Status != ContainerStatus.Removing);

    /// <param name="project">The project's name.</param>
    /// <param name="desired">Null when only the name is known: then no image and no external object is looked up.</param>
    /// <param name="spared">Ids of containers that are out of service and looked after by somebody else.</param>
    internal ActualProject Read(string project, ProjectModel? desired, IReadOnlySet<string>? spared = null) => new(
        [.. Containers(project).Where(container => spared?.Contains(container.Id) != true).Select(Actual)],
        [.. Networks(project, desired)],
        [.. Volumes(project, desired)],
        desired is null ? new Dictionary<string, ActualImage>() : Images(desired));

    internal static ActualContainer Actual(Container container)
    {
        var record = container.Record;
        return new(
            record.Id,
            record.Name,
            record.Label(ComposeLabels.Service),
            int.TryParse(record.Label(ComposeLabels.ContainerNumber), CultureInfo.InvariantCulture, out var number) ? number : 1,
            record.Label(ComposeLabels.ConfigHash),
            record.ImageId,
            State(record.Status),
            record.Label(ComposeLabels.OneOff).Equals("true", StringComparison.OrdinalIgnoreCase),
            [.. record.Label(ComposeLabels.DependsOn).Split(',', StringSplitOptions.RemoveEmptyEntries).Select(entry => entry.Split(':')[0])])
        {
            OutOfService = record.OutOfService,
            ExitCode = record.ExitCode,
        };
    }

    private static ContainerState State(ContainerStatus status) => status switch
    {
        ContainerStatus.Created => ContainerState.Created,
        ContainerStatus.Running => ContainerState.Running,
        ContainerStatus.Paused => ContainerState.Paused,
        ContainerStatus.Restarting => ContainerState.Restarting,
        ContainerStatus.Exited => ContainerState.Exited,
        _ => ContainerState.Dead,
    };

    private IEnumerable<ActualNetwork> Networks(string project, ProjectModel? desired)
    {
        var named = desired?.Networks.Values.Select(network => network.Name).ToHashSet(StringComparer.Ordinal) ?? [];
        foreach (var network in engine.Networks.All)
        {
            var isOwn = network.Labels.GetValueOrDefault(ComposeLabels.Project) == project;
            if (isOwn || named.Contains(network.Name))
            {
                yield return new(network.Id, network.Name, isOwn ? network.Labels.GetValueOrDefault(ComposeLabels.Network) : null, network.Labels.GetValueOrDefault(ComposeLabels.ConfigHash));
            }
        }
    }

    private IEnumerable<ActualVolume> Volumes(string project, ProjectModel? desired)
    {
        var named = desired?.Volumes.Values.Select(volume => volume.Name).ToHashSet(StringComparer.Ordinal) ?? [];
        foreach (var volume in engine.Volumes.All)
        {
            var isOwn = volume.Labels.GetValueOrDefault(ComposeLabels.Project) == project;
            if (isOwn || named.Contains(volume.Name))
            {
                yield return new(volume.Name, isOwn ? volume.Labels.GetValueOrDefault(ComposeLabels.Volume) : null, volume.Labels.GetValueOrDefault(ComposeLabels.ConfigHash));
            }
        }
    }

    private Dictionary<string, ActualImage> Images(ProjectModel desired)
    {
        var images = new Dictionary<string, ActualImage>(StringComparer.Ordinal);
        foreach (var name in desired.Services.Values.Select(service => ImagePlanner.ImageOf(desired, service)).Distinct())
        {
            if (engine.Images.TryResolve(name) is { } image)
            {
                var defaults = image.Config.Config;
                images[name] = new(image.Id.ToString())
                {
                    Age = image.LastTagged is { } tagged ? engine.Time.GetUtcNow() - tagged : TimeSpan.MaxValue,
                    HasHealthcheck = defaults?.Healthcheck?.Test is { Count: > 0 } test && test[0] != "NONE",
                    ExposedPorts = [.. defaults?.ExposedPorts?.Keys ?? Enumerable.Empty<string>()],
                    Volumes = [.. defaults?.Volumes?.Keys ?? Enumerable.Empty<string>()],
                };
            }
        }

        return images;
    }
}
