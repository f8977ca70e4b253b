using Berth.Linux.Files;

namespace Berth.Engine.Containers.Files;

/// <summary>The numbers are Docker's. Docker Engine API, "ChangeType".</summary>
public enum FileChangeKind
{
    Modified = 0,
    Added = 1,
    Deleted = 2,
}

/// <param name="Path">From the container's root.</param>
public sealed record FileChange(string Path, FileChangeKind Kind);

/// <summary>
/// A container's upper directory against the layers below it. What the engine itself puts there, so that the container can run (<c>.dockerenv</c>, <c>/etc/mtab</c>, places to mount
/// onto), is no change of the container's: it is neither listed nor committed.
/// </summary>
internal sealed class ContainerChanges(ContainerRecord record, string upper)
{
    private static readonly HashSet<string> s_mountPlaces = ["etc/hosts", "etc/hostname", "etc/resolv.conf", "sbin/docker-init"];

    /// <summary>Sorted by path; a directory is there when it or something in it changed.</summary>
    internal IReadOnlyList<FileChange> Find()
    {
        var changes = new SortedDictionary<string, FileChangeKind>(StringComparer.Ordinal);
        using var root = DirectoryHandle.Open(upper);
        var open = new Stack<(DirectoryHandle Directory, string Prefix, Queue<string> Left)>();
        open.Push((root, "", new(root.ListNames())));
        try
        {
            while (open.TryPeek(out var current))
            {
                if (!current.Left.TryDequeue(out var name))
                {
                    open.Pop();
                    if (open.Count > 0)
                    {
                        current.Directory.Dispose();
                    }

                    continue;
                }

                var path = current.Prefix + name;
                if (!current.Directory.TryStat(name, out var status) || IsEngines(path, status))
                {
                    continue;
                }

                Add(changes, path, status);
                if (status.Kind == FileKind.Directory)
                {
                    var below = current.Directory.OpenDirectory(name);
                    open.Push((below, path + "/", new(below.ListNames())));
                }
            }
        }
        finally
        {
            foreach (var left in open.SkipLast(1))
            {
                left.Directory.Dispose();
            }
        }

        return [.. changes.Select(pair => new FileChange("/" + pair.Key, pair.Value))];
    }

    /// <summary>Whether the engine made this entry, and not the container's programs.</summary>
    internal bool IsEngines(string path, FileStatus status)
    {
        var isLikely = path switch
        {
            ".dockerenv" => status is { Kind: FileKind.Regular, Size: 0 },
            "etc/mtab" => status.Kind == FileKind.SymbolicLink,
            "dev" or "proc" or "sys" => status.Kind == FileKind.Directory,
            "etc" or "sbin" => status.Kind == FileKind.Directory && HoldsOnlyEngines(path),
            _ when path.StartsWith("dev/", StringComparison.Ordinal) => true,
            _ => s_mountPlaces.Contains(path) && status is { Kind: FileKind.Regular, Size: 0 },
        };
        return isLikely && Below(path) is null;
    }

    private void Add(SortedDictionary<string, FileChangeKind> changes, string path, FileStatus status)
    {
        var below = Below(path);
        if (status.IsOverlayWhiteout)
        {
            if (below is null)
            {
                return;
            }

            changes[path] = FileChangeKind.Deleted;
        }
        else if (below is { } old)
        {
            if (status.Kind == FileKind.Directory && old.Kind == FileKind.Directory && (status.Permissions, status.User, status.Group) == (old.Permissions, old.User, old.Group)
                && (status.Modified == old.Modified || HoldsOnlyEngines(path)))
            {
                return; // it is there for what is in it
            }

            changes[path] = FileChangeKind.Modified;
        }
        else
        {
            changes[path] = FileChangeKind.Added;
        }

        for (var slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            changes.TryAdd(path[..slash], FileChangeKind.Modified);
        }
    }

    // Its time is that of the moment at which the engine put something into it.
    private bool HoldsOnlyEngines(string path)
    {
        using var directory = DirectoryHandle.Open($"{upper}/{path}");
        var names = directory.ListNames();
        return names.Count > 0 && names.All(name => directory.TryStat(name, out var status) && IsEngines($"{path}/{name}", status));
    }

    // What the image has at that path: the uppermost layer that knows of it decides.
    private FileStatus? Below(string path)
    {
        var parts = path.Split('/');
        foreach (var layer in record.LowerDirectories)
        {
            var folder = DirectoryHandle.Open(layer);
            try
            {
                for (var i = 0; i < parts.Length; i++)
                {
                    if (!folder.TryStat(parts[i], out var status))
                    {
                        break;
                    }

                    if (i == parts.Length - 1)
                    {
                        return status.IsOverlayWhiteout ? null : status;
                    }

                    if (status.Kind != FileKind.Directory)
                    {
                        return null; // removed, or no directory any more: what is below it in other layers is hidden
                    }

                    var next = folder.OpenDirectory(parts[i]);
                    var isOpaque = folder.GetAttribute(parts[i], "trusted.overlay.opaque") is [(byte)'y'];
                    folder.Dispose();
                    folder = next;
                    if (isOpaque && !folder.TryStat(parts[i + 1], out _))
                    {
                        return null;
                    }
                }
            }
            finally
            {
                folder.Dispose();
            }
        }

        return null;
    }
}
