using System.Net.Security;
using System.Net.Sockets;

namespace Berth.Client;

/// <summary>A connection that carries a program's input and output. Docker Engine API, "Attach to a container".</summary>
public sealed class HijackedConnection : IAsyncDisposable
{
    private readonly Stream _stream;
    private readonly PrefixedStream _output;

    internal HijackedConnection(Stream stream, PrefixedStream output) => (_stream, _output) = (stream, output);

    /// <summary>What the program writes; multiplexed unless it has a terminal.</summary>
    public Stream Output => _output;

    public Task WriteAsync(ReadOnlyMemory<byte> input, CancellationToken cancellationToken) => _stream.WriteAsync(input, cancellationToken).AsTask();

    /// <summary>Tells the program that its input has ended; its output goes on.</summary>
    public async Task CloseInputAsync()
    {
        if (_stream is SslStream secured)
        {
            await secured.ShutdownAsync().ConfigureAwait(false);
            return;
        }

        ((NetworkStream)_stream).Socket.Shutdown(SocketShutdown.Send);
    }

    public ValueTask DisposeAsync() => _output.DisposeAsync();
}
