namespace Berth.Compose;

/// <summary>Turns the paths of a compose file into absolute ones.</summary>
/// <param name="folder">The project's folder, absolute.</param>
/// <param name="home">What <c>~</c> stands for; null when the caller has no home.</param>
/// <param name="keeps">They stay as they are.</param>
internal sealed class ProjectPaths(string folder, string? home, bool keeps = false)
{
    public string Folder => folder;

    public string Resolve(string path)
    {
        if (keeps)
        {
            return path;
        }

        if (home is not null && (path == "~" || path.StartsWith("~/", StringComparison.Ordinal)))
        {
            path = home + path[1..];
        }

        var full = Path.GetFullPath(path, folder);
        return full.Length > 1 ? full.TrimEnd('/') : full;
    }
}
