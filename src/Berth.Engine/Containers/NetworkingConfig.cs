using System.Text.Json.Serialization;

namespace Berth.Engine.Containers;

/// <summary>The networks that a new container joins, by name or id.</summary>
public sealed record NetworkingConfig
{
    public Dictionary<string, EndpointConfig?>? EndpointsConfig { get; set; }
}

/// <summary>What was asked of one endpoint. Docker Engine API, "EndpointSettings".</summary>
public sealed record EndpointConfig
{
    [JsonPropertyName("IPAMConfig")]
    public EndpointIpamConfig? IpamConfig { get; set; }

    public IReadOnlyList<string>? Links { get; set; }

    public IReadOnlyList<string>? Aliases { get; set; }

    public string MacAddress { get; set; } = "";

    public Dictionary<string, string>? DriverOpts { get; set; }

    public int GwPriority { get; set; }
}

public sealed record EndpointIpamConfig
{
    public string? IPv4Address { get; set; }

    public string? IPv6Address { get; set; }

    public IReadOnlyList<string>? LinkLocalIPs { get; set; }
}
