using Berth.Compose.Yaml;

namespace Berth.Compose.Merging;

/// <summary>Carries out <c>extends</c>: lays a service over another one, of this or another file.</summary>
/// <remarks>Compose Specification, 05-services.md, "extends".</remarks>
internal sealed class ExtendsResolver(TreeSource source, Func<string, string?> lookup, DiagnosticBag diagnostics)
{
    private readonly Dictionary<string, MapNode> _files = new(StringComparer.Ordinal);
    private readonly List<(string File, string Service)> _chain = [];

    /// <param name="folder">Where the file's paths start.</param>
    public MapNode Resolve(MapNode tree, string folder)
    {
        if (tree["services"] is not MapNode services)
        {
            return tree;
        }

        var paths = new ProjectPaths(folder, source.Home);
        var resolved = services with
        {
            Entries =
            [
                .. services.Entries.Select(entry =>
                    entry.Value is MapNode service ? entry with { Value = Service(entry.Key, service, services, paths, string.Empty) } : entry),
            ],
        };
        return tree with { Entries = [.. tree.Entries.Select(entry => entry.Key == "services" ? entry with { Value = resolved } : entry)] };
    }

    private MapNode Service(string name, MapNode service, MapNode services, ProjectPaths paths, string file)
    {
        if (service["extends"] is not { } extends || extends is ScalarNode { IsNull: true })
        {
            return service;
        }

        var own = service with { Entries = [.. service.Entries.Where(entry => entry.Key != "extends")] };
        if (_chain.Contains((file, name)))
        {
            diagnostics.Error(
                extends.Place,
                $"services.{name}.extends: services extend one another: "
                + $"{string.Join(" -> ", _chain.Select(one => one.Service))} -> {name}");
            return own;
        }

        _chain.Add((file, name));
        var below = Base(name, extends, services, paths, file);
        _chain.RemoveAt(_chain.Count - 1);
        return below is null ? own : FileMerge.MergeService(below, own);
    }

    private MapNode? Base(string name, YamlNode extends, MapNode services, ProjectPaths paths, string file)
    {
        string? other = null;
        string? otherFile = null;
        if (extends is ScalarNode text)
        {
            other = text.Text;
        }
        else if (extends is MapNode map)
        {
            var reader = new Binding.MapReader(map, $"services.{name}.extends", diagnostics);
            (other, otherFile) = (reader.Text("service"), reader.Text("file"));
            reader.Finish();
        }

        if (string.IsNullOrEmpty(other))
        {
            diagnostics.Error(extends.Place, $"services.{name}.extends: 'service' is missing");
            return null;
        }

        return otherFile is null
            ? Find(name, other, extends.Place, services, paths, file)
            : FromFile(name, other, paths.Resolve(otherFile), extends.Place);
    }

    private MapNode? FromFile(string name, string other, string file, Place place)
    {
        if (!File.Exists(file))
        {
            diagnostics.Error(place, $"services.{name}.extends: the file '{file}' does not exist");
            return null;
        }

        if (!_files.TryGetValue(file, out var tree))
        {
            if (source.ReadExtended(file, place, lookup) is not { } read)
            {
                return null;
            }

            _files[file] = tree = read;
        }

        var paths = new ProjectPaths(Path.GetDirectoryName(file)!, source.Home);
        var services = tree["services"] as MapNode ?? new MapNode(tree.Place, MergeTag.None, []);
        return Find(name, other, place, services, paths, file) is { } service ? new PathRebase(paths).Service(service) : null;
    }

    private MapNode? Find(string name, string other, Place place, MapNode services, ProjectPaths paths, string file)
    {
        if (services[other] is MapNode service)
        {
            return Service(other, service, services, paths, file);
        }

        var suggestion = Nearest.Suggest(other, services.Entries.Select(entry => entry.Key));
        diagnostics.Error(
            place,
            $"services.{name}.extends: there is no service '{other}'{(file.Length == 0 ? "" : $" in '{file}'")}.{suggestion}");
        return null;
    }
}
