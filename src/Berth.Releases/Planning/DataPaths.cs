using Berth.Compose.Model;

namespace Berth.Releases.Planning;

/// <summary>Where well-known databases keep their files: two servers on one such folder destroy it.</summary>
internal static class DataPaths
{
    private static readonly (string Path, string Database)[] Known =
    [
        ("/var/lib/mysql", "MySQL"), ("/var/lib/postgresql", "PostgreSQL"), ("/var/lib/redis", "Redis"), ("/var/lib/rabbitmq", "RabbitMQ"),
        ("/data/db", "MongoDB"), ("/var/lib/mongodb", "MongoDB"),
    ];

    /// <summary>The database whose files would be used by two servers at once, and their path; null when there is none.</summary>
    internal static (string Path, string Database)? Find(ServiceModel service, string image)
    {
        foreach (var target in service.Volumes.Where(IsShared).Select(mount => mount.Target.TrimEnd('/')))
        {
            if (Known.FirstOrDefault(known => target == known.Path || target.StartsWith(known.Path + "/", StringComparison.Ordinal)) is { Path: not null } found)
            {
                return (target, found.Database);
            }

            // Too common a folder to be Redis's everywhere.
            if (target == "/data" && (image.Contains("redis", StringComparison.OrdinalIgnoreCase) || image.Contains("valkey", StringComparison.OrdinalIgnoreCase)))
            {
                return (target, "Redis");
            }
        }

        return null;
    }

    /// <summary>What an earlier release would not find as it left it: volumes that are gone, and a database's files that a later image has had.</summary>
    /// <param name="project">As it was then.</param>
    /// <param name="images">Image ids by reference, then.</param>
    /// <param name="latest">The same, now.</param>
    /// <param name="volumes">Those that are there.</param>
    internal static IEnumerable<string> WarningsOnTheWayBack(
        ProjectModel project, IReadOnlyDictionary<string, string> images, IReadOnlyDictionary<string, string> latest, IReadOnlySet<string> volumes)
    {
        foreach (var service in project.Services.Values)
        {
            var image = ImagePlanner.ImageOf(project, service);
            if (Find(service, image) is var (path, database) && latest.TryGetValue(image, out var newer) && images.TryGetValue(image, out var older) && older != newer)
            {
                yield return $"service '{service.Name}' goes back to an earlier image on the {database} data in {path}; if the later one has changed their format, it cannot read them";
            }
        }

        foreach (var volume in project.Volumes.Values.Where(volume => !volume.IsExternal && !volumes.Contains(volume.Name)))
        {
            yield return $"volume '{volume.Name}' is no longer there; it is made anew, without the data that it had then";
        }
    }

    /// <summary>Whether all containers of the service write to the same place there.</summary>
    internal static bool IsShared(MountModel mount) => !mount.ReadOnly && mount.Kind is MountKind.Bind or MountKind.Volume && mount.Source is not null;
}
