using System.Globalization;
using System.Text;

namespace Berth.Client;

/// <summary>A stream that is only read.</summary>
internal abstract class ReadOnlyStream : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Flush()
    {
        // nothing is kept back
    }

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

/// <summary>The bytes that came along with a head, then the connection.</summary>
internal sealed class PrefixedStream(ReadOnlyMemory<byte> first, Stream inner) : ReadOnlyStream
{
    private ReadOnlyMemory<byte> _first = first;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_first.Length == 0)
        {
            return inner.ReadAsync(buffer, cancellationToken);
        }

        var count = Math.Min(buffer.Length, _first.Length);
        _first.Span[..count].CopyTo(buffer.Span);
        _first = _first[count..];
        return new(count);
    }

    internal async ValueTask<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (await ReadAsync(one, cancellationToken).ConfigureAwait(false) == 1)
        {
            if (one[0] == '\n')
            {
                return line.ToString();
            }

            if (one[0] != '\r')
            {
                line.Append((char)one[0]);
            }
        }

        throw Torn();
    }

    internal static DaemonException Torn() => new(0, "The daemon's answer broke off; it may have been stopped. See its log.");

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>RFC 9112, 7.1. An end without the last chunk is an error, never a short answer.</summary>
internal sealed class ChunkedStream(PrefixedStream inner) : ReadOnlyStream
{
    private long _left;
    private bool _isAfterChunk;
    private bool _hasEnded;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_hasEnded || buffer.Length == 0)
        {
            return 0;
        }

        if (_left == 0)
        {
            if (_isAfterChunk)
            {
                await inner.ReadLineAsync(cancellationToken).ConfigureAwait(false);
            }

            var line = await inner.ReadLineAsync(cancellationToken).ConfigureAwait(false);
            if (!long.TryParse(line.Split(';')[0].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out _left) || _left < 0)
            {
                throw new DaemonException(0, $"the daemon's answer has an unreadable chunk: '{line}'");
            }

            _isAfterChunk = true;
            if (_left == 0)
            {
                _hasEnded = true;
                return 0;
            }
        }

        var read = await inner.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _left)], cancellationToken).ConfigureAwait(false);
        _left -= read > 0 ? read : throw PrefixedStream.Torn();
        return read;
    }
}

/// <summary>As many bytes as the head said.</summary>
internal sealed class LengthStream(PrefixedStream inner, long length) : ReadOnlyStream
{
    private long _left = length;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_left == 0 || buffer.Length == 0)
        {
            return 0;
        }

        var read = await inner.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _left)], cancellationToken).ConfigureAwait(false);
        _left -= read > 0 ? read : throw PrefixedStream.Torn();
        return read;
    }
}
