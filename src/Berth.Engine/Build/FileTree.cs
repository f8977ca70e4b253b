using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Berth.Dockerfile.Ignore;
using Berth.Linux.Files;
using Berth.Oci;
using Microsoft.Win32.SafeHandles;

namespace Berth.Engine.Build;

/// <summary>Hashes of files, kept for as long as a file's inode, size and times stay the same.</summary>
public sealed class FileHashes(TimeProvider time)
{
    private const int Capacity = 400_000; // about 60 MB
    private readonly ConcurrentDictionary<(ulong FileSystem, ulong Inode, long Size, FileTime Modified, FileTime Changed), Digest> _known = new();

    public Digest Of(DirectoryHandle directory, string name, FileStatus status)
    {
        var key = (status.FileSystem, status.Inode, status.Size, status.Modified, status.Changed);
        if (_known.TryGetValue(key, out var known))
        {
            return known;
        }

        using var file = directory.OpenFile(name);
        var digest = HashOf(file);

        // A file changed twice within one tick of the kernel's clock has the same times: only what has rested is remembered.
        if (time.GetUtcNow().ToUnixTimeMilliseconds() - ((status.Changed.Seconds * 1000) + (status.Changed.Nanoseconds / 1_000_000)) > 100)
        {
            if (_known.Count >= Capacity)
            {
                _known.Clear();
            }

            _known[key] = digest;
        }

        return digest;
    }

    private static Digest HashOf(SafeFileHandle file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[131072];
        long at = 0;
        for (int read; (read = RandomAccess.Read(file, buffer, at)) > 0; at += read)
        {
            hash.AppendData(buffer, 0, read);
        }

        return Digest.OfHash(hash.GetCurrentHash());
    }
}

/// <summary>An entry below a source, with its path relative to it; the source itself has the empty path.</summary>
internal sealed record TreeEntry(string Path, DirectoryHandle Directory, string Name, FileStatus Status);

/// <summary>The files that an instruction may read: the build context without what <c>.dockerignore</c> leaves out, or a stage's files.</summary>
internal sealed partial class FileTree(DirectoryHandle root, DockerIgnore ignore, FileHashes hashes, bool keepsOwners)
{
    public DirectoryHandle Root => root;

    public bool KeepsOwners => keepsOwners;

    /// <summary>The paths that a source names, wildcards resolved, in order. A path without wildcards is returned as it is, if it exists.</summary>
    public IReadOnlyList<string> Match(string source)
    {
        var parts = source.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".").ToList();
        if (parts.Contains("..", StringComparer.Ordinal))
        {
            parts = Normalise(parts);
        }

        IEnumerable<string> found = [""];
        foreach (var part in parts)
        {
            found = part.AsSpan().IndexOfAny('*', '?', '[') >= 0
                ? found.SelectMany(directory => MatchIn(directory, GlobOf(part))).ToList()
                : found.Select(directory => Join(directory, part.Replace("\\", "", StringComparison.Ordinal))).ToList();
        }

        return [.. found.Where(path => path.Length == 0 || (Exists(path) && !IsExcludedWholly(path)))];
    }

    /// <summary>A source and all below it, in order of names; a link that is the source itself is followed.</summary>
    public void Walk(string path, DockerIgnore exclude, Action<TreeEntry> visit)
    {
        using var directory = root.OpenBelow(path);
        if (directory is not null)
        {
            visit(new("", directory, ".", directory.Stat()));
            WalkBelow(directory, path, "", exclude, visit, depth: 0);
            return;
        }

        var (parent, name) = SplitLast(RealPath.Resolve(root, path));
        using var holder = root.OpenBelow(parent) ?? throw new FileNotFoundException(path);
        visit(new("", holder, name, holder.Stat(name)));
    }

    /// <summary>Everything about a source that a step can see, times excepted. Files' own hashes go to <paramref name="files"/>.</summary>
    public void Digest(string path, DockerIgnore exclude, IncrementalHash into, Dictionary<string, string> files, CancellationToken cancellationToken)
    {
        Walk(path, exclude, entry =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            var line = Describe(entry);
            into.AppendData(Encoding.UTF8.GetBytes(line));
            if (entry.Status.Kind != FileKind.Directory && files.Count < 5000)
            {
                files[Join(path, entry.Path)] = Oci.Digest.Of(Encoding.UTF8.GetBytes(line)).Short;
            }
        });
    }

    internal static string Join(string directory, string name) =>
        directory.Length == 0 ? name : name.Length == 0 ? directory : $"{directory}/{name}";

    internal static (string Parent, string Name) SplitLast(string path)
    {
        var slash = path.LastIndexOf('/');
        return slash < 0 ? ("", path) : (path[..slash], path[(slash + 1)..]);
    }

    internal static List<string> Normalise(IEnumerable<string> parts)
    {
        var kept = new List<string>();
        foreach (var part in parts)
        {
            if (part == "..")
            {
                if (kept.Count > 0)
                {
                    kept.RemoveAt(kept.Count - 1);
                }
            }
            else if (part is not ("." or ""))
            {
                kept.Add(part);
            }
        }

        return kept;
    }

    private string Describe(TreeEntry entry)
    {
        var status = entry.Status;
        var content = status.Kind switch
        {
            FileKind.Regular => hashes.Of(entry.Directory, entry.Name, status).Hex,
            FileKind.SymbolicLink => entry.Directory.ReadLink(entry.Name),
            FileKind.CharacterDevice or FileKind.BlockDevice => $"{status.DeviceMajor}:{status.DeviceMinor}",
            _ => "",
        };
        var owner = keepsOwners ? $"{status.User}:{status.Group}" : "";
        var mode = status.Kind == FileKind.SymbolicLink ? 0 : status.Permissions;
        var attributes = string.Concat(entry.Directory.ListAttributes(entry.Name).Where(FileCopier.IsCopied)
            .Select(name => $"{name}={Convert.ToHexString(entry.Directory.GetAttribute(entry.Name, name) ?? [])};"));
        return $"{entry.Path}\0{status.Kind}\0{mode:x}\0{owner}\0{attributes}\0{content}\n";
    }

    private void WalkBelow(DirectoryHandle directory, string path, string relative, DockerIgnore exclude, Action<TreeEntry> visit, int depth)
    {
        if (depth > 512)
        {
            throw new IOException($"'{path}' is nested more than 512 directories deep.");
        }

        foreach (var name in directory.ListNames())
        {
            var full = Join(path, name);
            var below = Join(relative, name);
            if (!directory.TryStat(name, out var status))
            {
                continue; // went away since it was listed
            }

            var isDirectory = status.Kind == FileKind.Directory;
            if (isDirectory && (ignore.ExcludesTree(full) || exclude.ExcludesTree(below)))
            {
                continue;
            }

            if (!isDirectory && (ignore.Excludes(full) || exclude.Excludes(below)))
            {
                continue;
            }

            visit(new(below, directory, name, status));
            if (isDirectory)
            {
                using var child = directory.OpenDirectory(name);
                WalkBelow(child, full, below, exclude, visit, depth + 1);
            }
        }
    }

    private IEnumerable<string> MatchIn(string path, Regex pattern)
    {
        using var directory = root.OpenBelow(path);
        return directory is null
            ? []
            : [.. directory.ListNames().Where(name => pattern.IsMatch(name)).Select(name => Join(path, name))];
    }

    private bool Exists(string path)
    {
        var (parent, name) = SplitLast(RealPath.Resolve(root, path));
        using var directory = root.OpenBelow(parent);
        return directory is not null && (name.Length == 0 || directory.TryStat(name, out _));
    }

    private bool IsExcludedWholly(string path)
    {
        using var directory = root.OpenBelow(path);
        return directory is null ? ignore.Excludes(path) : ignore.ExcludesTree(path);
    }

    // Go's filepath.Match for one part of a path. NonBacktracking: a hostile pattern costs no more than its length.
    private static Regex GlobOf(string pattern)
    {
        var regex = new StringBuilder(@"\A");
        for (var i = 0; i < pattern.Length; i++)
        {
            switch (pattern[i])
            {
                case '*':
                    regex.Append(".*");
                    break;
                case '?':
                    regex.Append('.');
                    break;
                case '[' when pattern.IndexOf(']', i + 2) is var end and > 0:
                    var set = pattern[(i + 1)..end].Replace("\\", "\\\\", StringComparison.Ordinal).Replace("[", "\\[", StringComparison.Ordinal);
                    regex.Append('[').Append(set).Append(']');
                    i = end;
                    break;
                case '\\' when i + 1 < pattern.Length:
                    regex.Append(Regex.Escape(pattern[++i].ToString()));
                    break;
                default:
                    regex.Append(Regex.Escape(pattern[i].ToString()));
                    break;
            }
        }

        return new(regex.Append(@"\z").ToString(), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.Singleline);
    }
}

/// <summary>Follows the links of a path within a root, as the kernel would with that root.</summary>
internal static class RealPath
{
    private const int LinkLimit = 40; // the kernel's own

    /// <summary>The path without links and <c>..</c>, relative to the root. What does not exist stays as it is.</summary>
    public static string Resolve(DirectoryHandle root, string path)
    {
        var left = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var done = new List<string>();
        var links = 0;
        while (left.TryPop(out var part))
        {
            if (part is "." or "..")
            {
                if (part == ".." && done.Count > 0)
                {
                    done.RemoveAt(done.Count - 1);
                }

                continue;
            }

            using var directory = root.OpenBelow(string.Join('/', done));
            if (directory is not null && directory.TryStat(part, out var status) && status.Kind == FileKind.SymbolicLink)
            {
                if (++links > LinkLimit)
                {
                    throw new IOException($"'{path}' leads through more than {LinkLimit} links.");
                }

                var target = directory.ReadLink(part);
                if (target.StartsWith('/'))
                {
                    done.Clear();
                }

                foreach (var next in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                {
                    left.Push(next);
                }

                continue;
            }

            done.Add(part);
        }

        return string.Join('/', done);
    }
}
