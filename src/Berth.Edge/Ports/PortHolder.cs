using System.Net;
using System.Net.Sockets;
using Berth.Edge.State;

namespace Berth.Edge.Ports;

/// <summary>
/// Listens on one published port: that reserves it, shows it in <c>ss</c>, and relays what nftables does not lead past
/// us to the container (IPv6, above all <c>::1</c>).
/// </summary>
internal sealed class PortHolder : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;
    private const int Connections = 4096; // relayed at the same time; more wait in the listen queue
    private static readonly TimeSpan Shortage = TimeSpan.FromMilliseconds(100); // of descriptors or memory: nothing tells when it is over
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private readonly Socket _listener;
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _slots = new(Connections);
    private readonly Func<EdgePort?> _current;
    private readonly Task _running;
    private uint _next;

    internal PortHolder(Socket listener, Func<EdgePort?> current)
    {
        (_listener, _current) = (listener, current);
        _running = AcceptAsync();
    }

    /// <exception cref="SocketException">Another program has the port.</exception>
    internal static PortHolder Start(EdgePort port, Func<EdgePort?> current)
    {
        var isAny = port.HostIp.Length == 0;
        var address = isAny ? IPAddress.IPv6Any : IPAddress.Parse(port.HostIp);
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
            {
                listener.DualMode = isAny;
            }

            listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            listener.Bind(new IPEndPoint(address, port.Port));
            listener.Listen(4096);
            return new(listener, current);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    internal int Descriptor => (int)_listener.Handle;

    /// <summary>Accepts nothing more, as another process has the socket now; returns when the connections that are relayed have ended.</summary>
    internal async Task LeaveAsync()
    {
        await DisposeAsync().ConfigureAwait(false);
        for (var ended = 0; ended < Connections; ended++)
        {
            await _slots.WaitAsync().ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listener.Dispose(); // not before: closed in the middle of an accept it would be shut down, for a successor that has it too
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            await _slots.WaitAsync(_ending.Token).ConfigureAwait(false);
            try
            {
                var client = await _listener.AcceptAsync(_ending.Token).ConfigureAwait(false);
                _ = RelayAsync(client);
            }
            catch (SocketException exception)
            {
                _slots.Release();
                if (exception.SocketErrorCode is not (SocketError.ConnectionReset or SocketError.ConnectionAborted)) // a client that left before it was served
                {
                    await Task.Delay(Shortage, _ending.Token).ConfigureAwait(false);
                }
            }
            catch
            {
                _slots.Release();
                throw; // the port is being given up
            }
        }
    }

    // Relayed connections live on when the port is given up: they end with one of their sides.
    private async Task RelayAsync(Socket client)
    {
        using (client)
        {
            try
            {
                if (await ConnectAsync().ConfigureAwait(false) is not { } server)
                {
                    client.Close(0); // nobody serves: the client sees a reset, as it would from the container
                    return;
                }

                using (server)
                {
                    client.NoDelay = server.NoDelay = true;
                    await Task.WhenAll(CopyAsync(client, server), CopyAsync(server, client)).ConfigureAwait(false);
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // One side has reset the connection, and so the other was reset.
            }
            finally
            {
                _slots.Release();
            }
        }
    }

    private async Task<Socket?> ConnectAsync()
    {
        var targets = _current()?.Targets ?? [];
        for (var attempt = 0; attempt < targets.Count; attempt++)
        {
            var target = IPEndPoint.Parse(targets[(int)(Interlocked.Increment(ref _next) % (uint)targets.Count)]);
            var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            using var timeout = new CancellationTokenSource(ConnectTimeout);
            try
            {
                await socket.ConnectAsync(target, timeout.Token).ConfigureAwait(false);
                return socket;
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                socket.Dispose(); // that replica does not answer: the next one is tried
            }
        }

        return null;
    }

    private static async Task CopyAsync(Socket from, Socket to)
    {
        try
        {
            var buffer = new byte[BufferBytes];
            int length;
            while ((length = await from.ReceiveAsync(buffer, SocketFlags.None).ConfigureAwait(false)) > 0)
            {
                for (var sent = 0; sent < length;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), SocketFlags.None).ConfigureAwait(false);
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            from.Close(0); // a reset is passed on, and ends the copy the other way
            to.Close(0);
            throw;
        }
    }
}
