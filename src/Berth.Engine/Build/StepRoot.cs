using Berth.Engine.Images;
using Berth.Linux.Files;

namespace Berth.Engine.Build;

/// <summary>A path that must exist in a step's root so that something can be mounted there.</summary>
internal readonly record struct MountPoint(string Path, bool IsDirectory);

/// <summary>The root file system of one step: its stage's layers below an upper directory that takes what the step writes.</summary>
internal sealed class StepRoot : IDisposable
{
    // Every container has these, whoever runs it.
    private static readonly MountPoint[] Standard =
    [
        new("proc", true), new("sys", true), new("dev", true), new("etc/resolv.conf", false), new("etc/hosts", false), new("etc/hostname", false),
    ];

    private readonly string _temporary;
    private IReadOnlyList<string> _lower = [];
    private string? _remappedWork;
    private bool _mounted;

    private StepRoot(string temporary, string upper, string path) => (_temporary, Upper, Path) = (temporary, upper, path);

    public string Path { get; }

    public string Upper { get; }

    /// <summary>Mounts the layers, given as names below <c>layers/</c>, uppermost first. <paramref name="temporary"/> is the step's own.</summary>
    public static StepRoot Mount(LayerStore store, IReadOnlyList<string> layers, string temporary, string upper)
    {
        Directory.CreateDirectory(temporary);
        var root = new StepRoot(temporary, upper, System.IO.Path.Combine(temporary, "root"));
        Directory.CreateDirectory(root.Path);
        var lower = layers;
        if (layers.Count == 0)
        {
            var empty = System.IO.Path.Combine(temporary, "empty");
            Directory.CreateDirectory(empty);
            lower = [empty];
        }

        root.MountOver(store, lower, "work");
        return root;
    }

    /// <summary>
    /// Makes sure that mount points exist, by a further layer between the stage's and the upper one. So a step's layer holds what its
    /// command wrote, and neither the mount points nor the changed times of the directories that hold them.
    /// </summary>
    /// <returns>The points' paths with all links followed.</returns>
    public IReadOnlyList<string> AddMountPoints(LayerStore store, IReadOnlyList<string> layers, IReadOnlyList<MountPoint> points)
    {
        var scaffold = System.IO.Path.Combine(_temporary, "points");
        var resolved = new List<string>();
        var isNeeded = false;
        using (var root = DirectoryHandle.Open(Path))
        {
            foreach (var point in points.Concat(Standard))
            {
                var path = RealPath.Resolve(root, point.Path);
                resolved.Add(path);
                var (parent, name) = FileTree.SplitLast(path);
                using var directory = root.OpenBelow(parent);
                if (path.Length > 0 && (directory is null || !directory.TryStat(name, out _)))
                {
                    isNeeded = true;
                    AddToScaffold(scaffold, root, path, point.IsDirectory);
                }
            }
        }

        if (isNeeded)
        {
            Unmount();
            MountOver(store, [scaffold, .. layers], "work2");
        }

        return [.. resolved.Take(points.Count)];
    }

    /// <summary>Mounts it anew, with the owners that a step with users of its own has; what is to be in it must be there.</summary>
    /// <param name="remap">Where a path of the data root is for such steps.</param>
    public void Remap(LayerStore store, Func<string, string> remap)
    {
        Unmount();
        _remappedWork = Upper + "-work"; // overlay wants it on the same mount
        Directory.CreateDirectory(_remappedWork);
        OverlayMount.Mount(remap(store.Root), [.. _lower.Select(remap)], remap(Upper), remap(_remappedWork), Path, isVolatile: true);
        _mounted = true;
    }

    public void Unmount()
    {
        if (_mounted)
        {
            OverlayMount.Unmount(Path);
            _mounted = false;
        }
    }

    public void Dispose()
    {
        Unmount();
        LayerStore.RemoveTree(_temporary);
        if (_remappedWork is not null)
        {
            LayerStore.RemoveTree(_remappedWork);
        }
    }

    private void MountOver(LayerStore store, IReadOnlyList<string> lower, string work)
    {
        var workDirectory = System.IO.Path.Combine(_temporary, work);
        Directory.CreateDirectory(workDirectory);
        _lower = lower;
        OverlayMount.Mount(store.Root, lower, Upper, workDirectory, Path, isVolatile: true);
        _mounted = true;
    }

    // Directories that exist below keep their looks: overlay shows those of the uppermost layer that has them.
    private static void AddToScaffold(string scaffold, DirectoryHandle root, string path, bool isDirectory)
    {
        if (!Directory.Exists(scaffold))
        {
            Directory.CreateDirectory(scaffold);
            using var above = DirectoryHandle.Open(System.IO.Path.GetDirectoryName(scaffold)!);
            Copy(root.Stat(), above, System.IO.Path.GetFileName(scaffold));
        }

        using var target = DirectoryHandle.Open(scaffold);
        var parts = path.Split('/');
        for (var i = 1; i < parts.Length; i++)
        {
            var above = string.Join('/', parts.Take(i));
            var (parent, name) = FileTree.SplitLast(above);
            using var directory = target.OpenBelow(parent)!;
            if (!directory.TryStat(name, out _))
            {
                directory.CreateDirectory(name, 0x1ed);
                using var original = root.OpenBelow(above);
                if (original is not null)
                {
                    Copy(original.Stat(), directory, name);
                }
            }
        }

        var (leafParent, leaf) = FileTree.SplitLast(path);
        using var holder = target.OpenBelow(leafParent)!;
        if (holder.TryStat(leaf, out _))
        {
            return;
        }

        if (isDirectory)
        {
            holder.CreateDirectory(leaf, 0x1ed);
        }
        else
        {
            holder.CreateFile(leaf).Dispose();
            holder.SetPermissions(leaf, 0x1a4);
        }

        // The new entry changed its directory's time, which the step would see.
        using var shown = root.OpenBelow(leafParent);
        if (shown is not null && leafParent.Length > 0)
        {
            var (grandparent, parentName) = FileTree.SplitLast(leafParent);
            using var up = target.OpenBelow(grandparent)!;
            up.SetModified(parentName, shown.Stat().Modified);
        }
    }

    private static void Copy(FileStatus from, DirectoryHandle parent, string name)
    {
        parent.SetOwner(name, from.User, from.Group);
        parent.SetPermissions(name, from.Permissions);
        parent.SetModified(name, from.Modified);
    }
}
