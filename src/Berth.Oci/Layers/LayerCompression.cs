using System.IO.Compression;
using Berth.Linux.Compression;

namespace Berth.Oci.Layers;

/// <summary>Recognises compression by content; media types lie, first bytes don't.</summary>
public static class LayerCompression
{
    /// <summary>The uncompressed content of <paramref name="source"/>: gzip, zstd, bzip2 and xz are told apart from plain by their first bytes.</summary>
    /// <exception cref="InvalidDataException">Compressed in a way that Berth cannot read.</exception>
    public static Stream Open(Stream source)
    {
        Span<byte> head = stackalloc byte[6];
        var length = source.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        var replayed = new PrefixedStream(head[..length].ToArray(), source);
        return head[..length] switch
        {
            [0x1f, 0x8b, ..] => new GZipStream(replayed, CompressionMode.Decompress),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => new ZstdDecompressionStream(replayed),
            [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0] => new ToolDecompressionStream("xz", "xz-utils", replayed),
            [(byte)'B', (byte)'Z', (byte)'h', ..] => new ToolDecompressionStream("bzip2", "bzip2", replayed),
            _ => replayed,
        };
    }

    private sealed class PrefixedStream(byte[] prefix, Stream rest) : Stream
    {
        private int _at;

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
            if (_at == prefix.Length)
            {
                return rest.Read(buffer);
            }

            var length = Math.Min(buffer.Length, prefix.Length - _at);
            prefix.AsSpan(_at, length).CopyTo(buffer);
            _at += length;
            return length;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                rest.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
