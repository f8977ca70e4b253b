namespace Berth.Linux.Mounts;

/// <summary>mount(2) and umount2(2).</summary>
public static class Mount
{
    private const ulong MS_RDONLY = 1;
    private const ulong MS_NOSUID = 2;
    private const ulong MS_NODEV = 4;
    private const ulong MS_NOEXEC = 8;
    private const ulong MS_REMOUNT = 32;
    private const ulong MS_BIND = 4096;
    private const ulong MS_REC = 16384;
    private const ulong MS_PRIVATE = 1 << 18;
    private const ulong MS_SLAVE = 1 << 19;
    private const int MNT_DETACH = 2;

    public static void Bind(string source, string target) => Call(source, target, null, MS_BIND, null);

    public static void BindRecursive(string source, string target) => Call(source, target, null, MS_BIND | MS_REC, null);

    public static void MakeReadOnly(string target) => Call("none", target, null, MS_BIND | MS_REMOUNT | MS_RDONLY, null);

    public static void MakePrivate(string target) => Call("none", target, null, MS_PRIVATE, null);

    public static void MakeTreeSlave(string target) => Call("none", target, null, MS_SLAVE | MS_REC, null);

    public static void Tmpfs(string target, string options) => Call("tmpfs", target, "tmpfs", 0, options);

    /// <summary>Memory that everybody may write to and nobody runs programs from, as /dev/shm.</summary>
    public static void SharedMemory(string target, long sizeBytes) =>
        Call("shm", target, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"mode=1777,size={sizeBytes}"));

    /// <summary>Mounts an overlay. Options must fit one page (4,096 bytes): use short paths.</summary>
    public static void Overlay(string target, string options) => Call("overlay", target, "overlay", 0, options);

    /// <summary>Takes away every mount at the path; none is fine. Lazy: a busy mount goes with its last user.</summary>
    public static void UnmountAll(string target)
    {
        while (Libc.umount2(target, MNT_DETACH) == 0)
        {
        }

        if (Libc.LastErrno is not (Errno.EINVAL or Errno.ENOENT))
        {
            throw new LinuxException(Libc.LastErrno, "umount2", $"'{target}'");
        }
    }

    private static void Call(string source, string target, string? type, ulong flags, string? data)
    {
        if (Libc.mount(source, target, type, flags, data) < 0)
        {
            throw new LinuxException(Libc.LastErrno, "mount", $"'{source}' on '{target}'");
        }
    }
}
