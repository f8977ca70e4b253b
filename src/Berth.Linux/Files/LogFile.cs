using Microsoft.Win32.SafeHandles;

namespace Berth.Linux.Files;

/// <summary>Files that several processes write their lines to.</summary>
public static class LogFile
{
    private const uint Mode = 0x1A0; // 0640

    /// <summary>
    /// Opens a file for writing at its end, wherever that is at each write; makes it if it is not there. open(2), O_APPEND: .NET's <see cref="FileMode.Append"/>
    /// only begins at the end, so that two writers overwrite each other.
    /// </summary>
    /// <exception cref="LinuxException">It cannot be opened.</exception>
    public static SafeFileHandle Append(string path)
    {
        var fd = Libc.open(path, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_APPEND | Libc.O_CLOEXEC, Mode);
        return fd >= 0 ? new(fd, ownsHandle: true) : throw new LinuxException(Libc.LastErrno, "open", path);
    }
}
