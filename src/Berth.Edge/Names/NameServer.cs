using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Berth.Edge.State;
using Berth.Linux.Namespaces;

namespace Berth.Edge.Names;

/// <summary>
/// Answers names inside one container's network namespace, by UDP and TCP. Its sockets live in that namespace, so which socket
/// a question came through tells who asks. Names that no container has are asked of the host's resolvers.
/// </summary>
internal sealed class NameServer : IAsyncDisposable
{
    private const int LargestMessage = 65_535;
    private const int ConcurrentQuestions = 256; // in one namespace; more wait in the socket's buffer
    private static readonly TimeSpan Shortage = TimeSpan.FromMilliseconds(100); // of descriptors or memory: nothing tells when it is over
    private static readonly TimeSpan UpstreamTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(10);
    private static readonly IPAddress Address = IPAddress.Parse("127.0.0.11");
    private readonly Socket _udp;
    private readonly Socket _tcp;
    private readonly CancellationTokenSource _ending = new();
    private readonly CancellationTokenSource _leaving = new(); // no new questions
    private readonly SemaphoreSlim _slots = new(ConcurrentQuestions);
    private readonly Func<(EdgeState State, EdgeNamespace Space)?> _current;
    private readonly Task _running;

    internal NameServer(NameSockets sockets, Func<(EdgeState State, EdgeNamespace Space)?> current)
    {
        (_udp, _tcp, _current) = (sockets.Udp, sockets.Tcp, current);
        _running = Task.WhenAll(ServeUdpAsync(), ServeTcpAsync());
    }

    /// <summary>Opens the sockets in the namespace and begins to answer.</summary>
    internal static async Task<NameServer> StartAsync(EdgeNamespace space, Func<(EdgeState State, EdgeNamespace Space)?> current)
    {
        Socket? udp = null;
        Socket? tcp = null;
        await NetworkNamespace.RunAsync(space.Path, () =>
        {
            udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            udp.Bind(new IPEndPoint(Address, space.Port));
            tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            tcp.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            tcp.Bind(new IPEndPoint(Address, space.Port));
            tcp.Listen();
        }).ConfigureAwait(false);
        return new(new NameSockets(udp!, tcp!), current);
    }

    /// <summary>The descriptors of the sockets for UDP and TCP.</summary>
    internal (int Udp, int Tcp) Descriptors => ((int)_udp.Handle, (int)_tcp.Handle);

    /// <summary>Takes no more questions, as another process has the sockets now; returns when those that were asked are answered.</summary>
    internal async Task LeaveAsync()
    {
        await _leaving.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _tcp.Dispose();
        for (var taken = 0; taken < ConcurrentQuestions; taken++)
        {
            await _slots.WaitAsync().ConfigureAwait(false);
        }

        _udp.Dispose(); // answers went out through it
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _leaving.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _udp.Dispose();
        _tcp.Dispose();
    }

    private async Task ServeUdpAsync()
    {
        var buffer = new byte[LargestMessage];
        var anyone = new IPEndPoint(IPAddress.Any, 0);
        while (!_leaving.IsCancellationRequested)
        {
            SocketReceiveFromResult received;
            try
            {
                received = await _udp.ReceiveFromAsync(buffer, SocketFlags.None, anyone, _leaving.Token).ConfigureAwait(false);
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset)
            {
                continue; // an earlier answer found nobody; it says so on the next receive
            }
            catch (SocketException) when (!_leaving.IsCancellationRequested)
            {
                await Task.Delay(Shortage, _leaving.Token).ConfigureAwait(false);
                continue;
            }

            var request = buffer.AsSpan(0, received.ReceivedBytes).ToArray();
            await _slots.WaitAsync().ConfigureAwait(false);
            _ = AnswerUdpAsync(request, received.RemoteEndPoint);
        }
    }

    private async Task AnswerUdpAsync(byte[] request, EndPoint client)
    {
        try
        {
            if (await AnswerAsync(request, overTcp: false).ConfigureAwait(false) is { } answer)
            {
                await _udp.SendToAsync(answer, SocketFlags.None, client, _ending.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client has gone or the server is being ended: there is nobody to tell.
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task ServeTcpAsync()
    {
        while (!_leaving.IsCancellationRequested)
        {
            try
            {
                var connection = await _tcp.AcceptAsync(_leaving.Token).ConfigureAwait(false);
                await _slots.WaitAsync().ConfigureAwait(false);
                _ = AnswerTcpAsync(connection);
            }
            catch (SocketException) when (!_leaving.IsCancellationRequested)
            {
                await Task.Delay(Shortage, _leaving.Token).ConfigureAwait(false);
            }
        }
    }

    private async Task AnswerTcpAsync(Socket connection)
    {
        try
        {
            using (connection)
            using (var stream = new NetworkStream(connection))
            {
                while (true)
                {
                    using var idle = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
                    idle.CancelAfter(IdleTimeout);
                    var request = await ReadFramedAsync(stream, idle.Token).ConfigureAwait(false);
                    if (await AnswerAsync(request, overTcp: true).ConfigureAwait(false) is not { } answer)
                    {
                        return;
                    }

                    await WriteFramedAsync(stream, answer, idle.Token).ConfigureAwait(false);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client has closed, or has been silent for too long.
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task<byte[]?> AnswerAsync(byte[] request, bool overTcp)
    {
        if (!DnsMessage.TryReadQuestion(request, out var question) || _current() is not var (state, space))
        {
            return null;
        }

        if (question.Class == 1 && NameLookup.Find(state, space, question.Name) is { } addresses)
        {
            return DnsMessage.Addresses(request, question, [.. addresses.Where(address => DnsMessage.TypeOf(address) == question.Type || question.Type == DnsMessage.Any)], overTcp);
        }

        if (question.Type == DnsMessage.Ptr && NameLookup.FindByAddress(state, space, question.Name) is { } name)
        {
            return DnsMessage.Pointer(request, question, name);
        }

        foreach (var upstream in space.Upstreams.Count > 0 ? space.Upstreams : state.Upstreams)
        {
            if (await AskAsync(upstream, request, overTcp).ConfigureAwait(false) is { } answer)
            {
                return answer;
            }
        }

        return DnsMessage.Failure(request, question, DnsMessage.ServerFailure);
    }

    private async Task<byte[]?> AskAsync(string upstream, byte[] request, bool overTcp)
    {
        var endpoint = IPAddress.TryParse(upstream, out var address) ? new IPEndPoint(address, 53) : IPEndPoint.Parse(upstream);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
        timeout.CancelAfter(UpstreamTimeout);
        try
        {
            using var socket = new Socket(endpoint.AddressFamily, overTcp ? SocketType.Stream : SocketType.Dgram, overTcp ? ProtocolType.Tcp : ProtocolType.Udp);
            await socket.ConnectAsync(endpoint, timeout.Token).ConfigureAwait(false); // also for UDP: then only that server can answer
            if (overTcp)
            {
                await using var stream = new NetworkStream(socket);
                await WriteFramedAsync(stream, request, timeout.Token).ConfigureAwait(false);
                return await ReadFramedAsync(stream, timeout.Token).ConfigureAwait(false);
            }

            await socket.SendAsync(request, SocketFlags.None, timeout.Token).ConfigureAwait(false);
            var buffer = new byte[LargestMessage];
            while (true)
            {
                var length = await socket.ReceiveAsync(buffer, SocketFlags.None, timeout.Token).ConfigureAwait(false);
                if (length >= 2 && buffer[0] == request[0] && buffer[1] == request[1])
                {
                    return buffer[..length];
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or IOException or OperationCanceledException)
        {
            return null; // this server does not answer: the next one is asked
        }
    }

    private static async Task<byte[]> ReadFramedAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var head = new byte[2];
        await stream.ReadExactlyAsync(head, cancellationToken).ConfigureAwait(false);
        var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(head)];
        await stream.ReadExactlyAsync(message, cancellationToken).ConfigureAwait(false);
        return message;
    }

    private static async Task WriteFramedAsync(NetworkStream stream, byte[] message, CancellationToken cancellationToken)
    {
        var framed = new byte[2 + message.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)message.Length);
        message.CopyTo(framed, 2);
        await stream.WriteAsync(framed, cancellationToken).ConfigureAwait(false);
    }
}
