namespace Berth.Linux.Processes;

/// <summary>How many descriptors this process may still open. getrlimit(2), RLIMIT_NOFILE.</summary>
public static class DescriptorRoom
{
    private const int RLIMIT_NOFILE = 7; // asm-generic/resource.h

    /// <summary>The limit that holds now.</summary>
    public static unsafe long Limit()
    {
        var limits = stackalloc ulong[2];
        return Libc.getrlimit(RLIMIT_NOFILE, limits) == 0 ? (long)Math.Min(limits[0], long.MaxValue) : throw new LinuxException(Libc.LastErrno, "getrlimit", "RLIMIT_NOFILE");
    }

    /// <summary>At least so many are left: the kernel gives the lowest free number, so all above it are counted, free or not. Takes two microseconds.</summary>
    public static long Left()
    {
        var lowest = Libc.open("/dev/null", Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (lowest < 0)
        {
            return Libc.LastErrno is Errno.EMFILE or Errno.ENFILE ? 0 : throw new LinuxException(Libc.LastErrno, "open", "/dev/null");
        }

        _ = Libc.close(lowest);
        return Limit() - lowest;
    }
}
