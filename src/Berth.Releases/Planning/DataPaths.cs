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

    /// <summary>Whether all containers of the service write to the same place there.</summary>
    internal static bool IsShared(MountModel mount) => !mount.ReadOnly && mount.Kind is MountKind.Bind or MountKind.Volume && mount.Source is not null;
}
