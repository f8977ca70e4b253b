using System.Buffers.Binary;

namespace Berth.Linux.Netlink;

/// <summary>Reads a run of netlink attributes, one after another. netlink(7), struct nlattr.</summary>
internal ref struct NetlinkAttributes(ReadOnlySpan<byte> rest)
{
    private const ushort TypeMask = 0x3fff; // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
    private ReadOnlySpan<byte> _rest = rest;

    internal ushort Type { get; private set; }

    internal ReadOnlySpan<byte> Data { get; private set; }

    /// <summary>Goes to the next attribute; false when there is none, or none that is whole.</summary>
    internal bool Next()
    {
        if (_rest.Length < 4)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt16LittleEndian(_rest);
        if (length < 4 || length > _rest.Length)
        {
            return false;
        }

        Type = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(_rest[2..]) & TypeMask);
        Data = _rest[4..length];
        _rest = _rest[Math.Min(NetlinkMessage.Align(length), _rest.Length)..];
        return true;
    }

    /// <summary>The data of the first attribute of that type; empty when there is none.</summary>
    internal static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> attributes, ushort type)
    {
        var reader = new NetlinkAttributes(attributes);
        while (reader.Next())
        {
            if (reader.Type == type)
            {
                return reader.Data;
            }
        }

        return [];
    }
}
