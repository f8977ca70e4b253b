using System.Buffers.Binary;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Berth.Engine.Containers.Attach;

/// <summary>Which of a container's streams a client wants, and how it wants them.</summary>
public sealed record AttachOptions
{
    public bool Stdin { get; init; }

    public bool Stdout { get; init; }

    public bool Stderr { get; init; }

    /// <summary>Raw bytes instead of frames; for containers with a terminal.</summary>
    public bool Raw { get; init; }

    /// <summary>Bytes that end the session without ending the container; empty for none.</summary>
    public byte[] DetachKeys { get; init; } = [];
}

/// <summary>Why a session ended.</summary>
internal enum AttachEnd
{
    /// <summary>The container's side has closed, and the client has all of its output.</summary>
    Ended,

    /// <summary>The client detached by its keys.</summary>
    Detached,

    /// <summary>The client left, or took nothing for too long.</summary>
    ClientLeft,
}

/// <summary>Copies between an attach socket and a client until the container's side ends, the client leaves or detaches.</summary>
/// <remarks>
/// conmon stalls a container whose attach socket is not drained. So output goes through a bounded queue, and a client
/// that takes nothing for <see cref="ClientPatience"/> is dropped.
/// </remarks>
internal static class AttachPump
{
    private const int QueuedPackets = 512; // 4 MiB at most
    private static readonly TimeSpan ClientPatience = TimeSpan.FromSeconds(30);

    /// <param name="container">conmon's attach socket.</param>
    /// <param name="client">Where output goes, and input comes from.</param>
    /// <param name="options">What is wanted.</param>
    /// <param name="left">Completes when the client is gone; what it had sent is passed on still.</param>
    /// <param name="cancellationToken">Ends the session.</param>
    internal static async Task<AttachEnd> RunAsync(Socket container, Stream client, AttachOptions options, Task left, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var input = options.Stdin ? CopyInputAsync(container, client, options.DetachKeys, ended.Token) : Task.FromResult(false);
        var output = CopyOutputAsync(container, client, options, ended.Token);
        if (options.Stdin && await Task.WhenAny(input, output).ConfigureAwait(false) == input && await input.ConfigureAwait(false))
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await output.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return AttachEnd.Detached;
        }

        if (await Task.WhenAny(output, left).ConfigureAwait(false) != output)
        {
            await Task.WhenAny(input, output).ConfigureAwait(false);
            await ended.CancelAsync().ConfigureAwait(false);
        }

        await output.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // ends when the container's side closes or the client is gone
        await ended.CancelAsync().ConfigureAwait(false);
        await ((Task)input).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return output.IsCompletedSuccessfully ? AttachEnd.Ended : AttachEnd.ClientLeft;
    }

    private static async Task CopyOutputAsync(Socket container, Stream client, AttachOptions options, CancellationToken cancellationToken)
    {
        var queue = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(QueuedPackets) { SingleReader = true, SingleWriter = true });
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var writing = WriteAsync(queue.Reader, client, stopping);
        var buffer = new byte[AttachSocket.PacketBytes];
        var wasReset = false;
        try
        {
            while (true)
            {
                int length;
                try
                {
                    length = await container.ReceiveAsync(buffer, SocketFlags.None, stopping.Token).ConfigureAwait(false);
                }
                catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset && !wasReset)
                {
                    wasReset = true; // conmon went with input unread: the kernel says so once, before what conmon had sent
                    continue;
                }

                if (length == 0)
                {
                    break;
                }

                var isStderr = buffer[0] == 3;
                if (length == 1 || !(isStderr ? options.Stderr : options.Stdout))
                {
                    continue;
                }

                var packet = options.Raw ? buffer.AsSpan(1, length - 1).ToArray() : Frame(isStderr ? (byte)2 : (byte)1, buffer.AsSpan(1, length - 1));
                if (!queue.Writer.TryWrite(packet))
                {
                    using var patience = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
                    patience.CancelAfter(ClientPatience);
                    await queue.Writer.WriteAsync(packet, patience.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (writing.IsFaulted)
        {
            // the client is gone, as is told below
        }
        catch (SocketException)
        {
            // conmon has closed its end without a goodbye: what was received is still delivered below
        }
        finally
        {
            queue.Writer.TryComplete();
        }

        await writing.ConfigureAwait(false);
    }

    // A client that takes no more ends the reading, too.
    private static async Task WriteAsync(ChannelReader<byte[]> packets, Stream client, CancellationTokenSource stopping)
    {
        try
        {
            await foreach (var packet in packets.ReadAllAsync(stopping.Token).ConfigureAwait(false))
            {
                await client.WriteAsync(packet, stopping.Token).ConfigureAwait(false);
                await client.FlushAsync(stopping.Token).ConfigureAwait(false);
            }
        }
        catch (IOException)
        {
            _ = Task.Run(stopping.Cancel, CancellationToken.None); // once this is known to have failed
            throw;
        }
    }

    // True when the detach keys came; false when the client closed its side or left.
    private static async Task<bool> CopyInputAsync(Socket container, Stream client, byte[] detachKeys, CancellationToken cancellationToken)
    {
        var buffer = new byte[8192];
        var matched = 0;
        try
        {
            int length;
            while ((length = await client.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                // Keys that turn out not to be the whole sequence are passed on when the next byte differs.
                var pending = new MemoryStream(length + detachKeys.Length);
                foreach (var next in buffer.AsSpan(0, length))
                {
                    if (detachKeys.Length > 0 && next == detachKeys[matched])
                    {
                        if (++matched == detachKeys.Length)
                        {
                            return true;
                        }

                        continue;
                    }

                    pending.Write(detachKeys, 0, matched);
                    matched = detachKeys.Length > 0 && next == detachKeys[0] ? 1 : 0;
                    if (matched == 0)
                    {
                        pending.WriteByte(next);
                    }
                }

                if (pending.Length > 0)
                {
                    await SendAsync(container, pending.GetBuffer().AsMemory(0, (int)pending.Length), cancellationToken).ConfigureAwait(false);
                }
            }

            container.Shutdown(SocketShutdown.Send); // the program reads end-of-file
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client or the container is gone; the output side notices by itself and ends the session.
        }

        return false;
    }

    private static async Task SendAsync(Socket container, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        while (data.Length > 0)
        {
            var chunk = data[..Math.Min(data.Length, 8192)]; // conmon reads 8 KiB a packet and would cut a longer one
            await container.SendAsync(chunk, SocketFlags.None, cancellationToken).ConfigureAwait(false);
            data = data[chunk.Length..];
        }
    }

    private static byte[] Frame(byte stream, ReadOnlySpan<byte> data)
    {
        var frame = new byte[8 + data.Length];
        frame[0] = stream;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), data.Length);
        data.CopyTo(frame.AsSpan(8));
        return frame;
    }
}
