using System.Net;
using System.Text.Json.Nodes;
using Berth.Cli.Output;
using Berth.Client;

namespace Berth.Cli.Docker;

/// <summary>Verbs on networks and volumes.</summary>
internal static class ResourceVerbs
{
    internal static Verb? Network(string verb) => verb switch
    {
        "ls" or "list" => new("ls", "[OPTIONS]", "Lists networks.", "berth network ls", [DockerVerbs.Quiet, DockerVerbs.NoTrunc, DockerVerbs.Filter, DockerVerbs.Format], async (context, line) =>
        {
            var rows = await context.Client.RequestAsync("GET", $"/networks?filters={DockerVerbs.Filters(line.Values("filter"))}").ConfigureAwait(false);
            string Id(JsonNode one) => line.Flag("no-trunc") ? one.Text("Id") : HumanText.ShortId(one.Text("Id"));
            Listing.Write(
                context, line, [.. rows.Items().OrderBy(one => one.Text("Name"), StringComparer.Ordinal)], Id,
                [("NETWORK ID", "ID", Id), ("NAME", "Name", one => one.Text("Name")), ("DRIVER", "Driver", one => one.Text("Driver")), ("SCOPE", "Scope", one => one.Text("Scope"))],
                [("Internal", one => one.Text("Internal"))]);
            return 0;
        }),
        "create" => new(
            "create", "[OPTIONS] NETWORK", "Makes a network.", "berth network create --subnet 10.9.0.0/24 back",
            [
                Option.Value("driver", 'd', "DRIVER", "bridge"), Option.List("subnet", "CIDR", "Its addresses, one range of a family"), Option.List("gateway", "ADDRESS", "The host's address in it"),
                Option.List("ip-range", "CIDR", "Addresses for containers"), Option.List("aux-address", "NAME=ADDRESS", "An address to keep free"), Option.Flag("ipv6", "With IPv6 addresses"), Option.Flag("ipv4", "With IPv4 addresses (default true)"), Option.Flag("internal", "No way off this machine"), Option.Flag("attachable", "As in Docker; no effect on one machine"),
                Option.List("label", "NAME=VALUE", "Label"), Option.List("opt", 'o', "NAME=VALUE", "Option of the driver"), Option.Value("ipam-driver", "DRIVER", "default"), Option.List("ipam-opt", "NAME=VALUE", "Option of that driver"),
            ],
            async (context, line) =>
            {
                var addresses = new JsonObject { ["Driver"] = line.Value("ipam-driver") ?? "default", ["Config"] = Pools(line) };
                if (line.Has("ipam-opt"))
                {
                    addresses["Options"] = Pairs.Labels(line.Values("ipam-opt"));
                }

                var made = await context.Client.RequestAsync("POST", "/networks/create", new JsonObject
                {
                    ["Name"] = DockerVerbs.Exactly(line, "network create", 1)[0], ["Driver"] = line.Value("driver") ?? "bridge", ["Internal"] = line.Flag("internal"), ["Attachable"] = line.Flag("attachable"),
                    ["Labels"] = Pairs.Labels(line.Values("label")), ["Options"] = Pairs.Labels(line.Values("opt")), ["EnableIPv4"] = line.IsOn("ipv4"), ["EnableIPv6"] = line.Flag("ipv6"), ["IPAM"] = addresses,
                }).ConfigureAwait(false);
                context.Output.WriteLine(made.Text("Id"));
                return 0;
            }),
        "rm" or "remove" => new("rm", "[OPTIONS] NETWORK...", "Removes networks.", "berth network rm back", [Option.Flag("force", 'f', "No error when it is gone already")], (context, line) => DockerVerbs.EachAsync(context, line, "network rm", async name =>
        {
            try
            {
                await context.Client.RequestAsync("DELETE", "/networks/" + DockerVerbs.Escape(name)).ConfigureAwait(false);
                context.Output.WriteLine(name);
            }
            catch (DaemonException exception) when (exception.Status == 404 && line.Flag("force"))
            {
                return;
            }
        })),
        "inspect" => SystemVerbs.Inspect(["networks"]),
        "connect" => new(
            "connect", "[OPTIONS] NETWORK CONTAINER", "Puts a container into a network.", "berth network connect --alias db back mysql",
            NetworkOptions.OfEndpoint,
            async (context, line) =>
            {
                var names = DockerVerbs.Exactly(line, "network connect", 2);
                await context.Client.RequestAsync(
                    "POST", $"/networks/{DockerVerbs.Escape(names[0])}/connect", new JsonObject { ["Container"] = names[1], ["EndpointConfig"] = NetworkOptions.Endpoint(line) }).ConfigureAwait(false);
                return 0;
            }),
        "disconnect" => new("disconnect", "[OPTIONS] NETWORK CONTAINER", "Takes a container out of a network.", "berth network disconnect back mysql", [Option.Flag("force", 'f', "As in Docker")], async (context, line) =>
        {
            var names = DockerVerbs.Exactly(line, "network disconnect", 2);
            await context.Client.RequestAsync("POST", $"/networks/{DockerVerbs.Escape(names[0])}/disconnect", new JsonObject { ["Container"] = names[1], ["Force"] = line.Flag("force") }).ConfigureAwait(false);
            return 0;
        }),
        "prune" => PruneVerbs.Of("networks", "network"),
        _ => null,
    };

    internal static Verb? Volume(string verb) => verb switch
    {
        "ls" or "list" => new("ls", "[OPTIONS]", "Lists volumes.", "berth volume ls", [DockerVerbs.Quiet, DockerVerbs.Filter, DockerVerbs.Format], async (context, line) =>
        {
            var rows = await context.Client.RequestAsync("GET", $"/volumes?filters={DockerVerbs.Filters(line.Values("filter"))}").ConfigureAwait(false);
            Listing.Write(
                context, line, [.. rows.List("Volumes").OrderBy(one => one.Text("Name"), StringComparer.Ordinal)], one => one.Text("Name"),
                [("DRIVER", "Driver", one => one.Text("Driver")), ("VOLUME NAME", "Name", one => one.Text("Name"))],
                [("Mountpoint", one => one.Text("Mountpoint")), ("Scope", one => one.Text("Scope"))]);
            return 0;
        }),
        "create" => new(
            "create", "[OPTIONS] [VOLUME]", "Makes a volume.", "berth volume create data",
            [Option.Value("driver", 'd', "DRIVER", "local"), Option.List("label", "NAME=VALUE", "Label"), Option.List("opt", 'o', "NAME=VALUE", "Option of the driver")],
            async (context, line) =>
            {
                if (line.Arguments.Count > 1)
                {
                    throw new UsageException("'volume create' requires at most 1 argument");
                }

                var made = await context.Client.RequestAsync("POST", "/volumes/create", new JsonObject
                {
                    ["Name"] = line.Arguments.Count == 1 ? line.Arguments[0] : "", ["Driver"] = line.Value("driver") ?? "local",
                    ["Labels"] = Pairs.Labels(line.Values("label")), ["DriverOpts"] = Pairs.Labels(line.Values("opt")),
                }).ConfigureAwait(false);
                context.Output.WriteLine(made.Text("Name"));
                return 0;
            }),
        "rm" or "remove" => new("rm", "[OPTIONS] VOLUME...", "Removes volumes with their data.", "berth volume rm data", [Option.Flag("force", 'f', "No error when it is gone already")], (context, line) => DockerVerbs.EachAsync(context, line, "volume rm", async name =>
        {
            await context.Client.RequestAsync("DELETE", $"/volumes/{DockerVerbs.Escape(name)}?force={(line.Flag("force") ? 1 : 0)}").ConfigureAwait(false);
            context.Output.WriteLine(name);
        })),
        "inspect" => SystemVerbs.Inspect(["volumes"]),
        "prune" => PruneVerbs.Of("volumes", "volume"),
        _ => null,
    };

    // What belongs to a range is told by where it lies.
    private static JsonArray Pools(ParsedLine line)
    {
        var pools = line.Values("subnet").Select(subnet => (Range: Range(subnet), View: new JsonObject { ["Subnet"] = subnet })).ToList();
        JsonObject Around(string address) => pools.FirstOrDefault(pool => IPAddress.TryParse(address.Split('/')[0], out var inside) && pool.Range?.Contains(inside) == true).View
            ?? throw new UsageException($"no matching subnet for {address}");
        foreach (var (option, key) in new[] { ("gateway", "Gateway"), ("ip-range", "IPRange") })
        {
            foreach (var value in line.Values(option))
            {
                Around(value)[key] = value;
            }
        }

        foreach (var parts in line.Values("aux-address").Select(text => text.Split('=', 2)))
        {
            var pool = Around(parts[^1]);
            pool["AuxiliaryAddresses"] ??= new JsonObject();
            pool["AuxiliaryAddresses"]![parts[0]] = parts[^1];
        }

        return new JsonArray([.. pools.Select(JsonNode (pool) => pool.View)]); // an array's own Add<T> would not survive trimming
    }

    private static IPNetwork? Range(string text) => IPNetwork.TryParse(text, out var range) ? range : null;
}
