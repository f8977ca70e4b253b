using System.Net.WebSockets;
using System.Text;

namespace Berth.Conformance.Tests;

/// <summary>Attaching by a web socket, as browsers' terminals do. Docker Engine API, "Attach to a container via a websocket".</summary>
public sealed class WebSocketTests(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Fact]
    public async Task What_is_typed_arrives_and_what_is_printed_comes_back()
    {
        await docker.OutputAsync("run", "-d", "-i", "--name", "socket", "box", "sh", "-c", "while read line; do echo \"got $line\"; done");
        using var client = await ConnectAsync("/containers/socket/attach/ws?stream=1&stdin=1&stdout=1&stderr=1");
        await client.SendAsync("one\n"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, TestContext.Current.CancellationToken);
        Assert.Equal("got one\n", await ReadAsync(client, "got one\n".Length));
        await client.SendAsync("two\n"u8.ToArray(), WebSocketMessageType.Binary, endOfMessage: true, TestContext.Current.CancellationToken);
        Assert.Equal("got two\n", await ReadAsync(client, "got two\n".Length));
        await docker.OutputAsync("rm", "-f", "socket");
        Assert.Equal("", await ReadAsync(client, 1)); // the end of the container is the end of the connection
    }

    [Fact]
    public async Task The_log_comes_first_when_it_is_asked_for()
    {
        await docker.OutputAsync("run", "--name", "logged", "box", "sh", "-c", "echo before");
        using var client = await ConnectAsync("/containers/logged/attach/ws?logs=1&stdout=1");
        Assert.Equal("before\n", await ReadAsync(client, "before\n".Length));
        await docker.OutputAsync("rm", "logged");
    }

    [Theory]
    [InlineData("/containers/nobody/attach/ws?stream=1")]
    public async Task A_container_that_is_not_there_is_a_status(string target)
    {
        var exception = await Assert.ThrowsAsync<WebSocketException>(() => ConnectAsync(target));
        Assert.Contains("404", exception.Message, StringComparison.Ordinal);
    }

    private async Task<ClientWebSocket> ConnectAsync(string target)
    {
        var client = new ClientWebSocket();
        await client.ConnectAsync(new Uri("ws://engine" + target), docker.Daemon.Api, TestContext.Current.CancellationToken);
        return client;
    }

    private static async Task<string> ReadAsync(ClientWebSocket client, int length)
    {
        var received = new MemoryStream();
        var buffer = new byte[4096];
        while (received.Length < length)
        {
            var result = await client.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
            if (result.MessageType == WebSocketMessageType.Close)
            {
                break;
            }

            received.Write(buffer, 0, result.Count);
        }

        return Encoding.UTF8.GetString(received.ToArray());
    }
}
