using System.Text.Json.Serialization;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Exec;

namespace Berth.Api;

/// <summary>The body of <c>POST /containers/create</c>: a container's config with the host's and the networks' beside it.</summary>
internal sealed record CreateContainerRequest
{
    public HostConfig? HostConfig { get; set; }

    public NetworkingConfig? NetworkingConfig { get; set; }
}

/// <summary>The body of <c>POST /containers/{id}/update</c>: resources as in <see cref="HostConfig"/>, and this beside them.</summary>
internal sealed record UpdateContainerRequest
{
    public RestartPolicy? RestartPolicy { get; set; }
}

internal sealed record CreateNetworkRequest
{
    public string Name { get; set; } = "";

    public string Driver { get; set; } = "bridge";

    public string? Scope { get; set; }

    public bool Internal { get; set; }

    public bool Attachable { get; set; }

    public bool Ingress { get; set; }

    public bool ConfigOnly { get; set; }

    public ConfigReference? ConfigFrom { get; set; }

    public bool? EnableIPv6 { get; set; }

    public bool? EnableIPv4 { get; set; }

    public bool CheckDuplicate { get; set; }

    [JsonPropertyName("IPAM")]
    public IpamRequest? Ipam { get; set; }

    public Dictionary<string, string>? Options { get; set; }

    public Dictionary<string, string>? Labels { get; set; }
}

internal sealed record ConfigReference
{
    public string Network { get; set; } = "";
}

internal sealed record IpamRequest
{
    public string? Driver { get; set; }

    public List<IpamPool>? Config { get; set; }

    public Dictionary<string, string>? Options { get; set; }
}

internal sealed record IpamPool
{
    public string? Subnet { get; set; }

    [JsonPropertyName("IPRange")]
    public string? IpRange { get; set; }

    public string? Gateway { get; set; }

    public Dictionary<string, string>? AuxiliaryAddresses { get; set; }
}

internal sealed record ConnectRequest
{
    public string Container { get; set; } = "";

    public EndpointConfig? EndpointConfig { get; set; }

    public bool Force { get; set; }
}

internal sealed record CreateVolumeRequest
{
    public string? Name { get; set; }

    public string Driver { get; set; } = "local";

    public Dictionary<string, string>? DriverOpts { get; set; }

    public Dictionary<string, string>? Labels { get; set; }

    public System.Text.Json.JsonElement? ClusterVolumeSpec { get; set; }
}

internal sealed record ExecStartRequest
{
    public bool Detach { get; set; }

    public bool Tty { get; set; }

    public List<int>? ConsoleSize { get; set; }
}

/// <summary>Source-generated JSON of request bodies, and of the configs that inspect gives back. Names in any case, as Go reads them.</summary>
[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true)]
[JsonSerializable(typeof(ContainerConfig))]
[JsonSerializable(typeof(HostConfig))]
[JsonSerializable(typeof(EndpointConfig))]
[JsonSerializable(typeof(CreateContainerRequest))]
[JsonSerializable(typeof(UpdateContainerRequest))]
[JsonSerializable(typeof(CreateNetworkRequest))]
[JsonSerializable(typeof(ConnectRequest))]
[JsonSerializable(typeof(CreateVolumeRequest))]
[JsonSerializable(typeof(ExecConfig))]
[JsonSerializable(typeof(ExecStartRequest))]
internal sealed partial class ApiJson : JsonSerializerContext;
