using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using static Berth.Linux.Netlink.NetlinkSocket;

namespace Berth.Linux.Netlink;

/// <summary>
/// Links, addresses and routes of the network namespace in which it was opened (a socket stays in its namespace).
/// rtnetlink(7). Each call is one request and its acknowledgement; not thread-safe.
/// </summary>
public sealed class RouteSocket : IDisposable
{
    private const int NETLINK_ROUTE = 0;
    private const ushort RTM_NEWLINK = 16;
    private const ushort RTM_DELLINK = 17;
    private const ushort RTM_GETLINK = 18;
    private const ushort RTM_NEWADDR = 20;
    private const ushort RTM_NEWROUTE = 24;
    private const ushort IFLA_ADDRESS = 1;
    private const ushort IFLA_IFNAME = 3;
    private const ushort IFLA_MTU = 4;
    private const ushort IFLA_MASTER = 10;
    private const ushort IFLA_LINKINFO = 18;
    private const ushort IFLA_GROUP = 27;
    private const ushort IFLA_NET_NS_FD = 28;
    private const ushort IFLA_INFO_KIND = 1;
    private const ushort IFLA_INFO_DATA = 2;
    private const ushort IFLA_INFO_SLAVE_KIND = 4;
    private const ushort IFLA_INFO_SLAVE_DATA = 5;
    private const ushort IFLA_BRPORT_ISOLATED = 33;
    private const ushort VETH_INFO_PEER = 1;
    private const ushort IFA_ADDRESS = 1;
    private const ushort IFA_LOCAL = 2;
    private const ushort IFA_BROADCAST = 4;
    private const ushort RTA_GATEWAY = 5;
    private const ushort RTA_OIF = 4;
    private const byte IFA_F_NODAD = 2;
    private const uint IFF_UP = 1;

    private readonly NetlinkSocket _socket = new(NETLINK_ROUTE, "rtnetlink");

    /// <summary>The link's index, or 0 when there is none of that name.</summary>
    public int IndexOf(string name)
    {
        var message = new NetlinkMessage(RTM_GETLINK, NLM_F_REQUEST).LinkInfo(0).Attribute(IFLA_IFNAME, name);
        var errno = _socket.Exchange(message, out var answer);
        return errno switch
        {
            Errno.None => BinaryPrimitives.ReadInt32LittleEndian(answer[20..]),
            Errno.ENODEV => 0,
            _ => throw new LinuxException(errno, "rtnetlink get", $"link '{name}'"),
        };
    }

    public void CreateBridge(string name, int mtu) => Require(
        "create", $"bridge '{name}'", new NetlinkMessage(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)
            .LinkInfo(0).Attribute(IFLA_IFNAME, name).Attribute(IFLA_MTU, (uint)mtu)
            .Nested(IFLA_LINKINFO, info => info.Attribute(IFLA_INFO_KIND, "bridge")));

    /// <summary>
    /// Makes a pair: <paramref name="hostName"/> here, up and a port of the bridge; <paramref name="peerName"/> with that
    /// hardware address in the namespace behind <paramref name="peerNamespace"/>.
    /// </summary>
    public void CreateVeth(string hostName, string peerName, int peerNamespace, ReadOnlySpan<byte> peerAddress, int mtu, int bridgeIndex)
    {
        var address = peerAddress.ToArray();
        Require("create", $"veth '{hostName}'", new NetlinkMessage(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)
            .LinkInfo(0, IFF_UP, IFF_UP).Attribute(IFLA_IFNAME, hostName).Attribute(IFLA_MTU, (uint)mtu).Attribute(IFLA_MASTER, (uint)bridgeIndex)
            .Nested(IFLA_LINKINFO, info => info.Attribute(IFLA_INFO_KIND, "veth")
                .Nested(IFLA_INFO_DATA, data => data.Nested(VETH_INFO_PEER, peer => peer
                    .LinkInfo(0).Attribute(IFLA_IFNAME, peerName).Attribute(IFLA_MTU, (uint)mtu)
                    .Attribute(IFLA_ADDRESS, address).Attribute(IFLA_NET_NS_FD, (uint)peerNamespace)))));
    }

    /// <summary>Keeps a bridge's port from sending to others of its kind; the bridge itself stays within reach. Linux 4.18.</summary>
    public void IsolatePort(int index) => Require(
        "isolate", $"link {index}", new NetlinkMessage(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK).LinkInfo(index)
            .Nested(IFLA_LINKINFO, info => info.Attribute(IFLA_INFO_SLAVE_KIND, "bridge").Nested(IFLA_INFO_SLAVE_DATA, data => data.Attribute(IFLA_BRPORT_ISOLATED, [1]))));

    public void SetUp(int index) => Require(
        "set up", $"link {index}", new NetlinkMessage(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK).LinkInfo(index, IFF_UP, IFF_UP));

    /// <summary>Adds an address of either family; one of IPv6 can be used at once, without asking the neighbours whether it is free.</summary>
    public void AddAddress(int index, IPAddress address, int prefixLength)
    {
        var bytes = address.GetAddressBytes();
        var isV4 = address.AddressFamily == AddressFamily.InterNetwork;
        Span<byte> head = stackalloc byte[8];
        head[0] = (byte)(isV4 ? 2 : 10);
        head[1] = (byte)prefixLength;
        head[2] = isV4 ? (byte)0 : IFA_F_NODAD;
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], index);
        var message = new NetlinkMessage(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)
            .Fixed(head).Attribute(IFA_LOCAL, bytes).Attribute(IFA_ADDRESS, bytes);
        if (isV4 && prefixLength < 31)
        {
            var broadcast = BinaryPrimitives.ReadUInt32BigEndian(bytes) | (uint.MaxValue >> prefixLength);
            Span<byte> broadcastBytes = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(broadcastBytes, broadcast);
            message.Attribute(IFA_BROADCAST, broadcastBytes);
        }

        Require("add address", $"{address}/{prefixLength} on link {index}", message);
    }

    /// <summary>Makes the gateway that of its family, instead of another if there is one.</summary>
    /// <param name="index">The link that leads there; 0 for that in whose subnet it is.</param>
    public void SetDefaultRoute(int index, IPAddress gateway)
    {
        // struct rtmsg: family, dst_len, src_len, tos, table main, protocol static, scope universe, type unicast.
        ReadOnlySpan<byte> head = [(byte)(gateway.AddressFamily == AddressFamily.InterNetwork ? 2 : 10), 0, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0];
        var message = new NetlinkMessage(RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE).Fixed(head).Attribute(RTA_GATEWAY, gateway.GetAddressBytes());
        Require("set route", $"default via {gateway}", index == 0 ? message : message.Attribute(RTA_OIF, (uint)index));
    }

    /// <summary>Deletes a link; false when there is none of that name.</summary>
    public bool Delete(string name)
    {
        var errno = _socket.Exchange(new NetlinkMessage(RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK).LinkInfo(0).Attribute(IFLA_IFNAME, name), out _);
        return errno switch
        {
            Errno.None => true,
            Errno.ENODEV => false,
            _ => throw new LinuxException(errno, "rtnetlink delete", $"link '{name}'"),
        };
    }

    /// <summary>
    /// Deletes links of kinds that can be deleted, such as veth pairs, all at once: the kernel waits once until nobody uses them any more. Names that are not there are passed over.
    /// </summary>
    /// <remarks>Linux, net/core/rtnetlink.c: a group of links is deleted by its number. This one is random, so that no other's link is in it.</remarks>
    public void DeleteAll(IReadOnlyList<string> names)
    {
        if (names.Count == 1)
        {
            Delete(names[0]);
            return;
        }

        var group = (uint)System.Security.Cryptography.RandomNumberGenerator.GetInt32(1 << 16, int.MaxValue);
        var found = false;
        foreach (var name in names)
        {
            var errno = _socket.Exchange(new NetlinkMessage(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK).LinkInfo(0).Attribute(IFLA_IFNAME, name).Attribute(IFLA_GROUP, group), out _);
            found |= errno switch
            {
                Errno.None => true,
                Errno.ENODEV => false,
                _ => throw new LinuxException(errno, "rtnetlink set group", $"link '{name}'"),
            };
        }

        if (found)
        {
            var errno = _socket.Exchange(new NetlinkMessage(RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK).LinkInfo(0).Attribute(IFLA_GROUP, group), out _);
            if (errno is not (Errno.None or Errno.ENODEV))
            {
                throw new LinuxException(errno, "rtnetlink delete", $"links {string.Join(", ", names)}");
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    private void Require(string verb, string subject, NetlinkMessage message)
    {
        var errno = _socket.Exchange(message, out _);
        if (errno != Errno.None)
        {
            throw new LinuxException(errno, "rtnetlink " + verb, subject);
        }
    }
}
