using System.Text.Json.Serialization;

namespace Berth.Edge.Succession;

/// <summary>What a data plane leaves to its successor: whose descriptors they are, and which of them is what.</summary>
internal sealed record Estate
{
    public required int Pid { get; init; }

    public IReadOnlyList<PortLegacy> Ports { get; init; } = [];

    public IReadOnlyList<NameLegacy> Names { get; init; } = [];
}

/// <summary>The listening socket of a published port.</summary>
internal sealed record PortLegacy(string HostIp, int Port, int Descriptor);

/// <summary>The two sockets of a namespace's name server.</summary>
internal sealed record NameLegacy(string Id, int Udp, int Tcp);

/// <summary>Source-generated JSON of an estate.</summary>
[JsonSerializable(typeof(Estate))]
internal sealed partial class EstateJson : JsonSerializerContext;
