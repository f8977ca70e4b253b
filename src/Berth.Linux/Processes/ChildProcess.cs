namespace Berth.Linux.Processes;

/// <summary>A process that we started and therefore must reap. waitid(2) through a pidfd.</summary>
public sealed class ChildProcess
{
    private const int P_PIDFD = 3;
    private const int WEXITED = 4;
    private const int ECHILD_STATUS = -1;
    private readonly PidFd _pidFd;

    internal ChildProcess(int pid)
    {
        Pid = pid;
        _pidFd = PidFd.Open(pid); // our own unreaped child: its id cannot have been reused
    }

    public int Pid { get; }

    public bool Signal(int signal) => _pidFd.Signal(signal);

    /// <summary>Waits for the end and reaps. The result is the exit code, or 128 + the signal's number.</summary>
    public async Task<int> WaitAsync(ExitWatcher exits)
    {
        await exits.WaitAsync(_pidFd).ConfigureAwait(false);
        return Reap();
    }

    private unsafe int Reap()
    {
        var info = stackalloc byte[128];
        int result;
        do
        {
            result = Libc.waitid(P_PIDFD, (uint)_pidFd.DangerousGetHandle(), info, WEXITED);
        }
        while (result < 0 && Libc.LastErrno == Errno.EINTR);
        var errno = Libc.LastErrno;
        _pidFd.Dispose();
        if (result < 0)
        {
            return errno == Errno.ECHILD ? ECHILD_STATUS : throw new LinuxException(errno, "waitid", $"process {Pid}");
        }

        // siginfo_t: si_code at 8, si_status at 24 (64-bit layouts of asm-generic/siginfo.h).
        var code = *(int*)(info + 8);
        var status = *(int*)(info + 24);
        return code == 1 ? status : 128 + status;
    }
}
