using System.Net.Sockets;

namespace Berth.Client;

/// <summary>A connection that carries a program's input and output. Docker Engine API, "Attach to a container".</summary>
public sealed class HijackedConnection : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly PrefixedStream _output;

    internal HijackedConnection(Socket socket, PrefixedStream output) => (_socket, _output) = (socket, output);

    /// <summary>What the program writes; multiplexed unless it has a terminal.</summary>
    public Stream Output => _output;

    public async Task WriteAsync(ReadOnlyMemory<byte> input, CancellationToken cancellationToken)
    {
        while (input.Length > 0)
        {
            input = input[await _socket.SendAsync(input, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
        }
    }

    /// <summary>Tells the program that its input has ended; its output goes on.</summary>
    public void CloseInput() => _socket.Shutdown(SocketShutdown.Send);

    public ValueTask DisposeAsync() => _output.DisposeAsync();
}
