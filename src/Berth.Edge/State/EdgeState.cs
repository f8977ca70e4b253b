using System.Text.Json.Serialization;

namespace Berth.Edge.State;

/// <summary>
/// All that the data plane needs to serve: one file that the daemon replaces atomically. This source file is compiled into
/// both programs, so that they cannot disagree.
/// </summary>
public sealed record EdgeState
{
    /// <summary>Where names that no container has are asked, as <c>ADDRESS</c> or <c>ADDRESS:PORT</c>.</summary>
    public IReadOnlyList<string> Upstreams { get; init; } = [];

    /// <summary>Network id → lower-case name → addresses.</summary>
    public Dictionary<string, Dictionary<string, IReadOnlyList<string>>> Networks { get; init; } = [];

    public IReadOnlyList<EdgeNamespace> Namespaces { get; init; } = [];

    public IReadOnlyList<EdgePort> Ports { get; init; } = [];
}

/// <summary>One container's network namespace, and what names mean inside it.</summary>
public sealed record EdgeNamespace
{
    public required string Id { get; init; }

    /// <summary>The file that the namespace is bound to.</summary>
    public required string Path { get; init; }

    /// <summary>UDP and TCP port at 127.0.0.11 inside it.</summary>
    public required int Port { get; init; }

    /// <summary>The networks whose names it sees.</summary>
    public required IReadOnlyList<string> Networks { get; init; }

    /// <summary>Names that mean something else to this container than to its neighbours: its own services.</summary>
    public Dictionary<string, IReadOnlyList<string>> OwnNames { get; init; } = [];

    /// <summary>Servers asked instead of <see cref="EdgeState.Upstreams"/>; empty for those.</summary>
    public IReadOnlyList<string> Upstreams { get; init; } = [];
}

/// <summary>A published TCP port to hold, and to relay where nftables cannot (::1).</summary>
public sealed record EdgePort
{
    /// <summary>Empty for every address of the host.</summary>
    public required string HostIp { get; init; }

    public required int Port { get; init; }

    /// <summary><c>ADDRESS:PORT</c>, or <c>[ADDRESS]:PORT</c> for IPv6, of those who answer now.</summary>
    public required IReadOnlyList<string> Targets { get; init; }
}

/// <summary>Source-generated JSON of the state file.</summary>
[JsonSerializable(typeof(EdgeState))]
public sealed partial class EdgeJson : JsonSerializerContext;
