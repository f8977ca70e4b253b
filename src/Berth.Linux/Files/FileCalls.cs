using System.Runtime.InteropServices;

namespace Berth.Linux.Files;

/// <summary>The calls on files that .NET has no word for: relative to directories, never following links, with owners and attributes.</summary>
internal static unsafe partial class FileCalls
{
    internal const int AT_FDCWD = -100;
    internal const int AT_SYMLINK_NOFOLLOW = 0x100;
    internal const int AT_REMOVEDIR = 0x200;
    internal const int AT_EMPTY_PATH = 0x1000;
    internal const ulong O_WRONLY = 1;
    internal const ulong O_CREAT = 0x40;
    internal const ulong O_EXCL = 0x80;
    internal const ulong O_NONBLOCK = 0x800;
    internal const ulong O_CLOEXEC = 0x80000;
    internal const ulong O_PATH = 0x200000;
    internal const ulong RESOLVE_NO_MAGICLINKS = 0x02;
    internal const ulong RESOLVE_NO_SYMLINKS = 0x04;
    internal const ulong RESOLVE_IN_ROOT = 0x10;
    internal const uint STATX_BASIC_STATS = 0x7ff;
    internal const int CLONE_FS = 0x200;
    private const long SYS_openat2 = 437; // the same number on every architecture since Linux 5.6

    // asm/fcntl.h: arm64 exchanges these two with O_DIRECT and O_LARGEFILE.
    internal static readonly ulong O_DIRECTORY = IsArm64 ? 0x4000UL : 0x10000UL;
    internal static readonly ulong O_NOFOLLOW = IsArm64 ? 0x8000UL : 0x20000UL;

    private static bool IsArm64 => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    internal static Errno LastErrno => (Errno)Marshal.GetLastPInvokeError();

    /// <summary>openat2(2), Linux 5.6: opens below a directory and resolves every link as if that directory were the root.</summary>
    internal static int openat2(int directory, string path, ulong flags, ulong mode, ulong resolve)
    {
        var how = new OpenHow { Flags = flags | O_CLOEXEC, Mode = mode, Resolve = resolve };
        fixed (byte* name = PathText.ToNullTerminated(path))
        {
            return (int)syscall(SYS_openat2, directory, name, &how, (nuint)sizeof(OpenHow));
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, long directory, byte* path, OpenHow* how, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int mkdirat(int directory, byte[] path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int mknodat(int directory, byte[] path, uint mode, ulong device);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int symlinkat(byte[] target, int directory, byte[] path);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int renameat(int oldDirectory, byte[] oldPath, int newDirectory, byte[] newPath);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int linkat(int oldDirectory, byte[] oldPath, int newDirectory, byte[] newPath, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int unlinkat(int directory, byte[] path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fchownat(int directory, byte[] path, uint user, uint group, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fchmodat(int directory, byte[] path, uint mode, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int utimensat(int directory, byte[] path, TimeSpec* times, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int statx(int directory, byte[] path, int flags, uint mask, StatX* result);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint readlinkat(int directory, byte[] path, byte[] buffer, nuint size);

    /// <summary>getdents64(2); in glibc since 2.30.</summary>
    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint getdents64(int fd, byte[] buffer, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int lsetxattr(byte[] path, byte[] name, byte[] value, nuint size, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint lgetxattr(byte[] path, byte[] name, byte[] value, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint llistxattr(byte[] path, byte[] names, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int mount(byte[] source, byte[] target, byte[] type, ulong flags, byte[] data);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int umount2(byte[] target, int flags);

    /// <summary>unshare(2) on one thread: with CLONE_FS it gets a working directory of its own.</summary>
    [LibraryImport("libc", SetLastError = true)]
    internal static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int chdir(byte[] path);

    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct StatXTime
    {
        public long Seconds;
        public uint Nanoseconds;
        public int Reserved;
    }

    /// <summary>linux/stat.h, struct statx, 256 bytes; the same on every architecture.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    internal struct StatX
    {
        public uint Mask;
        public uint BlockSize;
        public ulong Attributes;
        public uint LinkCount;
        public uint User;
        public uint Group;
        public ushort Mode;
        public ushort Spare;
        public ulong Inode;
        public ulong Size;
        public ulong Blocks;
        public ulong AttributesMask;
        public StatXTime AccessTime;
        public StatXTime BirthTime;
        public StatXTime ChangeTime;
        public StatXTime ModifyTime;
        public uint DeviceMajor;
        public uint DeviceMinor;
        public uint FileSystemMajor;
        public uint FileSystemMinor;
    }
}
