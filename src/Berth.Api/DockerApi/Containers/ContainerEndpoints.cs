using System.Text.Json.Nodes;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Containers;

/// <summary>Docker Engine API, "Container": everything but the streams.</summary>
internal static partial class ContainerEndpoints
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
            var name = context.Route("id");
            try
            {
                await containers.KillAsync(Named(context), context.Query("signal")).ConfigureAwait(false);
            }
            catch (BerthException exception) when (exception.Kind is ErrorKind.NotFound or ErrorKind.Invalid)
            {
                throw new BerthException(exception.Kind, $"cannot kill container: {name}: {exception.Message}", exception);
            }

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
            var (container, name) = (Named(context), context.Query("name") ?? "");
            try
            {
                await containers.RenameAsync(container, name).ConfigureAwait(false);
            }
            catch (BerthException exception) when (name.Length > 0 && name.TrimStart('/') != container.Name)
            {
                throw new BerthException(exception.Kind, $"Error when allocating new name: {exception.Message}", exception);
            }

            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapPost("/containers/{id}/resize", async context =>
        {
            var (rows, columns) = context.TerminalSize();
            await containers.ResizeAsync(Named(context), rows, columns).ConfigureAwait(false);
        });
        routes.MapDelete("/containers/{id}", async context =>
        {
            if (context.Flag("link"))
            {
                throw BerthException.Conflict("Conflict, cannot remove the default link name of the container");
            }

            await containers.RemoveAsync(Named(context), context.Flag("force"), context.Flag("v")).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapDelete("/containers/{id}/{alias}", async context =>
        {
            if (!context.Flag("link"))
            {
                throw BerthException.NotFound($"No such container: {context.Route("id")}/{context.Route("alias")}");
            }

            await containers.RemoveLinkAsync(Named(context), context.Route("alias")).ConfigureAwait(false);
            await context.NoContent().ConfigureAwait(false);
        });
        routes.MapGet("/containers/{id}/stats", context => ContainerStats.WriteAsync(context, engine, Named(context)));
        routes.MapPost("/containers/{id}/update", async context =>
        {
            var body = await Http.ReadBodyAsync(context).ConfigureAwait(false);
            var policy = RequestJson.Parse(body, ApiJson.Default.UpdateContainerRequest).RestartPolicy;
            await containers.UpdateAsync(
                Named(context), new(RequestJson.Parse(body, ApiJson.Default.HostConfig), policy is { Name.Length: > 0 } ? policy : null)).ConfigureAwait(false);
            await context.WriteAsync(new JsonObject { ["Warnings"] = null }).ConfigureAwait(false);
        });
        routes.MapPost("/containers/prune", context => PruneAsync(context, engine));
        routes.MapGet("/containers/{id}/top", async context =>
        {
            var record = Named(context).Record;
            engine.Events.Publish("container", "top", record.Id, ContainerService.Attributes(record));
            await context.WriteAsync(context.Query("ps_args") is { Length: > 0 } arguments
                ? await ProcessList.DescribeAsync(record, engine, arguments).ConfigureAwait(false)
                : ProcessList.Describe(record, engine.Cgroups, engine.Options)).ConfigureAwait(false);
        });
    }

    private static async Task CreateAsync(HttpContext context, EngineHost engine)
    {
        var body = await Http.ReadBodyAsync(context).ConfigureAwait(false);
        var config = RequestJson.Parse(body, ApiJson.Default.ContainerConfig);
        var request = RequestJson.Parse(body, ApiJson.Default.CreateContainerRequest);
        if (body.Length == 0)
        {
            throw BerthException.Invalid("invalid JSON: got EOF while reading request body");
        }

        if (config.Image.Length == 0)
        {
            throw BerthException.Invalid(body.AsSpan().Trim(" \r\n\t"u8).SequenceEqual("null"u8) ? "config cannot be empty in order to create a container" : "no command specified");
        }

        RequireReference(config.Image, engine);

        RequirePlatform(config.Image, context.Query("platform"), engine);
        var warnings = new List<string>();
        var container = await engine.Containers.CreateAsync(context.Query("name"), config, request.HostConfig ?? new(), request.NetworkingConfig, warn: warnings.Add).ConfigureAwait(false);
        await context.WriteAsync(new JsonObject { ["Id"] = container.Id, ["Warnings"] = Http.Strings(warnings) }, 201).ConfigureAwait(false);
    }

    // An id is found first: it may look like no name.
    private static void RequireReference(string image, EngineHost engine)
    {
        if (engine.Images.TryResolve(image) is null)
        {
            Images.ImageEndpoints.Reference(image, null);
        }
    }

    private static void RequirePlatform(string image, string? asked, EngineHost engine)
    {
        if (Images.ImageEndpoints.PlatformOf(asked) is { } platform && engine.Images.TryResolve(image) is { } found && !platform.Accepts(found.Config.Platform))
        {
            throw BerthException.NotFound($"image with reference {image} was found but its platform ({found.Config.Platform}) does not match the specified platform ({asked})");
        }
    }

    private static async Task ListAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, "id", "name", "label", "label!", "status", "exited", "ancestor", "network", "volume", "health", "before", "since", "publish", "expose", "is-task");
        var limit = context.Number("limit") ?? 0;
        var all = context.Flag("all") || limit > 0 || filters.Has("status") || filters.Has("exited");
        var before = filters["before"] is [var beforeName, ..] ? engine.Containers.Resolve(beforeName).Record.Created : (DateTimeOffset?)null;
        var since = filters["since"] is [var sinceName, ..] ? engine.Containers.Resolve(sinceName).Record.Created : (DateTimeOffset?)null;
        filters.RequireKnown("status", "state", "created", "running", "paused", "restarting", "removing", "exited", "dead");
        filters.RequireKnown("health", "health", "none", "starting", "healthy", "unhealthy");
        var isTask = filters.Switch("is-task");
        foreach (var name in new[] { "publish", "expose" })
        {
            if (filters[name].FirstOrDefault(text => !PortRange().IsMatch(text)) is { } port)
            {
                throw BerthException.Invalid($"error while looking up for {name} {port}: write PORT, PORT/tcp or PORT-PORT");
            }
        }

        if (filters["exited"].FirstOrDefault(text => !int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out _)) is { } exited)
        {
            throw BerthException.Invalid($"invalid filter 'exited={exited}'");
        }

        var ancestors = filters["ancestor"].Select(engine.Images.TryResolve).OfType<Berth.Engine.Images.Image>().ToList();
        bool Descends(Container container) => ancestors.Exists(ancestor => Lineage(engine, container.Record.ImageId).Contains(ancestor.Id.Value));
        var found = engine.Containers.All.Where(container => all || container.Record.IsRunning || container.Record.Status == ContainerStatus.Restarting)
            .Where(container => isTask != true && Fits(engine, container, filters))
            .Where(container => !filters.Has("ancestor") || Descends(container))
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
            && filters.Any("volume", value => record.Mounts.Any(mount => mount.Type != "tmpfs" && (mount.Name == value || mount.Destination == value || mount.Source == value)))
            && filters.Any("health", value => value == (container.Health?.Status ?? "none"))
            && filters.Any("publish", value => engine.Containers.PortsOf(container).Any(port => PortFits(value, port.HostPort, port.Protocol)))
            && filters.Any("expose", value => record.Config.ExposedPorts?.Keys.Select(key => key.Split('/')).Any(port => PortFits(value, int.Parse(port[0], System.Globalization.CultureInfo.InvariantCulture), port[1])) ?? false);
    }

    // PORT or FIRST-LAST, and then perhaps a protocol; tcp without.
    private static bool PortFits(string wanted, int port, string protocol)
    {
        var parts = wanted.Split('/');
        var ends = parts[0].Split('-').Select(end => int.Parse(end, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        return port >= ends[0] && port <= ends[^1] && protocol == (parts.Length > 1 ? parts[1] : "tcp");
    }

    [System.Text.RegularExpressions.GeneratedRegex(@"^\d{1,5}(-\d{1,5})?(/(tcp|udp|sctp))?\z")]
    private static partial System.Text.RegularExpressions.Regex PortRange();

    // An image and those that it was made from here.
    private static IEnumerable<string> Lineage(EngineHost engine, string id)
    {
        for (string? at = id; at is not null; at = engine.Images.TryResolve(at)?.Parent?.Value)
        {
            yield return at;
        }
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

    private static async Task PruneAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, "label", "label!", "until");
        var until = filters["until"].Select(text => Images.ImageEndpoints.Time(text, engine)).ToList();
        var deleted = new List<string>();
        var freed = 0L;
        foreach (var container in engine.Containers.All.Where(container => container.Record.Status is ContainerStatus.Exited or ContainerStatus.Created or ContainerStatus.Dead
            && filters.Labels(container.Record.Config.Labels) && until.TrueForAll(limit => container.Record.Created < limit)))
        {
            var size = ContainerViews.Sizes(engine, container.Record).Own;
            await engine.Containers.RemoveAsync(container, force: false, withAnonymousVolumes: false).ConfigureAwait(false);
            deleted.Add(container.Id);
            freed += size;
        }

        await context.WriteAsync(new JsonObject { ["ContainersDeleted"] = Http.Strings(deleted), ["SpaceReclaimed"] = freed }).ConfigureAwait(false);
    }
}
