using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Merging;

/// <summary>Makes the paths of a service absolute before it is taken over from a file in another folder.</summary>
/// <param name="paths">Where the other file's paths start.</param>
internal sealed class PathRebase(ProjectPaths paths)
{
    /// <param name="service">In long form.</param>
    public MapNode Service(MapNode service) => service with { Entries = [.. service.Entries.Select(ServiceKey)] };

    /// <summary>A whole file: its services, secrets and configs.</summary>
    public MapNode File(MapNode file) => file with { Entries = [.. file.Entries.Select(TopKey)] };

    private MapEntry TopKey(MapEntry entry) => entry switch
    {
        { Key: "services", Value: MapNode map } => entry with { Value = EachMap(map, Service) },
        { Key: "secrets" or "configs", Value: MapNode map } => entry with { Value = EachMap(map, one => Field(one, "file")) },
        _ => entry,
    };

    private static MapNode EachMap(MapNode map, Func<MapNode, MapNode> change) => map with
    {
        Entries = [.. map.Entries.Select(entry => entry.Value is MapNode inner ? entry with { Value = change(inner) } : entry)],
    };

    private MapEntry ServiceKey(MapEntry entry) => entry switch
    {
        { Key: "build", Value: MapNode build } => entry with { Value = Build(build) },
        { Key: "develop", Value: MapNode develop } => entry with
        {
            Value = develop with { Entries = [.. develop.Entries.Select(one => one is { Key: "watch", Value: ListNode rules } ? one with { Value = Each(rules, rule => rule is MapNode map ? Field(map, "path") : rule) } : one)] },
        },
        { Key: "env_file" or "label_file", Value: ListNode list } => entry with { Value = Each(list, EnvFile) },
        { Key: "volumes", Value: ListNode list } => entry with { Value = Each(list, Mount) },
        _ => entry,
    };

    private MapNode Build(MapNode build)
    {
        build = build with
        {
            Entries = [.. build.Entries.Select(entry => entry is { Key: "additional_contexts", Value: MapNode contexts } ? entry with { Value = Folders(contexts) } : entry)],
        };
        if (build["context"] is null)
        {
            var context = new ScalarNode(build.Place, MergeTag.None, paths.Folder, IsPlain: false);
            return build with { Entries = [.. build.Entries, new MapEntry("context", build.Place, context)] };
        }

        return build["context"] is ScalarNode text && IsUrl(text.Text) ? build : Field(build, "context");
    }

    private MapNode Folders(MapNode contexts) => contexts with
    {
        Entries = [.. contexts.Entries.Select(entry => entry.Value is ScalarNode { IsNull: false, Text.Length: > 0 } text && BuildContexts.IsFolder(text.Text) ? entry with { Value = Resolved(text) } : entry)],
    };

    private YamlNode EnvFile(YamlNode item) => item switch
    {
        ScalarNode text => Resolved(text),
        MapNode map => Field(map, "path"),
        _ => item,
    };

    private YamlNode Mount(YamlNode item)
    {
        if (item is MapNode map)
        {
            return map["type"] is ScalarNode { Text: "bind" } ? Field(map, "source") : map;
        }

        if (item is not ScalarNode text || text.Text.Length == 0 || text.Text[0] is not ('.' or '~'))
        {
            return item;
        }

        var parts = text.Text.Split(':', 2);
        return text with { Text = parts.Length == 1 ? text.Text : $"{paths.Resolve(parts[0])}:{parts[1]}" };
    }

    private MapNode Field(MapNode map, string key) => map with
    {
        Entries = [.. map.Entries.Select(entry => entry.Key == key && entry.Value is ScalarNode { IsNull: false } text ? entry with { Value = Resolved(text) } : entry)],
    };

    private ScalarNode Resolved(ScalarNode text) => text with { Text = paths.Resolve(text.Text) };

    private static ListNode Each(ListNode list, Func<YamlNode, YamlNode> change) => list with { Items = [.. list.Items.Select(change)] };

    private static bool IsUrl(string context) =>
        context.Contains("://", StringComparison.Ordinal) || context.StartsWith("git@", StringComparison.Ordinal);
}
