using Berth.Compose.Model;
using Berth.Engine.Networks;
using Berth.Engine.Volumes;

namespace Berth.Releases.Planning;

/// <summary>In what networks and volumes are not as the files say, whoever made them. What the files leave open may be anything. Pure.</summary>
internal static class ResourceFacts
{
    private const string ComposePrefix = "com.docker.compose.";

    internal static IReadOnlyList<FieldChange> Compare(NetworkRecord actual, NetworkModel wanted)
    {
        var changes = new List<FieldChange>();
        Add(changes, "driver", actual.Driver, wanted.Driver);
        Add(changes, "internal", actual.Internal ? "true" : null, wanted.IsInternal ? "true" : null);
        Add(changes, "enable_ipv6", actual.Ipv6 is not null ? "true" : null, wanted.EnableIpv6 == true || wanted.Pools.Any(pool => pool.Subnet?.Contains(':', StringComparison.Ordinal) == true) ? "true" : null);
        Add(changes, "driver_opts.", actual.Options, wanted.DriverOptions);
        Add(changes, "labels.", Own(actual.Labels), wanted.Labels);
        foreach (var pool in wanted.Pools)
        {
            var existing = actual.Pools.FirstOrDefault(one => pool.Subnet is null || one.Subnet == pool.Subnet);
            Add(changes, "ipam.subnet", existing?.Subnet ?? string.Join(", ", actual.Pools.Select(one => one.Subnet)), pool.Subnet ?? existing?.Subnet);
            Add(changes, "ipam.gateway", existing?.Gateway, pool.Gateway ?? existing?.Gateway);
            Add(changes, "ipam.ip_range", existing?.IpRange ?? "", pool.IpRange ?? "");
        }

        return changes;
    }

    internal static IReadOnlyList<FieldChange> Compare(VolumeRecord actual, VolumeModel wanted)
    {
        var changes = new List<FieldChange>();
        Add(changes, "driver_opts.", actual.Options, wanted.DriverOptions);
        return changes;
    }

    private static IReadOnlyDictionary<string, string> Own(IReadOnlyDictionary<string, string> labels) =>
        labels.Where(pair => !pair.Key.StartsWith(ComposePrefix, StringComparison.Ordinal)).ToDictionary(StringComparer.Ordinal);

    private static void Add(List<FieldChange> changes, string prefix, IReadOnlyDictionary<string, string> old, IReadOnlyDictionary<string, string> now)
    {
        foreach (var key in old.Keys.Union(now.Keys).Order(StringComparer.Ordinal))
        {
            Add(changes, prefix + key, old.GetValueOrDefault(key), now.GetValueOrDefault(key));
        }
    }

    private static void Add(List<FieldChange> changes, string field, string? old, string? now)
    {
        if (old != now)
        {
            changes.Add(new(field, old, now));
        }
    }
}
