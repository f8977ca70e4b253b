using System.Globalization;
using Berth.Linux.Netlink;

namespace Berth.Linux.Processes;

/// <summary>TCP sockets of other processes. pidfd_getfd(2), Linux 5.6; needs the right to trace them.</summary>
public static class ForeignSockets
{
    private const int SHUT_WR = 1;
    private const int IPPROTO_TCP = 6;
    private const int TCP_INFO = 11;
    private const ulong SIOCINQ = 0x541B;
    private const ulong SIOCOUTQ = 0x5411;

    /// <summary>
    /// Says goodbye on connections for the programs that own them. With a farewell the other sides read the end of the stream, as if the programs had shut down their
    /// sending side; the programs still read what comes, and learn of the end when the other sides close. With an abort both sides see a reset: for others on this
    /// machine, whose kernel keeps what they have not read yet.
    /// </summary>
    /// <param name="pids">The processes that may own them; those that have ended are passed over.</param>
    /// <param name="goodbyes">By the sockets' inodes, as in <c>/proc/PID/fd</c>: whether to abort.</param>
    /// <param name="mayEnd">Asked of each right before, within microseconds.</param>
    public static void SayGoodbye(IEnumerable<int> pids, IReadOnlyDictionary<uint, bool> goodbyes, Func<uint, TcpActivity, bool> mayEnd)
    {
        var names = goodbyes.Keys.ToDictionary(inode => string.Create(CultureInfo.InvariantCulture, $"socket:[{inode}]"), StringComparer.Ordinal);
        foreach (var pid in pids)
        {
            try
            {
                using var process = PidFd.Open(pid);
                foreach (var path in Directory.EnumerateFileSystemEntries(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd")))
                {
                    if (new FileInfo(path).LinkTarget is { } name && names.Remove(name, out var inode))
                    {
                        SayGoodbye(process, int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture), name, goodbyes[inode], activity => mayEnd(inode, activity));
                    }
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or LinuxException { Errno: Errno.ESRCH })
            {
                continue; // it has ended meanwhile
            }
        }
    }

    // The copy is closed at once: while it is there, a program that closes its own says nothing to the other side.
    private static void SayGoodbye(PidFd process, int descriptor, string name, bool abort, Func<TcpActivity, bool> mayEnd)
    {
        var copy = Libc.pidfd_getfd((int)process.DangerousGetHandle(), descriptor);
        if (copy < 0)
        {
            return; // closed meanwhile, or this host forbids it: then the program's own end says goodbye
        }

        try
        {
            // The number may stand for something else by now.
            if (new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{copy}")).LinkTarget == name && Look(copy) is { } activity && mayEnd(activity) && !(abort && Abort(copy)))
            {
                _ = Libc.shutdown(copy, SHUT_WR); // fails when it is no longer connected, and then nothing is to be said
            }
        }
        finally
        {
            _ = Libc.close(copy);
        }
    }

    // connect(2): an address of AF_UNSPEC dissolves the association; of a TCP connection, with a reset. Refused while a program waits in a read.
    private static unsafe bool Abort(int socket)
    {
        Span<byte> address = stackalloc byte[16];
        address.Clear();
        fixed (byte* start = address)
        {
            return Libc.connect(socket, start, (uint)address.Length) == 0;
        }
    }

    private static unsafe TcpActivity? Look(int socket)
    {
        Span<byte> info = stackalloc byte[TcpActivity.InfoBytes];
        var length = (uint)info.Length;
        int unread, unsent;
        fixed (byte* start = info)
        {
            return Libc.getsockopt(socket, IPPROTO_TCP, TCP_INFO, start, &length) == 0 && length == TcpActivity.InfoBytes
                && Libc.ioctl(socket, SIOCINQ, &unread) == 0 && Libc.ioctl(socket, SIOCOUTQ, &unsent) == 0
                ? TcpActivity.Parse(info, unread, unsent)
                : null;
        }
    }
}
