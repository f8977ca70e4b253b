using System.Text.Json.Serialization;

namespace Berth.Engine.Containers.Devices;

/// <summary>Devices that a driver chooses or that are named in full. Docker Engine API, "DeviceRequest".</summary>
public sealed record DeviceRequest
{
    /// <summary><c>cdi</c> for full names; <c>nvidia</c>, <c>amd</c>, <c>intel</c>, or empty for whichever there is.</summary>
    public string Driver { get; set; } = "";

    /// <summary>So many of them; -1 for all.</summary>
    public int Count { get; set; }

    [JsonPropertyName("DeviceIDs")]
    public IReadOnlyList<string>? DeviceIds { get; set; }

    /// <summary>Alternatives, each a list of what a device must be able to do.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? Capabilities { get; set; }

    public SortedDictionary<string, string>? Options { get; set; }
}
