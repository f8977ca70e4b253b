using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using static Berth.Linux.Netlink.NetlinkSocket;

namespace Berth.Linux.Netlink;

/// <summary>
/// The connection tracking table of the network namespace in which it was opened: finding flows and deleting them.
/// linux/netfilter/nfnetlink_conntrack.h. Not thread-safe. A search walks the kernel's whole table, which all namespaces
/// share: 9 ms with 262,144 buckets, whatever is in it.
/// </summary>
public sealed class ConntrackSocket : IDisposable
{
    private const int NETLINK_NETFILTER = 12;
    private const ushort Subsystem = 1 << 8; // NFNL_SUBSYS_CTNETLINK
    private const ushort IPCTNL_MSG_CT_GET = 1;
    private const ushort IPCTNL_MSG_CT_DELETE = 2;
    private const ushort IPCTNL_MSG_CT_GET_STATS = 5;
    private const ushort CTA_TUPLE_ORIG = 1;
    private const ushort CTA_TUPLE_REPLY = 2;
    private const ushort CTA_PROTOINFO = 4;
    private const ushort CTA_ID = 12;
    private const ushort CTA_ZONE = 18;
    private const ushort CTA_FILTER = 25;
    private const ushort CTA_FILTER_ORIG_FLAGS = 1;
    private const ushort CTA_FILTER_REPLY_FLAGS = 2;
    private const ushort CTA_STATS_GLOBAL_ENTRIES = 1;
    private const ushort CTA_PROTOINFO_TCP = 1;
    private const ushort CTA_PROTOINFO_TCP_STATE = 1;
    private const ushort CTA_TUPLE_IP = 1;
    private const ushort CTA_TUPLE_PROTO = 2;
    private const ushort CTA_IP_V4_SRC = 1;
    private const ushort CTA_IP_V4_DST = 2;
    private const ushort CTA_PROTO_NUM = 1;
    private const ushort CTA_PROTO_SRC_PORT = 2;
    private const ushort CTA_PROTO_DST_PORT = 3;
    private const uint FilterSource = 1 << 0; // CTA_FILTER_F_CTA_IP_SRC and so on: net/netfilter/nf_internals.h, Linux 5.8
    private const uint FilterProtocol = 1 << 3;
    private const uint FilterDestinationPort = 1 << 5;
    private const int GenericBytes = 4; // struct nfgenmsg
    private readonly NetlinkSocket _socket = new(NETLINK_NETFILTER, "nfnetlink");

    /// <summary>How many flows are tracked in this namespace. Costs next to nothing.</summary>
    public int Count()
    {
        var errno = _socket.Exchange(Message(IPCTNL_MSG_CT_GET_STATS, NLM_F_REQUEST), out var answer);
        Require(errno, "count", "tracked connections");
        var entries = NetlinkAttributes.Find(Attributes(answer), CTA_STATS_GLOBAL_ENTRIES);
        return entries.Length >= 4 ? (int)BinaryPrimitives.ReadUInt32BigEndian(entries) : 0;
    }

    /// <summary>The IPv4 flows that the filter and the predicate let through.</summary>
    /// <param name="filter">Applied in the kernel (since 5.8; an older one shows all) and once more here.</param>
    /// <param name="predicate">What a filter cannot say.</param>
    public IReadOnlyList<ConntrackFlow> Find(ConntrackFilter filter, Func<ConntrackFlow, bool> predicate)
    {
        var found = new List<ConntrackFlow>();
        var errno = _socket.Dump(Query(filter), message =>
        {
            if (Parse(Attributes(message)) is { } flow && filter.Admits(flow) && predicate(flow))
            {
                found.Add(flow);
            }
        });
        Require(errno, "list", "tracked connections");
        return found;
    }

    /// <summary>The flow whose first packet went from one end to the other; null when none is tracked. Does not walk the table.</summary>
    public ConntrackFlow? Find(ProtocolType protocol, IPEndPoint source, IPEndPoint destination)
    {
        var message = Message(IPCTNL_MSG_CT_GET, NLM_F_REQUEST).Nested(CTA_TUPLE_ORIG | NLA_F_NESTED, tuple => tuple
            .Nested(CTA_TUPLE_IP | NLA_F_NESTED, ip => ip
                .Attribute(CTA_IP_V4_SRC, source.Address.GetAddressBytes()).Attribute(CTA_IP_V4_DST, destination.Address.GetAddressBytes()))
            .Nested(CTA_TUPLE_PROTO | NLA_F_NESTED, proto => proto.Attribute(CTA_PROTO_NUM, [(byte)protocol])
                .AttributeBigEndian(CTA_PROTO_SRC_PORT, (ushort)source.Port).AttributeBigEndian(CTA_PROTO_DST_PORT, (ushort)destination.Port)));
        var errno = _socket.Exchange(message, out var answer);
        if (errno == Errno.ENOENT)
        {
            return null;
        }

        Require(errno, "get", $"the connection from {source} to {destination}");
        return Parse(Attributes(answer));
    }

    /// <summary>Deletes exactly this flow; false when it has ended meanwhile, also if an equal one has begun.</summary>
    public bool Delete(ConntrackFlow flow)
    {
        var message = Message(IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST | NLM_F_ACK)
            .Attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, flow.OriginalTuple).Attribute(CTA_ID, flow.Id);
        if (flow.Zone.Length > 0)
        {
            message.Attribute(CTA_ZONE, flow.Zone);
        }

        var errno = _socket.Exchange(message, out _);
        if (errno == Errno.ENOENT)
        {
            return false;
        }

        Require(errno, "delete", $"the connection from {flow.Source} to {flow.Destination}");
        return true;
    }

    public void Dispose() => _socket.Dispose();

    private static void Require(Errno errno, string verb, string subject)
    {
        if (errno != Errno.None)
        {
            throw new LinuxException(errno, "conntrack " + verb, subject);
        }
    }

    private static NetlinkMessage Message(ushort type, ushort flags) =>
        new NetlinkMessage((ushort)(Subsystem | type), flags).Fixed([(byte)AddressFamily.InterNetwork, 0, 0, 0]);

    private static ReadOnlySpan<byte> Attributes(ReadOnlySpan<byte> message) => message[Math.Min(HeaderBytes + GenericBytes, message.Length)..];

    private static NetlinkMessage Query(ConntrackFilter filter)
    {
        var message = Message(IPCTNL_MSG_CT_GET, NLM_F_REQUEST | NLM_F_DUMP);
        var original = (filter.Protocol is null ? 0 : FilterProtocol) | (filter.DestinationPort is null ? 0 : FilterDestinationPort);
        var reply = filter.ReplySource is null ? 0 : FilterSource;
        if (filter.Protocol is { } protocol)
        {
            message.Nested(CTA_TUPLE_ORIG | NLA_F_NESTED, tuple => tuple.Nested(CTA_TUPLE_PROTO | NLA_F_NESTED, proto =>
            {
                proto.Attribute(CTA_PROTO_NUM, [(byte)protocol]);
                if (filter.DestinationPort is { } port)
                {
                    proto.AttributeBigEndian(CTA_PROTO_DST_PORT, (ushort)port);
                }
            }));
        }

        if (filter.ReplySource is { } source)
        {
            message.Nested(CTA_TUPLE_REPLY | NLA_F_NESTED, tuple => tuple
                .Nested(CTA_TUPLE_IP | NLA_F_NESTED, ip => ip.Attribute(CTA_IP_V4_SRC, source.GetAddressBytes())));
        }

        return (original | reply) == 0
            ? message
            : message.Nested(CTA_FILTER | NLA_F_NESTED, flags => flags.Attribute(CTA_FILTER_ORIG_FLAGS, original).Attribute(CTA_FILTER_REPLY_FLAGS, reply));
    }

    private static ConntrackFlow? Parse(ReadOnlySpan<byte> attributes)
    {
        var original = NetlinkAttributes.Find(attributes, CTA_TUPLE_ORIG);
        var id = NetlinkAttributes.Find(attributes, CTA_ID);
        if (Tuple(original) is not { } tuple || Tuple(NetlinkAttributes.Find(attributes, CTA_TUPLE_REPLY)) is not { } reply || id.Length < 4)
        {
            return null; // no IPv4 flow
        }

        var tcp = NetlinkAttributes.Find(NetlinkAttributes.Find(attributes, CTA_PROTOINFO), CTA_PROTOINFO_TCP);
        return new(tuple.Protocol, tuple.Source, tuple.Destination, reply.Source)
        {
            TcpState = NetlinkAttributes.Find(tcp, CTA_PROTOINFO_TCP_STATE) is { Length: 1 } state ? state[0] : (byte)0,
            OriginalTuple = original.ToArray(),
            Id = id.ToArray(),
            Zone = NetlinkAttributes.Find(attributes, CTA_ZONE).ToArray(),
        };
    }

    private static (ProtocolType Protocol, IPEndPoint Source, IPEndPoint Destination)? Tuple(ReadOnlySpan<byte> attributes)
    {
        var ip = NetlinkAttributes.Find(attributes, CTA_TUPLE_IP);
        var proto = NetlinkAttributes.Find(attributes, CTA_TUPLE_PROTO);
        var source = NetlinkAttributes.Find(ip, CTA_IP_V4_SRC);
        var destination = NetlinkAttributes.Find(ip, CTA_IP_V4_DST);
        var number = NetlinkAttributes.Find(proto, CTA_PROTO_NUM);
        return source.Length == 4 && destination.Length == 4 && number.Length == 1
            ? ((ProtocolType)number[0], new(new IPAddress(source), Port(proto, CTA_PROTO_SRC_PORT)), new(new IPAddress(destination), Port(proto, CTA_PROTO_DST_PORT)))
            : null;
    }

    // 0 for protocols without ports
    private static int Port(ReadOnlySpan<byte> proto, ushort type) =>
        NetlinkAttributes.Find(proto, type) is { Length: 2 } port ? BinaryPrimitives.ReadUInt16BigEndian(port) : 0;
}

/// <summary>What a search for flows is narrowed to; null means any.</summary>
public sealed record ConntrackFilter
{
    /// <summary>TCP or UDP.</summary>
    public ProtocolType? Protocol { get; init; }

    /// <summary>The port that the first packet asked for. Needs <see cref="Protocol"/>.</summary>
    public int? DestinationPort { get; init; }

    /// <summary>Who answers: behind an address translation, the real destination.</summary>
    public IPAddress? ReplySource { get; init; }

    internal bool Admits(ConntrackFlow flow) =>
        (Protocol is null || flow.Protocol == Protocol)
        && (DestinationPort is null || flow.Destination.Port == DestinationPort)
        && (ReplySource is null || flow.ReplySource.Address.Equals(ReplySource));
}

/// <summary>One tracked connection or exchange of datagrams.</summary>
/// <param name="Protocol">As in the IP header.</param>
/// <param name="Source">Where its first packet came from.</param>
/// <param name="Destination">Where that packet was sent to, before any translation.</param>
/// <param name="ReplySource">Who answers: the destination after translation.</param>
public sealed record ConntrackFlow(ProtocolType Protocol, IPEndPoint Source, IPEndPoint Destination, IPEndPoint ReplySource)
{
    // enum tcp_conntrack of linux/netfilter/nf_conntrack_tcp.h
    private const byte TCP_CONNTRACK_ESTABLISHED = 3;
    private const byte TCP_CONNTRACK_LAST_ACK = 6;
    private const byte TCP_CONNTRACK_TIME_WAIT = 7;
    private const byte TCP_CONNTRACK_CLOSE = 8;

    /// <summary>A TCP connection of which more may come, from its establishment until both sides have said that they are done.</summary>
    public bool IsConnected => TcpState is >= TCP_CONNTRACK_ESTABLISHED and <= TCP_CONNTRACK_LAST_ACK;

    /// <summary>
    /// A TCP connection that was closed or reset. One that its server has reset stays for 10 s, and leads a new connection from the same client's port to where it led;
    /// one that was closed in order does not.
    /// </summary>
    public bool IsClosed => TcpState is TCP_CONNTRACK_TIME_WAIT or TCP_CONNTRACK_CLOSE;

    internal byte TcpState { get; init; }

    internal byte[] OriginalTuple { get; init; } = [];

    internal byte[] Id { get; init; } = [];

    internal byte[] Zone { get; init; } = [];
}
