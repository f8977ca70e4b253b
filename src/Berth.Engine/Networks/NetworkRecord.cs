using System.Net;

namespace Berth.Engine.Networks;

/// <summary>A network as it is remembered. Docker Engine API, "Network".</summary>
public sealed record NetworkRecord
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary><c>bridge</c>, <c>host</c> or <c>null</c> (the network called none).</summary>
    public required string Driver { get; init; }

    /// <summary>Address range in CIDR notation; empty for host and none.</summary>
    public string Subnet { get; init; } = "";

    public string Gateway { get; init; } = "";

    /// <summary>Part of the subnet from which addresses are given out; empty for all of it.</summary>
    public string IpRange { get; init; } = "";

    /// <summary>No way off this machine.</summary>
    public bool Internal { get; init; }

    public bool Attachable { get; init; }

    /// <summary>The bridge link's name.</summary>
    public string Bridge { get; init; } = "";

    /// <summary>Made by the engine itself: bridge, host, none.</summary>
    public bool IsPredefined { get; init; }

    public SortedDictionary<string, string> Labels { get; init; } = [];

    public SortedDictionary<string, string> Options { get; init; } = [];

    /// <summary>Virtual addresses by service key (<c>project/service</c>); kept for the network's life.</summary>
    public SortedDictionary<string, string> ServiceAddresses { get; init; } = [];

    public bool IsBridge => Driver == "bridge";

    /// <summary>Names are answered on every bridge but the predefined one, as in Docker.</summary>
    public bool HasNames => IsBridge && !IsPredefined;

    internal IPNetwork SubnetRange => IPNetwork.Parse(Subnet);
}

/// <summary>What is asked when a network is made.</summary>
public sealed record NetworkConfig
{
    public required string Name { get; init; }

    public string Driver { get; init; } = "bridge";

    public string? Subnet { get; init; }

    public string? Gateway { get; init; }

    public string? IpRange { get; init; }

    public bool Internal { get; init; }

    public bool Attachable { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
}
