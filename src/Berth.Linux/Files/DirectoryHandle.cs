using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Berth.Linux.Files;

/// <summary>
/// An open directory whose entries are reached by name and without following a link. A path given to <see cref="OpenBelow"/> may be
/// hostile: links and <c>..</c> in it are resolved as if this directory were the root (openat2, RESOLVE_IN_ROOT), so it cannot lead out.
/// </summary>
public sealed unsafe class DirectoryHandle : SafeHandleMinusOneIsInvalid
{
    private const uint KindMask = 0xf000;
    private readonly string _path;

    private DirectoryHandle(int fd, string path)
        : base(ownsHandle: true)
    {
        _path = path;
        SetHandle(fd);
    }

    private int Fd => (int)handle;

    /// <summary>Opens a directory by a path that is trusted, links and all.</summary>
    public static DirectoryHandle Open(string path)
    {
        var fd = FileCalls.openat2(FileCalls.AT_FDCWD, path, FileCalls.O_DIRECTORY, mode: 0, resolve: 0);
        return fd >= 0 ? new(fd, path) : throw new LinuxException(FileCalls.LastErrno, "openat2", $"'{path}'");
    }

    /// <summary>Opens a directory below this one, following links inside it only.</summary>
    /// <returns>Null when it does not exist, or when something on the way is not a directory.</returns>
    public DirectoryHandle? OpenBelow(string relativePath)
    {
        var path = relativePath.Length == 0 ? "." : relativePath;
        var fd = FileCalls.openat2(Fd, path, FileCalls.O_DIRECTORY, 0, FileCalls.RESOLVE_IN_ROOT | FileCalls.RESOLVE_NO_MAGICLINKS);
        if (fd >= 0)
        {
            return new(fd, $"{_path}/{relativePath}");
        }

        var errno = FileCalls.LastErrno;
        return errno is Errno.ENOENT or Errno.ENOTDIR ? null : throw Failure(errno, "openat2", relativePath);
    }

    /// <summary>Opens a directory below this one as <see cref="OpenBelow"/> does; what is missing of it is made, mode 0755.</summary>
    /// <exception cref="LinuxException">EEXIST: something on the way is not a directory.</exception>
    public DirectoryHandle OpenOrCreateBelow(string relativePath)
    {
        if (OpenBelow(relativePath) is { } there)
        {
            return there;
        }

        var at = OpenBelow("")!;
        var done = "";
        foreach (var part in relativePath.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            done = done.Length == 0 ? part : $"{done}/{part}";
            var next = OpenBelow(done);
            if (next is null)
            {
                using (at)
                {
                    at.CreateDirectory(part, 0x1ed /* 0755 */);
                }

                next = OpenBelow(done)!;
            }
            else
            {
                at.Dispose();
            }

            at = next;
        }

        return at;
    }

    /// <summary>A path by which this process reaches the directory while this handle is open, whatever its name is by now. proc_pid_fd(5).</summary>
    public string ProcPath => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/proc/self/fd/{Fd}");

    /// <summary>Opens a file below this directory for reading, following links inside it only. A fifo does not block.</summary>
    public SafeFileHandle OpenFileBelow(string relativePath) =>
        OpenFile(relativePath, FileCalls.O_NONBLOCK, FileCalls.RESOLVE_IN_ROOT | FileCalls.RESOLVE_NO_MAGICLINKS, 0);

    /// <summary>Opens a regular file below this directory for reading, links led back in; nothing else is opened, see <see cref="RegularFile"/>.</summary>
    /// <exception cref="LinuxException">EISDIR, or EINVAL for a pipe, a device or a socket.</exception>
    public SafeFileHandle OpenRegularBelow(string relativePath)
    {
        using var found = OpenFile(relativePath, FileCalls.O_PATH, FileCalls.RESOLVE_IN_ROOT | FileCalls.RESOLVE_NO_MAGICLINKS, 0);
        return RegularFile.Reopen(found, $"'{_path}/{relativePath}'");
    }

    /// <summary>Opens an entry for reading; a link is refused with ELOOP.</summary>
    public SafeFileHandle OpenFile(string name) => OpenFile(name, FileCalls.O_NOFOLLOW | FileCalls.O_NONBLOCK, 0, 0);

    /// <summary>Opens a fifo for writing without waiting for a reader. fifo(7).</summary>
    /// <returns>Null when nobody reads it.</returns>
    public SafeFileHandle? OpenFifoForWriting(string name)
    {
        try
        {
            return OpenFile(name, FileCalls.O_WRONLY | FileCalls.O_NOFOLLOW | FileCalls.O_NONBLOCK, 0, 0);
        }
        catch (LinuxException exception) when (exception.Errno == Errno.ENXIO)
        {
            return null;
        }
    }

    /// <summary>Opens a sub-directory; a link is refused.</summary>
    public DirectoryHandle OpenDirectory(string name)
    {
        var fd = FileCalls.openat2(Fd, name, FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW, 0, 0);
        return fd >= 0 ? new(fd, $"{_path}/{name}") : throw Failure(FileCalls.LastErrno, "openat2", name);
    }

    /// <summary>Creates an entry that must not exist, for writing.</summary>
    public SafeFileHandle CreateFile(string name) =>
        OpenFile(name, FileCalls.O_CREAT | FileCalls.O_EXCL | FileCalls.O_WRONLY | FileCalls.O_NOFOLLOW, 0, 0x180 /* 0600 */);

    public void CreateDirectory(string name, uint permissions) =>
        Check(FileCalls.mkdirat(Fd, PathText.ToNullTerminated(name), permissions), "mkdirat", name);

    public void CreateSymbolicLink(string name, string target) =>
        Check(FileCalls.symlinkat(PathText.ToNullTerminated(target), Fd, PathText.ToNullTerminated(name)), "symlinkat", name);

    /// <summary>Gives an existing file a second name; a link is itself linked, never what it points to.</summary>
    public void CreateHardLink(string name, DirectoryHandle existingDirectory, string existingName) =>
        Check(
            FileCalls.linkat(existingDirectory.Fd, PathText.ToNullTerminated(existingName), Fd, PathText.ToNullTerminated(name), flags: 0),
            "linkat", name);

    /// <summary>Moves an entry here, in the place of what has the name, in one step: whoever looks finds the one or the other. renameat(2).</summary>
    public void MoveHere(string name, DirectoryHandle directory, string nameThere) =>
        Check(FileCalls.renameat(directory.Fd, PathText.ToNullTerminated(nameThere), Fd, PathText.ToNullTerminated(name)), "renameat", name);

    public void CreateDevice(string name, FileKind kind, uint major, uint minor)
    {
        // gnu_dev_makedev(3): minor and major in interleaved bytes.
        var device = ((ulong)(major & 0xfff) << 8) | ((ulong)(major & ~0xfffU) << 32) | (minor & 0xff) | ((ulong)(minor & ~0xffU) << 12);
        Check(FileCalls.mknodat(Fd, PathText.ToNullTerminated(name), ModeOf(kind) | 0x180, device), "mknodat", name);
    }

    /// <summary>Removes an entry and, if it is a directory, all that is in it, without following a link. Absent is fine.</summary>
    public void Remove(string name)
    {
        if (FileCalls.unlinkat(Fd, PathText.ToNullTerminated(name), flags: 0) == 0)
        {
            return;
        }

        var errno = FileCalls.LastErrno;
        switch (errno)
        {
            case Errno.ENOENT:
                return;
            case Errno.EISDIR or Errno.EPERM:
                RemoveTree(name);
                return;
            default:
                throw Failure(errno, "unlinkat", name);
        }
    }

    public FileStatus Stat(string name) =>
        TryStat(name, out var status) ? status : throw Failure(Errno.ENOENT, "statx", name);

    /// <returns>False when there is no such entry.</returns>
    public bool TryStat(string name, out FileStatus status) => TryStat(name, FileCalls.AT_SYMLINK_NOFOLLOW, out status);

    /// <summary>The status of this directory itself.</summary>
    public FileStatus Stat() => TryStat("", FileCalls.AT_EMPTY_PATH, out var status) ? status : throw Failure(Errno.ENOENT, "statx", ".");

    public string ReadLink(string name)
    {
        var buffer = new byte[4096]; // PATH_MAX, which a link cannot exceed
        var length = FileCalls.readlinkat(Fd, PathText.ToNullTerminated(name), buffer, (nuint)buffer.Length);
        return length >= 0 ? PathText.Decode(buffer.AsSpan(0, (int)length)) : throw Failure(FileCalls.LastErrno, "readlinkat", name);
    }

    public void SetOwner(string name, uint user, uint group) =>
        Check(FileCalls.fchownat(Fd, PathText.ToNullTerminated(name), user, group, FileCalls.AT_SYMLINK_NOFOLLOW), "fchownat", name);

    /// <summary>Sets the twelve permission bits. Not for links, which have none: the call would follow them.</summary>
    public void SetPermissions(string name, uint permissions) =>
        Check(FileCalls.fchmodat(Fd, PathText.ToNullTerminated(name), permissions & 0xfff, flags: 0), "fchmodat", name);

    /// <summary>Sets the time of last change, and the access time with it.</summary>
    public void SetModified(string name, FileTime time)
    {
        var times = stackalloc FileCalls.TimeSpec[2];
        times[0] = times[1] = new() { Seconds = time.Seconds, Nanoseconds = time.Nanoseconds };
        Check(FileCalls.utimensat(Fd, PathText.ToNullTerminated(name), times, FileCalls.AT_SYMLINK_NOFOLLOW), "utimensat", name);
    }

    public void SetAttribute(string name, string attribute, byte[] value) =>
        Check(
            FileCalls.lsetxattr(ProcPathOf(name), PathText.ToNullTerminated(attribute), value, (nuint)value.Length, flags: 0),
            $"lsetxattr({attribute})", name);

    /// <returns>Null when the file does not have the attribute, or the file system has none.</returns>
    public byte[]? GetAttribute(string name, string attribute)
    {
        var buffer = new byte[65536]; // XATTR_SIZE_MAX
        var length = FileCalls.lgetxattr(ProcPathOf(name), PathText.ToNullTerminated(attribute), buffer, (nuint)buffer.Length);
        if (length >= 0)
        {
            return buffer[..(int)length];
        }

        var errno = FileCalls.LastErrno;
        return errno is Errno.ENODATA or Errno.ENOTSUP ? null : throw Failure(errno, $"lgetxattr({attribute})", name);
    }

    /// <summary>The extended attributes' names, sorted.</summary>
    public IReadOnlyList<string> ListAttributes(string name)
    {
        var path = ProcPathOf(name);
        var length = FileCalls.llistxattr(path, [], 0);
        if (length == 0 || (length < 0 && FileCalls.LastErrno == Errno.ENOTSUP))
        {
            return [];
        }

        var buffer = new byte[65536]; // XATTR_LIST_MAX
        length = FileCalls.llistxattr(path, buffer, (nuint)buffer.Length);
        if (length < 0)
        {
            throw Failure(FileCalls.LastErrno, "llistxattr", name);
        }

        var names = Encoding.UTF8.GetString(buffer, 0, (int)length).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    /// <summary>The names in this directory, sorted, without <c>.</c> and <c>..</c>.</summary>
    public IReadOnlyList<string> ListNames()
    {
        // A descriptor of its own, so that listing twice starts at the beginning twice.
        using var listing = OpenDirectory(".");
        var names = new List<string>();
        var buffer = new byte[32768];
        while (true)
        {
            var length = FileCalls.getdents64(listing.Fd, buffer, (nuint)buffer.Length);
            if (length == 0)
            {
                names.Sort(StringComparer.Ordinal);
                return names;
            }

            if (length < 0)
            {
                throw Failure(FileCalls.LastErrno, "getdents64", ".");
            }

            // struct linux_dirent64: inode 8, offset 8, record length 2, type 1, then the name.
            for (var at = 0; at < length;)
            {
                var recordLength = BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(at + 16));
                var name = buffer.AsSpan(at + 19, recordLength - 19);
                name = name[..name.IndexOf((byte)0)];
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                {
                    names.Add(PathText.Decode(name));
                }

                at += recordLength;
            }
        }
    }

    protected override bool ReleaseHandle() => FileCalls.close(Fd) == 0;

    private static uint ModeOf(FileKind kind) => kind switch
    {
        FileKind.CharacterDevice => 0x2000,
        FileKind.BlockDevice => 0x6000,
        FileKind.Fifo => 0x1000,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not a kind that mknod makes here"),
    };

    private static FileKind KindOf(uint mode) => (mode & KindMask) switch
    {
        0x4000 => FileKind.Directory,
        0xa000 => FileKind.SymbolicLink,
        0x2000 => FileKind.CharacterDevice,
        0x6000 => FileKind.BlockDevice,
        0x1000 => FileKind.Fifo,
        0xc000 => FileKind.Socket,
        _ => FileKind.Regular,
    };

    // An explicit stack of handles: the depth of a hostile tree must not become the depth of this program's stack.
    private void RemoveTree(string name)
    {
        var open = new Stack<(DirectoryHandle Directory, string Name, Queue<string> Left)>();
        try
        {
            var top = OpenDirectory(name);
            open.Push((top, name, new(top.ListNames())));
            while (open.TryPeek(out var current))
            {
                if (current.Left.TryDequeue(out var child))
                {
                    if (FileCalls.unlinkat(current.Directory.Fd, PathText.ToNullTerminated(child), 0) != 0)
                    {
                        var below = current.Directory.OpenDirectory(child);
                        open.Push((below, child, new(below.ListNames())));
                    }

                    continue;
                }

                open.Pop();
                current.Directory.Dispose();
                var parent = open.TryPeek(out var above) ? above.Directory : this;
                Check(
                    FileCalls.unlinkat(parent.Fd, PathText.ToNullTerminated(current.Name), FileCalls.AT_REMOVEDIR), "unlinkat", current.Name);
            }
        }
        finally
        {
            foreach (var left in open)
            {
                left.Directory.Dispose();
            }
        }
    }

    private SafeFileHandle OpenFile(string name, ulong flags, ulong resolve, ulong mode)
    {
        var fd = FileCalls.openat2(Fd, name, flags, mode, resolve);
        return fd >= 0 ? new(fd, ownsHandle: true) : throw Failure(FileCalls.LastErrno, "openat2", name);
    }

    internal static FileKind KindOf(int descriptor, string subject)
    {
        FileCalls.StatX s;
        return FileCalls.statx(descriptor, PathText.ToNullTerminated(""), FileCalls.AT_EMPTY_PATH, FileCalls.STATX_BASIC_STATS, &s) == 0
            ? KindOf(s.Mode)
            : throw new LinuxException(FileCalls.LastErrno, "statx", subject);
    }

    private bool TryStat(string name, int flags, out FileStatus status)
    {
        FileCalls.StatX s;
        if (FileCalls.statx(Fd, PathText.ToNullTerminated(name), flags, FileCalls.STATX_BASIC_STATS, &s) != 0)
        {
            var errno = FileCalls.LastErrno;
            status = default;
            return errno is Errno.ENOENT or Errno.ENOTDIR ? false : throw Failure(errno, "statx", name);
        }

        status = new(
            KindOf(s.Mode), s.Mode & 0xfffU, s.User, s.Group, (long)s.Size, s.Inode, s.LinkCount,
            new(s.ModifyTime.Seconds, s.ModifyTime.Nanoseconds), new(s.ChangeTime.Seconds, s.ChangeTime.Nanoseconds),
            s.DeviceMajor, s.DeviceMinor, ((ulong)s.FileSystemMajor << 32) | s.FileSystemMinor);
        return true;
    }

    // The calls on attributes know no directory descriptor. Through /proc the directory is this one, whatever its path is by now.
    private byte[] ProcPathOf(string name) => PathText.ToNullTerminated($"{ProcPath}/{name}");

    private void Check(int result, string call, string name)
    {
        if (result != 0)
        {
            throw Failure(FileCalls.LastErrno, call, name);
        }
    }

    private LinuxException Failure(Errno errno, string call, string name) => new(errno, call, $"'{_path}/{name}'");
}
