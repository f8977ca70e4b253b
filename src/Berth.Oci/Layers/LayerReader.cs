using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Namespaces;

namespace Berth.Oci.Layers;

/// <summary>How much an archive may demand of the machine before it is refused.</summary>
public sealed record UnpackLimits
{
    /// <summary>Sum of the files' sizes. Default 256 GiB: above any image in use, below what a gzip bomb of 1 GB unfolds to.</summary>
    public long TotalBytes { get; init; } = 256L << 30;

    /// <summary>Default ten million, each costing an inode.</summary>
    public long Entries { get; init; } = 10_000_000;
}

/// <summary>What an archive's entries become.</summary>
public sealed record UnpackOptions
{
    /// <summary>Translate <c>.wh.</c> names into overlay's whiteouts. False: they are names like any other.</summary>
    public bool IsLayer { get; init; } = true;

    /// <summary>Give every file this owner instead of the archive's.</summary>
    public (uint User, uint Group)? Owner { get; init; }

    /// <summary>The directory shows the files of a user namespace, as the host sees them; null: owners are as they are written.</summary>
    public IdMap? Users { get; init; }

    /// <summary>Refuse to put a directory in the place of another kind of file, or the other way round.</summary>
    public bool KeepsKinds { get; init; }

    public UnpackLimits Limits { get; init; } = new();
}

/// <summary>
/// Unpacks a tar archive, hostile until shown otherwise, into a directory. Every name is resolved by the kernel as if that directory
/// were the root (openat2, RESOLVE_IN_ROOT), so neither <c>..</c> nor a link, however it came there, leads out of it.
/// </summary>
public sealed class LayerReader
{
    private readonly DirectoryHandle _root;
    private readonly UnpackOptions _options;
    private readonly Dictionary<string, FileTime> _directoryTimes = new(StringComparer.Ordinal);
    private readonly byte[] _buffer = new byte[131072];
    private DirectoryHandle? _parent; // of the previous entry: archives list a directory's files one after the other
    private string? _parentPath;
    private long _bytes;
    private long _entries;

    private LayerReader(DirectoryHandle root, UnpackOptions options) => (_root, _options) = (root, options);

    /// <summary>Unpacks an uncompressed <paramref name="tar"/> into <paramref name="directory"/>, which must exist, and reads it to its end.</summary>
    /// <exception cref="InvalidDataException">The archive is malformed, or asks for more than the limits.</exception>
    public static void Unpack(Stream tar, string directory, UnpackOptions options, CancellationToken cancellationToken)
    {
        using var root = DirectoryHandle.Open(directory);
        Unpack(tar, root, options, cancellationToken);
    }

    public static void Unpack(Stream tar, DirectoryHandle root, UnpackOptions options, CancellationToken cancellationToken)
    {
        var reader = new LayerReader(root, options);
        try
        {
            var entries = new TarEntryReader(tar);
            while (entries.Next() is { } entry)
            {
                cancellationToken.ThrowIfCancellationRequested();
                reader.UnpackEntry(entry, entries, cancellationToken);
            }

            reader.SetDirectoryTimes();
        }
        catch (EndOfStreamException exception)
        {
            throw new InvalidDataException("The archive ends too early.", exception);
        }
        catch (OverflowException exception)
        {
            throw new InvalidDataException("The archive has a number beyond 64 bits.", exception);
        }
        finally
        {
            reader._parent?.Dispose();
        }
    }

    private void UnpackEntry(TarEntry entry, TarEntryReader content, CancellationToken cancellationToken)
    {
        Count(entry);
        var (parentPath, name) = Split(entry.Name);
        if (name.Length == 0)
        {
            return; // the root itself: its owner and mode are those of the directory it is unpacked into
        }

        var parent = Parent(parentPath);
        if (_options.IsLayer && name.StartsWith(LayerWriter.WhiteoutPrefix, StringComparison.Ordinal))
        {
            WhiteOut(parent, name);
            return;
        }

        if (entry.Kind == TarEntryKind.Directory)
        {
            UnpackDirectory(parent, name, entry);
            return;
        }

        Replace(parent, name, entry);
        switch (entry.Kind)
        {
            case TarEntryKind.File:
                UnpackFile(parent, name, entry, content, cancellationToken);
                break;
            case TarEntryKind.SymbolicLink:
                parent.CreateSymbolicLink(name, entry.LinkName);
                break;
            case TarEntryKind.HardLink:
                UnpackHardLink(parent, name, entry);
                return; // it is the other file: owner, mode and time are set already
            case TarEntryKind.Fifo:
                parent.CreateDevice(name, FileKind.Fifo, 0, 0);
                break;
            case TarEntryKind.CharacterDevice:
                RefuseForgedWhiteout(entry);
                parent.CreateDevice(name, FileKind.CharacterDevice, entry.DeviceMajor, entry.DeviceMinor);
                break;
            default:
                parent.CreateDevice(name, FileKind.BlockDevice, entry.DeviceMajor, entry.DeviceMinor);
                break;
        }

        SetProperties(parent, name, entry);
        parent.SetModified(name, entry.Modified);
    }

    private void Count(TarEntry entry)
    {
        _entries++;
        _bytes += Math.Min(entry.Size, long.MaxValue - _bytes);
        if (_entries > _options.Limits.Entries || _bytes > _options.Limits.TotalBytes)
        {
            throw new InvalidDataException(
                $"The archive unpacks to more than {_options.Limits.Entries} files or {_options.Limits.TotalBytes >> 20} MiB ('{entry.Name}').");
        }

        if (entry.Name.Contains('\0', StringComparison.Ordinal) || entry.LinkName.Contains('\0', StringComparison.Ordinal))
        {
            throw new InvalidDataException("The archive has a name with a NUL character in it.");
        }
    }

    // ".." in an entry's own name is never honest; in a link it may be, and the kernel keeps that one in.
    private static (string Parent, string Name) Split(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var kept = new List<string>(parts.Length);
        foreach (var part in parts)
        {
            switch (part)
            {
                case ".":
                    break;
                case "..":
                    throw new InvalidDataException($"The archive has the entry '{path}', which points out of the archive.");
                default:
                    kept.Add(part);
                    break;
            }
        }

        return kept.Count == 0 ? ("", "") : (string.Join('/', kept.Take(kept.Count - 1)), kept[^1]);
    }

    private DirectoryHandle Parent(string path)
    {
        if (_parent is not null && _parentPath == path)
        {
            return _parent;
        }

        _parent?.Dispose();
        _parent = null;
        _parent = _root.OpenBelow(path) ?? CreateParents(path);
        _parentPath = path;
        return _parent;
    }

    // Archives may leave directories out. What stands in the way and is no directory is replaced, as an entry for it would have done.
    private DirectoryHandle CreateParents(string path)
    {
        var at = _root.OpenBelow("")!;
        var done = "";
        foreach (var part in path.Split('/'))
        {
            done = done.Length == 0 ? part : $"{done}/{part}";
            var next = _root.OpenBelow(done);
            if (next is null)
            {
                at.Remove(part);
                at.CreateDirectory(part, 0x1ed /* 0755 */);
                if (_options.Owner is not null || _options.Users is not null)
                {
                    SetOwner(at, part, 0, 0);
                }

                next = at.OpenDirectory(part);
            }

            at.Dispose();
            at = next;
        }

        return at;
    }

    private static void WhiteOut(DirectoryHandle parent, string name)
    {
        if (name == LayerWriter.OpaqueMarker)
        {
            MakeOpaque(parent, ".");
            return;
        }

        if (name.StartsWith(LayerWriter.WhiteoutPrefix + LayerWriter.WhiteoutPrefix, StringComparison.Ordinal))
        {
            return; // aufs' own bookkeeping (.wh..wh.plnk and others), which old images carry and no one means
        }

        var hidden = name[LayerWriter.WhiteoutPrefix.Length..];
        if (hidden is "" or "." or "..")
        {
            throw new InvalidDataException($"The layer has the whiteout '{name}', which hides no name.");
        }

        // A whiteout speaks of the layers below, never of this one's own files.
        if (!parent.TryStat(hidden, out var status))
        {
            parent.CreateDevice(hidden, FileKind.CharacterDevice, 0, 0);
        }
        else if (status.Kind == FileKind.Directory)
        {
            MakeOpaque(parent, hidden);
        }
    }

    private static void MakeOpaque(DirectoryHandle parent, string name) =>
        parent.SetAttribute(name, LayerWriter.OverlayOpaque, "y"u8.ToArray());

    private void UnpackDirectory(DirectoryHandle parent, string name, TarEntry entry)
    {
        var exists = parent.TryStat(name, out var status) && status.Kind == FileKind.Directory;
        if (!exists && !_options.IsLayer && status.Kind == FileKind.SymbolicLink && LeadsToDirectory(name))
        {
            return; // tar's --keep-directory-symlink, as Docker does where an archive meets files that were there before
        }

        if (!exists)
        {
            Replace(parent, name, entry);
            parent.CreateDirectory(name, 0x1c0 /* 0700 */);
        }

        SetProperties(parent, name, entry);
        if (status.IsOverlayWhiteout && !exists)
        {
            MakeOpaque(parent, name);
        }

        _directoryTimes[BelowParent(name)] = entry.Modified;
    }

    private bool LeadsToDirectory(string name)
    {
        using var target = _root.OpenBelow(BelowParent(name));
        return target is not null;
    }

    private string BelowParent(string name) => string.IsNullOrEmpty(_parentPath) ? name : $"{_parentPath}/{name}";

    private void UnpackFile(DirectoryHandle parent, string name, TarEntry entry, TarEntryReader content, CancellationToken cancellationToken)
    {
        using var file = parent.CreateFile(name);
        long at = 0;
        for (int read; (read = content.Read(_buffer)) > 0; at += read)
        {
            RandomAccess.Write(file, _buffer.AsSpan(0, read), at);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private void UnpackHardLink(DirectoryHandle parent, string name, TarEntry entry)
    {
        var (directoryPath, existing) = Split(entry.LinkName);
        using var directory = _root.OpenBelow(directoryPath);
        if (existing.Length == 0 || directory is null || !directory.TryStat(existing, out var status) || status.Kind == FileKind.Directory)
        {
            throw new InvalidDataException($"The archive has a hard link '{entry.Name}' to '{entry.LinkName}', which is not a file in it.");
        }

        if (status.IsOverlayWhiteout)
        {
            throw new InvalidDataException($"The archive has a hard link '{entry.Name}' to the deleted file '{entry.LinkName}'.");
        }

        parent.CreateHardLink(name, directory, existing);
    }

    private void RefuseForgedWhiteout(TarEntry entry)
    {
        if (_options.IsLayer && entry is { DeviceMajor: 0, DeviceMinor: 0 })
        {
            throw new InvalidDataException($"The layer has the device 0/0 '{entry.Name}', which overlay would take for a deletion.");
        }
    }

    private void Replace(DirectoryHandle parent, string name, TarEntry entry)
    {
        if (!parent.TryStat(name, out var status))
        {
            return;
        }

        if (_options.KeepsKinds && (status.Kind == FileKind.Directory) != (entry.Kind == TarEntryKind.Directory))
        {
            throw new InvalidDataException(status.Kind == FileKind.Directory
                ? $"cannot overwrite directory \"{name}\" with non-directory \"{entry.Name}\""
                : $"cannot overwrite non-directory \"{name}\" with directory \"{entry.Name}\"");
        }

        parent.Remove(name);
    }

    private void SetOwner(DirectoryHandle parent, string name, uint user, uint group)
    {
        (user, group) = _options.Owner ?? (user, group);
        if (_options.Users is { } users)
        {
            (user, group) = users.ToHost(user, group) ?? throw new InvalidDataException($"\"{name}\" belongs to {user}:{group}; the users of the container's namespace do not reach that far");
        }

        parent.SetOwner(name, user, group);
    }

    private void SetProperties(DirectoryHandle parent, string name, TarEntry entry)
    {
        SetOwner(parent, name, entry.User, entry.Group);
        if (entry.Kind != TarEntryKind.SymbolicLink)
        {
            parent.SetPermissions(name, entry.Permissions); // after the owner: a change of owner clears setuid
        }

        foreach (var (attribute, value) in entry.Attributes.Where(pair => LayerWriter.IsPortable(pair.Key)))
        {
            try
            {
                parent.SetAttribute(name, attribute, value); // last, as a change of owner also clears security.capability
            }
            catch (LinuxException exception) when (exception.Errno is Errno.ENOTSUP or Errno.EPERM && attribute.StartsWith("user.", StringComparison.Ordinal))
            {
                // The kernel allows user attributes on files and directories only, and not every file system has them; Docker goes on too.
            }
        }
    }

    // Last, as every file made in a directory changes its time.
    private void SetDirectoryTimes()
    {
        _parent?.Dispose();
        _parent = null;
        foreach (var (path, time) in _directoryTimes)
        {
            var (parentPath, name) = Split(path);
            using var parent = _root.OpenBelow(parentPath);
            if (parent is not null && parent.TryStat(name, out var status) && status.Kind == FileKind.Directory)
            {
                parent.SetModified(name, time);
            }
        }
    }
}
