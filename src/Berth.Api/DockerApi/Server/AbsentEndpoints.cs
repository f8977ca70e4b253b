using Berth.Engine.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Server;

/// <summary>
/// What Berth does not have, answered as a Docker daemon without it does, so that clients fall back by themselves: Docker Engine API, "Swarm", "Node", "Service", "Task", "Secret",
/// "Config", "Plugin" and "Session" (BuildKit).
/// </summary>
internal static class AbsentEndpoints
{
    internal const string NotAManager =
        "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.";

    private static readonly string[] s_swarmFamilies = ["/nodes", "/services", "/tasks", "/secrets", "/configs"];

    internal static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var family in s_swarmFamilies)
        {
            routes.Map(family, NoSwarm);
            routes.Map(family + "/{**path}", NoSwarm);
        }

        routes.MapGet("/swarm", NoSwarm);
        routes.MapGet("/swarm/unlockkey", NoSwarm);
        routes.MapPost("/swarm/leave", _ => throw new BerthException(ErrorKind.Unavailable, "This node is not part of a swarm"));
        routes.MapPost("/swarm/{**path}", _ => throw new BerthException(ErrorKind.NotSupported, "Berth runs containers on one machine and has no swarm."));
        routes.MapGet("/plugins", context => context.WriteAsync(new System.Text.Json.Nodes.JsonArray()));
        routes.MapGet("/plugins/privileges", NoPlugins);
        routes.MapGet("/plugins/{name}/json", context => throw BerthException.NotFound($"plugin \"{context.Route("name")}\" not found"));
        routes.MapDelete("/plugins/{name}", context => throw BerthException.NotFound($"plugin \"{context.Route("name")}\" not found"));
        routes.MapPost("/plugins/{**path}", NoPlugins);
        routes.MapPost("/session", _ => throw BerthException.NotFound("page not found: Berth builds without BuildKit sessions; use the classic builder (DOCKER_BUILDKIT=0)"));
        routes.MapPost("/grpc", _ => throw BerthException.NotFound("page not found: Berth builds without BuildKit sessions; use the classic builder (DOCKER_BUILDKIT=0)"));
    }

    private static Task NoSwarm(HttpContext context) => throw new BerthException(ErrorKind.Unavailable, NotAManager);

    private static Task NoPlugins(HttpContext context) => throw new BerthException(ErrorKind.NotSupported, "Berth has no plugins: volumes are local, networks are bridges, logs are kept in files.");
}
