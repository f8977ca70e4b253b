using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Berth.Engine;
using Berth.Engine.Errors;
using Berth.Engine.Images;
using Berth.Oci;
using Berth.Oci.Images;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Images;

/// <summary>Docker Engine API, "Image". A name may hold slashes, so the last part of the path tells the operation.</summary>
internal static class ImageEndpoints
{
    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine)
    {
        routes.MapGet("/images/json", context => ListAsync(context, engine));
        routes.MapGet("/images/get", context => SaveAsync(context, engine, [.. context.Request.Query["names"].OfType<string>().SelectMany(names => names.Split(','))]));
        routes.MapGet("/images/search", _ => throw BerthException.NotFound(
            "Berth does not search registries; look for images on the registry's own site, for example https://hub.docker.com."));
        routes.MapPost("/images/create", context => CreateAsync(context, engine));
        routes.MapPost("/images/load", context => LoadAsync(context, engine));
        routes.MapPost("/images/prune", context => PruneAsync(context, engine));
        routes.MapGet("/images/{**path}", context => Split(context) switch
        {
            var (name, operation) when operation == "json" => context.WriteAsync(ImageViews.Details(engine.Images.Resolve(name), engine.Images)),
            var (name, operation) when operation == "history" => context.WriteAsync(ImageViews.History(engine.Images.Resolve(name), engine.Images)),
            var (name, operation) when operation == "get" => SaveAsync(context, engine, [name]),
            _ => throw BerthException.NotFound($"page not found: GET {context.Request.Path}"),
        });
        routes.MapPost("/images/{**path}", context => Split(context) switch
        {
            var (name, operation) when operation == "tag" => TagAsync(context, engine, name),
            var (name, operation) when operation == "push" => PushAsync(context, engine, name),
            _ => throw BerthException.NotFound($"page not found: POST {context.Request.Path}"),
        });
        routes.MapDelete("/images/{**path}", context => RemoveAsync(context, engine, context.Route("path")));
    }

    private static (string Name, string Operation) Split(HttpContext context)
    {
        var path = context.Route("path");
        var slash = path.LastIndexOf('/');
        return slash < 0 ? (path, "") : (path[..slash], path[(slash + 1)..]);
    }

    private static async Task ListAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, "reference", "dangling", "label", "label!", "before", "since", "until");
        var before = filters["before"].Select(name => Created(engine.Images.Resolve(name))).ToList();
        var since = filters["since"].Select(name => Created(engine.Images.Resolve(name))).ToList();
        var until = filters["until"].Select(text => Time(text, engine)).ToList();
        var users = engine.Containers.All.GroupBy(container => container.Record.ImageId).ToDictionary(group => group.Key, group => group.Count());
        var found = engine.Images.All.Where(image =>
            filters.Labels(image.Config.Config?.Labels)
            && filters.Any("dangling", value => (value is "true" or "1") == (image.Tags.Count == 0))
            && filters.Any("reference", pattern => image.Tags.Concat(image.Digests).Any(name => Matches(ImageReference.Parse(name), pattern)))
            && before.TrueForAll(limit => Created(image) < limit) && since.TrueForAll(limit => Created(image) > limit)
            && until.TrueForAll(limit => Created(image) < limit));
        await context.WriteAsync(new JsonArray([.. found.OrderByDescending(Created)
            .Select(image => ImageViews.Summary(image, users.GetValueOrDefault(image.Id.Value)))])).ConfigureAwait(false);
    }

    private static Task CreateAsync(HttpContext context, EngineHost engine)
    {
        if (context.Query("fromImage") is not { Length: > 0 } name)
        {
            throw new BerthException(ErrorKind.NotSupported, "Importing a root file system (fromSrc) is not supported; use a Dockerfile with FROM scratch and ADD.");
        }

        var reference = Reference(name, context.Query("tag"));
        var platform = PlatformOf(context.Query("platform"));
        var credentials = RegistryAuth.One(context);
        return JsonLines.RunAsync(context, async (line, token) =>
        {
            var image = await engine.Images.PullAsync(reference, platform, credentials, progress => line(JsonLines.Of(progress)), token).ConfigureAwait(false);
            Publish(engine, "pull", reference.Familiar, image);
        });
    }

    private static Task PushAsync(HttpContext context, EngineHost engine, string name)
    {
        var reference = Reference(name, context.Query("tag"));
        var credentials = RegistryAuth.One(context);
        return JsonLines.RunAsync(context, async (line, token) =>
        {
            var digest = await engine.Images.PushAsync(reference, credentials, progress => line(JsonLines.Of(progress)), token).ConfigureAwait(false);
            line(new()
            {
                ["progressDetail"] = new JsonObject(),
                ["aux"] = new JsonObject { ["Tag"] = reference.Tag, ["Digest"] = digest.Value, ["Size"] = 0 },
            });
            Publish(engine, "push", reference.Familiar, engine.Images.Resolve(reference.ToString()));
        });
    }

    private static async Task TagAsync(HttpContext context, EngineHost engine, string name)
    {
        var image = engine.Images.Resolve(name);
        var reference = Reference(context.Query("repo") ?? "", context.Query("tag"));
        await engine.Images.TagAsync(image, reference).ConfigureAwait(false);
        Publish(engine, "tag", reference.Familiar, image);
        context.Response.StatusCode = 201;
    }

    private static async Task RemoveAsync(HttpContext context, EngineHost engine, string name)
    {
        var image = engine.Images.Resolve(name);
        var removals = await engine.Images.RemoveAsync(
            name, context.Flag("force"),
            id => engine.Containers.All.Any(container => container.Id == id && container.Record.IsRunning), context.RequestAborted).ConfigureAwait(false);
        foreach (var removal in removals)
        {
            Publish(engine, removal.Deleted is null ? "untag" : "delete", removal.Untagged ?? image.Id.Value, image);
        }

        await context.WriteAsync(new JsonArray([.. removals.Select(ImageViews.Removal)])).ConfigureAwait(false);
    }

    private static async Task SaveAsync(HttpContext context, EngineHost engine, IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            engine.Images.Resolve(name); // a missing one is a status, not a torn archive
        }

        context.Response.ContentType = "application/x-tar";
        await engine.Images.SaveAsync(names, context.Response.Body, context.RequestAborted).ConfigureAwait(false);
    }

    private static Task LoadAsync(HttpContext context, EngineHost engine)
    {
        var isQuiet = context.Flag("quiet");
        return JsonLines.RunAsync(context, async (line, token) =>
        {
            var loaded = await engine.Images.LoadAsync(
                context.Request.Body, progress =>
                {
                    if (!isQuiet)
                    {
                        line(JsonLines.Of(progress));
                    }
                }, token).ConfigureAwait(false);
            foreach (var (image, names) in loaded)
            {
                foreach (var text in names.Count > 0 ? names.Select(name => $"Loaded image: {name}\n") : [$"Loaded image ID: {image.Id}\n"])
                {
                    line(JsonLines.Stream(text));
                }

                Publish(engine, "load", image.DisplayName, image);
            }
        });
    }

    private static async Task PruneAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, "dangling", "label", "label!", "until");
        var until = filters["until"].Select(text => Time(text, engine)).ToList();
        var all = filters["dangling"].Any(value => value is "false" or "0");
        var (removed, freed) = await engine.Images.PruneAsync(
            all, image => filters.Labels(image.Config.Config?.Labels) && until.TrueForAll(limit => Created(image) < limit),
            context.RequestAborted).ConfigureAwait(false);
        await context.WriteAsync(new JsonObject
        {
            ["ImagesDeleted"] = new JsonArray([.. removed.Select(ImageViews.Removal)]),
            ["SpaceReclaimed"] = freed,
        }).ConfigureAwait(false);
    }

    /// <exception cref="BerthException">With Docker's words.</exception>
    internal static ImageReference Reference(string name, string? tag)
    {
        try
        {
            var separator = tag?.Contains(':', StringComparison.Ordinal) == true ? "@" : ":";
            return ImageReference.Parse(string.IsNullOrEmpty(tag) ? name : name + separator + tag);
        }
        catch (FormatException exception)
        {
            throw BerthException.Invalid(exception.Message);
        }
    }

    /// <exception cref="BerthException">Not a platform.</exception>
    internal static Platform? PlatformOf(string? text)
    {
        try
        {
            return string.IsNullOrEmpty(text) ? null : Platform.Parse(text);
        }
        catch (FormatException exception)
        {
            throw BerthException.Invalid(exception.Message);
        }
    }

    /// <summary>A moment as filters have it: Unix seconds, RFC 3339, or how long ago (<c>24h</c>).</summary>
    internal static DateTimeOffset Time(string text, EngineHost engine)
    {
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds))
        {
            return DateTimeOffset.UnixEpoch.AddSeconds(seconds);
        }

        var span = Regex.Match(text, @"^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$", RegexOptions.CultureInvariant);
        if (text.Length > 0 && span.Success)
        {
            double Part(int group) => span.Groups[group].Success ? double.Parse(span.Groups[group].Value, CultureInfo.InvariantCulture) : 0;
            return engine.Time.GetUtcNow() - TimeSpan.FromSeconds((Part(1) * 3600) + (Part(2) * 60) + Part(3));
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw BerthException.Invalid($"invalid filter 'until': '{text}' is neither a time nor a duration such as 24h");
    }

    private static DateTimeOffset Created(Image image) => image.Config.Created ?? DateTimeOffset.MinValue;

    // Go's path.Match on the familiar name, with and without the tag, as Docker does.
    private static bool Matches(ImageReference reference, string pattern)
    {
        var regex = new Regex(
            @"\A" + Regex.Escape(pattern).Replace(@"\*", "[^/]*", StringComparison.Ordinal).Replace(@"\?", "[^/]", StringComparison.Ordinal) + @"\z",
            RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        return new[] { reference.Familiar, reference.FamiliarName, reference.ToString(), reference.Name }.Any(regex.IsMatch);
    }

    private static void Publish(EngineHost engine, string action, string name, Image image)
    {
        var attributes = new Dictionary<string, string>(image.Config.Config?.Labels ?? [], StringComparer.Ordinal) { ["name"] = name };
        engine.Events.Publish("image", action, name, attributes);
    }
}
