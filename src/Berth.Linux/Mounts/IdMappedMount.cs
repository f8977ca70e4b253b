using System.Runtime.InteropServices;
using System.Text;

namespace Berth.Linux.Mounts;

/// <summary>A directory shown a second time, with other owners: mount_setattr(2), "ID-mapped mounts"; Linux 5.12, as part of an overlay 5.19.</summary>
public static unsafe class IdMappedMount
{
    private const long OPEN_TREE = 428; // the system call's number, the same on every architecture
    private const long MOVE_MOUNT = 429;
    private const long MOUNT_SETATTR = 442;
    private const int AT_FDCWD = -100;
    private const int AT_EMPTY_PATH = 0x1000;
    private const int OPEN_TREE_CLONE = 1;
    private const int MOVE_MOUNT_F_EMPTY_PATH = 4;
    private const ulong MOUNT_ATTR_IDMAP = 0x00100000;
    private const ulong MS_PRIVATE = 1 << 18;

    /// <summary>Mounts the directory <paramref name="source"/>, without what is mounted below it, at <paramref name="target"/> with owners by the map of a user namespace.</summary>
    /// <param name="userNamespace">A path of that namespace; it need not last.</param>
    /// <exception cref="LinuxException">EINVAL: the file system, or this kernel, knows no such mounts.</exception>
    public static void Create(string source, string target, string userNamespace)
    {
        using var owners = File.OpenHandle(userNamespace);
        fixed (byte* from = Encoding.UTF8.GetBytes(source + '\0'), to = Encoding.UTF8.GetBytes(target + '\0'), empty = "\0"u8)
        {
            var tree = Libc.syscall(OPEN_TREE, AT_FDCWD, (nint)from, OPEN_TREE_CLONE | Libc.O_CLOEXEC, 0, 0, 0);
            if (tree < 0)
            {
                throw new LinuxException(Libc.LastErrno, "open_tree", $"'{source}'");
            }

            try
            {
                var attributes = new MountAttributes { Set = MOUNT_ATTR_IDMAP, Propagation = MS_PRIVATE, UserNamespace = (ulong)owners.DangerousGetHandle() };
                if (Libc.syscall(MOUNT_SETATTR, tree, (nint)empty, AT_EMPTY_PATH, (nint)(&attributes), sizeof(MountAttributes), 0) < 0)
                {
                    throw new LinuxException(Libc.LastErrno, "mount_setattr", $"'{source}' with other owners");
                }

                if (Libc.syscall(MOVE_MOUNT, tree, (nint)empty, AT_FDCWD, (nint)to, MOVE_MOUNT_F_EMPTY_PATH, 0) < 0)
                {
                    throw new LinuxException(Libc.LastErrno, "move_mount", $"'{source}' to '{target}'");
                }
            }
            finally
            {
                _ = Libc.close((int)tree);
            }
        }
    }

    // struct mount_attr of linux/mount.h.
    [StructLayout(LayoutKind.Sequential)]
    private struct MountAttributes
    {
        internal ulong Set;
        internal ulong Clear;
        internal ulong Propagation;
        internal ulong UserNamespace;
    }
}
