using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Mounts;
using Berth.Linux.Namespaces;
using Berth.Linux.Processes;

namespace Berth.Engine.Users;

/// <summary>
/// Layers, containers' own files, volumes and what builds use, as containers of a user namespace have them (<c>userns-remap</c>): the same folders, mounted a second
/// time with other owners. On the disk an owner stays what it is in the container, so images, volumes and backups do not know of it, and the setting can be
/// changed at any time. One user namespace is all those containers', for they have the same ids.
/// </summary>
internal sealed class RemappedFiles(EngineOptions options, ExitWatcher exits)
{
    private static readonly string[] s_folders = ["layers", "containers", "volumes", "build-mounts", "tmp"];

    /// <summary>The second place of the data root's folders.</summary>
    internal string Root { get; } = options.ExecRoot + "/remapped";

    /// <summary>The file to which the user namespace is bound.</summary>
    internal string UserNamespace => Root + "/user";

    private string MapPath => Root + "/map"; // written last

    /// <summary>Mounts what is not there yet, or is there for other ids. Containers that run keep what they have.</summary>
    /// <exception cref="BerthException">The kernel or the file system cannot do it.</exception>
    internal async Task PrepareAsync()
    {
        if (options.Users is not { } map)
        {
            return;
        }

        var text = IdMap.Text(map.Users) + "\n" + IdMap.Text(map.Groups);
        RequireWay(options.DataRoot);
        if (!File.Exists(MapPath) || await File.ReadAllTextAsync(MapPath).ConfigureAwait(false) != text)
        {
            Remove(options.ExecRoot);
        }

        try
        {
            GiveWay(Root, map); // before anything can be reached by it
            await MountAsync(map).ConfigureAwait(false);
            if (!IsBound())
            {
                await using var own = await NamespaceHolder.UserAsync(map, exits).ConfigureAwait(false);
                own.Bind("user", UserNamespace);
            }
        }
        catch (IOException exception)
        {
            var reason = exception is LinuxException { Errno: Errno.EINVAL or Errno.ENOSYS, Call: "mount_setattr" }
                ? $"the file system of {options.DataRoot}, or this kernel, cannot show files with other owners; that needs Linux 5.19 and ext4, xfs, btrfs or tmpfs"
                : exception.Message.Contains("No space left", StringComparison.Ordinal) ? "this machine allows no user namespaces: sysctl user.max_user_namespaces=15000" : exception.Message;
            throw new BerthException(ErrorKind.Failed, $"userns-remap cannot be done here: {reason}. Mend that, or remove the setting.", exception);
        }

        GiveWay(options.DataRoot, map);
        await File.WriteAllTextAsync(MapPath, text).ConfigureAwait(false);
    }

    /// <summary>Takes the second places away again. None is fine.</summary>
    internal static void Remove(string execRoot)
    {
        foreach (var name in s_folders.Append("user"))
        {
            Mount.UnmountAll($"{execRoot}/remapped/{name}");
        }

        if (Directory.Exists(execRoot + "/remapped"))
        {
            File.Delete(execRoot + "/remapped/map");
            File.Delete(execRoot + "/remapped/user");
            foreach (var folder in s_folders.Where(folder => Directory.Exists($"{execRoot}/remapped/{folder}")))
            {
                Directory.Delete($"{execRoot}/remapped/{folder}"); // empty, or something is still mounted there
            }
        }
    }

    /// <summary>Where a mount's source is for such a container: a volume in its second place, unless something else is mounted there; all others where they are.</summary>
    internal string SourceOf(MountPoint mount)
    {
        if (mount.Type != "volume")
        {
            return mount.Source;
        }

        var remapped = PathOf(mount.Source);
        return remapped == mount.Source || IsSame(mount.Source, remapped) ? remapped : mount.Source;
    }

    /// <summary>The second place of a path in one of the data root's folders; any other path as it is.</summary>
    internal string PathOf(string path) => s_folders.Any(folder => path == $"{options.DataRoot}/{folder}" || path.StartsWith($"{options.DataRoot}/{folder}/", StringComparison.Ordinal))
        ? Root + path[options.DataRoot.Length..]
        : path;

    // Their root passes it on the way to its files, and nobody else of this machine.
    private static void GiveWay(string path, IdMap map)
    {
        Directory.CreateDirectory(path);
        using var above = DirectoryHandle.Open(Path.GetDirectoryName(path)!);
        above.SetOwner(Path.GetFileName(path), 0, map.Root.Group);
        above.SetPermissions(Path.GetFileName(path), 0x1c8 /* 0710 */);
    }

    private async Task MountAsync(IdMap map)
    {
        foreach (var folder in s_folders)
        {
            Directory.CreateDirectory($"{options.DataRoot}/{folder}");
            Directory.CreateDirectory($"{Root}/{folder}");
        }

        if (s_folders.Where(folder => !IsMounted(folder, map)).ToList() is not { Count: > 0 } missing)
        {
            return;
        }

        await using var shown = await NamespaceHolder.UserAsync(map.ForMounts(), exits).ConfigureAwait(false);
        foreach (var folder in missing)
        {
            Mount.UnmountAll($"{Root}/{folder}"); // of a folder that was made anew
            IdMappedMount.Create($"{options.DataRoot}/{folder}", $"{Root}/{folder}", shown.NamespacePath("user"));
        }
    }

    private bool IsBound()
    {
        using var root = DirectoryHandle.Open(Root);
        return root.TryStat("user", out var status) && status.FileSystem != root.Stat().FileSystem;
    }

    // The container's users pass every folder above its files, as anybody's.
    private static void RequireWay(string dataRoot)
    {
        for (var path = Path.GetDirectoryName(dataRoot); path is not null; path = Path.GetDirectoryName(path))
        {
            if (!File.GetUnixFileMode(path).HasFlag(UnixFileMode.OtherExecute))
            {
                throw new BerthException(ErrorKind.Failed, $"userns-remap: the users of containers cannot reach {dataRoot}, for nobody else may pass {path}. Mend it: chmod o+x {path}");
            }
        }
    }

    private bool IsMounted(string folder, IdMap map)
    {
        using var root = DirectoryHandle.Open(Root);
        return root.TryStat(folder, out var status) && status.User == map.Root.User && IsSame($"{options.DataRoot}/{folder}", $"{Root}/{folder}");
    }

    private static bool IsSame(string path, string other)
    {
        using var one = DirectoryHandle.Open(Path.GetDirectoryName(path)!);
        using var two = DirectoryHandle.Open(Path.GetDirectoryName(other)!);
        return one.TryStat(Path.GetFileName(path), out var first) && two.TryStat(Path.GetFileName(other), out var second)
            && (first.FileSystem, first.Inode) == (second.FileSystem, second.Inode);
    }
}
