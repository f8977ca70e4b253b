using System.Text;
using System.Text.Json.Nodes;
using Berth.Api.DockerApi.Images;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Files;
using Berth.Engine.Errors;
using Berth.Engine.Images;
using Berth.Linux.Files;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Containers;

/// <summary>Docker Engine API, "Container": its files. Archive (<c>docker cp</c>), export, changes (<c>docker diff</c>) and commit.</summary>
internal static class ContainerFileEndpoints
{
    private const string StatHeader = "X-Docker-Container-Path-Stat";

    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine)
    {
        var containers = engine.Containers;
        Container Named(HttpContext context) => containers.Resolve(context.Route("id"));

        routes.MapMethods("/containers/{id}/archive", ["HEAD"], async context =>
        {
            var stat = await containers.StatPathAsync(Named(context), PathOf(context)).ConfigureAwait(false);
            context.Response.Headers[StatHeader] = Encode(stat);
        });
        routes.MapGet("/containers/{id}/archive", context => containers.ReadArchiveAsync(
            Named(context), PathOf(context),
            stat =>
            {
                context.Response.Headers[StatHeader] = Encode(stat);
                context.Response.ContentType = "application/x-tar";
                return context.Response.Body;
            },
            context.RequestAborted));
        routes.MapPut("/containers/{id}/archive", context => containers.WriteArchiveAsync(
            Named(context), PathOf(context), context.Request.Body, context.Flag("noOverwriteDirNonDir"), context.Flag("copyUIDGID"), context.RequestAborted));
        routes.MapGet("/containers/{id}/export", context =>
        {
            var container = Named(context);
            context.Response.ContentType = "application/octet-stream";
            return containers.ExportAsync(container, context.Response.Body, context.RequestAborted);
        });
        routes.MapGet("/containers/{id}/changes", context =>
        {
            var changes = containers.Changes(Named(context));
            return context.WriteAsync(new JsonArray([.. changes.Select(change => new JsonObject { ["Path"] = change.Path, ["Kind"] = (int)change.Kind })]));
        });
        routes.MapPost("/commit", context => CommitAsync(context, engine));
    }

    private static async Task CommitAsync(HttpContext context, EngineHost engine)
    {
        var container = engine.Containers.Resolve(context.Query("container") ?? "");
        var body = await Http.ReadBodyAsync(context).ConfigureAwait(false);
        var asked = body.Length == 0 ? null : RequestJson.Parse(body, ApiJson.Default.ContainerConfig);
        var name = context.Query("repo") is { Length: > 0 } repository ? ImageEndpoints.Reference(repository, context.Query("tag")) : null;
        if (name?.Digest is not null)
        {
            throw BerthException.Invalid($"refusing to create a tag with a digest reference: '{name.Familiar}'");
        }

        var making = new ImageMaking { Config = new(), Author = context.Query("author") ?? "", Comment = context.Query("comment") ?? "", Name = name };
        var changes = context.Request.Query["changes"].OfType<string>().ToList();
        var image = await ContainerCommit.CommitAsync(engine, container, asked, changes, making, context.Flag("pause", fallback: true), context.RequestAborted).ConfigureAwait(false);
        var attributes = new Dictionary<string, string>(container.Record.Config.Labels ?? [], StringComparer.Ordinal)
        {
            ["comment"] = making.Comment, ["imageID"] = image.Id.Value, ["imageRef"] = name?.Familiar ?? "", ["image"] = container.Record.Config.Image, ["name"] = container.Name,
        };
        var labels = new Dictionary<string, string>(image.Config.Config?.Labels ?? [], StringComparer.Ordinal);
        engine.Events.Publish("image", "create", image.Id.Value, new Dictionary<string, string>(labels) { ["name"] = image.Id.Value });
        if (name is not null)
        {
            engine.Events.Publish("image", "tag", image.Id.Value, new Dictionary<string, string>(labels) { ["name"] = name.Familiar });
        }

        engine.Events.Publish("container", "commit", container.Id, attributes);
        await context.WriteAsync(new JsonObject { ["Id"] = image.Id.Value }, 201).ConfigureAwait(false);
    }

    private static string PathOf(HttpContext context) =>
        context.Query("path") is { Length: > 0 } path && !path.Contains('\0', StringComparison.Ordinal) ? path : throw BerthException.Invalid("bad parameter: pathcannot be empty"); // to the letter Docker's

    private static string Encode(PathStat stat)
    {
        var json = new JsonObject
        {
            ["name"] = stat.Name, ["size"] = stat.Size, ["mode"] = stat.Mode, ["mtime"] = TimeOf(stat.Modified), ["linkTarget"] = stat.LinkTarget,
        };
        return Convert.ToBase64String(Encoding.UTF8.GetBytes(json.ToJsonString()));
    }

    private static string TimeOf(FileTime time) => Http.Time(DateTimeOffset.FromUnixTimeSeconds(time.Seconds).AddTicks(time.Nanoseconds / 100));
}
