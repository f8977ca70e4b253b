using System.Net.Sockets;

namespace Berth.Edge.Names;

/// <summary>A name server's two sockets at 127.0.0.11, in its container's namespace.</summary>
internal sealed record NameSockets(Socket Udp, Socket Tcp) : IDisposable
{
    public void Dispose()
    {
        Udp.Dispose();
        Tcp.Dispose();
    }
}
