using System.Net;
using System.Text.Json.Serialization;

namespace Berth.Engine.Networks;

/// <summary>A network as it is remembered. Docker Engine API, "Network".</summary>
public sealed record NetworkRecord
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary><c>bridge</c>, <c>host</c> or <c>null</c> (the network called none).</summary>
    public required string Driver { get; init; }

    /// <summary>IPv4 address range in CIDR notation; empty for host, none and networks of IPv6 alone.</summary>
    public string Subnet { get; init; } = "";

    public string Gateway { get; init; } = "";

    /// <summary>Part of the subnet from which addresses are given out; empty for all of it.</summary>
    public string IpRange { get; init; } = "";

    /// <summary>IPv4 addresses that are given to nobody, by a name that says why.</summary>
    /// <remarks>Set, not init, as all that came later: what an older state does not have would be null.</remarks>
    public SortedDictionary<string, string> AuxAddresses { get; set; } = [];

    /// <summary>Its IPv6 addresses; null without.</summary>
    public PoolRecord? Ipv6 { get; set; }

    /// <summary>No way off this machine.</summary>
    public bool Internal { get; init; }

    public bool Attachable { get; init; }

    /// <summary>The bridge link's name.</summary>
    public string Bridge { get; init; } = "";

    /// <summary>The bridge was there before the network, and stays when that goes.</summary>
    public bool KeepsBridge { get; set; }

    /// <summary>Made by the engine itself: bridge, host, none.</summary>
    public bool IsPredefined { get; init; }

    public SortedDictionary<string, string> Labels { get; init; } = [];

    public SortedDictionary<string, string> Options { get; init; } = [];

    /// <summary>Virtual addresses by service key (<c>project/service</c>); kept for the network's life.</summary>
    public SortedDictionary<string, string> ServiceAddresses { get; init; } = [];

    public bool IsBridge => Driver == "bridge";

    /// <summary>Names are answered on every bridge but the predefined one, as in Docker.</summary>
    public bool HasNames => IsBridge && !IsPredefined;

    /// <summary>Its IPv4 addresses; null without.</summary>
    [JsonIgnore]
    public PoolRecord? Ipv4 => Subnet.Length > 0 ? new() { Subnet = Subnet, Gateway = Gateway, IpRange = IpRange, AuxAddresses = AuxAddresses } : null;

    /// <summary>Its addresses of each family, IPv4 first.</summary>
    [JsonIgnore]
    public IReadOnlyList<PoolRecord> Pools => [.. new[] { Ipv4, Ipv6 }.OfType<PoolRecord>()];

    internal BridgeSettings Settings => BridgeSettings.Of(Options);

    /// <summary>The addresses that this host has on the bridge.</summary>
    internal IEnumerable<(IPAddress Address, int PrefixLength)> BridgeAddresses()
    {
        var settings = Settings;
        if (Ipv4 is { } ipv4 && settings is { InhibitsIpv4: false, Ipv4Mode: not GatewayMode.Isolated })
        {
            yield return (IPAddress.Parse(ipv4.Gateway), ipv4.PrefixLength);
        }

        if (Ipv6 is { } ipv6 && settings.Ipv6Mode != GatewayMode.Isolated)
        {
            yield return (IPAddress.Parse(ipv6.Gateway), ipv6.PrefixLength);
        }
    }
}

/// <summary>What is asked when a network is made.</summary>
public sealed record NetworkConfig
{
    public required string Name { get; init; }

    public string Driver { get; init; } = "bridge";

    /// <summary>The ranges that are asked for, one of a family at most; a family that is enabled without one gets a free range.</summary>
    public IReadOnlyList<PoolConfig> Pools { get; init; } = [];

    public bool EnableIpv4 { get; init; } = true;

    public bool EnableIpv6 { get; init; }

    public bool Internal { get; init; }

    public bool Attachable { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
}
