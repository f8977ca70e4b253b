using System.Globalization;
using System.Text.Json.Nodes;

namespace Berth.Cli.Docker;

/// <summary>The networks that a container joins, and how. Docker Engine API, "EndpointSettings".</summary>
internal static class NetworkOptions
{
    /// <summary>Of <c>network connect</c>; <c>run</c> has them for its first network.</summary>
    internal static IReadOnlyList<Option> OfEndpoint { get; } =
    [
        Option.List("alias", "NAME", "One more name there"), Option.Value("ip", "ADDRESS", "Its address there"), Option.Value("ip6", "ADDRESS", "Its IPv6 address there"),
        Option.List("link-local-ip", "ADDRESS", "Link-local address"), Option.List("link", "CONTAINER[:NAME]", "Know another container by a name"),
        Option.List("driver-opt", "NAME=VALUE", "Option of the interface"), Option.Value("gw-priority", "NUMBER", "The network with the highest leads out (default 0)"),
    ];

    private static readonly string[] s_ofTheFirst = ["network-alias", "ip", "ip6", "link-local-ip", "mac-address"];

    /// <summary>What <c>network connect</c> asks for.</summary>
    internal static JsonObject Endpoint(ParsedLine line)
    {
        var endpoint = new JsonObject { ["Aliases"] = Json.Array(line.Values("alias")), ["GwPriority"] = line.Number("gw-priority") ?? 0 };
        if (line.Has("link"))
        {
            endpoint["Links"] = Json.Array(line.Values("link"));
        }

        if (line.Has("driver-opt"))
        {
            endpoint["DriverOpts"] = Pairs.Labels(line.Values("driver-opt"));
        }

        AskForAddresses(endpoint, line.Value("ip"), line.Value("ip6"), line.Values("link-local-ip"));
        return endpoint;
    }

    /// <summary>The first network, or what stands for one: <c>host</c>, <c>none</c>, <c>container:NAME</c>.</summary>
    internal static string Mode(ParsedLine line) => Asked(line) is [var first, ..] ? first.Name : "default";

    /// <summary>All networks that <c>run</c> asks for, with what it asks of each.</summary>
    internal static JsonObject Networking(ParsedLine line)
    {
        var asked = Asked(line);
        if (Array.TrueForAll(s_ofTheFirst, name => !line.Has(name)) && asked is [] or [(_, null)])
        {
            return [];
        }

        if (asked.Count == 0)
        {
            asked.Add((line.Has("network-alias") || line.Has("ip") || line.Has("ip6") ? throw new UsageException("--network-alias, --ip and --ip6 need --network") : "bridge", null));
        }

        asked[0] = (asked[0].Name, First(asked[0].Endpoint, line));
        var endpoints = new JsonObject();
        foreach (var (name, endpoint) in asked)
        {
            if (!endpoints.TryAdd(name, endpoint ?? []))
            {
                throw new UsageException($"network \"{name}\" is specified multiple times");
            }
        }

        return new() { ["EndpointsConfig"] = endpoints };
    }

    private static List<(string Name, JsonObject? Endpoint)> Asked(ParsedLine line) =>
        [.. line.Values("network").Concat(line.Values("net")).Select(text => text.Contains('=', StringComparison.Ordinal) ? Long(text) : (text, null))];

    private static JsonObject First(JsonObject? long_, ParsedLine line)
    {
        var endpoint = long_ ?? [];
        if (long_ is not null && s_ofTheFirst.FirstOrDefault(line.Has) is { } option)
        {
            throw new UsageException($"conflicting options: cannot specify both --{option} and per-network options");
        }

        if (long_ is null)
        {
            endpoint["Aliases"] = Json.Array(line.Values("network-alias"));
            AskForAddresses(endpoint, line.Value("ip"), line.Value("ip6"), line.Values("link-local-ip"));
            if (line.Value("mac-address") is { } address)
            {
                endpoint["MacAddress"] = address;
            }
        }

        return endpoint;
    }

    // name=front,alias=web,ip=10.0.0.9,driver-opt=KEY=VALUE
    private static (string Name, JsonObject? Endpoint) Long(string text)
    {
        string? name = null, ip = null, ip6 = null;
        var linkLocal = new List<string>();
        var aliases = new List<string>();
        var driver = new List<string>();
        var endpoint = new JsonObject();
        foreach (var field in Pairs.CommaFields(text))
        {
            var parts = field.Split('=', 2);
            var value = parts.Length == 2 ? parts[1] : throw new UsageException($"invalid field {field} in --network {text}: write KEY=VALUE");
            switch (parts[0].Trim().ToLowerInvariant())
            {
                case "name":
                    name = value;
                    break;
                case "alias":
                    aliases.Add(value);
                    break;
                case "ip":
                    ip = value;
                    break;
                case "ip6":
                    ip6 = value;
                    break;
                case "mac-address":
                    endpoint["MacAddress"] = value;
                    break;
                case "link-local-ip":
                    linkLocal.Add(value);
                    break;
                case "driver-opt":
                    driver.Add(value);
                    break;
                case "gw-priority":
                    endpoint["GwPriority"] = int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var priority) ? priority
                        : throw new UsageException($"invalid gw-priority: '{value}' is not a whole number");
                    break;
                default:
                    throw new UsageException($"invalid field key {parts[0]} in --network {text}: there are name, alias, ip, ip6, mac-address, link-local-ip, driver-opt and gw-priority");
            }
        }

        endpoint["Aliases"] = Json.Array(aliases);
        if (driver.Count > 0)
        {
            endpoint["DriverOpts"] = Pairs.Labels(driver);
        }

        AskForAddresses(endpoint, ip, ip6, linkLocal);
        return (name ?? throw new UsageException($"--network {text}: network name missing, write name=NETWORK"), endpoint);
    }

    private static void AskForAddresses(JsonObject endpoint, string? ip, string? ip6, IReadOnlyList<string> linkLocal)
    {
        var asked = new JsonObject();
        if (ip is not null)
        {
            asked["IPv4Address"] = ip;
        }

        if (ip6 is not null)
        {
            asked["IPv6Address"] = ip6;
        }

        if (linkLocal.Count > 0)
        {
            asked["LinkLocalIPs"] = Json.Array(linkLocal);
        }

        if (asked.Count > 0)
        {
            endpoint["IPAMConfig"] = asked;
        }
    }
}
