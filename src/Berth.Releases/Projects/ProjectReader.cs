using System.Globalization;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
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
    /// <param name="files">Where secrets and configs are or will be; null: containers are not compared with their services.</param>
    internal ActualProject Read(string project, ProjectModel? desired, IReadOnlySet<string>? spared = null, IReadOnlyDictionary<string, string>? files = null) => new(
        [
            .. Containers(project).Where(container => spared?.Contains(container.Id) != true).Select(container =>
                desired is null || files is null ? Actual(container) : Actual(container) with { Changes = Changes(desired, container, files) }),
        ],
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
            Image = record.Config.Image,
        };
    }

    /// <summary>What a container of a service would be made from, in the place of one that is there; null as long as its image is not here.</summary>
    internal ServiceContainer? Describe(ProjectModel project, ServiceModel service, ActualContainer existing, IReadOnlyDictionary<string, string> files)
    {
        var image = ImagePlanner.ImageOf(project, service);
        return engine.Images.TryResolve(image) is not { } found ? null : ServiceContainer.Describe(project, service, new(
            existing.Number,
            service.ContainerName ?? existing.Name, // Compose 1 joined its parts otherwise
            image,
            found.Id.ToString(),
            files,
            new Dictionary<string, string>(),
            other => Containers(project.Name).FirstOrDefault(container => container.Record.Label(ComposeLabels.Service) == other && !Actual(container).IsOneOff)?.Id
                ?? throw BerthException.NotFound($"service '{other}' has no container")));
    }

    private IReadOnlyList<FieldChange>? Changes(ProjectModel project, Container container, IReadOnlyDictionary<string, string> files)
    {
        var existing = Actual(container);
        if (existing.IsOneOff || existing.OutOfService || !project.Services.TryGetValue(existing.Service, out var service))
        {
            return null;
        }

        try
        {
            return Describe(project, service, existing, files) is { } made
                ? ContainerFacts.Compare(container.Record, engine.Containers.Preview(made.Name, made.Config, made.Host, made.Networking))
                : null;
        }
        catch (BerthException)
        {
            return null; // what it is to be cannot be had; making it tells why
        }
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
        var named = desired?.Networks.Values.ToLookup(network => network.Name, StringComparer.Ordinal);
        foreach (var network in engine.Networks.All)
        {
            var isOwn = network.Labels.GetValueOrDefault(ComposeLabels.Project) == project;
            var wanted = named?[network.Name].FirstOrDefault();
            if (isOwn || wanted is not null)
            {
                yield return new(network.Id, network.Name, isOwn ? network.Labels.GetValueOrDefault(ComposeLabels.Network) : null, network.Labels.GetValueOrDefault(ComposeLabels.ConfigHash))
                {
                    Changes = wanted is null ? null : ResourceFacts.Compare(network, wanted),
                };
            }
        }
    }

    private IEnumerable<ActualVolume> Volumes(string project, ProjectModel? desired)
    {
        var named = desired?.Volumes.Values.ToLookup(volume => volume.Name, StringComparer.Ordinal);
        foreach (var volume in engine.Volumes.All)
        {
            var isOwn = volume.Labels.GetValueOrDefault(ComposeLabels.Project) == project;
            var wanted = named?[volume.Name].FirstOrDefault();
            if (isOwn || wanted is not null)
            {
                yield return new(volume.Name, isOwn ? volume.Labels.GetValueOrDefault(ComposeLabels.Volume) : null, volume.Labels.GetValueOrDefault(ComposeLabels.ConfigHash))
                {
                    Changes = wanted is null ? null : ResourceFacts.Compare(volume, wanted),
                };
            }
        }
    }

    private Dictionary<string, ActualImage> Images(ProjectModel desired)
    {
        var images = new Dictionary<string, ActualImage>(StringComparer.Ordinal);
        foreach (var name in desired.Services.Values.SelectMany(service => ImagePlanner.Mounted(service).Append(ImagePlanner.ImageOf(desired, service))).Distinct())
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
