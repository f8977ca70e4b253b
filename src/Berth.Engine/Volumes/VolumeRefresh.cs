using System.Collections.Concurrent;
using System.Text;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Engine.State;
using Berth.Linux.Files;
using Berth.Linux.Mounts;

namespace Berth.Engine.Volumes;

/// <summary>
/// Brings the files of an image into a named volume that others read meanwhile, such as the collected static files that nginx serves. Everything is copied beside the volume
/// first, and then moved into it file by file, each in one step: a reader finds each file as it was or as it is, never half of it or none.
/// </summary>
/// <remarks>
/// What the image before had and this one has not stays until the next refresh, because pages that were delivered a moment ago still ask for it; what somebody else has put
/// into the volume stays for ever. A list beside the volume tells them apart. Killed in between, it is simply done again: what is moved already is left alone.
/// </remarks>
public sealed class VolumeRefresh(VolumeService volumes, EngineOptions options, FaultPoints faults)
{
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = new(StringComparer.Ordinal); // by volume

    /// <param name="name">The volume; it is there.</param>
    /// <param name="layers">The image's layer directories, uppermost first.</param>
    /// <param name="path">Absolute, in the image: what the volume is mounted over.</param>
    /// <returns>The files that are new or other than before.</returns>
    /// <exception cref="BerthException">Something in the volume stands in the way; nothing has changed then. Or the disk is full.</exception>
    public async Task<int> RunAsync(string name, IReadOnlyList<string> layers, string path)
    {
        var gate = _gates.GetOrAdd(name, _ => new(1, 1));
        await gate.WaitAsync().ConfigureAwait(false);
        try
        {
            volumes.Resolve(name);
            var folder = $"{options.DataRoot}/volumes/{name}";
            try
            {
                return Refresh(name, folder, layers, path);
            }
            finally
            {
                Clear(folder);
            }
        }
        catch (IOException exception) when (Shortage.IsOfRoom(exception))
        {
            throw new BerthException(ErrorKind.Failed, $"volume '{name}' could not be refreshed: the disk with {options.DataRoot} is full; free some space ('berth system prune'), then run the command again", exception);
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Takes away what a killed daemon left beside a volume.</summary>
    internal static void Clear(string volumeFolder)
    {
        var work = volumeFolder + "/refresh";
        if (Directory.Exists(work))
        {
            Mount.UnmountAll(work + "/root");
            Directory.Delete(work, recursive: true);
        }
    }

    private int Refresh(string name, string folder, IReadOnlyList<string> layers, string path)
    {
        Clear(folder);
        var work = folder + "/refresh";
        foreach (var part in new[] { "root", "upper", "overlay", "files", "empty" })
        {
            Directory.CreateDirectory($"{work}/{part}");
        }

        string Short(string path) => Path.GetRelativePath(options.DataRoot, path); // many layers have to fit into one call
        OverlayMount.Mount(
            options.DataRoot, [.. (layers.Count > 0 ? layers : [work + "/empty"]).Select(Short)], Short(work + "/upper"), Short(work + "/overlay"), Short(work + "/root"), isVolatile: true);
        using (var root = DirectoryHandle.Open(work + "/root"))
        using (var source = root.OpenBelow(path.TrimStart('/')))
        {
            if (source is null)
            {
                return 0; // this image has nothing there
            }

            TreeCopy.Copy(source, work + "/files");
        }

        faults.Reached("volume.refresh.copied");
        using var from = DirectoryHandle.Open(work + "/files");
        using var to = DirectoryHandle.Open(volumes.DataPath(name));
        var listPath = folder + "/image-files";
        var list = ImageFiles.Read(listPath);
        var tree = new Tree(name, faults);
        tree.Look(from, to, "");
        list = list.Next(tree.Paths);
        list.Write(listPath); // before the first file: what is moved later is known as the image's
        CopyOwner(from, to);
        tree.Move(from, to, "");
        Delete(to, list.Expired);
        list.WithoutExpired().Write(listPath);
        return tree.Moved;
    }

    private static void CopyOwner(DirectoryHandle from, DirectoryHandle to)
    {
        var (wanted, current) = (from.Stat(), to.Stat());
        if (wanted.User != current.User || wanted.Group != current.Group)
        {
            to.SetOwner(".", wanted.User, wanted.Group);
        }

        if (wanted.Permissions != current.Permissions)
        {
            to.SetPermissions(".", wanted.Permissions);
        }
    }

    // Files, and the directories that are empty without them. Nothing is followed on the way.
    private static void Delete(DirectoryHandle to, IEnumerable<string> paths)
    {
        foreach (var path in paths.OrderDescending(StringComparer.Ordinal)) // what is in a directory before the directory
        {
            DirectoryHandle? directory = null;
            try
            {
                var words = path.Split('/');
                foreach (var word in words.SkipLast(1))
                {
                    var below = (directory ?? to).TryStat(word, out var status) && status.Kind == FileKind.Directory ? (directory ?? to).OpenDirectory(word) : null;
                    directory?.Dispose();
                    directory = below;
                    if (directory is null)
                    {
                        break;
                    }
                }

                if (words.Length > 1 && directory is null)
                {
                    continue; // somebody else has removed it
                }

                var parent = directory ?? to;
                if (parent.TryStat(words[^1], out var last) && (last.Kind != FileKind.Directory || IsEmpty(parent, words[^1])))
                {
                    parent.Remove(words[^1]);
                }
            }
            finally
            {
                directory?.Dispose();
            }
        }
    }

    private static bool IsEmpty(DirectoryHandle parent, string name)
    {
        using var directory = parent.OpenDirectory(name);
        return directory.ListNames().Count == 0;
    }

    /// <summary>The image's files, from beside the volume into it.</summary>
    private sealed class Tree(string volume, FaultPoints faults)
    {
        internal List<string> Paths { get; } = [];

        internal int Moved { get; private set; }

        /// <summary>Lists the image's files, and refuses what could not be moved, before anything is.</summary>
        internal void Look(DirectoryHandle from, DirectoryHandle? to, string prefix)
        {
            foreach (var name in from.ListNames())
            {
                Paths.Add(prefix + name);
                var isDirectory = from.Stat(name).Kind == FileKind.Directory;
                var isThere = Find(to, name, out var existing);
                if (isThere && isDirectory != (existing.Kind == FileKind.Directory))
                {
                    throw BerthException.Conflict(
                        $"volume '{volume}' cannot be refreshed: '{prefix}{name}' is a {(isDirectory ? "directory" : "file")} in the image and a {(isDirectory ? "file" : "directory")} in the volume; move that away, then run the command again");
                }

                if (isDirectory)
                {
                    using var below = from.OpenDirectory(name);
                    using var other = isThere ? to!.OpenDirectory(name) : null;
                    Look(below, other, $"{prefix}{name}/");
                }
            }
        }

        internal void Move(DirectoryHandle from, DirectoryHandle to, string prefix)
        {
            foreach (var name in from.ListNames())
            {
                var wanted = from.Stat(name);
                if (!to.TryStat(name, out var existing))
                {
                    to.MoveHere(name, from, name); // a directory with all that is in it
                    Moved++;
                    faults.Reached("volume.refresh.moved");
                }
                else if (wanted.Kind == FileKind.Directory)
                {
                    using var below = from.OpenDirectory(name);
                    using var other = to.OpenDirectory(name);
                    CopyOwner(below, other);
                    Move(below, other, $"{prefix}{name}/");
                }
                else if (!IsSame(wanted, existing) || (wanted.Kind == FileKind.SymbolicLink && from.ReadLink(name) != to.ReadLink(name)))
                {
                    to.MoveHere(name, from, name);
                    Moved++;
                    faults.Reached("volume.refresh.moved");
                }
            }
        }

        // cp -a keeps the times, so what was moved before, and not written to since, has them all.
        private static bool IsSame(FileStatus wanted, FileStatus existing) =>
            wanted.Kind == existing.Kind && wanted.Size == existing.Size && wanted.Modified == existing.Modified
            && wanted.User == existing.User && wanted.Group == existing.Group && wanted.Permissions == existing.Permissions;

        private static bool Find(DirectoryHandle? directory, string name, out FileStatus status)
        {
            status = default;
            return directory is not null && directory.TryStat(name, out status);
        }
    }
}

/// <summary>Which files of a volume came from an image. Kept beside the volume, ended by a null byte each: <c>+PATH</c> of the last image, <c>-PATH</c> of the one before it only.</summary>
/// <param name="Current">Paths below the volume.</param>
/// <param name="Gone">That the last image did not have any more.</param>
/// <param name="Expired">That go now.</param>
internal sealed record ImageFiles(IReadOnlyList<string> Current, IReadOnlyList<string> Gone, IReadOnlyList<string> Expired)
{
    internal static ImageFiles Read(string path)
    {
        var lines = File.Exists(path) ? File.ReadAllText(path).Split('\0', StringSplitOptions.RemoveEmptyEntries) : [];
        return new([.. lines.Where(line => line[0] == '+').Select(line => line[1..])], [.. lines.Where(line => line[0] == '-').Select(line => line[1..])], []);
    }

    /// <summary>After one more image: what only the one before had goes the next time, and what was gone then goes now.</summary>
    internal ImageFiles Next(IReadOnlyCollection<string> paths)
    {
        var now = paths.ToHashSet(StringComparer.Ordinal);
        var isRepeated = Current.Count == now.Count && Current.All(now.Contains); // done again after a kill, or the same image once more
        List<string> gone = isRepeated ? [.. Gone.Where(path => !now.Contains(path))] : [.. Current.Where(path => !now.Contains(path))];
        List<string> expired = isRepeated ? [] : [.. Gone.Where(path => !now.Contains(path) && !gone.Contains(path))];
        return new([.. now.Order(StringComparer.Ordinal)], gone, expired);
    }

    internal ImageFiles WithoutExpired() => this with { Expired = [] };

    /// <summary>What has expired is still listed as gone, until it is deleted: see <see cref="WithoutExpired"/>.</summary>
    internal void Write(string path)
    {
        var text = new StringBuilder();
        foreach (var one in Current)
        {
            text.Append('+').Append(one).Append('\0');
        }

        foreach (var one in Gone.Concat(Expired))
        {
            text.Append('-').Append(one).Append('\0');
        }

        File.WriteAllText(path + ".new", text.ToString());
        File.Move(path + ".new", path, overwrite: true);
    }
}
