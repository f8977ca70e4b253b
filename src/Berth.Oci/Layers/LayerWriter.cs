using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Namespaces;
using Microsoft.Win32.SafeHandles;

namespace Berth.Oci.Layers;

/// <summary>
/// Turns an overlay upper directory, or files of a container, into a tar. Deterministic: entries sorted by name, owners as numbers, whole seconds,
/// so the same files make the same diff id wherever and whenever it is computed.
/// </summary>
/// <remarks>OCI Image Spec 1.1, layer.md. Whiteouts become <c>.wh.NAME</c>, an opaque directory gets <c>.wh..wh..opq</c>. Sockets
/// are left out: tar has no word for them.</remarks>
public sealed class LayerWriter
{
    internal const string WhiteoutPrefix = ".wh.";
    internal const string OpaqueMarker = ".wh..wh..opq";
    internal const string OverlayOpaque = "trusted.overlay.opaque";
    private readonly TarEntryWriter _tar;
    private readonly long? _latestSecond;
    private readonly Func<string, FileStatus, bool> _leavesOut;
    private readonly CancellationToken _cancellationToken;
    private readonly Dictionary<(ulong FileSystem, ulong Inode), string> _linked = [];
    private readonly byte[] _buffer = new byte[131072];

    private IdMap? _users;
    private readonly bool _isLive; // programs may change the files meanwhile

    private LayerWriter(Stream target, long? latestSecond, Func<string, FileStatus, bool>? leavesOut, bool isLive, CancellationToken cancellationToken) =>
        (_tar, _latestSecond, _leavesOut, _isLive, _cancellationToken) = (new(target), latestSecond, leavesOut ?? ((_, _) => false), isLive, cancellationToken);

    /// <summary>Writes the tar of <paramref name="directory"/>. No time in it is later than <paramref name="sourceDateEpoch"/>.</summary>
    /// <param name="leavesOut">Whether the entry of a path, and all below it, stays out.</param>
    /// <param name="isLive">The files may change meanwhile: see <see cref="WriteFiles"/>.</param>
    public static void Write(
        string directory, Stream target, long? sourceDateEpoch, CancellationToken cancellationToken, Func<string, FileStatus, bool>? leavesOut = null, bool isLive = false)
    {
        var writer = new LayerWriter(target, sourceDateEpoch, leavesOut, isLive, cancellationToken);
        using var root = DirectoryHandle.Open(directory);
        writer.WriteTree(root, "");
        writer._tar.End();
    }

    /// <summary>
    /// Writes a file, or a directory and all below it, under the name <paramref name="asName"/>; with an empty one, what is in the directory. What goes while it is read is
    /// left out, and a file that becomes shorter is filled up with zeros, as GNU tar does.
    /// </summary>
    /// <param name="name">In <paramref name="parent"/>; <c>.</c> is that directory itself.</param>
    /// <param name="users">The files are a user namespace's, as the host sees them; null: their owners are written as they are.</param>
    public static void WriteFiles(DirectoryHandle parent, string name, string asName, IdMap? users, Stream target, CancellationToken cancellationToken)
    {
        var writer = new LayerWriter(target, latestSecond: null, leavesOut: null, isLive: true, cancellationToken) { _users = users };
        var status = parent.Stat(name);
        if (asName.Length > 0)
        {
            writer.WriteEntry(parent, name, asName, status);
        }

        if (status.Kind == FileKind.Directory)
        {
            using var directory = parent.OpenDirectory(name);
            writer.WriteTree(directory, asName.Length == 0 ? "" : asName.TrimEnd('/') + "/");
        }

        writer._tar.End();
    }

    /// <summary>The digest and size of that tar, without writing it anywhere.</summary>
    public static (Digest DiffId, long Size) Measure(string directory, long? sourceDateEpoch, CancellationToken cancellationToken)
    {
        using var hash = new HashingStream(Stream.Null);
        Write(directory, hash, sourceDateEpoch, cancellationToken);
        return (hash.Digest(), hash.Count);
    }

    private void WriteTree(DirectoryHandle root, string prefix)
    {
        var open = new Stack<(DirectoryHandle Directory, string Prefix, Queue<string> Left)>();
        open.Push((root, prefix, new(root.ListNames())));
        try
        {
            while (open.TryPeek(out var current))
            {
                _cancellationToken.ThrowIfCancellationRequested();
                if (!current.Left.TryDequeue(out var name))
                {
                    open.Pop();
                    if (open.Count > 0)
                    {
                        current.Directory.Dispose();
                    }

                    continue;
                }

                try
                {
                    var path = current.Prefix + name;
                    var status = current.Directory.Stat(name);
                    if (_leavesOut(path, status))
                    {
                        continue;
                    }

                    WriteEntry(current.Directory, name, path, status);
                    if (status.Kind == FileKind.Directory)
                    {
                        var below = current.Directory.OpenDirectory(name);
                        open.Push((below, path + "/", new(below.ListNames())));
                    }
                }
                catch (LinuxException exception) when (_isLive && exception.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
                {
                    // it went, or became something else, since the directory was listed
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
    }

    private void WriteEntry(DirectoryHandle directory, string name, string path, FileStatus status)
    {
        if (status.IsOverlayWhiteout)
        {
            _tar.Begin(Marker(path[..^name.Length] + WhiteoutPrefix + name));
            return;
        }

        if (status.Kind == FileKind.Socket)
        {
            return;
        }

        var (user, group) = _users?.ToNamespace(status.User, status.Group) ?? (status.User, status.Group);
        var entry = new TarEntry
        {
            Name = status.Kind == FileKind.Directory ? path.TrimEnd('/') + "/" : path,
            Kind = KindOf(status.Kind),
            Permissions = status.Permissions,
            User = user,
            Group = group,
            Modified = new(_latestSecond is { } latest ? Math.Min(latest, status.Modified.Seconds) : status.Modified.Seconds),
            DeviceMajor = status.DeviceMajor,
            DeviceMinor = status.DeviceMinor,
            LinkName = status.Kind == FileKind.SymbolicLink ? directory.ReadLink(name) : "",
            Attributes = Attributes(directory, name),
        };
        if (status.LinkCount > 1 && status.Kind != FileKind.Directory && !_linked.TryAdd((status.FileSystem, status.Inode), path))
        {
            _tar.Begin(entry with
            {
                Kind = TarEntryKind.HardLink,
                LinkName = _linked[(status.FileSystem, status.Inode)],
                Attributes = TarEntry.NoAttributes,
            });
        }
        else if (status.Kind == FileKind.Regular)
        {
            using var file = directory.OpenFile(name);
            _tar.Begin(entry with { Size = status.Size });
            WriteContent(file, status.Size, path);
        }
        else
        {
            _tar.Begin(entry);
            if (status.Kind == FileKind.Directory && directory.GetAttribute(name, OverlayOpaque) is [(byte)'y'])
            {
                _tar.Begin(Marker($"{path}/{OpaqueMarker}"));
            }
        }
    }

    private void WriteContent(SafeFileHandle file, long size, string path)
    {
        for (long at = 0; at < size;)
        {
            var read = RandomAccess.Read(file, _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, size - at)), at);
            if (read == 0)
            {
                read = _isLive ? (int)Math.Min(_buffer.Length, size - at) : throw new IOException($"'{path}' became shorter while its layer was read: {at} of {size} bytes.");
                _buffer.AsSpan(0, read).Clear();
            }

            _tar.Write(_buffer.AsSpan(0, read));
            at += read;
            _cancellationToken.ThrowIfCancellationRequested();
        }
    }

    // Its time is not kept: overlay shares one inode among whiteouts, so it says nothing about this one.
    private static TarEntry Marker(string name) => new() { Name = name, Kind = TarEntryKind.File };

    private static IReadOnlyDictionary<string, byte[]> Attributes(DirectoryHandle directory, string name)
    {
        var names = directory.ListAttributes(name);
        if (names.Count == 0)
        {
            return TarEntry.NoAttributes;
        }

        var attributes = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var attribute in names.Where(IsPortable))
        {
            if (directory.GetAttribute(name, attribute) is { } value)
            {
                attributes.Add(attribute, value);
            }
        }

        return attributes;
    }

    /// <summary>Overlay's own attributes and the host's security labels describe this machine, not the file; they neither leave nor enter.</summary>
    internal static bool IsPortable(string attribute) =>
        !attribute.StartsWith("trusted.overlay.", StringComparison.Ordinal)
        && !attribute.StartsWith("user.overlay.", StringComparison.Ordinal)
        && attribute is not ("security.selinux" or "security.ima" or "security.evm" or "security.apparmor");

    private static TarEntryKind KindOf(FileKind kind) => kind switch
    {
        FileKind.Directory => TarEntryKind.Directory,
        FileKind.SymbolicLink => TarEntryKind.SymbolicLink,
        FileKind.CharacterDevice => TarEntryKind.CharacterDevice,
        FileKind.BlockDevice => TarEntryKind.BlockDevice,
        FileKind.Fifo => TarEntryKind.Fifo,
        _ => TarEntryKind.File,
    };
}
