using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Berth.Api.Hijack;

/// <summary>A taken connection as a two-way stream. Reading ends when the client closes its sending side; writing goes on.</summary>
internal sealed class HijackedStream : Stream
{
    private readonly PipeReader _input;
    private readonly Socket _socket;
    private readonly HttpContext _context;

    private HijackedStream(PipeReader input, Socket socket, HttpContext context) => (_input, _socket, _context) = (input, socket, context);

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
    internal static async Task<HijackedStream> TakeAsync(HttpContext context, bool raw)
    {
        var connection = context.Features.Get<HijackableConnection>() ?? throw new InvalidOperationException("The listener was set up without connections that can be taken.");
        var isUpgrade = context.Request.Headers.Upgrade.Count > 0;
        // Output goes to the socket itself, which Kestrel has not written to yet: what has been written is then with the
        // kernel, and closing loses nothing. Input stays with Kestrel's pipe, which may have read ahead.
        var socket = context.Features.Get<IConnectionSocketFeature>()?.Socket ?? throw new InvalidOperationException("The listener has no sockets.");
        var input = connection.Take();
        var type = raw ? "application/vnd.docker.raw-stream" : "application/vnd.docker.multiplexed-stream";
        var head = isUpgrade
            ? $"HTTP/1.1 101 UPGRADED\r\nContent-Type: {type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
            : $"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\n\r\n";
        var stream = new HijackedStream(input, socket, context);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head), CancellationToken.None).ConfigureAwait(false);
        return stream;
    }

    /// <summary>Closes the connection. What was written arrives.</summary>
    internal void CloseConnection() => _context.Abort();

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
