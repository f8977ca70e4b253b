using System.Buffers.Binary;

namespace Berth.Client;

/// <summary>Takes stdout and stderr apart: frames of stream number, three zeros, length (big-endian), content.</summary>
public static class StreamFrames
{
    /// <summary>Reads to the end and hands each piece on, with whether it is of stderr.</summary>
    public static async Task ReadAsync(Stream source, Func<bool, ReadOnlyMemory<byte>, ValueTask> write, CancellationToken cancellationToken)
    {
        var head = new byte[8];
        var buffer = new byte[32 * 1024];
        while (await source.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false) is var got && got == head.Length)
        {
            var left = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4));
            while (left > 0)
            {
                var read = await source.ReadAsync(buffer.AsMemory(0, Math.Min(left, buffer.Length)), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    return;
                }

                await write(head[0] == 2, buffer.AsMemory(0, read)).ConfigureAwait(false);
                left -= read;
            }
        }
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
