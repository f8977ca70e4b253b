using Berth.Testing;

namespace Berth.EndToEnd.Tests;

/// <summary>The checkout's examples.</summary>
internal static class Example
{
    /// <summary>Copies one as git would bring it: a developer's modules, build output and database stay behind.</summary>
    internal static void Copy(string name, string to) => CopyFolder($"{Checkout.Root}/examples/{name}", to);

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
        {
            File.Copy(file, $"{to}/{Path.GetFileName(file)}");
        }

        foreach (var folder in Directory.GetDirectories(from).Where(path => Path.GetFileName(path) is not ("node_modules" or "dist" or "mysql" or "__pycache__")))
        {
            CopyFolder(folder, $"{to}/{Path.GetFileName(folder)}");
        }
    }
}
