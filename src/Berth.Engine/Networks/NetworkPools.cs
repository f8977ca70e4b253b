using System.Net;
using System.Net.Sockets;
using Berth.Engine.Errors;

namespace Berth.Engine.Networks;

/// <summary>An address range as it is asked for. Docker Engine API, "IPAMConfig".</summary>
public sealed record PoolConfig
{
    /// <summary>CIDR notation, IPv4 or IPv6. Null or empty: nothing is asked.</summary>
    public string? Subnet { get; init; }

    public string? Gateway { get; init; }

    public string? IpRange { get; init; }

    /// <summary>Addresses that are given to nobody, by a name that says why.</summary>
    public IReadOnlyDictionary<string, string> AuxAddresses { get; init; } = new Dictionary<string, string>();
}

/// <summary>A network's addresses of one family, as they are remembered: checked, and written in one way only.</summary>
public sealed record PoolRecord
{
    public required string Subnet { get; init; }

    public required string Gateway { get; init; }

    /// <summary>Part of the subnet from which addresses are given out; empty for all of it.</summary>
    public string IpRange { get; set; } = "";

    /// <inheritdoc cref="PoolConfig.AuxAddresses"/>
    public SortedDictionary<string, string> AuxAddresses { get; set; } = [];

    internal IPNetwork SubnetRange => IPNetwork.Parse(Subnet);

    internal IPNetwork GivenOut => IPNetwork.Parse(IpRange.Length > 0 ? IpRange : Subnet);

    internal int PrefixLength => SubnetRange.PrefixLength;
}

/// <summary>From the ranges that were asked for to those that will be remembered. Pure.</summary>
internal static class NetworkPools
{
    /// <summary>The ranges of each family; null for one that is not asked for.</summary>
    /// <exception cref="BerthException">Every mistake at once, in Docker's words.</exception>
    internal static (PoolRecord? Ipv4, PoolRecord? Ipv6) Check(IEnumerable<PoolConfig> asked)
    {
        var mistakes = new List<string>();
        var pools = asked.Where(pool => !IsEmpty(pool)).Select(pool => Check(pool, mistakes)).ToList();
        if (mistakes.Count > 0)
        {
            throw BerthException.Invalid("invalid network config:\n" + Joined(mistakes));
        }

        return (Only(pools, AddressFamily.InterNetwork, "IPv4"), Only(pools, AddressFamily.InterNetworkV6, "IPv6"));
    }

    /// <summary>A range of which nothing but the subnet is decided: the gateway has its first address.</summary>
    internal static PoolRecord Of(IPNetwork subnet) => new() { Subnet = subnet.ToString(), Gateway = AddressSpace.First(subnet).ToString() };

    /// <summary>An address in the one way in which it is remembered; null when it is none, or of another family.</summary>
    internal static IPAddress? ParseAddress(string? text, AddressFamily family) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == family && !text.Contains('%', StringComparison.Ordinal) ? address : null;

    /// <summary>Several mistakes as Docker lists them.</summary>
    internal static string Joined(IReadOnlyList<string> mistakes) => mistakes.Count == 1 ? mistakes[0] : string.Join('\n', mistakes.Select(mistake => "* " + mistake));

    private static bool IsEmpty(PoolConfig pool) =>
        pool is { Subnet: null or "", Gateway: null or "", IpRange: null or "", AuxAddresses.Count: 0 };

    private static PoolRecord? Check(PoolConfig pool, List<string> mistakes)
    {
        if (ParseRange(pool.Subnet, "subnet", mistakes) is not { } subnet)
        {
            return null;
        }

        var range = pool.IpRange is { Length: > 0 } ? ParseRange(pool.IpRange, "ip-range", mistakes) : null;
        if (range is { } larger && larger.PrefixLength < subnet.PrefixLength)
        {
            mistakes.Add($"invalid ip-range {larger}: CIDR block is bigger than its parent subnet {subnet}");
        }

        if (range is { } part && !subnet.Contains(part.BaseAddress))
        {
            mistakes.Add($"invalid ip-range {part}: parent subnet {subnet} doesn't contain ip-range");
        }

        var gateway = pool.Gateway is { Length: > 0 } ? Inside(subnet, pool.Gateway, "gateway", mistakes) : AddressSpace.First(subnet);
        var aux = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, text) in pool.AuxAddresses)
        {
            if (Inside(subnet, text, "auxiliary address", mistakes, name) is { } address)
            {
                aux[name] = address.ToString();
                if (address.Equals(gateway))
                {
                    mistakes.Add($"invalid auxiliary address {address}: it is the gateway's");
                }
            }
        }

        return gateway is null ? null : new() { Subnet = subnet.ToString(), Gateway = gateway.ToString(), IpRange = range?.ToString() ?? "", AuxAddresses = aux };
    }

    private static IPNetwork? ParseRange(string? text, string what, List<string> mistakes)
    {
        var parts = (text ?? "").Split('/');
        var address = parts.Length == 2 ? ParseAddress(parts[0], AddressFamily.InterNetwork) ?? ParseAddress(parts[0], AddressFamily.InterNetworkV6) : null;
        if (address is null || !int.TryParse(parts[1], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var length)
            || length < 1 || length > AddressSpace.Bits(address))
        {
            mistakes.Add($"invalid {what} {text}: invalid CIDR block notation");
            return null;
        }

        var range = AddressSpace.NetworkOf(address, length);
        if (!range.BaseAddress.Equals(address))
        {
            mistakes.Add($"invalid {what} {text}: it should be {range}");
            return null;
        }

        return range;
    }

    private static IPAddress? Inside(IPNetwork subnet, string text, string what, List<string> mistakes, string? name = null)
    {
        var shown = name ?? text;
        var address = ParseAddress(text, AddressFamily.InterNetwork) ?? ParseAddress(text, AddressFamily.InterNetworkV6);
        if (address is null)
        {
            mistakes.Add($"invalid {what} {shown}: invalid address{(name is null ? "" : $" {text}")}");
        }
        else if (address.AddressFamily != subnet.BaseAddress.AddressFamily)
        {
            mistakes.Add($"invalid {what} {shown}: parent subnet is an {(subnet.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? "IPv4" : "IPv6")} block");
        }
        else if (!subnet.Contains(address))
        {
            mistakes.Add($"invalid {what} {shown}: parent subnet {subnet} doesn't contain this address");
        }
        else
        {
            return address;
        }

        return null;
    }

    private static PoolRecord? Only(List<PoolRecord?> pools, AddressFamily family, string name)
    {
        var found = pools.OfType<PoolRecord>().Where(pool => pool.SubnetRange.BaseAddress.AddressFamily == family).ToList();
        return found.Count > 1 ? throw BerthException.Invalid($"bridge driver doesn't support multiple {name} subnets") : found.FirstOrDefault();
    }
}
