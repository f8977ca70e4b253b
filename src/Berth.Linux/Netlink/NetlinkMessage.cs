using System.Buffers.Binary;
using System.Text;

namespace Berth.Linux.Netlink;

/// <summary>Builds one netlink request: header, fixed part, attributes (nested ones too), each aligned to four bytes. netlink(7).</summary>
internal sealed class NetlinkMessage
{
    private readonly byte[] _buffer = new byte[1024];
    private int _length = 16;

    internal NetlinkMessage(ushort type, ushort flags)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(6), flags);
    }

    internal NetlinkMessage Fixed(ReadOnlySpan<byte> data)
    {
        data.CopyTo(_buffer.AsSpan(_length));
        _length += Align(data.Length);
        return this;
    }

    /// <summary>struct ifinfomsg, rtnetlink(7).</summary>
    internal NetlinkMessage LinkInfo(int index, uint flags = 0, uint change = 0)
    {
        Span<byte> data = stackalloc byte[16];
        data.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(data[4..], index);
        BinaryPrimitives.WriteUInt32LittleEndian(data[8..], flags);
        BinaryPrimitives.WriteUInt32LittleEndian(data[12..], change);
        return Fixed(data);
    }

    internal NetlinkMessage Attribute(ushort type, ReadOnlySpan<byte> data)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(_length), (ushort)(4 + data.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(_length + 2), type);
        data.CopyTo(_buffer.AsSpan(_length + 4));
        _length += Align(4 + data.Length);
        return this;
    }

    internal NetlinkMessage Attribute(ushort type, string text) => Attribute(type, Encoding.UTF8.GetBytes(text + "\0"));

    internal NetlinkMessage Attribute(ushort type, uint value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        return Attribute(type, data);
    }

    internal NetlinkMessage AttributeBigEndian(ushort type, uint value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(data, value);
        return Attribute(type, data);
    }

    internal NetlinkMessage AttributeBigEndian(ushort type, ushort value)
    {
        Span<byte> data = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(data, value);
        return Attribute(type, data);
    }

    internal NetlinkMessage Nested(ushort type, Action<NetlinkMessage> inside)
    {
        var start = _length;
        _length += 4;
        inside(this);
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(start), (ushort)(_length - start));
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(start + 2), type);
        return this;
    }

    internal ReadOnlySpan<byte> Complete(uint sequence)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_buffer, _length);
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(8), sequence);
        return _buffer.AsSpan(0, _length);
    }

    internal static int Align(int length) => (length + 3) & ~3;
}
