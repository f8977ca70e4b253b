using Berth.Compose.Yaml;

namespace Berth.Compose.Merging;

/// <summary>Brings the short forms of a service's keys to the long ones, so that files which use different forms merge.</summary>
internal static class ServiceForms
{
    private static readonly string[] s_maps = ["environment", "labels", "args", "sysctls", "annotations", "additional_contexts", "ssh"];
    private static readonly string[] s_lists = ["env_file", "label_file", "dns", "dns_search", "tmpfs"];

    /// <summary>A whole file with its services in long form.</summary>
    public static MapNode Normalize(MapNode file) => file with { Entries = [.. file.Entries.Select(NormalizeTop)] };

    private static MapEntry NormalizeTop(MapEntry entry) => entry switch
    {
        { Key: "services", Value: MapNode services } => entry with
        {
            Value = services with
            {
                Entries = [.. services.Entries.Select(one => one.Value is MapNode service ? one with { Value = Service(service) } : one)],
            },
        },
        { Key: "networks" or "volumes", Value: MapNode map } => entry with
        {
            Value = map with { Entries = [.. map.Entries.Select(one => one.Value is MapNode inner ? one with { Value = Labels(inner) } : one)] },
        },
        _ => entry,
    };

    private static MapNode Labels(MapNode map) => map with { Entries = [.. map.Entries.Select(entry => Simple(entry))] };

    private static MapNode Service(MapNode service) => service with { Entries = [.. service.Entries.Select(ServiceKey)] };

    private static MapEntry ServiceKey(MapEntry entry) => entry switch
    {
        { Key: "build", Value: ScalarNode { IsNull: false } context } => entry with
        {
            Value = new MapNode(context.Place, context.Tag, [new MapEntry("context", context.Place, context with { Tag = MergeTag.None })]),
        },
        { Key: "build" or "deploy", Value: MapNode map } => entry with { Value = map with { Entries = [.. map.Entries.Select(BuildKey)] } },
        { Key: "depends_on", Value: ListNode list } => entry with { Value = Keys(list, name => Started(name.Place)) },
        { Key: "networks", Value: ListNode list } => entry with { Value = Keys(list, name => new ScalarNode(name.Place, MergeTag.None, "", true)) },
        { Key: "extra_hosts", Value: MapNode map } => entry with { Value = Hosts(map) },
        { Key: "post_start" or "pre_stop", Value: ListNode hooks } => entry with { Value = Each(hooks, hook => hook with { Entries = [.. hook.Entries.Select(Simple)] }) },
        { Key: "gpus", Value: ScalarNode { Text: "all" } all } => entry with
        {
            Value = new ListNode(all.Place, all.Tag, [new MapNode(all.Place, MergeTag.None, [new MapEntry("count", all.Place, all with { Tag = MergeTag.None })])]),
        },
        { Key: "develop", Value: MapNode develop } => entry with { Value = develop with { Entries = [.. develop.Entries.Select(DevelopKey)] } },
        { Key: "volumes", Value: ListNode mounts } => entry with { Value = Each(mounts, mount => mount with { Entries = [.. mount.Entries.Select(MountKey)] }) },
        _ => Simple(entry),
    };

    private static MapEntry DevelopKey(MapEntry entry) => entry is { Key: "watch", Value: ListNode rules }
        ? entry with
        {
            Value = Each(rules, rule => rule with
            {
                Entries = [.. rule.Entries.Select(one => one.Key is "ignore" or "include" && one.Value is ScalarNode { IsNull: false } pattern
                    ? one with { Value = new ListNode(pattern.Place, pattern.Tag, [pattern]) }
                    : one is { Key: "exec", Value: MapNode exec } ? one with { Value = exec with { Entries = [.. exec.Entries.Select(Simple)] } } : one)],
            }),
        }
        : entry;

    private static MapEntry MountKey(MapEntry entry) => entry is { Key: "volume", Value: MapNode volume } ? entry with { Value = Labels(volume) } : entry;

    private static ListNode Each(ListNode list, Func<MapNode, MapNode> change) => list with { Items = [.. list.Items.Select(item => item is MapNode map ? change(map) : item)] };

    private static MapEntry BuildKey(MapEntry entry) => entry is { Key: "extra_hosts", Value: MapNode map } ? entry with { Value = Hosts(map) } : Simple(entry);

    private static MapEntry Simple(MapEntry entry)
    {
        if (s_maps.Contains(entry.Key) && entry.Value is ListNode list && list.Items.All(item => item is ScalarNode))
        {
            return entry with { Value = Pairs(list) };
        }

        return s_lists.Contains(entry.Key) && entry.Value is ScalarNode { IsNull: false } or MapNode && s_lists.Contains(entry.Key)
            ? entry with { Value = new ListNode(entry.Value.Place, entry.Value.Tag, [entry.Value with { Tag = MergeTag.None }]) }
            : entry;
    }

    private static MapNode Pairs(ListNode list)
    {
        var pairs = new Dictionary<string, MapEntry>(StringComparer.Ordinal); // the last of equal names wins
        foreach (var item in list.Items.Cast<ScalarNode>())
        {
            var parts = item.Text.Split('=', 2);
            var value = new ScalarNode(item.Place, MergeTag.None, parts.Length > 1 ? parts[1] : "", IsPlain: parts.Length == 1);
            pairs[parts[0]] = new MapEntry(parts[0], item.Place, value);
        }

        return new MapNode(list.Place, list.Tag, [.. pairs.Values]);
    }

    private static YamlNode Keys(ListNode list, Func<ScalarNode, YamlNode> value) => list.Items.All(item => item is ScalarNode)
        ? new MapNode(
            list.Place,
            list.Tag,
            [.. list.Items.Cast<ScalarNode>().DistinctBy(name => name.Text).Select(name => new MapEntry(name.Text, name.Place, value(name)))])
        : list;

    private static MapNode Started(Place place) =>
        new(place, MergeTag.None, [new MapEntry("condition", place, new ScalarNode(place, MergeTag.None, "service_started", false))]);

    private static ListNode Hosts(MapNode map) => new(
        map.Place,
        map.Tag,
        [
            .. map.Entries.SelectMany(entry => (entry.Value is ListNode list ? list.Items : [entry.Value])
                .OfType<ScalarNode>()
                .Select(address => address with { Text = $"{entry.Key}={address.Text}", IsPlain = false })),
        ]);
}
