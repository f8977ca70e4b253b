namespace Berth.Linux.Terminals;

/// <summary>
/// One of the process's standard descriptors as a stream, by plain read(2) and write(2). A file behind it is shared with other
/// writers, so its position is the kernel's; and .NET's own console would reprogram the terminal.
/// </summary>
public sealed unsafe class DescriptorStream(int descriptor, FileAccess access) : Stream
{
    public override bool CanRead => access == FileAccess.Read;

    public override bool CanSeek => false;

    public override bool CanWrite => access == FileAccess.Write;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <exception cref="IOException">The descriptor cannot be read.</exception>
    public override int Read(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            while (true)
            {
                var got = Libc.read(descriptor, start, (nuint)buffer.Length);
                if (got >= 0)
                {
                    return (int)got;
                }

                Wait(forReading: true);
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <exception cref="IOException">The descriptor cannot be written; for instance, its reader has gone.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            fixed (byte* start = buffer)
            {
                var put = Libc.write(descriptor, start, (nuint)buffer.Length);
                if (put < 0)
                {
                    Wait(forReading: false);
                    continue;
                }

                buffer = buffer[(int)put..];
            }
        }
    }

    public override void Flush()
    {
        // nothing is kept back
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    // After a failure: goes on when it was an interruption, or when a shared terminal was switched to non-blocking by someone else.
    private void Wait(bool forReading)
    {
        var error = Libc.LastErrno;
        if (error == Errno.EAGAIN)
        {
            var wanted = new Libc.PollFd { Fd = descriptor, Events = (short)(forReading ? 1 : 4) };
            _ = Libc.poll(&wanted, 1, -1);
        }
        else if (error != Errno.EINTR)
        {
            throw new IOException(new LinuxException(error, forReading ? "read" : "write", $"descriptor {descriptor}").Message, (int)error); // as .NET's own streams tell
        }
    }
}
