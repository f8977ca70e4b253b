using System.Text.Json.Nodes;
using Berth.Engine;
using Berth.Engine.Errors;
using Berth.Engine.Volumes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Volumes;

/// <summary>Docker Engine API, "Volume".</summary>
internal static class VolumeEndpoints
{
    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine)
    {
        var volumes = engine.Volumes;
        routes.MapGet("/volumes", context => ListAsync(context, engine));
        routes.MapPost("/volumes/create", async context =>
        {
            var request = await context.ReadAsync(ApiJson.Default.CreateVolumeRequest).ConfigureAwait(false);
            if (request.ClusterVolumeSpec is not null)
            {
                throw new BerthException(ErrorKind.Unavailable, Server.AbsentEndpoints.NotAManager);
            }

            var volume = await volumes.CreateAsync(request.Name, request.Driver, request.Labels, request.DriverOpts).ConfigureAwait(false);
            await context.WriteAsync(Describe(volumes, volume), 201).ConfigureAwait(false);
        });
        routes.MapGet("/volumes/{name}", context => context.WriteAsync(Describe(volumes, volumes.Resolve(context.Route("name")))));
        routes.MapDelete("/volumes/{name}", async context =>
        {
            await volumes.RemoveAsync(context.Route("name"), context.Flag("force"), () => engine.Containers.All).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapPost("/volumes/prune", context => PruneAsync(context, engine));
    }

    private static async Task ListAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, ["dangling", "driver", "label", "label!", "name"], "error reading volume filters: ");
        var isDangling = filters.Switch("dangling");
        var found = engine.Volumes.All.Where(volume => filters.Labels(volume.Labels)
            && filters.Any("driver", value => value == "local")
            && filters.Any("name", value => volume.Name.Contains(value, StringComparison.Ordinal))
            && (isDangling is null || isDangling == !IsUsed(engine, volume)));
        await context.WriteAsync(new JsonObject
        {
            ["Volumes"] = new JsonArray([.. found.OrderBy(volume => volume.Name, StringComparer.Ordinal).Select(volume => Describe(engine.Volumes, volume))]),
            ["Warnings"] = null,
        }).ConfigureAwait(false);
    }

    private static async Task PruneAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, "label", "label!", "all");
        var all = filters.Switch("all") == true || context.Version() < 42; // only since then do named ones stay
        var deleted = new List<string>();
        var freed = 0L;
        foreach (var volume in engine.Volumes.All.Where(volume => !IsUsed(engine, volume) && filters.Labels(volume.Labels) && (all || IsAnonymous(volume))))
        {
            var size = DiskUsage.Of(engine.Volumes.DataPath(volume.Name));
            await engine.Volumes.RemoveAsync(volume.Name, force: true, () => engine.Containers.All).ConfigureAwait(false);
            deleted.Add(volume.Name);
            freed += size;
        }

        await context.WriteAsync(new JsonObject { ["VolumesDeleted"] = Http.Strings(deleted), ["SpaceReclaimed"] = freed }).ConfigureAwait(false);
    }

    private static bool IsAnonymous(VolumeRecord volume) => (volume.Name.Length == 64 && volume.Name.All(char.IsAsciiHexDigitLower)) || volume.Labels.ContainsKey("com.docker.volume.anonymous");

    internal static bool IsUsed(EngineHost engine, VolumeRecord volume) =>
        engine.Containers.All.Any(container => container.Record.Mounts.Any(mount => mount.Type == "volume" && mount.Name == volume.Name));

    internal static JsonObject Describe(VolumeService volumes, VolumeRecord volume) => new()
    {
        ["CreatedAt"] = Http.Time(volume.Created),
        ["Driver"] = "local",
        ["Labels"] = Http.MapOrNull(volume.Labels),
        ["Mountpoint"] = volumes.DataPath(volume.Name),
        ["Name"] = volume.Name,
        ["Options"] = Http.MapOrNull(volume.Options),
        ["Scope"] = "local",
    };
}
