using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using Berth.Compose.Model;

namespace Berth.Compose.Output;

/// <summary>A fingerprint of what a container is made from: when it differs, the container is replaced.</summary>
public static class ServiceHash
{
    // What a running container does not depend on: changing it must not replace one.
    private static readonly string[] s_irrelevant = ["build", "pull_policy", "scale", "depends_on", "profiles", "attach", "develop", "x-berth"];

    /// <summary>Lower-case hex of a SHA-256. Stable over runs and machines; the image is told apart by its own digest.</summary>
    public static string Compute(ServiceModel service)
    {
        var tree = ModelTree.Of(service);
        foreach (var key in s_irrelevant)
        {
            tree.Remove(key);
        }

        if (tree.GetValueOrDefault("deploy") is SortedDictionary<string, object> deploy)
        {
            deploy.Remove("mode");
            deploy.Remove("placement");
            deploy.Remove("replicas");
            deploy.Remove("update_config");
            deploy.Remove("rollback_config");
        }

        return Hash(tree);
    }

    public static string Compute(NetworkModel network) => Hash(ModelTree.Of(network));

    public static string Compute(VolumeModel volume) => Hash(ModelTree.Of(volume));

    private static string Hash(SortedDictionary<string, object> tree)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            Write(writer, tree);
        }

        return Convert.ToHexStringLower(SHA256.HashData(buffer.WrittenSpan));
    }

    internal static void Write(Utf8JsonWriter writer, object value)
    {
        switch (value)
        {
            case SortedDictionary<string, object> map:
                writer.WriteStartObject();
                foreach (var (key, inner) in map)
                {
                    writer.WritePropertyName(key);
                    Write(writer, inner);
                }

                writer.WriteEndObject();
                break;
            case List<object> list:
                writer.WriteStartArray();
                list.ForEach(item => Write(writer, item));
                writer.WriteEndArray();
                break;
            case string text:
                writer.WriteStringValue(text);
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case long number:
                writer.WriteNumberValue(number);
                break;
            case decimal number:
                writer.WriteNumberValue(number);
                break;
            default:
                writer.WriteNullValue();
                break;
        }
    }
}
