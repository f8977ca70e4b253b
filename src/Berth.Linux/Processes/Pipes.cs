using Microsoft.Win32.SafeHandles;

namespace Berth.Linux.Processes;

/// <summary>pipe2(2) with O_CLOEXEC: neither end reaches a child unless it is given.</summary>
public static unsafe class Pipes
{
    public static (SafeFileHandle Read, SafeFileHandle Write) Create()
    {
        var fds = stackalloc int[2];
        return Libc.pipe2(fds, Libc.O_CLOEXEC) == 0
            ? (new SafeFileHandle(fds[0], ownsHandle: true), new SafeFileHandle(fds[1], ownsHandle: true))
            : throw new LinuxException(Libc.LastErrno, "pipe2", "a new pipe");
    }

    /// <summary>Sends one byte, which is all that a waiting reader needs.</summary>
    /// <exception cref="LinuxException">EPIPE when nobody reads.</exception>
    public static void WriteByte(SafeFileHandle pipe)
    {
        byte data = 0;
        nint written;
        do
        {
            written = Libc.write((int)pipe.DangerousGetHandle(), &data, 1);
        }
        while (written < 0 && Libc.LastErrno == Errno.EINTR);
        if (written != 1)
        {
            throw new LinuxException(Libc.LastErrno, "write", "a pipe");
        }
    }
}
