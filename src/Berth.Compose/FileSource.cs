using Berth.Compose.Yaml;

namespace Berth.Compose;

/// <summary>Reads the files of a project, bounded in size, and names them as the user would.</summary>
/// <param name="currentFolder">Where the command runs.</param>
internal sealed class FileSource(string currentFolder)
{
    private const long LengthLimit = 8 << 20;

    /// <summary>The text of a file; null when it cannot be read, which is then reported.</summary>
    public static string? Read(string path, Place place, DiagnosticBag diagnostics)
    {
        try
        {
            var length = new FileInfo(path).Length;
            if (length <= LengthLimit)
            {
                return File.ReadAllText(path);
            }

            diagnostics.Error(place, $"the file '{path}' is larger than {LengthLimit >> 20} MiB");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            diagnostics.Error(place, $"cannot read '{path}': {problem.Message}");
        }

        return null;
    }

    /// <summary>Relative when the file lies below the current folder.</summary>
    public string Display(string path)
    {
        var relative = Path.GetRelativePath(currentFolder, path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }
}
