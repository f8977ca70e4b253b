using System.Text.Json.Nodes;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Engine.Networks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Networks;

/// <summary>Docker Engine API, "Network".</summary>
internal static class NetworkEndpoints
{
    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine)
    {
        routes.MapGet("/networks", context => ListAsync(context, engine));
        routes.MapPost("/networks/create", context => CreateAsync(context, engine));
        routes.MapGet("/networks/{id}", context => context.WriteAsync(Describe(engine, engine.Networks.Resolve(context.Route("id")), withContainers: true)));
        routes.MapDelete("/networks/{id}", async context =>
        {
            await engine.Networks.RemoveAsync(context.Route("id"), engine.Containers.All).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapPost("/networks/{id}/connect", async context =>
        {
            var request = await context.ReadAsync(ApiJson.Default.ConnectRequest).ConfigureAwait(false);
            await engine.Containers.ConnectAsync(
                engine.Containers.Resolve(request.Container), engine.Networks.Resolve(context.Route("id")), request.EndpointConfig ?? new()).ConfigureAwait(false);
        });
        routes.MapPost("/networks/{id}/disconnect", async context =>
        {
            var request = await context.ReadAsync(ApiJson.Default.ConnectRequest).ConfigureAwait(false);
            await engine.Containers.DisconnectAsync(engine.Containers.Resolve(request.Container), engine.Networks.Resolve(context.Route("id"))).ConfigureAwait(false);
        });
        routes.MapPost("/networks/prune", context => PruneAsync(context, engine));
    }

    private static async Task ListAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, "driver", "id", "label", "label!", "name", "scope", "type", "dangling");
        var found = engine.Networks.All.Where(network => filters.Labels(network.Labels)
            && filters.Any("driver", value => value == network.Driver)
            && filters.Any("id", value => network.Id.StartsWith(value, StringComparison.Ordinal))
            && filters.Any("name", value => network.Name.Contains(value, StringComparison.Ordinal))
            && filters.Any("scope", value => value == "local")
            && filters.Any("type", value => (value == "builtin") == network.IsPredefined)
            && filters.Any("dangling", value => (value is "true" or "1") == !IsUsed(engine, network)));
        await context.WriteAsync(new JsonArray([.. found.OrderBy(network => network.Created).Select(network => Describe(engine, network, withContainers: false))])).ConfigureAwait(false);
    }

    private static async Task CreateAsync(HttpContext context, EngineHost engine)
    {
        var request = await context.ReadAsync(ApiJson.Default.CreateNetworkRequest).ConfigureAwait(false);
        if (request.EnableIPv6 == true || request.Ingress || request.ConfigOnly || request.EnableIPv4 == false || request.Ipam?.Options is { Count: > 0 }
            || request.Ipam?.Driver is not (null or "" or "default") || request.Scope is not (null or "" or "local") || request.Ipam?.Config is { Count: > 1 }
            || request.Ipam?.Config?.Any(pool => pool.AuxiliaryAddresses is { Count: > 0 }) == true)
        {
            throw new BerthException(
                ErrorKind.NotSupported, $"Network '{request.Name}': Berth's networks are local bridges with one IPv4 subnet; IPv6, swarm scopes, other IPAM drivers and auxiliary addresses are not supported.");
        }

        var pool = request.Ipam?.Config is [var only] ? only : null;
        var network = await engine.Networks.CreateAsync(new NetworkConfig
        {
            Name = request.Name,
            Driver = request.Driver.Length > 0 ? request.Driver : "bridge",
            Subnet = pool?.Subnet is { Length: > 0 } subnet ? subnet : null,
            Gateway = pool?.Gateway,
            IpRange = pool?.IpRange,
            Internal = request.Internal,
            Attachable = request.Attachable,
            Labels = request.Labels ?? [],
            Options = request.Options ?? [],
        }).ConfigureAwait(false);
        await context.WriteAsync(new JsonObject { ["Id"] = network.Id, ["Warning"] = "" }, 201).ConfigureAwait(false);
    }

    private static async Task PruneAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, "label", "label!", "until");
        var deleted = new List<string>();
        foreach (var network in engine.Networks.All.Where(network => !network.IsPredefined && !IsUsed(engine, network) && filters.Labels(network.Labels)))
        {
            await engine.Networks.RemoveAsync(network.Id, engine.Containers.All).ConfigureAwait(false);
            deleted.Add(network.Name);
        }

        await context.WriteAsync(new JsonObject { ["NetworksDeleted"] = Http.Strings(deleted) }).ConfigureAwait(false);
    }

    private static bool IsUsed(EngineHost engine, NetworkRecord network) => Members(engine, network).Any();

    private static IEnumerable<(ContainerRecord Container, EndpointRecord Endpoint)> Members(EngineHost engine, NetworkRecord network) =>
        engine.Containers.All.SelectMany(container => container.Record.Endpoints.Select(endpoint => (container.Record, endpoint))).Where(pair => pair.endpoint.NetworkId == network.Id);

    private static JsonObject Describe(EngineHost engine, NetworkRecord network, bool withContainers)
    {
        var members = new JsonObject();
        if (withContainers)
        {
            foreach (var (container, endpoint) in Members(engine, network).Where(pair => pair.Container.IsRunning))
            {
                members[container.Id] = new JsonObject
                {
                    ["Name"] = container.Name,
                    ["EndpointID"] = endpoint.EndpointId,
                    ["MacAddress"] = endpoint.MacAddress,
                    ["IPv4Address"] = endpoint.Address.Length > 0 ? $"{endpoint.Address}/{network.Subnet.Split('/')[1]}" : "",
                    ["IPv6Address"] = "",
                };
            }
        }

        var pools = new JsonArray();
        if (network.IsBridge)
        {
            var pool = new JsonObject { ["Subnet"] = network.Subnet, ["Gateway"] = network.Gateway };
            if (network.IpRange.Length > 0)
            {
                pool["IPRange"] = network.IpRange;
            }

            pools.Add((JsonNode)pool);
        }

        return new()
        {
            ["Name"] = network.Name,
            ["Id"] = network.Id,
            ["Created"] = Http.Time(network.Created),
            ["Scope"] = "local",
            ["Driver"] = network.Driver,
            ["EnableIPv4"] = true,
            ["EnableIPv6"] = false,
            ["IPAM"] = new JsonObject { ["Driver"] = "default", ["Options"] = new JsonObject(), ["Config"] = pools },
            ["Internal"] = network.Internal,
            ["Attachable"] = network.Attachable,
            ["Ingress"] = false,
            ["ConfigFrom"] = new JsonObject { ["Network"] = "" },
            ["ConfigOnly"] = false,
            ["Containers"] = members,
            ["Options"] = Http.Map(network.Options),
            ["Labels"] = Http.Map(network.Labels),
        };
    }
}
