namespace Berth.Linux.Files;

public enum FileKind
{
    Regular,
    Directory,
    SymbolicLink,
    CharacterDevice,
    BlockDevice,
    Fifo,
    Socket,
}

/// <summary>A point in time as the file system keeps it.</summary>
public readonly record struct FileTime(long Seconds, uint Nanoseconds = 0);

/// <summary>What statx(2) says of a file. <see cref="Permissions"/> are the lower twelve bits of its mode.</summary>
public readonly record struct FileStatus(
    FileKind Kind, uint Permissions, uint User, uint Group, long Size, ulong Inode, uint LinkCount, FileTime Modified, FileTime Changed,
    uint DeviceMajor, uint DeviceMinor, ulong FileSystem)
{
    /// <summary>Overlay's mark for "this name is gone": a character device 0/0.</summary>
    public bool IsOverlayWhiteout => Kind == FileKind.CharacterDevice && DeviceMajor == 0 && DeviceMinor == 0;
}
