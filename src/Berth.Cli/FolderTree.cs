using System.IO.Enumeration;

namespace Berth.Cli;

/// <summary>What lies below a folder, for archives: a link is an entry of its own, whatever it leads to.</summary>
internal static class FolderTree
{
    private static readonly EnumerationOptions s_all = new() { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = false };

    /// <summary>Full paths, folders before what is in them. .NET's own enumeration goes on below links to folders.</summary>
    internal static IEnumerable<string> Below(string folder) => new FileSystemEnumerable<string>(folder, (ref FileSystemEntry entry) => entry.ToFullPath(), s_all)
    {
        ShouldRecursePredicate = (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
    };
}
