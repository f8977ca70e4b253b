using System.Buffers.Binary;

namespace Berth.Client;

/// <summary>Takes stdout and stderr apart: frames of stream number, three zeros, length (big-endian), content.</summary>
public static class StreamFrames
{
    private const int HeadBytes = 8;
    private const int BufferBytes = 64 * 1024;

    /// <summary>Reads to the end and hands each piece on, with whether it is of stderr. Frames of one stream that have arrived together are one piece; none waits for another.</summary>
    /// <exception cref="InvalidDataException">A frame of more than 2 GiB, which no engine sends.</exception>
    public static async Task ReadAsync(Stream source, Func<bool, ReadOnlyMemory<byte>, ValueTask> write, CancellationToken cancellationToken)
    {
        byte[] input = new byte[BufferBytes], piece = new byte[BufferBytes];
        int start = 0, end = 0, left = 0, length = 0; // of the input, of the present frame, of the piece
        var isError = false;
        int read;
        do
        {
            while (left > 0 ? start < end : end - start >= HeadBytes)
            {
                if (left == 0)
                {
                    if (length > 0 && isError != (input[start] == 2))
                    {
                        await write(isError, piece.AsMemory(0, length)).ConfigureAwait(false);
                        length = 0;
                    }

                    isError = input[start] == 2;
                    left = BinaryPrimitives.ReadInt32BigEndian(input.AsSpan(start + 4)) is >= 0 and var size ? size : throw new InvalidDataException("a frame of more than 2 GiB");
                    start += HeadBytes;
                }

                var taken = Math.Min(left, end - start);
                input.AsSpan(start, taken).CopyTo(piece.AsSpan(length));
                (start, left, length) = (start + taken, left - taken, length + taken);
            }

            if (length > 0)
            {
                await write(isError, piece.AsMemory(0, length)).ConfigureAwait(false);
                length = 0;
            }

            input.AsSpan(start, end - start).CopyTo(input); // part of a head at most
            (start, end) = (0, end - start);
            read = await source.ReadAsync(input.AsMemory(end), cancellationToken).ConfigureAwait(false);
            end += read;
        }
        while (read > 0);
    }

    /// <summary>Reads what a terminal wrote, which is one stream.</summary>
    public static async Task ReadRawAsync(Stream source, Func<bool, ReadOnlyMemory<byte>, ValueTask> write, CancellationToken cancellationToken)
    {
        var buffer = new byte[32 * 1024];
        int read;
        while ((read = await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            await write(false, buffer.AsMemory(0, read)).ConfigureAwait(false);
        }
    }
}
