using Berth.Compose.Yaml;

namespace Berth.Compose;

/// <summary>Finds the files of a project: those that were named, else the usual names in this folder or one above it.</summary>
internal sealed class FileDiscovery(
    ComposeLoadOptions options, Dictionary<string, string> environment, FileSource source, DiagnosticBag diagnostics)
{
    private static readonly string[] s_names = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

    private static readonly string[] s_overrides =
        ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

    /// <summary>Absolute paths, or <c>-</c>; none when nothing was found, which is then reported.</summary>
    public IReadOnlyList<string> Find()
    {
        var named = options.Files.Count > 0 ? options.Files : FromVariable();
        if (named.Count == 0)
        {
            return Search();
        }

        string[] files = [.. named.Select(file => file == "-" ? file : Path.GetFullPath(file, options.CurrentFolder))];
        foreach (var missing in files.Where(file => file != "-" && !File.Exists(file)))
        {
            diagnostics.Error(Place.Nowhere, $"the compose file '{missing}' does not exist");
        }

        return diagnostics.HasErrors ? [] : files;
    }

    private string[] FromVariable()
    {
        var separator = environment.GetValueOrDefault("COMPOSE_PATH_SEPARATOR") is { Length: > 0 } given ? given : ":";
        return (environment.GetValueOrDefault("COMPOSE_FILE") ?? string.Empty).Split(separator, StringSplitOptions.RemoveEmptyEntries);
    }

    private List<string> Search()
    {
        var start = Path.GetFullPath(options.ProjectDirectory ?? ".", options.CurrentFolder);
        for (var folder = start; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var found = Existing(folder, s_names);
            if (found.Count > 0)
            {
                return [found[0], .. Overrides(folder, found)];
            }
        }

        diagnostics.Error(
            Place.Nowhere,
            $"no compose file in '{start}' or a folder above it; expected {string.Join(", ", s_names)}, or -f FILE");
        return [];
    }

    private List<string> Overrides(string folder, List<string> found)
    {
        WarnAboutSeveral(found);
        var overrides = Existing(folder, s_overrides);
        WarnAboutSeveral(overrides);
        return overrides.Count > 0 ? [overrides[0]] : [];
    }

    private void WarnAboutSeveral(List<string> found)
    {
        if (found.Count > 1)
        {
            var names = string.Join(", ", found.Select(Path.GetFileName));
            diagnostics.Warning(Place.Nowhere, $"several files could be meant ({names}); {source.Display(found[0])} is used");
        }
    }

    private static List<string> Existing(string folder, string[] names) =>
        [.. names.Select(name => Path.Combine(folder, name)).Where(File.Exists)];
}
