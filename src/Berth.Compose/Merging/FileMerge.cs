using Berth.Compose.Yaml;

namespace Berth.Compose.Merging;

/// <summary>Lays one file over another.</summary>
/// <remarks>Compose Specification, 13-merge.md.</remarks>
internal static class FileMerge
{
    private static readonly string[] s_replaced = ["command", "entrypoint", "test"];
    private static readonly string[] s_nullCounts = ["environment", "args"];

    /// <param name="below">The files so far, in long form.</param>
    /// <param name="above">The file that is laid over them, in long form.</param>
    public static MapNode Merge(MapNode below, MapNode above) => MergeMaps(below, above, []);

    /// <summary>Lays a service over the one it extends.</summary>
    public static MapNode MergeService(MapNode below, MapNode above) => MergeMaps(below, above, ["services", string.Empty]);

    /// <summary>Drops what <c>!reset</c> took away; the tags have done their work.</summary>
    public static MapNode Clean(MapNode map) => map with
    {
        Entries =
        [
            .. map.Entries.Where(entry => entry.Value.Tag != MergeTag.Reset)
                .Select(entry => entry.Value is MapNode inner ? entry with { Value = Clean(inner) } : entry),
        ],
    };

    private static MapNode MergeMaps(MapNode below, MapNode above, string[] path)
    {
        var entries = below.Entries.ToList();
        foreach (var entry in above.Entries)
        {
            var index = entries.FindIndex(one => one.Key == entry.Key);
            if (index < 0)
            {
                entries.Add(entry);
            }
            else
            {
                entries[index] = entry with { Value = MergeNodes(entries[index].Value, entry.Value, [.. path, entry.Key]) };
            }
        }

        return new MapNode(above.Place, below.Tag, entries);
    }

    private static YamlNode MergeNodes(YamlNode below, YamlNode above, string[] path) => (below, above) switch
    {
        (_, { Tag: MergeTag.Reset or MergeTag.Override }) => above,
        ({ Tag: MergeTag.Reset }, _) => above,
        (_, ScalarNode { IsNull: true }) when !KeepsNull(path) => below,
        (MapNode left, MapNode right) when path is ["services", _, "logging"] && !SameDriver(left, right) => right,
        (MapNode left, MapNode right) => MergeMaps(left, right, path),
        (ListNode left, ListNode right) when path is ["networks", _, "ipam", "config"] => MergePools(left, right, path),
        (ListNode left, ListNode right) when !IsReplaced(path) => MergeLists(left, right, path),
        _ => above,
    };

    private static bool KeepsNull(string[] path) =>
        IsReplaced(path) || (path.Length > 3 && s_nullCounts.Contains(path[^2]));

    private static bool IsReplaced(string[] path) => path is ["services", _, ..] && s_replaced.Contains(path[^1]);

    private static bool SameDriver(MapNode left, MapNode right) =>
        right["driver"] is not ScalarNode driver || left["driver"] is ScalarNode other && other.Text == driver.Text;

    private static ListNode MergeLists(ListNode below, ListNode above, string[] path)
    {
        var key = path is ["services", _, var last] ? last : string.Empty;
        var items = below.Items.ToList();
        foreach (var item in above.Items)
        {
            var identity = Identity(item, key);
            var index = identity is null ? -1 : items.FindIndex(one => Identity(one, key) == identity);
            if (index < 0)
            {
                items.Add(item);
            }
            else
            {
                items[index] = (items[index], item) is (MapNode left, MapNode right) ? MergeMaps(left, right, path) : item;
            }
        }

        return new ListNode(above.Place, below.Tag, items);
    }

    // The later file says which pools there are; of one that both have, it says what is other. Added ones would have a network have two subnets.
    private static ListNode MergePools(ListNode below, ListNode above, string[] path) => above with
    {
        Items =
        [
            .. above.Items.Select(pool => pool is MapNode map && below.Items.OfType<MapNode>().FirstOrDefault(one => Field(one, "subnet") == Field(map, "subnet")) is { } same
                ? MergeMaps(same, map, path)
                : pool),
        ],
    };

    /// <summary>What makes two entries the same one; null for an entry that is always added.</summary>
    private static string? Identity(YamlNode item, string key) => (key, item) switch
    {
        ("volumes" or "devices", ScalarNode text) => MountTarget(text.Text),
        ("volumes" or "devices", MapNode map) => Field(map, "target"),
        ("secrets" or "configs", MapNode map) => Field(map, "target") ?? Field(map, "source"),
        ("ports", ScalarNode text) => PortIdentity(text.Text),
        ("ports", MapNode map) =>
            $"{Field(map, "host_ip")}|{Field(map, "published")}|{Field(map, "target")}|{Field(map, "protocol") ?? "tcp"}",
        ("env_file", MapNode map) => Field(map, "path"),
        (_, ScalarNode text) => text.Text,
        _ => null,
    };

    private static string MountTarget(string text)
    {
        var parts = text.Split(':');
        return (parts.Length == 1 ? parts[0] : parts[1]).TrimEnd('/');
    }

    private static string PortIdentity(string text)
    {
        var slash = text.Split('/', 2);
        var target = slash[0].LastIndexOf(':');
        var published = target < 0 ? -1 : slash[0].LastIndexOf(':', Math.Max(0, target - 1));
        var hostIp = target > 0 && published > 0 ? slash[0][..published] : string.Empty;
        var host = target < 0 ? string.Empty : slash[0][(published < 0 || target == published ? 0 : published + 1)..target];
        return $"{hostIp}|{host}|{slash[0][(target + 1)..]}|{(slash.Length > 1 ? slash[1] : "tcp")}";
    }

    private static string? Field(MapNode map, string key) => (map[key] as ScalarNode)?.Text;
}
