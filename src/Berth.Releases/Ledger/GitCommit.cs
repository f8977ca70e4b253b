namespace Berth.Releases.Ledger;

/// <summary>Which commit a folder stands at, read from git's own files: no program is run in a folder that belongs to somebody else. gitrepository-layout(5).</summary>
internal static class GitCommit
{
    private const int LongestFile = 16 << 20; // packed-refs of a large repository
    private const int DeepestFolder = 64;

    /// <returns>The commit's id, 40 or 64 hex digits; empty outside of a repository, and before its first commit.</returns>
    internal static string Of(string folder)
    {
        try
        {
            var directory = new DirectoryInfo(folder);
            for (var i = 0; i < DeepestFolder && directory is not null; i++, directory = directory.Parent)
            {
                if (GitDirectory(directory.FullName + "/.git") is { } git)
                {
                    return Resolve(git);
                }
            }

            return "";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return ""; // it is not known then, and no reason not to release
        }
    }

    // A worktree and a submodule have a file that names the directory.
    private static string? GitDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            return path;
        }

        return Read(path) is { } text && text.StartsWith("gitdir: ", StringComparison.Ordinal) && Path.GetFullPath(text[8..], Path.GetDirectoryName(path)!) is var target && Directory.Exists(target)
            ? target
            : null;
    }

    private static string Resolve(string git)
    {
        if (Read(git + "/HEAD") is not { } head)
        {
            return "";
        }

        if (!head.StartsWith("ref: ", StringComparison.Ordinal))
        {
            return IsId(head) ? head : "";
        }

        var name = head[5..];
        var shared = Read(git + "/commondir") is { } common ? Path.GetFullPath(common, git) : git; // of a worktree
        if (!name.StartsWith("refs/", StringComparison.Ordinal) || name.Contains("..", StringComparison.Ordinal))
        {
            return "";
        }

        if (Read($"{shared}/{name}") is { } loose && IsId(loose))
        {
            return loose;
        }

        return Read(shared + "/packed-refs")?.Split('\n').Select(line => line.Split(' ')).FirstOrDefault(parts => parts is [var id, var reference] && reference == name && IsId(id)) is [var packed, ..] ? packed : "";
    }

    private static string? Read(string path)
    {
        var file = new FileInfo(path); // what is no plain file has no length, and is not waited for
        return file.Exists && file.Length is > 0 and < LongestFile
            ? File.ReadAllText(path).TrimEnd('\n', '\r')
            : null;
    }

    private static bool IsId(string text) => text.Length is 40 or 64 && text.All(char.IsAsciiHexDigitLower);
}
