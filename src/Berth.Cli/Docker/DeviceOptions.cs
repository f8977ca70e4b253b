using System.Globalization;
using System.Text.Json.Nodes;

namespace Berth.Cli.Docker;

/// <summary>Devices that a driver chooses, or that are named in full: <c>--gpus</c>, and <c>--device</c> with a name. Docker Engine API, "DeviceRequest".</summary>
internal static class DeviceOptions
{
    /// <summary>A full name, <c>VENDOR/CLASS=NAME</c>, of a device that its vendor has described. Container Device Interface.</summary>
    internal static bool IsName(string text) => !text.StartsWith('/') && text.Contains('=', StringComparison.Ordinal);

    internal static JsonArray? Requests(ParsedLine line)
    {
        var names = line.Values("device").Where(IsName).ToList();
        JsonNode?[] requests =
        [
            .. line.Value("gpus") is { } gpus ? new[] { Gpus(gpus) } : [],
            .. names.Count > 0 ? new[] { new JsonObject { ["Driver"] = "cdi", ["DeviceIDs"] = Json.Array(names) } } : [],
        ];
        return requests.Length > 0 ? new JsonArray(requests) : null;
    }

    // A field alone is the count.
    private static JsonObject Gpus(string text)
    {
        var request = new JsonObject { ["Driver"] = "", ["Capabilities"] = new JsonArray(new JsonArray("gpu")), ["Options"] = new JsonObject() };
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in Pairs.CommaFields(text))
        {
            var (key, value) = field.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals ? (field[..equals], field[(equals + 1)..]) : ("count", field);
            if (!seen.Add(key))
            {
                throw new UsageException($"gpu request key '{key}' can be specified only once");
            }

            switch (key)
            {
                case "count":
                    request["Count"] = value == "all" ? -1 : int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count) ? count
                        : throw new UsageException($"invalid count ({value}): value must be either \"all\" or an integer");
                    break;
                case "device":
                    request["DeviceIDs"] = Json.Array(value.Split(','));
                    break;
                case "driver":
                    request["Driver"] = value;
                    break;
                case "capabilities":
                    request["Capabilities"] = new JsonArray(Json.Array([.. value.Split(','), "gpu"]));
                    break;
                case "options":
                    request["Options"] = Pairs.Labels(Pairs.CommaFields(value));
                    break;
                default:
                    throw new UsageException($"unexpected key '{key}' in '{field}'");
            }
        }

        if (!request.ContainsKey("Count") && !request.ContainsKey("DeviceIDs"))
        {
            request["Count"] = 1;
        }

        return request;
    }
}
