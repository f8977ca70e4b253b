using System.Buffers.Binary;

namespace Berth.Linux.Netlink;

/// <summary>What has happened on a TCP connection, as the kernel remembers it. linux/tcp.h, struct tcp_info.</summary>
/// <param name="IsEstablished">Neither side has said that it is done.</param>
/// <param name="UnreadBytes">Received, and not yet read by the program.</param>
/// <param name="UnsentBytes">Written by the program, and not yet confirmed by the other side.</param>
/// <param name="SinceSent">Since the program last sent data; since the connection was made where it never did. In the kernel's ticks of 1 to 10 ms.</param>
/// <param name="SinceReceived">Since data last came, likewise.</param>
/// <param name="SinceConfirmed">Since the other side last sent anything at all: data, or that it has some. Likewise.</param>
/// <param name="ReceivedBytes">In the connection's whole life.</param>
/// <param name="SentBytes">And confirmed by the other side, in the connection's whole life.</param>
public readonly record struct TcpActivity(
    bool IsEstablished, int UnreadBytes, int UnsentBytes, TimeSpan SinceSent, TimeSpan SinceReceived, TimeSpan SinceConfirmed, ulong ReceivedBytes, ulong SentBytes)
{
    /// <summary>As much of the struct as is read here; kernels append to it.</summary>
    internal const int InfoBytes = 136;
    private const byte TCP_ESTABLISHED = 1;

    internal static TcpActivity Parse(ReadOnlySpan<byte> info, int unreadBytes, int unsentBytes) => new(
        info[0] == TCP_ESTABLISHED,
        unreadBytes,
        unsentBytes,
        TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32LittleEndian(info[44..])),
        TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32LittleEndian(info[52..])),
        TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32LittleEndian(info[56..])),
        BinaryPrimitives.ReadUInt64LittleEndian(info[128..]),
        BinaryPrimitives.ReadUInt64LittleEndian(info[120..]));
}
