using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Berth.Engine.Containers.Attach;
using Berth.Engine.Errors;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Berth.Api.Hijack;

/// <summary>A taken connection as a two-way stream. Reading ends when the client closes its sending side; writing goes on.</summary>
internal sealed class HijackedStream : Stream, IClientConnection
{
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);
    private const string WebSocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, section 1.3
    private readonly PipeReader _input;
    private readonly Socket _socket;
    private readonly SslStream? _secured; // over that socket, where the connection came by TLS
    private readonly HttpContext _context;

    private HijackedStream(PipeReader input, Socket socket, HttpContext context)
    {
        (_input, _socket, _context) = (input, socket, context);
        _secured = context.Features.Get<ISslStreamFeature>()?.SslStream;
    }

    public SafeHandle Handle => _socket.SafeHandle;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Takes the request's connection and answers <c>101 UPGRADED</c>, or <c>200</c> to a client that did not ask for an upgrade.</summary>
    /// <remarks>The request's body must have been read. Docker Engine API, "Attach to a container", "Hijacking".</remarks>
    internal static Task<HijackedStream> TakeAsync(HttpContext context, bool raw)
    {
        var type = raw ? "application/vnd.docker.raw-stream" : "application/vnd.docker.multiplexed-stream";
        return TakeAsync(context, context.Request.Headers.Upgrade.Count > 0
            ? $"HTTP/1.1 101 UPGRADED\r\nContent-Type: {type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
            : $"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\n\r\n");
    }

    /// <summary>As <see cref="TakeAsync(HttpContext, bool)"/>, for a web socket: RFC 6455, section 4.2.2.</summary>
    /// <exception cref="BerthException">The client did not ask for one.</exception>
    internal static async Task<WebSocketPipe> TakeWebSocketAsync(HttpContext context)
    {
        var key = context.Request.Headers.SecWebSocketKey.ToString();
        if (key.Length == 0 || !context.Request.Headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase))
        {
            throw BerthException.Invalid("this is for web sockets: the request has no Upgrade: websocket");
        }

#pragma warning disable CA5350 // what the protocol wants; it guards nothing
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + WebSocketGuid)));
#pragma warning restore CA5350
        var stream = await TakeAsync(context, $"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").ConfigureAwait(false);
        return new(WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true }), stream.Handle);
    }

    private static async Task<HijackedStream> TakeAsync(HttpContext context, string head)
    {
        var connection = context.Features.Get<HijackableConnection>() ?? throw new InvalidOperationException("The listener was set up without connections that can be taken.");
        // Output goes to the socket itself, which Kestrel has not written to yet: what has been written is then with the
        // kernel, and closing loses nothing. Input stays with Kestrel's pipe, which may have read ahead.
        var socket = context.Features.Get<IConnectionSocketFeature>()?.Socket ?? throw new InvalidOperationException("The listener has no sockets.");
        var input = connection.Take();
        var stream = new HijackedStream(input, socket, context);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head), CancellationToken.None).ConfigureAwait(false);
        return stream;
    }

    /// <summary>
    /// Ends our side, then takes what the client still sends until it ends too. What was written arrives: closing with input that nobody has read would
    /// reset the connection under a client that reads. A client that sends on, or keeps its side open, has so much time.
    /// </summary>
    internal async Task CloseConnectionAsync()
    {
        using var patience = new CancellationTokenSource(ClosePatience);
        try
        {
            await (_secured?.ShutdownAsync() ?? Task.CompletedTask).ConfigureAwait(false);
            _socket.Shutdown(SocketShutdown.Send);
            var isEnded = false;
            while (!isEnded)
            {
                var result = await _input.ReadAsync(patience.Token).ConfigureAwait(false);
                _input.AdvanceTo(result.Buffer.End);
                isEnded = result.IsCompleted;
            }
        }
        catch (Exception exception) when (exception is SocketException or IOException or OperationCanceledException) // it is gone, or had its time
        {
        }

        _context.Abort();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var result = await _input.ReadAsync(cancellationToken).ConfigureAwait(false);
        var available = result.Buffer;
        var length = (int)Math.Min(available.Length, buffer.Length);
        available.Slice(0, length).CopyTo(buffer.Span);
        _input.AdvanceTo(available.GetPosition(length));
        return length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            if (_secured is not null)
            {
                await _secured.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
                return;
            }

            while (buffer.Length > 0)
            {
                buffer = buffer[await _socket.SendAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
            }
        }
        catch (SocketException exception)
        {
            throw new IOException("The client has closed the connection.", exception);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read asynchronously.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Write asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
