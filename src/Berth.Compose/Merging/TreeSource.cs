using Berth.Compose.Variables;
using Berth.Compose.Yaml;

namespace Berth.Compose.Merging;

/// <summary>Reads compose files into trees that can be merged: variables replaced, long forms, <c>extends</c> carried out.</summary>
/// <param name="home">What <c>~</c> stands for.</param>
/// <param name="keepsVariables">They are left as they stand.</param>
internal sealed class TreeSource(FileSource files, string? home, DiagnosticBag diagnostics, bool keepsVariables = false)
{
    private const int FileLimit = 100; // files that extend and include one another without end stop here

    private int _read;

    public string? Home => home;

    /// <summary>The file as it stands; null when it cannot be read, which is then reported at <paramref name="place"/>.</summary>
    public MapNode? Read(string file, Place place)
    {
        if (++_read > FileLimit)
        {
            diagnostics.Error(place, $"more than {FileLimit} files extend or include one another");
            return null;
        }

        return files.Read(file, place, diagnostics) is { } text ? YamlReader.Read(text, files.Display(file), diagnostics) : null;
    }

    /// <param name="folder">Where the paths of the file start.</param>
    public MapNode Prepare(MapNode raw, string folder, Func<string, string?> lookup)
    {
        var tree = ServiceForms.Normalize(Replaced(raw, lookup));
        return new ExtendsResolver(this, lookup, diagnostics).Resolve(tree, folder);
    }

    /// <summary>As <see cref="Prepare"/>, but <c>extends</c> is left for the caller.</summary>
    public MapNode? ReadExtended(string file, Place place, Func<string, string?> lookup) => Read(file, place) is { } raw
        ? ServiceForms.Normalize(Replaced(raw, lookup))
        : null;

    private MapNode Replaced(MapNode raw, Func<string, string?> lookup) => keepsVariables ? raw : (MapNode)new Interpolation(lookup, diagnostics).Apply(raw);
}
