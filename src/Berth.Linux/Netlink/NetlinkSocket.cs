using System.Buffers.Binary;

namespace Berth.Linux.Netlink;

/// <summary>
/// A netlink socket of the network namespace in which it was opened: requests with one answer, and dumps. netlink(7).
/// Not thread-safe.
/// </summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    internal const ushort NLM_F_REQUEST = 1;
    internal const ushort NLM_F_ACK = 4;
    internal const ushort NLM_F_REPLACE = 0x100;
    internal const ushort NLM_F_EXCL = 0x200;
    internal const ushort NLM_F_CREATE = 0x400;
    internal const ushort NLM_F_DUMP = 0x300;
    internal const ushort NLA_F_NESTED = 0x8000;
    internal const int HeaderBytes = 16;
    private const int AF_NETLINK = 16;
    private const int SOCK_RAW = 3;
    private const int SOCK_CLOEXEC = 0x80000;
    private const int SOL_NETLINK = 270;
    private const int NETLINK_ADD_MEMBERSHIP = 1;
    private const ushort NLMSG_ERROR = 2;
    private const ushort NLMSG_DONE = 3;

    private readonly int _fd;
    private readonly string _name;
    private readonly byte[] _answer = new byte[64 * 1024]; // the kernel never makes a dump's datagram larger than 32 kB
    private uint _sequence;

    /// <param name="protocol">NETLINK_ROUTE and so on, linux/netlink.h.</param>
    /// <param name="name">For errors.</param>
    internal NetlinkSocket(int protocol, string name)
    {
        _name = name;
        _fd = Libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
        if (_fd < 0)
        {
            throw new LinuxException(Libc.LastErrno, "socket", name);
        }
    }

    internal int Descriptor => _fd;

    /// <summary>Receives what the kernel announces to a group, from now on.</summary>
    internal void Join(int group)
    {
        // struct sockaddr_nl; the kernel chooses the port. A socket without one receives no announcement.
        var address = stackalloc byte[12];
        new Span<byte>(address, 12).Clear();
        *(ushort*)address = AF_NETLINK;
        if (Libc.bind(_fd, address, 12) < 0)
        {
            throw new LinuxException(Libc.LastErrno, "bind", _name);
        }

        if (Libc.setsockopt(_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(int)) < 0)
        {
            throw new LinuxException(Libc.LastErrno, "setsockopt", $"{_name}, group {group}");
        }
    }

    /// <summary>Sends a request and returns its error, or <see cref="Errno.None"/> and the answer, header included.</summary>
    internal Errno Exchange(NetlinkMessage message, out ReadOnlySpan<byte> answer)
    {
        Send(message);
        answer = Receive();
        return TypeOf(answer) == NLMSG_ERROR ? ErrorOf(answer) : Errno.None;
    }

    /// <summary>Sends a request for a dump and shows each of its messages, header included, to <paramref name="visit"/>, which must not throw.</summary>
    internal Errno Dump(NetlinkMessage message, NetlinkVisitor visit)
    {
        Send(message);
        while (true)
        {
            var datagram = Receive();
            while (datagram.Length >= HeaderBytes)
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(datagram);
                var one = datagram[..Math.Clamp(length, HeaderBytes, datagram.Length)];
                switch (TypeOf(one))
                {
                    case NLMSG_DONE:
                        return one.Length >= HeaderBytes + 4 ? ErrorOf(one) : Errno.None;
                    case NLMSG_ERROR:
                        return ErrorOf(one);
                    default:
                        visit(one);
                        break;
                }

                datagram = datagram[Math.Min(NetlinkMessage.Align(one.Length), datagram.Length)..];
            }
        }
    }

    public void Dispose() => _ = Libc.close(_fd);

    private static ushort TypeOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt16LittleEndian(message[4..]);

    private static Errno ErrorOf(ReadOnlySpan<byte> message) => (Errno)(-BinaryPrimitives.ReadInt32LittleEndian(message[HeaderBytes..]));

    private void Send(NetlinkMessage message)
    {
        var request = message.Complete(++_sequence);
        fixed (byte* pointer = request)
        {
            if (Libc.send(_fd, pointer, (nuint)request.Length, 0) < 0)
            {
                throw new LinuxException(Libc.LastErrno, "send", _name);
            }
        }
    }

    private ReadOnlySpan<byte> Receive()
    {
        nint received;
        fixed (byte* pointer = _answer)
        {
            do
            {
                received = Libc.recv(_fd, pointer, (nuint)_answer.Length, 0);
            }
            while (received < 0 && Libc.LastErrno == Errno.EINTR);
        }

        return received >= HeaderBytes ? _answer.AsSpan(0, (int)received) : throw new LinuxException(Libc.LastErrno, "recv", _name);
    }
}

/// <summary>Sees one message of a dump, header included; the bytes are valid during the call only.</summary>
internal delegate void NetlinkVisitor(ReadOnlySpan<byte> message);
