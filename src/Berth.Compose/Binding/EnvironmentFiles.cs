using Berth.Compose.Variables;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads the <c>env_file</c>s and <c>label_file</c>s of services.</summary>
internal sealed class EnvironmentFiles(ProjectPaths paths, FileSource source, Func<string, string?> lookup)
{
    /// <summary>The variables of all files of a service, in order.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Read(MapReader service)
    {
        var variables = new List<KeyValuePair<string, string?>>();
        foreach (var item in service.Items("env_file"))
        {
            if (item is ScalarNode scalar)
            {
                variables.AddRange(ReadFile(scalar.Text, required: true, raw: false, scalar.Place, service));
            }
            else if (item is MapNode map)
            {
                var entry = new MapReader(map, $"{service.Path}.env_file", service.Diagnostics);
                var path = entry.Text("path") ?? string.Empty;
                var required = entry.Bool("required") ?? true;
                var raw = entry.OneOf("format", "raw") == "raw";
                entry.Finish();
                variables.AddRange(ReadFile(path, required, raw, map.Place, service));
            }
        }

        return variables;
    }

    /// <summary>The labels of all files of a service, in order; they are written as environment files are.</summary>
    public IEnumerable<KeyValuePair<string, string?>> ReadLabels(MapReader service) =>
        [.. service.Scalars("label_file").SelectMany(scalar => ReadFile(scalar.Text, required: true, raw: false, scalar.Place, service, "label_file"))];

    private IReadOnlyList<KeyValuePair<string, string?>> ReadFile(string path, bool required, bool raw, Place place, MapReader service, string key = "env_file")
    {
        var full = paths.Resolve(path);
        if (path.Length == 0 || !File.Exists(full))
        {
            if (required || path.Length == 0)
            {
                service.Diagnostics.Error(place, $"{service.Path}.{key}: the file '{full}' does not exist");
            }

            return [];
        }

        return source.Read(full, place, service.Diagnostics) is not { } text
            ? []
            : raw ? EnvFile.ParseRaw(text) : EnvFile.Parse(text, source.Display(full), lookup, service.Diagnostics);
    }
}
