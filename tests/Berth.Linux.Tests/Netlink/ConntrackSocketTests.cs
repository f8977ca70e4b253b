using System.Net;
using System.Net.Sockets;
using Berth.Linux.Namespaces;
using Berth.Linux.Netlink;
using Berth.Linux.Nftables;

namespace Berth.Linux.Tests.Netlink;

public sealed class ConntrackSocketTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-ct-").FullName;

    [Fact]
    public async Task A_flow_is_found_by_who_answers_it_and_deleted_alone()
    {
        await InsideAsync(() =>
        {
            using var first = Receiver("127.0.0.2");
            using var second = Receiver("127.0.0.3");
            using var client = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
            Nft.Run("table ip t { chain output { type nat hook output priority -100; ip daddr 127.0.0.9 udp dport 53 dnat to 127.0.0.2:7777; }; }\n");
            client.Send([1], new IPEndPoint(IPAddress.Parse("127.0.0.9"), 53));
            client.Send([1], new IPEndPoint(IPAddress.Parse("127.0.0.3"), 7777));
            using var table = new ConntrackSocket();
            Assert.Equal(2, table.Count());
            var flow = Assert.Single(table.Find(new() { ReplySource = IPAddress.Parse("127.0.0.2") }, _ => true));
            Assert.Equal("127.0.0.9:53", flow.Destination.ToString());
            Assert.Equal("127.0.0.2:7777", flow.ReplySource.ToString());
            Assert.Equal((IPEndPoint)client.Client.LocalEndPoint!, flow.Source);
            Assert.Equal(flow.ReplySource, table.Find(ProtocolType.Udp, flow.Source, flow.Destination)?.ReplySource);
            Assert.True(table.Delete(flow));
            Assert.False(table.Delete(flow));
            Assert.Null(table.Find(ProtocolType.Udp, flow.Source, flow.Destination));
            Assert.Equal(1, table.Count());
        });
    }

    [Fact]
    public async Task A_filter_says_protocol_and_port()
    {
        await InsideAsync(() =>
        {
            Nft.Run("table ip t { chain output { type filter hook output priority 0; ct state new accept; }; }\n"); // tracks connections
            using var listener = new TcpListener(IPAddress.Loopback, 7777);
            listener.Start();
            using var connection = new TcpClient("127.0.0.1", 7777);
            using var client = new UdpClient();
            client.Send([1], new IPEndPoint(IPAddress.Loopback, 7777));
            client.Send([1], new IPEndPoint(IPAddress.Loopback, 8888));
            using var table = new ConntrackSocket();
            Assert.Equal([ProtocolType.Tcp], table.Find(new() { Protocol = ProtocolType.Tcp, DestinationPort = 7777 }, _ => true).Select(flow => flow.Protocol));
            Assert.True(table.Find(new() { Protocol = ProtocolType.Tcp }, _ => true).Single().IsConnected);
            Assert.Equal([8888], table.Find(new() { Protocol = ProtocolType.Udp, DestinationPort = 8888 }, _ => true).Select(flow => flow.Destination.Port));
            Assert.Empty(table.Find(new() { Protocol = ProtocolType.Udp }, flow => flow.Destination.Port == 7778));
        });
    }

    [Fact]
    public async Task A_connection_that_its_server_has_reset_is_closed_and_remembered()
    {
        await InsideAsync(() =>
        {
            Nft.Run("table ip t { chain output { type filter hook output priority 0; ct state new accept; }; }\n"); // tracks connections
            using var listener = new TcpListener(IPAddress.Loopback, 7777);
            listener.Start();
            using var client = new TcpClient("127.0.0.1", 7777);
            using var table = new ConntrackSocket();
            var flow = table.Find(new() { Protocol = ProtocolType.Tcp }, _ => true).Single();
            Assert.True(flow is { IsConnected: true, IsClosed: false });
            var server = listener.AcceptSocket();
            server.LingerState = new(true, 0); // its close is a reset
            server.Close();
            flow = table.Find(new() { Protocol = ProtocolType.Tcp }, _ => true).Single();
            Assert.True(flow is { IsConnected: false, IsClosed: true });
        });
    }

    public void Dispose()
    {
        NetworkNamespace.Delete(_directory + "/ns");
        Directory.Delete(_directory, recursive: true);
    }

    private static UdpClient Receiver(string address) => new(new IPEndPoint(IPAddress.Parse(address), 7777));

    private async Task InsideAsync(Action inside) => await NetworkNamespace.CreateAsync(_directory + "/ns", () =>
    {
        using (var own = new RouteSocket())
        {
            own.SetUp(own.IndexOf("lo"));
        }

        inside();
    });
}
