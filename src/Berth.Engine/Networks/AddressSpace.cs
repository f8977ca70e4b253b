using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Berth.Engine.Networks;

/// <summary>Arithmetic of addresses, IPv4 and IPv6: which subnet, which address is free. Pure.</summary>
internal static class AddressSpace
{
    internal static UInt128 ToNumber(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        return bytes.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    internal static IPAddress ToAddress(UInt128 number, AddressFamily family)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(family == AddressFamily.InterNetwork ? bytes[12..] : bytes);
    }

    /// <summary>Bits of an address of that family.</summary>
    internal static int Bits(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;

    /// <summary>The subnet that an address is in, by the length of its prefix.</summary>
    internal static IPNetwork NetworkOf(IPAddress address, int prefixLength) =>
        new(ToAddress(ToNumber(address) & ~HostMask(address, prefixLength), address.AddressFamily), prefixLength);

    /// <summary>The first address that a host may have.</summary>
    internal static IPAddress First(IPNetwork subnet) => ToAddress(HostBounds(subnet).First, subnet.BaseAddress.AddressFamily);

    internal static bool Overlap(IPNetwork a, IPNetwork b) => a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress);

    /// <summary>The first subnet of the pools that overlaps none of those taken; null when all are.</summary>
    internal static IPNetwork? FreeSubnet(IEnumerable<AddressPool> pools, IReadOnlyCollection<IPNetwork> taken)
    {
        foreach (var pool in pools)
        {
            var range = IPNetwork.Parse(pool.Base);
            var step = HostMask(range.BaseAddress, pool.Size);
            var last = ToNumber(range.BaseAddress) | HostMask(range.BaseAddress, range.PrefixLength);
            for (var start = ToNumber(range.BaseAddress); start <= last && last - start >= step; start += step + 1)
            {
                var candidate = new IPNetwork(ToAddress(start, range.BaseAddress.AddressFamily), pool.Size);
                if (!taken.Any(other => Overlap(candidate, other)))
                {
                    return candidate;
                }
            }
        }

        return null;
    }

    /// <summary>The lowest free host address of the range (network, broadcast and gateway are never free); null when there is none.</summary>
    internal static IPAddress? FreeAddress(IPNetwork subnet, IPNetwork range, IReadOnlySet<string> used)
    {
        var (first, last) = HostBounds(subnet);
        var start = UInt128.Max(first, ToNumber(range.BaseAddress));
        var end = UInt128.Min(last, ToNumber(range.BaseAddress) | HostMask(range.BaseAddress, range.PrefixLength));
        for (var number = start; number <= end; number++)
        {
            var address = ToAddress(number, subnet.BaseAddress.AddressFamily);
            if (!used.Contains(address.ToString()))
            {
                return address;
            }
        }

        return null;
    }

    /// <summary>As <see cref="FreeAddress"/>, from the top: service addresses grow down, container addresses up.</summary>
    internal static IPAddress? FreeAddressFromTop(IPNetwork subnet, IReadOnlySet<string> used)
    {
        var (first, last) = HostBounds(subnet);
        for (var number = last; number >= first; number--)
        {
            var address = ToAddress(number, subnet.BaseAddress.AddressFamily);
            if (!used.Contains(address.ToString()))
            {
                return address;
            }
        }

        return null;
    }

    // IPv6 has no broadcast address; its first one means every router. RFC 4291, 2.6.1.
    private static (UInt128 First, UInt128 Last) HostBounds(IPNetwork subnet)
    {
        var start = ToNumber(subnet.BaseAddress);
        var end = start | HostMask(subnet.BaseAddress, subnet.PrefixLength);
        return (start + 1, subnet.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? end - 1 : end);
    }

    private static UInt128 HostMask(IPAddress family, int prefixLength)
    {
        var bits = Bits(family) - prefixLength;
        return bits == 128 ? UInt128.MaxValue : (UInt128.One << bits) - 1;
    }
}
