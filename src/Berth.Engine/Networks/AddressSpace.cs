using System.Buffers.Binary;
using System.Net;

namespace Berth.Engine.Networks;

/// <summary>IPv4 arithmetic: which subnet, which address is free. Pure.</summary>
internal static class AddressSpace
{
    internal static uint ToNumber(IPAddress address) => BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());

    internal static IPAddress ToAddress(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes);
    }

    internal static bool Overlap(IPNetwork a, IPNetwork b) => a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress);

    /// <summary>The first subnet of the pools that overlaps none of those taken; null when all are.</summary>
    internal static IPNetwork? FreeSubnet(IEnumerable<AddressPool> pools, IReadOnlyCollection<IPNetwork> taken)
    {
        foreach (var pool in pools)
        {
            var range = IPNetwork.Parse(pool.Base);
            var step = 1UL << (32 - pool.Size);
            var end = ToNumber(range.BaseAddress) + (1UL << (32 - range.PrefixLength));
            for (ulong start = ToNumber(range.BaseAddress); start + step <= end; start += step)
            {
                var candidate = new IPNetwork(ToAddress((uint)start), pool.Size);
                if (!taken.Any(other => Overlap(candidate, other)))
                {
                    return candidate;
                }
            }
        }

        return null;
    }

    /// <summary>The lowest free host address of the range (network, broadcast and gateway are never free); null when there is none.</summary>
    internal static IPAddress? FreeAddress(IPNetwork subnet, IPNetwork range, IReadOnlySet<string> used) =>
        Hosts(subnet, range).Select(ToAddress).FirstOrDefault(address => !used.Contains(address.ToString()));

    /// <summary>As <see cref="FreeAddress"/>, from the top: service addresses grow down, container addresses up.</summary>
    internal static IPAddress? FreeAddressFromTop(IPNetwork subnet, IReadOnlySet<string> used)
    {
        var (first, last) = HostBounds(subnet);
        for (var number = last; number >= first; number--)
        {
            var address = ToAddress(number);
            if (!used.Contains(address.ToString()))
            {
                return address;
            }
        }

        return null;
    }

    private static IEnumerable<uint> Hosts(IPNetwork subnet, IPNetwork range)
    {
        var (first, last) = HostBounds(subnet);
        var start = Math.Max(first, ToNumber(range.BaseAddress));
        var end = Math.Min((ulong)last, ToNumber(range.BaseAddress) + (1UL << (32 - range.PrefixLength)) - 1);
        for (ulong number = start; number <= end; number++)
        {
            yield return (uint)number;
        }
    }

    private static (uint First, uint Last) HostBounds(IPNetwork subnet)
    {
        var start = ToNumber(subnet.BaseAddress);
        var size = 1UL << (32 - subnet.PrefixLength);
        return (start + 1, (uint)(start + size - 2));
    }
}
