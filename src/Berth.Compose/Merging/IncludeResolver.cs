using Berth.Compose.Variables;
using Berth.Compose.Yaml;

namespace Berth.Compose.Merging;

/// <summary>Carries out <c>include</c>: takes over what other projects' files declare. Each has its own folder and <c>.env</c>.</summary>
/// <remarks>Compose Specification, 14-include.md. Nothing is merged: a name that is declared twice is an error.</remarks>
internal sealed class IncludeResolver(TreeSource source, FileSource files, DiagnosticBag diagnostics)
{
    private const int DepthLimit = 16;

    private static readonly string[] s_sections = ["services", "networks", "volumes", "secrets", "configs"];

    /// <param name="top">The merged files.</param>
    /// <param name="folder">Where its paths start.</param>
    public MapNode Resolve(MapNode top, string folder, Func<string, string?> lookup, int depth = 0)
    {
        if (top["include"] is not { } include)
        {
            return top;
        }

        var result = top with { Entries = [.. top.Entries.Where(entry => entry.Key != "include")] };
        if (include is not ListNode list || depth > DepthLimit)
        {
            diagnostics.Error(include.Place, depth > DepthLimit ? $"files include one another more than {DepthLimit} deep" : "include: must be a list");
            return result;
        }

        foreach (var item in list.Items)
        {
            if (Load(item, new ProjectPaths(folder, source.Home), lookup, depth) is { } included)
            {
                result = Join(result, included);
            }
        }

        return result;
    }

    private MapNode? Load(YamlNode item, ProjectPaths paths, Func<string, string?> lookup, int depth)
    {
        var map = item as MapNode ?? new MapNode(item.Place, MergeTag.None, [new MapEntry("path", item.Place, item)]);
        var reader = new Binding.MapReader(map, "include", diagnostics);
        string[] names = [.. TextOrList(reader, "path").Select(paths.Resolve)];
        var folder = reader.Text("project_directory") is { } given ? paths.Resolve(given) : Path.GetDirectoryName(names.FirstOrDefault());
        string[] envFiles = [.. TextOrList(reader, "env_file").Select(paths.Resolve)];
        reader.Finish();
        foreach (var missing in names.Concat(envFiles).Where(name => !File.Exists(name)))
        {
            diagnostics.Error(item.Place, $"include: the file '{missing}' does not exist");
        }

        if (folder is null || names.Concat(envFiles).Any(name => !File.Exists(name)))
        {
            return null;
        }

        var inner = WithEnvFiles(envFiles, folder, lookup, item.Place);
        var trees = names.Select(name => source.Read(name, item.Place)).OfType<MapNode>().Select(tree => source.Prepare(tree, folder, inner)).ToList();
        if (trees.Count == 0)
        {
            return null;
        }

        var merged = FileMerge.Clean(trees.Aggregate(FileMerge.Merge));
        var whole = Resolve(merged, folder, inner, depth + 1);
        return new PathRebase(new ProjectPaths(folder, source.Home)).File(whole);
    }

    private static string[] TextOrList(Binding.MapReader reader, string key) =>
        reader.Node(key) is ScalarNode text ? [text.Text] : [.. reader.Texts(key)];

    /// <summary>The caller's variables, and behind them those of the included project's own files.</summary>
    private Func<string, string?> WithEnvFiles(string[] envFiles, string folder, Func<string, string?> lookup, Place place)
    {
        var standard = Path.Combine(folder, ".env");
        string[] read = envFiles.Length > 0 ? envFiles : File.Exists(standard) ? [standard] : [];
        var variables = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var file in read)
        {
            if (files.Read(file, place, diagnostics) is { } text)
            {
                foreach (var (name, value) in EnvFile.Parse(text, files.Display(file), lookup, diagnostics))
                {
                    variables[name] = value;
                }
            }
        }

        return name => lookup(name) ?? variables.GetValueOrDefault(name);
    }

    private MapNode Join(MapNode top, MapNode included)
    {
        foreach (var section in s_sections)
        {
            if (included[section] is MapNode { Entries.Count: > 0 } more)
            {
                top = JoinSection(top, section, more);
            }
        }

        return top;
    }

    private MapNode JoinSection(MapNode top, string section, MapNode more)
    {
        var own = top[section] as MapNode ?? new MapNode(more.Place, MergeTag.None, []);
        foreach (var entry in more.Entries.Where(entry => own[entry.Key] is not null))
        {
            diagnostics.Error(entry.KeyPlace, $"{section}.{entry.Key}: is declared in an included file and in another one too");
        }

        var joined = new MapNode(own.Place, MergeTag.None, [.. own.Entries, .. more.Entries.Where(entry => own[entry.Key] is null)]);
        return top with { Entries = [.. top.Entries.Where(entry => entry.Key != section), new MapEntry(section, joined.Place, joined)] };
    }
}
