using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Engine.Containers;
using Berth.Engine.Networks;
using Berth.Engine.Volumes;

namespace Berth.Engine;

/// <summary>Source-generated JSON of all that the engine stores.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(ContainerRecord))]
[JsonSerializable(typeof(EndpointRecord))]
[JsonSerializable(typeof(NetworkRecord))]
[JsonSerializable(typeof(VolumeRecord))]
internal sealed partial class EngineJson : JsonSerializerContext
{
    internal static byte[] Bytes(ContainerRecord record) => JsonSerializer.SerializeToUtf8Bytes(record, Default.ContainerRecord);

    internal static byte[] Bytes(EndpointRecord record) => JsonSerializer.SerializeToUtf8Bytes(record, Default.EndpointRecord);

    internal static byte[] Bytes(NetworkRecord record) => JsonSerializer.SerializeToUtf8Bytes(record, Default.NetworkRecord);

    internal static byte[] Bytes(VolumeRecord record) => JsonSerializer.SerializeToUtf8Bytes(record, Default.VolumeRecord);
}
