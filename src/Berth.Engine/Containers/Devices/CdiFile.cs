using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Engine.Containers.Devices;

/// <summary>One file that a vendor of devices puts on the machine. Container Device Interface 1.1, SPEC.md, "CDI JSON Specification".</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record CdiFile
{
    public string CdiVersion { get; set; } = "";

    /// <summary><c>VENDOR/CLASS</c>, such as <c>nvidia.com/gpu</c>.</summary>
    public string Kind { get; set; } = "";

    public IReadOnlyDictionary<string, string>? Annotations { get; set; }

    public IReadOnlyList<CdiDevice>? Devices { get; set; }

    /// <summary>What a container gets that has any of the devices.</summary>
    public CdiEdits? ContainerEdits { get; set; }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record CdiDevice
{
    public string Name { get; set; } = "";

    public IReadOnlyDictionary<string, string>? Annotations { get; set; }

    public CdiEdits? ContainerEdits { get; set; }
}

/// <summary>What changes in the OCI spec of a container. SPEC.md, "OCI Edits".</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record CdiEdits
{
    /// <summary><c>NAME=VALUE</c>.</summary>
    public IReadOnlyList<string>? Env { get; set; }

    public IReadOnlyList<CdiDeviceNode>? DeviceNodes { get; set; }

    public IReadOnlyList<CdiMount>? Mounts { get; set; }

    public IReadOnlyList<CdiHook>? Hooks { get; set; }

    public IReadOnlyList<uint>? AdditionalGids { get; set; }

    /// <summary>Known, and refused to containers that want it.</summary>
    public JsonElement? IntelRdt { get; set; }

    /// <summary>Known, and refused to containers that want it.</summary>
    public JsonElement? NetDevices { get; set; }

    internal bool IsEmpty => Env is not { Count: > 0 } && DeviceNodes is not { Count: > 0 } && Mounts is not { Count: > 0 } && Hooks is not { Count: > 0 }
        && AdditionalGids is not { Count: > 0 } && IntelRdt is null && NetDevices is null;
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record CdiDeviceNode
{
    /// <summary>In the container.</summary>
    public string Path { get; set; } = "";

    /// <summary>On the host; null for the same.</summary>
    public string? HostPath { get; set; }

    /// <summary><c>b</c>, <c>c</c>, <c>u</c> or <c>p</c>; null for that of the node on the host.</summary>
    public string? Type { get; set; }

    /// <summary>Zero for that of the node on the host.</summary>
    public uint Major { get; set; }

    public uint Minor { get; set; }

    public uint? FileMode { get; set; }

    /// <summary>Some of <c>r</c>, <c>w</c> and <c>m</c>; null for all.</summary>
    public string? Permissions { get; set; }

    public uint? Uid { get; set; }

    public uint? Gid { get; set; }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record CdiMount
{
    public string HostPath { get; set; } = "";

    public string ContainerPath { get; set; } = "";

    public IReadOnlyList<string>? Options { get; set; }

    public string? Type { get; set; }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record CdiHook
{
    /// <summary>When: one of the names of the OCI Runtime Spec, "POSIX-platform Hooks".</summary>
    public string HookName { get; set; } = "";

    public string Path { get; set; } = "";

    public IReadOnlyList<string>? Args { get; set; }

    public IReadOnlyList<string>? Env { get; set; }

    /// <summary>Seconds.</summary>
    public int? Timeout { get; set; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NumberHandling = JsonNumberHandling.AllowReadingFromString, RespectNullableAnnotations = true, MaxDepth = 64)]
[JsonSerializable(typeof(CdiFile))]
internal sealed partial class CdiJson : JsonSerializerContext;
