using System.Net.Sockets;
using Berth.Linux.Files;

namespace Berth.Engine.Containers.Attach;

/// <summary>conmon's attach socket: seqpacket; each packet's first byte tells the stream (2 stdout, 3 stderr), the rest is data.</summary>
internal static class AttachSocket
{
    /// <summary>Longest packet conmon sends: one byte and 8 KiB.</summary>
    internal const int PacketBytes = 8193;

    /// <summary>Connects to the socket of the session in that directory.</summary>
    internal static Socket Connect(string directory)
    {
        // A unix socket's path may have 108 bytes; through the directory's descriptor it is short however deep the data root is.
        using var handle = DirectoryHandle.Open(directory);
        var socket = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint($"/proc/self/fd/{handle.DangerousGetHandle()}/attach"));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
