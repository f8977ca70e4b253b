using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Edge.State;

/// <summary>Tells one build of the data plane's program from another. This source file is compiled into both programs, so that they cannot disagree.</summary>
public static class EdgeBuild
{
    /// <summary>16 hexadecimal digits: of where the program lies, and when the newest part of it was made.</summary>
    /// <param name="program">Absolute path of the program; its parts lie beside it.</param>
    public static string Of(string program)
    {
        var folder = Path.GetDirectoryName(program)!;
        var newest = new[] { program }.Concat(Directory.EnumerateFiles(folder, "*.dll")).Max(File.GetLastWriteTimeUtc);
        var text = string.Create(CultureInfo.InvariantCulture, $"{program} {newest.Ticks}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
    }
}
