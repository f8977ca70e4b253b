using System.Globalization;
using Berth.Engine.Errors;
using Berth.Engine.Users;
using Berth.Linux.Files;
using Berth.Linux.Mounts;
using Berth.Linux.Namespaces;

namespace Berth.Engine.Containers.Files;

/// <summary>
/// A container's files as its programs see them, whether they run or not: the root with binds and volumes in their places, without what only lives in memory (tmpfs, /proc). It is
/// mounted in a namespace of its own, so nothing of it shows on the host, and nothing is left of it when the daemon is killed. Paths are resolved by the kernel as if the
/// container's root were the only one there is.
/// </summary>
internal sealed class ContainerView : IDisposable
{
    private const int LinkLimit = 255; // as many as Docker follows
    private readonly MountNamespace _mounts;
    private readonly DirectoryHandle _root;

    private ContainerView(MountNamespace mounts, DirectoryHandle root, IdMap? users) => (_mounts, _root, Users) = (mounts, root, users);

    /// <summary>Whose files are seen, when the container runs with users of its own: owners are then the host's ids of them.</summary>
    internal IdMap? Users { get; }

    /// <param name="directory">The container's own, below the data root.</param>
    /// <param name="isMounted">Its root is mounted already, as that of one that runs.</param>
    /// <param name="withMounts">Binds and volumes too; otherwise only what is the container's own.</param>
    /// <param name="remapped">Where a running container with users of its own has its volumes.</param>
    internal static async Task<ContainerView> OpenAsync(ContainerRecord record, EngineOptions options, RemappedFiles remapped, string directory, bool isMounted, bool withMounts)
    {
        DirectoryHandle? root = null;
        var mounts = await MountNamespace.CopyAsync(() =>
        {
            Mount.MakeTreeSlave("/");
            if (!isMounted)
            {
                ContainerFiles.MountRoot(record, options.DataRoot, directory);
                if (withMounts)
                {
                    ContainerFiles.MountStages(record, options.DataRoot, directory, null);
                }
            }

            var merged = directory + "/merged";
            root = DirectoryHandle.Open(merged);
            string SourceOf(MountPoint mount, int number) =>
                mount.IsStaged ? ContainerFiles.StagePath(directory, number) : isMounted && record.Users is not null ? remapped.SourceOf(mount) : mount.Source;
            foreach (var mount in withMounts ? record.Mounts.Select((mount, number) => mount with { Source = SourceOf(mount, number) }).Concat(OwnFiles(record, new(options, directory))).Where(mount => mount.Type != "tmpfs" && Path.Exists(mount.Source)) : [])
            {
                Attach(mount, root);
            }

            if (record.HostConfig.ReadonlyRootfs)
            {
                Mount.MakeReadOnly(merged);
            }
        }).ConfigureAwait(false);
        return new(mounts, root!, isMounted ? record.Users : null);
    }

    /// <summary>The directory that a path's last part is in, and that part. A path that ends in a slash, or in <c>/.</c>, is the directory itself: <c>.</c>.</summary>
    /// <exception cref="BerthException">NotFound: there is no such path.</exception>
    internal (DirectoryHandle Parent, string Name) Find(string path, string containerName)
    {
        var clean = Clean(path);
        var isDirectory = clean == "/" || path.EndsWith('/') || path.EndsWith("/.", StringComparison.Ordinal);
        var slash = clean.LastIndexOf('/');
        var (folder, name) = isDirectory ? (clean, ".") : (clean[..slash], clean[(slash + 1)..]);
        var parent = _root.OpenBelow(folder.TrimStart('/'));
        if (parent is not null && parent.TryStat(name, out _))
        {
            return (parent, name);
        }

        parent?.Dispose();
        throw NotFound(path, containerName);
    }

    /// <summary>A directory, all links followed.</summary>
    /// <exception cref="BerthException">NotFound, or it is no directory.</exception>
    internal DirectoryHandle OpenDirectory(string path, string containerName)
    {
        if (_root.OpenBelow(Clean(path).TrimStart('/')) is { } directory)
        {
            return directory;
        }

        throw IsNoDirectory(path) ? BerthException.Invalid("extraction point is not a directory") : NotFound(path, containerName);
    }

    /// <summary>There is something at the path, all links followed, that is no directory.</summary>
    internal bool IsNoDirectory(string path)
    {
        var (folder, name) = Split(Resolve(path));
        using var parent = _root.OpenBelow(folder);
        return name.Length > 0 && parent is not null && parent.TryStat(name, out var status) && status.Kind != FileKind.Directory;
    }

    /// <summary>Lines of a file such as etc/passwd; none when it is not there.</summary>
    internal IReadOnlyList<string> Lines(string relativePath) => ContainerFiles.Lines(_root, relativePath);

    /// <summary>Where a path leads when all links in it are followed, as text; what does not exist stays as it is.</summary>
    internal string Resolve(string path)
    {
        var left = new Stack<string>(Parts(path).Reverse());
        var done = new List<string>();
        for (var links = 0; left.TryPop(out var part);)
        {
            if (part == "..")
            {
                done.RemoveRange(Math.Max(0, done.Count - 1), Math.Min(1, done.Count));
                continue;
            }

            using var folder = _root.OpenBelow(string.Join('/', done));
            if (folder is null || !folder.TryStat(part, out var status) || status.Kind != FileKind.SymbolicLink)
            {
                done.Add(part);
                continue;
            }

            if (++links > LinkLimit)
            {
                throw BerthException.Invalid($"too many links in {path}");
            }

            var target = folder.ReadLink(part);
            if (target.StartsWith('/'))
            {
                done.Clear();
            }

            foreach (var next in Parts(target).Reverse())
            {
                left.Push(next);
            }
        }

        return "/" + string.Join('/', done);
    }

    public void Dispose()
    {
        _root.Dispose();
        _mounts.Dispose();
    }

    /// <summary>A path of the container, from its root, without doubled slashes and dots: <c>..</c> does not lead out.</summary>
    internal static string Clean(string path) => Path.GetFullPath("/" + path).TrimEnd('/') is { Length: > 0 } clean ? clean : "/";

    private static BerthException NotFound(string path, string containerName) => BerthException.NotFound($"Could not find the file {path} in container {containerName}");

    private static IEnumerable<string> Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".");

    private static (string Folder, string Name) Split(string path)
    {
        var slash = path.LastIndexOf('/');
        return (path[..slash].TrimStart('/'), path[(slash + 1)..]);
    }

    // The small files that each container has of its own in /etc.
    private static IEnumerable<MountPoint> OwnFiles(ContainerRecord record, ContainerFiles files) =>
        new[] { ("/etc/resolv.conf", files.ResolvPath), ("/etc/hostname", files.HostnamePath), ("/etc/hosts", files.HostsPath) }
            .Where(pair => record.Mounts.All(mount => mount.Destination != pair.Item1))
            .Select(pair => new MountPoint { Type = "bind", Destination = pair.Item1, Source = pair.Item2 });

    // Mounts onto the place itself, by its descriptor: no path is looked up a second time.
    private static void Attach(MountPoint mount, DirectoryHandle root)
    {
        var (folder, name) = Split(Clean(mount.Destination));
        using var parent = root.OpenOrCreateBelow(folder);
        if (Directory.Exists(mount.Source))
        {
            using var target = root.OpenOrCreateBelow(mount.Destination.TrimStart('/'));
            Mount.BindRecursive(mount.Source, target.ProcPath);
        }
        else
        {
            if (!parent.TryStat(name, out _))
            {
                parent.CreateFile(name).Dispose();
            }

            using var target = root.OpenFileBelow(mount.Destination.TrimStart('/'));
            Mount.Bind(mount.Source, string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{target.DangerousGetHandle()}"));
        }

        if (!mount.ReadWrite)
        {
            using var covered = Directory.Exists(mount.Source) ? root.OpenBelow(mount.Destination.TrimStart('/')) : null;
            if (covered is not null)
            {
                Mount.MakeReadOnly(covered.ProcPath);
            }
        }
    }
}
