using System.Text.Json.Nodes;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Containers;

/// <summary>Docker Engine API, "Container": everything but the streams.</summary>
internal static class ContainerEndpoints
{
    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine)
    {
        var containers = engine.Containers;
        Container Named(HttpContext context) => containers.Resolve(context.Route("id"));

        routes.MapGet("/containers/json", context => ListAsync(context, engine));
        routes.MapPost("/containers/create", context => CreateAsync(context, engine));
        routes.MapGet("/containers/{id}/json", context => context.WriteAsync(ContainerViews.Inspect(engine, Named(context), context.Flag("size"))));
        routes.MapPost("/containers/{id}/start", async context =>
        {
            await containers.StartAsync(Named(context)).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapPost("/containers/{id}/stop", async context =>
        {
            await containers.StopAsync(Named(context), context.Query("signal"), context.Number("t")).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapPost("/containers/{id}/restart", async context =>
        {
            await containers.RestartAsync(Named(context), context.Query("signal"), context.Number("t")).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapPost("/containers/{id}/kill", async context =>
        {
            await containers.KillAsync(Named(context), context.Query("signal")).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapPost("/containers/{id}/pause", async context =>
        {
            await containers.PauseAsync(Named(context), pause: true).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapPost("/containers/{id}/unpause", async context =>
        {
            await containers.PauseAsync(Named(context), pause: false).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapPost("/containers/{id}/rename", async context =>
        {
            await containers.RenameAsync(Named(context), (context.Query("name") ?? "").TrimStart('/')).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapPost("/containers/{id}/resize", async context =>
        {
            await containers.ResizeAsync(Named(context), context.Number("h") ?? 0, context.Number("w") ?? 0).ConfigureAwait(false);
        });
        routes.MapDelete("/containers/{id}", async context =>
        {
            if (context.Flag("link"))
            {
                throw new BerthException(ErrorKind.NotSupported, "Berth does not support removing links.");
            }

            await containers.RemoveAsync(Named(context), context.Flag("force"), context.Flag("v")).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapPost("/containers/prune", context => PruneAsync(context, containers));
        routes.MapGet("/containers/{id}/top", context => context.WriteAsync(ProcessList.Describe(Named(context).Record, engine.Cgroups, engine.Options)));
    }

    private static async Task CreateAsync(HttpContext context, EngineHost engine)
    {
        var body = await Http.ReadBodyAsync(context).ConfigureAwait(false);
        var config = Http.Parse(body, ApiJson.Default.ContainerConfig);
        var request = Http.Parse(body, ApiJson.Default.CreateContainerRequest);
        RequirePlatform(context.Query("platform"));
        var container = await engine.Containers.CreateAsync(context.Query("name"), config, request.HostConfig ?? new(), request.NetworkingConfig).ConfigureAwait(false);
        await context.WriteAsync(new JsonObject { ["Id"] = container.Id, ["Warnings"] = new JsonArray() }, 201).ConfigureAwait(false);
    }

    private static void RequirePlatform(string? platform)
    {
        var host = Berth.Oci.Images.Platform.Host;
        if (!string.IsNullOrEmpty(platform) && !platform.StartsWith($"linux/{host.Architecture}", StringComparison.Ordinal) && platform != "linux")
        {
            throw BerthException.NotFound($"image with reference was found but does not match the specified platform: wanted {platform}, this host is linux/{host.Architecture}");
        }
    }

    private static async Task ListAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, "id", "name", "label", "label!", "status", "exited", "ancestor", "network", "volume", "health", "before", "since", "publish", "expose", "is-task");
        var limit = context.Number("limit") ?? 0;
        var all = context.Flag("all") || limit > 0 || filters.Has("status") || filters.Has("exited");
        var before = filters["before"] is [var beforeName, ..] ? engine.Containers.Resolve(beforeName).Record.Created : (DateTimeOffset?)null;
        var since = filters["since"] is [var sinceName, ..] ? engine.Containers.Resolve(sinceName).Record.Created : (DateTimeOffset?)null;
        var ancestors = filters["ancestor"].Select(engine.Images.TryResolve).Select(image => image?.Id.ToString()).ToHashSet();
        var found = engine.Containers.All.Where(container => all || container.Record.IsRunning || container.Record.Status == ContainerStatus.Restarting)
            .Where(container => Fits(engine, container, filters))
            .Where(container => !filters.Has("ancestor") || ancestors.Contains(container.Record.ImageId))
            .Where(container => (before is null || container.Record.Created < before) && (since is null || container.Record.Created > since))
            .OrderByDescending(container => container.Record.Created);
        var withSize = context.Flag("size");
        await context.WriteAsync(new JsonArray([.. (limit > 0 ? found.Take(limit) : found).Select(container => ContainerViews.Summary(engine, container, withSize))])).ConfigureAwait(false);
    }

    private static bool Fits(EngineHost engine, Container container, Filters filters)
    {
        var record = container.Record;
        return filters.Labels(record.Config.Labels)
            && filters.Any("id", value => record.Id.StartsWith(value, StringComparison.Ordinal))
            && filters.Any("name", value => NameFits(record.Name, value))
            && filters.Any("status", value => value == ContainerViews.StatusWord(record.Status))
            && filters.Any("exited", value => record.Status == ContainerStatus.Exited && value == record.ExitCode.ToString(System.Globalization.CultureInfo.InvariantCulture))
            && filters.Any("network", value => record.Endpoints.Any(endpoint => endpoint.NetworkName == value || endpoint.NetworkId == value))
            && filters.Any("volume", value => record.Mounts.Any(mount => mount.Name == value || mount.Destination == value || mount.Source == value))
            && filters.Any("health", value => value == (container.Health?.Status ?? "none"))
            && filters.Any("publish", value => engine.Containers.PortsOf(container).Any(port => $"{port.HostPort}" == value.Split('/')[0]))
            && filters.Any("expose", value => record.Config.ExposedPorts?.ContainsKey(value.Contains('/', StringComparison.Ordinal) ? value : value + "/tcp") ?? false)
            && filters.Any("is-task", value => value is "false" or "0");
    }

    // Docker takes the filter as a pattern over "/name" and "name".
    private static bool NameFits(string name, string pattern)
    {
        try
        {
            var timeout = TimeSpan.FromMilliseconds(100);
            return System.Text.RegularExpressions.Regex.IsMatch("/" + name, pattern, default, timeout) || System.Text.RegularExpressions.Regex.IsMatch(name, pattern, default, timeout);
        }
        catch (Exception exception) when (exception is ArgumentException or System.Text.RegularExpressions.RegexMatchTimeoutException)
        {
            throw BerthException.Invalid($"invalid filter 'name={pattern}': {exception.Message}");
        }
    }

    private static async Task PruneAsync(HttpContext context, ContainerService containers)
    {
        var filters = Filters.Read(context, "label", "label!", "until");
        var deleted = new List<string>();
        foreach (var container in containers.All.Where(container => container.Record.Status is ContainerStatus.Exited or ContainerStatus.Created or ContainerStatus.Dead))
        {
            if (!filters.Labels(container.Record.Config.Labels))
            {
                continue;
            }

            await containers.RemoveAsync(container, force: false, withAnonymousVolumes: false).ConfigureAwait(false);
            deleted.Add(container.Id);
        }

        await context.WriteAsync(new JsonObject { ["ContainersDeleted"] = Http.Strings(deleted), ["SpaceReclaimed"] = 0 }).ConfigureAwait(false);
    }
}
