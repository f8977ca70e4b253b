using Berth.Compose.Yaml;

namespace Berth.Compose;

/// <summary>Reads the files of a project, bounded in size, and names them as the user would.</summary>
/// <param name="currentFolder">Where the command runs.</param>
/// <param name="open">Opens a file for reading.</param>
internal sealed class FileSource(string currentFolder, Func<string, Stream> open)
{
    private const long LengthLimit = 8 << 20;

    /// <summary>The text of a file; null when it cannot be read, which is then reported.</summary>
    public string? Read(string path, Place place, DiagnosticBag diagnostics)
    {
        try
        {
            using var file = open(path);
            using var text = new MemoryStream();
            var buffer = new byte[64 * 1024];
            int length;
            while ((length = file.Read(buffer)) > 0)
            {
                text.Write(buffer.AsSpan(0, length));
                if (text.Length > LengthLimit)
                {
                    diagnostics.Error(place, $"the file '{path}' is larger than {LengthLimit >> 20} MiB");
                    return null;
                }
            }

            text.Position = 0;
            using var reader = new StreamReader(text);
            return reader.ReadToEnd();
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
