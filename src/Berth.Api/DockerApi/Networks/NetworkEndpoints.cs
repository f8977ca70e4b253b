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
        routes.MapGet("/networks/{id}", context => context.Query("scope") is not (null or "" or "local")
            ? throw BerthException.NotFound($"network {context.Route("id")} not found")
            : context.WriteAsync(Describe(engine, engine.Networks.Resolve(context.Route("id")), withContainers: true)));
        routes.MapDelete("/networks/{id}", async context =>
        {
            await engine.Networks.RemoveAsync(context.Route("id"), () => engine.Containers.All).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapPost("/networks/{id}/connect", async context =>
        {
            var request = await context.ReadAsync(ApiJson.Default.ConnectRequest).ConfigureAwait(false);
            var network = engine.Networks.Resolve(context.Route("id"));
            await engine.Containers.ConnectAsync(engine.Containers.Resolve(request.Container), network, request.EndpointConfig ?? new()).ConfigureAwait(false);
        });
        routes.MapPost("/networks/{id}/disconnect", async context =>
        {
            var request = await context.ReadAsync(ApiJson.Default.ConnectRequest).ConfigureAwait(false);
            var network = engine.Networks.Resolve(context.Route("id"));
            try
            {
                await engine.Containers.DisconnectAsync(engine.Containers.Resolve(request.Container), network).ConfigureAwait(false);
            }
            catch (BerthException exception) when (request.Force && exception.Kind == ErrorKind.NotFound)
            {
                throw BerthException.NotFound($"endpoint {request.Container} not found");
            }
        });
        routes.MapPost("/networks/prune", context => PruneAsync(context, engine));
    }

    private static async Task ListAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, "driver", "id", "label", "label!", "name", "scope", "type", "dangling");
        if (filters["type"].FirstOrDefault(value => value is not ("builtin" or "custom")) is { } type)
        {
            throw BerthException.Invalid($"invalid filter: 'type'='{type}'; it is builtin or custom");
        }

        if (filters["dangling"].Any(value => value is not ("true" or "1" or "false" or "0")))
        {
            throw BerthException.Invalid("invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or \"0\")");
        }

        var found = engine.Networks.All.Where(network => filters.Labels(network.Labels)
            && filters.Any("driver", value => value == network.Driver)
            && filters.Any("id", value => network.Id.StartsWith(value, StringComparison.Ordinal))
            && filters.Any("name", value => network.Name.Contains(value, StringComparison.Ordinal))
            && filters.Any("scope", value => value == "local")
            && filters.Any("type", value => (value == "builtin") == network.IsPredefined)
            && filters.Any("dangling", value => (value is "true" or "1") == (!network.IsPredefined && !IsUsed(engine, network))));
        await context.WriteAsync(new JsonArray([.. found.OrderBy(network => network.Created).Select(network => Describe(engine, network, withContainers: false))])).ConfigureAwait(false);
    }

    private static async Task CreateAsync(HttpContext context, EngineHost engine)
    {
        var request = await context.ReadAsync(ApiJson.Default.CreateNetworkRequest).ConfigureAwait(false);
        if (request.ConfigFrom is { Network.Length: > 0 } from)
        {
            throw BerthException.NotFound($"configuration network \"{from.Network}\" does not exist"); // they are made for swarms: there is none
        }

        if (request.Ingress)
        {
            throw new BerthException(ErrorKind.Forbidden, "Ingress network can only be global scope network, and Berth has no swarm");
        }

        if (request.Ipam?.Driver is not (null or "" or "default"))
        {
            throw BerthException.NotFound($"plugin \"{request.Ipam.Driver}\" not found; Berth has the IPAM driver default");
        }

        if (request.ConfigOnly || request.Ipam?.Options is { Count: > 0 }
            || request.Scope is not (null or "" or "local"))
        {
            throw new BerthException(
                ErrorKind.NotSupported, $"Network '{request.Name}': Berth's networks are local bridges; swarm scopes, networks that are only a configuration, and options of IPAM drivers are not supported.");
        }

        var warnings = new List<string>();
        var network = await engine.Networks.CreateAsync(
            new NetworkConfig
            {
                Name = request.Name,
                Driver = request.Driver.Length > 0 ? request.Driver : "bridge",
                Pools = [.. (request.Ipam?.Config ?? []).Select(pool => new PoolConfig
                {
                    Subnet = pool.Subnet, Gateway = pool.Gateway, IpRange = pool.IpRange, AuxAddresses = pool.AuxiliaryAddresses ?? [],
                })],
                EnableIpv4 = request.EnableIPv4 ?? true,
                EnableIpv6 = request.EnableIPv6 ?? false,
                Internal = request.Internal,
                Attachable = request.Attachable,
                Labels = request.Labels ?? [],
                Options = request.Options ?? [],
            },
            warnings.Add).ConfigureAwait(false);
        await context.WriteAsync(new JsonObject { ["Id"] = network.Id, ["Warning"] = string.Join('\n', warnings) }, 201).ConfigureAwait(false);
    }

    private static async Task PruneAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, "label", "label!", "until");
        var until = filters["until"].Select(text => Images.ImageEndpoints.Time(text, engine)).ToList();
        var deleted = new List<string>();
        foreach (var network in engine.Networks.All.Where(network => !network.IsPredefined && !IsUsed(engine, network) && filters.Labels(network.Labels)
            && until.TrueForAll(limit => network.Created < limit)))
        {
            await engine.Networks.RemoveAsync(network.Id, () => engine.Containers.All).ConfigureAwait(false);
            deleted.Add(network.Name);
        }

        await context.WriteAsync(new JsonObject { ["NetworksDeleted"] = Http.Strings(deleted) }).ConfigureAwait(false);
    }

    // As in Docker: a stopped container is on no network.
    private static bool IsUsed(EngineHost engine, NetworkRecord network) => Members(engine, network).Any(pair => pair.Container.IsRunning);

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
                    ["IPv4Address"] = WithPrefix(endpoint.Address, network.Ipv4),
                    ["IPv6Address"] = WithPrefix(endpoint.Address6, network.Ipv6),
                };
            }
        }

        var pools = new JsonArray();
        foreach (var pool in network.Pools)
        {
            var view = new JsonObject { ["Subnet"] = pool.Subnet };
            if (pool.IpRange.Length > 0)
            {
                view["IPRange"] = pool.IpRange;
            }

            view["Gateway"] = pool.Gateway;
            if (pool.AuxAddresses.Count > 0)
            {
                view["AuxiliaryAddresses"] = Http.Map(pool.AuxAddresses);
            }

            pools.Add((JsonNode)view);
        }

        return new()
        {
            ["Name"] = network.Name,
            ["Id"] = network.Id,
            ["Created"] = Http.Time(network.Created),
            ["Scope"] = "local",
            ["Driver"] = network.Driver,
            ["EnableIPv4"] = network.Ipv4 is not null || !network.IsBridge,
            ["EnableIPv6"] = network.Ipv6 is not null,
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

    private static string WithPrefix(string address, PoolRecord? pool) => address.Length > 0 && pool is not null ? $"{address}/{pool.Subnet.Split('/')[1]}" : "";
}
