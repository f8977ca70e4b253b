using System.Runtime.InteropServices;

namespace Berth.Linux;

/// <summary>A system call failed. Reads <c>pidfd_open failed for process 7: No such process (ESRCH).</c></summary>
public sealed class LinuxException(Errno errno, string call, string subject)
    : IOException($"{call} failed for {subject}: {Marshal.GetPInvokeErrorMessage((int)errno)} ({errno}).")
{
    public Errno Errno { get; } = errno;

    public string Call { get; } = call;
}
