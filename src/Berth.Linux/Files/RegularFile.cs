using Microsoft.Win32.SafeHandles;

namespace Berth.Linux.Files;

/// <summary>
/// Opens what a stranger may have put there: nothing but a regular file is opened at all. A pipe would be waited for, a device may never end, and opening one may do something already.
/// </summary>
public static class RegularFile
{
    /// <exception cref="LinuxException">There is nothing, or it is not a regular file (EISDIR, or EINVAL with its kind).</exception>
    public static FileStream Open(string path)
    {
        var descriptor = Libc.open(path, Libc.O_PATH | Libc.O_CLOEXEC, 0);
        using var found = descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw new LinuxException(Libc.LastErrno, "open", $"'{path}'");
        return new(Reopen(found, $"'{path}'"), FileAccess.Read);
    }

    /// <summary>The file that was found with O_PATH, opened for reading.</summary>
    internal static SafeFileHandle Reopen(SafeFileHandle found, string subject)
    {
        var descriptor = (int)found.DangerousGetHandle();
        var kind = DirectoryHandle.KindOf(descriptor, subject);
        if (kind != FileKind.Regular)
        {
            throw new LinuxException(kind == FileKind.Directory ? Errno.EISDIR : Errno.EINVAL, "open", $"{subject}, which is no regular file but a {Word(kind)}");
        }

        var opened = Libc.open(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}"), Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        return opened >= 0 ? new(opened, ownsHandle: true) : throw new LinuxException(Libc.LastErrno, "open", subject);
    }

    private static string Word(FileKind kind) => kind switch
    {
        FileKind.Directory => "directory",
        FileKind.SymbolicLink => "link",
        FileKind.CharacterDevice => "character device",
        FileKind.BlockDevice => "block device",
        FileKind.Fifo => "pipe",
        _ => "socket",
    };
}
