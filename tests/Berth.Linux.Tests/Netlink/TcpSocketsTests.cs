using System.Net;
using System.Net.Sockets;
using Berth.Linux.Netlink;

namespace Berth.Linux.Tests.Netlink;

public sealed class TcpSocketsTests
{
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)] // a dual-mode socket, as most programs use
    public async Task A_connection_is_found_and_its_owner_sees_it_end(AddressFamily family)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new Socket(family, SocketType.Stream, ProtocolType.Tcp);
        if (family == AddressFamily.InterNetworkV6)
        {
            client.DualMode = true;
        }

        await client.ConnectAsync(listener.LocalEndpoint);
        var port = ((IPEndPoint)client.LocalEndPoint!).Port;
        using var sockets = new TcpSockets();
        var connection = Assert.Single(sockets.FindOpen((local, _) => local.Port == port));
        Assert.Equal(listener.LocalEndpoint, connection.Remote);
        var receiving = client.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(5));
        try
        {
            Assert.True(sockets.Destroy(connection));
        }
        catch (LinuxException exception) when (exception.Errno == Errno.ENOTSUP)
        {
            Assert.Skip("this kernel cannot destroy sockets (CONFIG_INET_DIAG_DESTROY)");
        }

        var ended = await Assert.ThrowsAsync<SocketException>(() => receiving);
        Assert.Equal(SocketError.ConnectionAborted, ended.SocketErrorCode);
        Assert.False(sockets.Destroy(connection));
    }

    [Fact]
    public async Task A_connection_whose_other_side_is_done_is_not_open()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        (await listener.AcceptSocketAsync()).Dispose();
        Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1]));
        var port = ((IPEndPoint)client.Client.LocalEndPoint!).Port;
        using var sockets = new TcpSockets();
        Assert.Empty(sockets.FindOpen((local, _) => local.Port == port));
    }
}
