using System.Text;

namespace Berth.Engine.Containers.Exec;

/// <summary>Takes the framed output of a command and keeps its first bytes, without the frames; the rest is dropped.</summary>
internal sealed class BoundedStream(int limitBytes) : Stream
{
    private const int FrameHeadBytes = 8;
    private readonly MemoryStream _kept = new();

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _kept.Length;

    public override long Position
    {
        get => _kept.Position;
        set => throw new NotSupportedException();
    }

    internal string Text
    {
        get
        {
            lock (_kept)
            {
                return Encoding.UTF8.GetString(_kept.GetBuffer(), 0, (int)_kept.Length);
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        // Each write is one whole frame: that is how AttachPump sends them.
        var data = buffer.Length > FrameHeadBytes ? buffer[FrameHeadBytes..] : [];
        lock (_kept)
        {
            _kept.Write(data[..(int)Math.Min(data.Length, Math.Max(0, limitBytes - _kept.Length))]);
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
