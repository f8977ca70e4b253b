using System.Buffers.Binary;
using System.Net;
using static Berth.Linux.Netlink.NetlinkSocket;

namespace Berth.Linux.Netlink;

/// <summary>
/// The TCP sockets of the network namespace in which it was opened, whoever owns them: finding and ending them. sock_diag(7),
/// linux/inet_diag.h. Not thread-safe.
/// </summary>
public sealed class TcpSockets : IDisposable
{
    private const int NETLINK_SOCK_DIAG = 4;
    private const ushort SOCK_DIAG_BY_FAMILY = 20;
    private const ushort SOCK_DESTROY = 21;
    private const byte IPPROTO_TCP = 6;
    private const byte AF_INET = 2;
    private const byte AF_INET6 = 10;
    private const uint TCPF_ESTABLISHED = 1 << 1; // include/net/tcp_states.h
    private const uint TCPF_FIN_WAIT1 = 1 << 4;
    private const uint TCPF_FIN_WAIT2 = 1 << 5;
    private const uint TCPF_CLOSE_WAIT = 1 << 8;
    private const uint TCPF_LAST_ACK = 1 << 9;
    private const uint TCPF_LISTEN = 1 << 10;
    private const uint TCPF_CLOSING = 1 << 11;
    private const ushort INET_DIAG_INFO = 2;
    private const int IdentityBytes = 48; // struct inet_diag_sockid
    private const int MessageBytes = 72; // struct inet_diag_msg
    private readonly NetlinkSocket _socket = new(NETLINK_SOCK_DIAG, "sock_diag");

    /// <summary>
    /// Connections whose other side has not said that it is done: established ones, and those that are closed here but wait for the rest.
    /// IPv4, also through IPv6 sockets.
    /// </summary>
    /// <param name="predicate">Local end, remote end.</param>
    public IReadOnlyList<TcpConnection> FindOpen(Func<IPEndPoint, IPEndPoint, bool> predicate)
    {
        var found = new List<TcpConnection>();
        foreach (var family in new[] { AF_INET, AF_INET6 })
        {
            var request = Request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family, TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2, new byte[IdentityBytes]);
            var errno = _socket.Dump(request, message =>
            {
                // struct inet_diag_msg: family, state, timer, retrans, then the identity.
                if (message.Length >= HeaderBytes + 4 + IdentityBytes && Parse(family, message.Slice(HeaderBytes + 4, IdentityBytes)) is { } connection
                    && predicate(connection.Local, connection.Remote))
                {
                    found.Add(connection);
                }
            });
            if (errno is not (Errno.None or Errno.ENOENT)) // ENOENT: a kernel without IPv6
            {
                throw new LinuxException(errno, "sock_diag list", "TCP sockets");
            }
        }

        return found;
    }

    /// <summary>The connections to ports that are listened on here: those that programs serve, not those that they have opened to others.</summary>
    public IReadOnlyList<ServedConnection> FindServed()
    {
        var listening = new HashSet<int>();
        Dump(TCPF_LISTEN, extensions: 0, (_, message) => listening.Add(BinaryPrimitives.ReadUInt16BigEndian(message[4..])));
        var found = new List<ServedConnection>();
        if (listening.Count > 0)
        {
            Dump(
                TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | TCPF_CLOSE_WAIT | TCPF_LAST_ACK | TCPF_CLOSING, 1 << (INET_DIAG_INFO - 1),
                (family, message) =>
                {
                    if (listening.Contains(BinaryPrimitives.ReadUInt16BigEndian(message[4..])))
                    {
                        found.Add(Served(family, message));
                    }
                });
        }

        return found;
    }

    // Each message is a struct inet_diag_msg and its attributes.
    private void Dump(uint states, byte extensions, DiagnosedSocket socket)
    {
        foreach (var family in new[] { AF_INET, AF_INET6 })
        {
            var errno = _socket.Dump(Request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family, states, new byte[IdentityBytes], extensions), message =>
            {
                if (message.Length >= HeaderBytes + MessageBytes)
                {
                    socket(family, message[HeaderBytes..]);
                }
            });
            if (errno is not (Errno.None or Errno.ENOENT)) // ENOENT: a kernel without IPv6
            {
                throw new LinuxException(errno, "sock_diag list", "TCP sockets");
            }
        }
    }

    private static ServedConnection Served(byte family, ReadOnlySpan<byte> message)
    {
        var identity = message.Slice(4, IdentityBytes);
        var length = family == AF_INET ? 4 : 16;
        var result = new ServedConnection(
            new(new IPAddress(identity.Slice(4, length)), BinaryPrimitives.ReadUInt16BigEndian(identity)),
            new(new IPAddress(identity.Slice(20, length)), BinaryPrimitives.ReadUInt16BigEndian(identity[2..])),
            BinaryPrimitives.ReadUInt32LittleEndian(message[68..]),
            default);
        for (var rest = message[MessageBytes..]; rest.Length >= 4;)
        {
            var size = BinaryPrimitives.ReadUInt16LittleEndian(rest);
            if (size < 4 || size > rest.Length)
            {
                break;
            }

            if (BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]) == INET_DIAG_INFO && size >= 4 + TcpActivity.InfoBytes)
            {
                var (unread, unsent) = (BinaryPrimitives.ReadUInt32LittleEndian(message[56..]), BinaryPrimitives.ReadUInt32LittleEndian(message[60..]));
                return result with { Activity = TcpActivity.Parse(rest[4..], (int)unread, (int)unsent) };
            }

            rest = rest[Math.Min(rest.Length, (size + 3) & ~3)..];
        }

        return result;
    }

    private delegate void DiagnosedSocket(byte family, ReadOnlySpan<byte> message);

    /// <summary>Ends a socket as if its connection had been aborted: its owner sees ECONNABORTED. False when it has gone meanwhile.</summary>
    /// <exception cref="LinuxException"><see cref="Errno.ENOTSUP"/>: this kernel cannot (CONFIG_INET_DIAG_DESTROY).</exception>
    public bool Destroy(TcpConnection connection)
    {
        var errno = _socket.Exchange(Request(SOCK_DESTROY, NLM_F_ACK, connection.Family, uint.MaxValue, connection.Identity), out _);
        return errno switch
        {
            Errno.None => true,
            Errno.ENOENT => false,
            _ => throw new LinuxException(errno, "sock_diag destroy", $"the connection from {connection.Local} to {connection.Remote}"),
        };
    }

    public void Dispose() => _socket.Dispose();

    // struct inet_diag_req_v2
    private static NetlinkMessage Request(ushort type, ushort flags, byte family, uint states, ReadOnlySpan<byte> identity, byte extensions = 0)
    {
        Span<byte> data = stackalloc byte[8 + IdentityBytes];
        data.Clear();
        (data[0], data[1], data[2]) = (family, IPPROTO_TCP, extensions);
        BinaryPrimitives.WriteUInt32LittleEndian(data[4..], states);
        identity.CopyTo(data[8..]);
        return new NetlinkMessage(type, (ushort)(NLM_F_REQUEST | flags)).Fixed(data);
    }

    private static TcpConnection? Parse(byte family, ReadOnlySpan<byte> identity)
    {
        var length = family == AF_INET ? 4 : 16;
        var (local, remote) = (new IPAddress(identity.Slice(4, length)), new IPAddress(identity.Slice(20, length)));
        if (family == AF_INET6)
        {
            if (!local.IsIPv4MappedToIPv6 || !remote.IsIPv4MappedToIPv6)
            {
                return null;
            }

            (local, remote) = (local.MapToIPv4(), remote.MapToIPv4());
        }

        return new(new(local, BinaryPrimitives.ReadUInt16BigEndian(identity)), new(remote, BinaryPrimitives.ReadUInt16BigEndian(identity[2..])))
        {
            Family = family,
            Identity = identity.ToArray(),
        };
    }
}

/// <summary>A TCP socket that is connected.</summary>
public sealed record TcpConnection(IPEndPoint Local, IPEndPoint Remote)
{
    internal byte Family { get; init; }

    internal byte[] Identity { get; init; } = [];
}

/// <summary>A connection to a port that is listened on.</summary>
/// <param name="Inode">Names the socket in <c>/proc/PID/fd</c>; zero when no process has it.</param>
public sealed record ServedConnection(IPEndPoint Local, IPEndPoint Remote, uint Inode, TcpActivity Activity);
