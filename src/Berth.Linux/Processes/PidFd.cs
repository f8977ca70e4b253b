using Microsoft.Win32.SafeHandles;

namespace Berth.Linux.Processes;

/// <summary>An open pidfd. Closing it leaves the process alone.</summary>
public sealed class PidFd : SafeHandleMinusOneIsInvalid
{
    private PidFd(int fd, int pid)
        : base(ownsHandle: true)
    {
        SetHandle(fd);
        Pid = pid;
    }

    public int Pid { get; }

    /// <exception cref="LinuxException"><see cref="Errno.ESRCH"/> when the process is gone.</exception>
    public static PidFd Open(int pid)
    {
        var fd = Libc.pidfd_open(pid);
        return fd >= 0 ? new(fd, pid) : throw new LinuxException(Libc.LastErrno, "pidfd_open", $"process {pid}");
    }

    /// <summary>Opens the process if it still is the one that was recorded: same id and same start time. It may have ended, as long as its parent has not taken notice.</summary>
    public static PidFd? OpenRecorded(int pid, long startTicks)
    {
        if (pid <= 0)
        {
            return null;
        }

        var fd = Libc.pidfd_open(pid);
        if (fd < 0)
        {
            return Libc.LastErrno is Errno.ESRCH or Errno.EINVAL
                ? null
                : throw new LinuxException(Libc.LastErrno, "pidfd_open", $"process {pid}");
        }

        var handle = new PidFd(fd, pid);
        if (ProcessTable.StartTicks(pid) == startTicks)
        {
            return handle;
        }

        handle.Dispose();
        return null;
    }

    /// <summary>Sends a signal; false when the process is gone already.</summary>
    public bool Signal(int signal)
    {
        if (Libc.pidfd_send_signal((int)handle, signal) == 0)
        {
            return true;
        }

        return Libc.LastErrno == Errno.ESRCH ? false : throw new LinuxException(Libc.LastErrno, "pidfd_send_signal", $"process {Pid}");
    }

    /// <summary>A copy of one of the process's descriptors, close-on-exec, which the caller closes. pidfd_getfd(2), Linux 5.6; needs the right to trace the process.</summary>
    /// <exception cref="LinuxException"><see cref="Errno.EBADF"/> when it has no such descriptor.</exception>
    public int CopyDescriptor(int descriptor)
    {
        var copy = Libc.pidfd_getfd((int)handle, descriptor);
        return copy >= 0 ? copy : throw new LinuxException(Libc.LastErrno, "pidfd_getfd", $"descriptor {descriptor} of process {Pid}");
    }

    protected override bool ReleaseHandle() => Libc.close((int)handle) == 0;
}
