using System.Runtime.InteropServices;

namespace Berth.Linux.Compression;

/// <summary>Reads a Zstandard stream (RFC 8878) through the system's <c>libzstd.so.1</c>. Frames may follow one another.</summary>
public sealed unsafe partial class ZstdDecompressionStream : Stream
{
    private readonly Stream _source;
    private readonly nint _context;
    private readonly byte[] _input = new byte[131072];
    private int _position;
    private int _length;
    private bool _frameOpen;
    private bool _disposed;

    /// <param name="source">Closed with this stream.</param>
    /// <exception cref="DllNotFoundException">The library is missing (Debian package libzstd1).</exception>
    public ZstdDecompressionStream(Stream source)
    {
        _source = source;
        _context = ZSTD_createDStream();
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        while (!buffer.IsEmpty)
        {
            var ended = false;
            if (_position == _length)
            {
                _position = 0;
                _length = _source.Read(_input);
                ended = _length == 0;
                if (ended && !_frameOpen)
                {
                    return 0;
                }
            }

            var written = Decompress(buffer);
            if (written > 0)
            {
                return written;
            }

            if (ended)
            {
                throw new InvalidDataException("The zstd stream ends in the middle of a frame.");
            }
        }

        return 0;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (!_disposed)
        {
            _disposed = true;
            _ = ZSTD_freeDStream(_context);
            if (disposing)
            {
                _source.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private int Decompress(Span<byte> buffer)
    {
        fixed (byte* source = _input, target = buffer)
        {
            var input = new ZstdBuffer { Data = source, Size = (nuint)_length, Position = (nuint)_position };
            var output = new ZstdBuffer { Data = target, Size = (nuint)buffer.Length };
            var result = ZSTD_decompressStream(_context, &output, &input);
            if (ZSTD_isError(result) != 0)
            {
                throw new InvalidDataException($"The zstd stream is damaged: {Marshal.PtrToStringUTF8(ZSTD_getErrorName(result))}.");
            }

            _position = (int)input.Position;
            _frameOpen = result != 0;
            return (int)output.Position;
        }
    }

    [LibraryImport("libzstd.so.1")]
    private static partial nint ZSTD_createDStream();

    [LibraryImport("libzstd.so.1")]
    private static partial nuint ZSTD_freeDStream(nint context);

    [LibraryImport("libzstd.so.1")]
    private static partial nuint ZSTD_decompressStream(nint context, ZstdBuffer* output, ZstdBuffer* input);

    [LibraryImport("libzstd.so.1")]
    private static partial uint ZSTD_isError(nuint code);

    [LibraryImport("libzstd.so.1")]
    private static partial nint ZSTD_getErrorName(nuint code);

    /// <summary>zstd.h: ZSTD_inBuffer and ZSTD_outBuffer, which differ in a const only.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ZstdBuffer
    {
        public byte* Data;
        public nuint Size;
        public nuint Position;
    }
}
