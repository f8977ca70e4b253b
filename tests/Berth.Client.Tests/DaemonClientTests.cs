using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Berth.Client.Tests;

/// <summary>Against a socket server that answers with prepared bytes, so that every way of framing is met.</summary>
public sealed class DaemonClientTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"berth-client-{Guid.NewGuid():N}.sock");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public DaemonClientTests()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(_path));
        _listener.Listen();
    }

    private DaemonClient Client => new(DaemonAddress.Parse("unix://" + _path));

    [Fact]
    public async Task Reads_a_body_of_known_length()
    {
        var request = AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"a\":\"b c\"}trailing");
        var answer = await Client.RequestAsync("GET", "/info");
        Assert.Equal("b c", answer!["a"]!.GetValue<string>());
        Assert.StartsWith("GET /info HTTP/1.1\r\nHost: localhost\r\n", await request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reads_chunks()
    {
        _ = AnswerAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n5;x=y\r\n:\"b\"}\r\n0\r\n\r\n");
        Assert.Equal("b", (await Client.RequestAsync("GET", "/"))!["a"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\"")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")]
    public async Task An_answer_that_breaks_off_is_never_taken_as_whole(string answer)
    {
        _ = AnswerAsync(answer);
        var exception = await Assert.ThrowsAsync<DaemonException>(() => Client.RequestAsync("GET", "/"));
        Assert.Contains("broke off", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_has_the_daemons_own_words()
    {
        _ = AnswerAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 34\r\n\r\n{\"message\":\"No such container: x\"}\n");
        var exception = await Assert.ThrowsAsync<DaemonException>(() => Client.RequestAsync("GET", "/containers/x/json"));
        Assert.Equal((404, "No such container: x"), (exception.Status, exception.Message));
    }

    [Fact]
    public async Task Sends_JSON_with_its_length()
    {
        var request = AnswerAsync("HTTP/1.1 204 No Content\r\n\r\n");
        Assert.Null(await Client.RequestAsync("POST", "/x", new JsonObject { ["k"] = 1 }));
        var text = await request;
        Assert.Contains("Content-Length: 7\r\n", text, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n{\"k\":1}", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taken_over_connection_carries_bytes_both_ways_after_its_head()
    {
        var server = Task.Run(async () =>
        {
            using var socket = await _listener.AcceptAsync();
            var head = await ReadHeadAsync(socket);
            await socket.SendAsync(Encoding.ASCII.GetBytes("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst "));
            var input = new byte[5];
            var got = await socket.ReceiveAsync(input);
            Assert.Equal(0, await socket.ReceiveAsync(new byte[1])); // the input's end arrives, and output still goes on
            await socket.SendAsync(input.AsMemory(0, got));
            return head;
        });
        await using var connection = await Client.HijackAsync("/containers/x/attach?stream=1");
        await connection.WriteAsync("hello"u8.ToArray(), CancellationToken.None);
        await connection.CloseInputAsync();
        using var reader = new StreamReader(connection.Output);
        Assert.Equal("first hello", await reader.ReadToEndAsync());
        Assert.EndsWith("Upgrade: tcp\r\n\r\n", await server, StringComparison.Ordinal); // no body: that would be the program's input
    }

    [Fact]
    public async Task Frames_are_taken_apart_wherever_reads_end()
    {
        byte[] bytes = [1, 0, 0, 0, 0, 0, 0, 3, .. "out"u8, 2, 0, 0, 0, 0, 0, 0, 2, .. "er"u8, 1, 0, 0, 0, 0, 0, 0, 1, .. "!"u8];
        var (output, error) = (new StringBuilder(), new StringBuilder());
        await StreamFrames.ReadAsync(
            new MemoryStream(bytes),
            (isError, piece) =>
            {
                (isError ? error : output).Append(Encoding.UTF8.GetString(piece.Span));
                return default;
            },
            CancellationToken.None);
        Assert.Equal(("out!", "er"), (output.ToString(), error.ToString()));
    }

    [Fact]
    public async Task Without_a_daemon_the_socket_and_the_way_to_start_one_are_named()
    {
        var client = new DaemonClient(DaemonAddress.Parse("/tmp/berth-nobody-here.sock"));
        var exception = await Assert.ThrowsAsync<DaemonUnreachableException>(() => client.RequestAsync("GET", "/_ping"));
        Assert.Contains("No daemon answers at unix:///tmp/berth-nobody-here.sock", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Start one with", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unix:///run/x.sock", "/run/x.sock", "localhost", 0)]
    [InlineData("/run/x.sock", "/run/x.sock", "localhost", 0)]
    [InlineData("tcp://127.0.0.1:2375", null, "127.0.0.1", 2375)]
    [InlineData("tcp://[::1]:2375", null, "::1", 2375)]
    public void An_address_is_read(string text, string? path, string host, int port)
    {
        var address = DaemonAddress.Parse(text);
        Assert.Equal((path, host, port), (address.Path, address.Host, address.Port));
    }

    [Theory]
    [InlineData("http://x")]
    [InlineData("tcp://x")]
    [InlineData("unix://")]
    public void Any_other_address_is_refused(string text) => Assert.Throws<FormatException>(() => DaemonAddress.Parse(text));

    public void Dispose()
    {
        _listener.Dispose();
        File.Delete(_path);
    }

    private async Task<string> AnswerAsync(string answer)
    {
        using var socket = await _listener.AcceptAsync();
        var request = await ReadHeadAsync(socket);
        await socket.SendAsync(Encoding.ASCII.GetBytes(answer));
        return request;
    }

    // The head and what came with it: the client sends both in one write.
    private static async Task<string> ReadHeadAsync(Socket socket)
    {
        var buffer = new byte[64 * 1024];
        var length = await socket.ReceiveAsync(buffer);
        return Encoding.ASCII.GetString(buffer, 0, length);
    }
}
