namespace Berth.Linux.Files;

/// <summary>What a file system has left. statvfs(3).</summary>
/// <param name="Bytes">For programs that are not privileged.</param>
/// <param name="Files">Inodes; null where there is no limit, as on btrfs.</param>
public readonly record struct FileSystemRoom(long Bytes, long? Files)
{
    /// <exception cref="LinuxException">The path cannot be looked at.</exception>
    public static unsafe FileSystemRoom Of(string path)
    {
        Libc.StatVfs status;
        return Libc.statvfs(path, &status) == 0
            ? new((long)(status.BlocksAvailable * status.FragmentSize), status.Files == 0 ? null : (long)status.FilesAvailable)
            : throw new LinuxException(Libc.LastErrno, "statvfs", $"'{path}'");
    }
}
