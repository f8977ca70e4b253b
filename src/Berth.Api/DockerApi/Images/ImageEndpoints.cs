using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Berth.Engine;
using Berth.Engine.Build;
using Berth.Engine.Errors;
using Berth.Engine.Images;
using Berth.Oci;
using Berth.Oci.Images;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Images;

/// <summary>Docker Engine API, "Image". A name may hold slashes, so the last part of the path tells the operation.</summary>
internal static partial class ImageEndpoints
{
    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine)
    {
        routes.MapGet("/images/json", context => ListAsync(context, engine));
        routes.MapGet("/images/get", context => SaveAsync(context, engine, [.. context.Request.Query["names"].OfType<string>().SelectMany(names => names.Split(','))]));
        routes.MapGet("/images/search", context => SearchAsync(context, engine));
        routes.MapGet("/distribution/{**path}", context => Split(context) is var (distributed, operation) && operation == "json"
            ? DescribeAsync(context, engine, distributed)
            : throw BerthException.NotFound($"page not found: GET {context.Request.Path}"));
        routes.MapPost("/auth", context => LoginAsync(context, engine));
        routes.MapPost("/images/create", context => CreateAsync(context, engine));
        routes.MapPost("/images/load", context => LoadAsync(context, engine));
        routes.MapPost("/images/prune", context => PruneAsync(context, engine));
        routes.MapGet("/images/{**path}", context => Split(context) switch
        {
            var (name, operation) when operation == "json" => InspectAsync(context, engine, name),
            var (name, operation) when operation == "history" => context.WriteAsync(ImageViews.History(OfAskedPlatform(context, engine, name), engine.Images)),
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

    /// <exception cref="BerthException">There is no such image; or it is no name of one.</exception>
    private static Image Named(EngineHost engine, string name)
    {
        if (engine.Images.TryResolve(name) is { } image)
        {
            return image;
        }

        _ = Digest.IsHex(name) || Digest.TryParse(name, out _) ? null : Reference(name, null);
        return engine.Images.Resolve(name);
    }

    private static Task InspectAsync(HttpContext context, EngineHost engine, string name)
    {
        var details = ImageViews.Details(Named(engine, name), engine.Images, context.Version());
        if (context.Version() < 45)
        {
            details["ContainerConfig"] = details["Config"]?.DeepClone(); // Docker Compose 1 reads it
        }

        return context.WriteAsync(details);
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
        var isDangling = filters.Switch("dangling");
        _ = filters["reference"].Select(pattern => Matches(ImageReference.Parse("x"), pattern)).ToList(); // also when there is no image
        var before = filters["before"].Select(name => Created(engine.Images.Resolve(name))).ToList();
        var since = filters["since"].Select(name => Created(engine.Images.Resolve(name))).ToList();
        var until = filters["until"].Select(text => Time(text, engine)).ToList();
        var users = engine.Containers.All.GroupBy(container => container.Record.ImageId).ToDictionary(group => group.Key, group => group.Count());
        var found = engine.Images.All.Where(image =>
            filters.Labels(image.Config.Config?.Labels)
            && (isDangling is null || isDangling == (image.Tags.Count == 0))
            && filters.Any("reference", pattern => image.Tags.Concat(image.Digests).Any(name => Matches(ImageReference.Parse(name), pattern)))
            && before.TrueForAll(limit => Created(image) < limit) && since.TrueForAll(limit => Created(image) > limit)
            && until.TrueForAll(limit => Created(image) < limit));
        await context.WriteAsync(new JsonArray([.. found.OrderByDescending(Created)
            .Select(image => ImageViews.Summary(Narrowed(image, filters), users.GetValueOrDefault(image.Id.Value), context.Version()))])).ConfigureAwait(false);
    }

    // Only the names that were asked for.
    private static Image Narrowed(Image image, Filters filters) => !filters.Has("reference") ? image : image with
    {
        Tags = [.. image.Tags.Where(name => filters.Any("reference", pattern => Matches(ImageReference.Parse(name), pattern)))],
        Digests = [.. image.Digests.Where(name => filters.Any("reference", pattern => Matches(ImageReference.Parse(name), pattern)))],
    };

    private static Task CreateAsync(HttpContext context, EngineHost engine)
    {
        if (context.Query("fromImage") is not { Length: > 0 } name)
        {
            return ImportAsync(context, engine, context.Query("fromSrc") ?? "");
        }

        var reference = Reference(name, context.Query("tag"));
        var platform = PlatformOf(context.Query("platform"));
        var credentials = RegistryAuth.One(context);
        var isWholeRepository = NamesRepository(name, context.Query("tag"));
        return JsonLines.RunAsync(context, async (line, token) =>
        {
            foreach (var one in isWholeRepository ? await engine.Images.AllTagsAsync(reference, credentials, token).ConfigureAwait(false) : [reference])
            {
                var image = await engine.Images.PullAsync(one, platform, credentials, progress => line(JsonLines.Of(progress)), token).ConfigureAwait(false);
                Publish(engine, "pull", one.Familiar, image);
            }
        });
    }

    private static Task ImportAsync(HttpContext context, EngineHost engine, string source)
    {
        var name = context.Query("repo") is { Length: > 0 } repository ? Reference(repository, context.Query("tag")) : null;
        if (name?.Digest is not null)
        {
            throw BerthException.Invalid("cannot import digest reference");
        }

        var making = new ImageMaking
        {
            Config = ConfigChange.ApplyLines(new(), context.Request.Query["changes"].OfType<string>()),
            Platform = PlatformOf(context.Query("platform")) ?? Platform.Host,
            Comment = context.Query("message") is { Length: > 0 } message ? message : $"Imported from {source}",
            Name = name,
        };
        return JsonLines.RunAsync(context, async (line, token) =>
        {
            var image = source == "-"
                ? await engine.Images.ImportAsync(context.Request.Body, making, token).ConfigureAwait(false)
                : await Download.OpenAsync(source, async content => await engine.Images.ImportAsync(content, making, token).ConfigureAwait(false), token).ConfigureAwait(false);
            Publish(engine, "import", image.Id.Value, image);
            line(new() { ["status"] = image.Id.Value });
        });
    }

    private static async Task SearchAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, "is-automated", "is-official", "stars");
        var term = context.Query("term") is { Length: > 0 } asked ? asked : throw BerthException.Invalid("the parameter term is missing: what to search for");
        var limit = context.Query("limit") is not { Length: > 0 } text ? 25
            : int.TryParse(text, CultureInfo.InvariantCulture, out var most) ? most : throw BerthException.Invalid($"invalid limit specified: \"{text}\" is not a number");
        if (limit is < 0 or > 100)
        {
            throw BerthException.Invalid($"limit {limit} is outside the range of [1, 100]");
        }

        var stars = filters["stars"].Select(text => int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : throw BerthException.Invalid($"invalid filter 'stars={text}'")).DefaultIfEmpty(0).Max();
        var found = await engine.Images.SearchAsync(term, limit == 0 ? 25 : limit, RegistryAuth.One(context), context.RequestAborted).ConfigureAwait(false);
        await context.WriteAsync(new JsonArray([.. found
            .Where(one => one.Stars >= stars && filters.Any("is-official", value => (value is "true" or "1") == one.IsOfficial) && filters.Any("is-automated", value => value is not ("true" or "1")))
            .Select(one => new JsonObject
            {
                ["name"] = one.Name, ["description"] = one.Description, ["star_count"] = one.Stars, ["is_official"] = one.IsOfficial, ["is_automated"] = false,
            })])).ConfigureAwait(false);
    }

    private static async Task DescribeAsync(HttpContext context, EngineHost engine, string name)
    {
        var info = await engine.Images.DescribeAsync(Reference(name, null), RegistryAuth.One(context), context.RequestAborted).ConfigureAwait(false);
        await context.WriteAsync(new JsonObject
        {
            ["Descriptor"] = new JsonObject { ["mediaType"] = info.Descriptor.MediaType, ["digest"] = info.Descriptor.Digest.Value, ["size"] = info.Descriptor.Size },
            ["Platforms"] = new JsonArray([.. info.Platforms.Select(platform =>
            {
                var view = new JsonObject { ["architecture"] = platform.Architecture, ["os"] = platform.OperatingSystem };
                if (platform.Variant is { Length: > 0 } variant)
                {
                    view["variant"] = variant;
                }

                return view;
            })]),
        }).ConfigureAwait(false);
    }

    private static async Task LoginAsync(HttpContext context, EngineHost engine)
    {
        var (registry, credentials) = RegistryAuth.Login(await Http.ReadBodyAsync(context).ConfigureAwait(false));
        await engine.Images.CheckLoginAsync(registry, credentials, context.RequestAborted).ConfigureAwait(false);
        await context.WriteAsync(new JsonObject { ["Status"] = "Login Succeeded", ["IdentityToken"] = "" }).ConfigureAwait(false);
    }

    private static Task PushAsync(HttpContext context, EngineHost engine, string name)
    {
        var reference = Reference(name, context.Query("tag"));
        var credentials = RegistryAuth.One(context);
        var local = NamesRepository(name, context.Query("tag")) ? engine.Images.All.SelectMany(image => image.Tags).Select(ImageReference.Parse).Where(one => one.Name == reference.Name).ToList() : [];
        IReadOnlyList<ImageReference> pushed = local.Count > 0 ? local : [reference]; // without any, that one is refused
        if (local.Count == 0 && context.Query("platform") is { Length: > 0 })
        {
            OfAskedPlatform(context, engine, reference.ToString());
        }

        return JsonLines.RunAsync(context, async (line, token) =>
        {
            foreach (var one in pushed)
            {
                var digest = await engine.Images.PushAsync(one, credentials, progress => line(JsonLines.Of(progress)), token).ConfigureAwait(false);
                line(new()
                {
                    ["progressDetail"] = new JsonObject(),
                    ["aux"] = new JsonObject { ["Tag"] = one.Tag, ["Digest"] = digest.Value, ["Size"] = 0 },
                });
                Publish(engine, "push", one.Familiar, engine.Images.Resolve(one.ToString()));
            }
        }, hasBegun: true);
    }

    private static async Task TagAsync(HttpContext context, EngineHost engine, string name)
    {
        var image = Named(engine, name);
        var reference = Reference(context.Query("repo") ?? "", context.Query("tag"));
        await engine.Images.TagAsync(image, reference).ConfigureAwait(false);
        Publish(engine, "tag", reference.Familiar, image);
        context.Response.StatusCode = 201;
    }

    private static async Task RemoveAsync(HttpContext context, EngineHost engine, string name)
    {
        var image = Named(engine, name);
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
            var image = Named(engine, name); // a missing one is a status, not a torn archive
            if (AskedPlatform(context) is { } asked && !asked.Accepts(image.Config.Platform))
            {
                throw BerthException.NotFound($"no suitable export target found for platform {asked}");
            }
        }

        context.Response.ContentType = "application/x-tar";
        await engine.Images.SaveAsync(names, context.Response.Body, context.RequestAborted).ConfigureAwait(false);
    }

    private static Task LoadAsync(HttpContext context, EngineHost engine)
    {
        var isQuiet = context.Flag("quiet");
        var platform = AskedPlatform(context);
        return JsonLines.RunAsync(context, async (line, token) =>
        {
            var loaded = await engine.Images.LoadAsync(
                context.Request.Body, platform, progress =>
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
        var all = filters.Switch("dangling") == false;
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
            if (separator == ":" && !string.IsNullOrEmpty(tag) && !ImageReference.TryParse("name:" + tag, out _))
            {
                throw BerthException.Invalid($"invalid tag format: \"{tag}\": up to 128 letters, digits, '_', '.' and '-', the first a letter, digit or '_'");
            }

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

    // All its tags are meant: neither the name nor the parameter beside it has one. Docker Engine API, "ImageCreate" and "ImagePush".
    private static bool NamesRepository(string name, string? tag) =>
        string.IsNullOrEmpty(tag) && !name.Contains('@', StringComparison.Ordinal) && !name[(name.LastIndexOf('/') + 1)..].Contains(':', StringComparison.Ordinal);

    /// <summary>The platform that is asked for as JSON, since version 1.48; null without.</summary>
    /// <exception cref="BerthException">Not a platform.</exception>
    private static Platform? AskedPlatform(HttpContext context)
    {
        if (context.Query("platform") is not { Length: > 0 } text)
        {
            return null;
        }

        try
        {
            var view = JsonNode.Parse(text) as JsonObject ?? throw new FormatException($"'{text}' is not an object");
            var variant = view["variant"]?.GetValue<string>();
            return Platform.Parse($"{view["os"]?.GetValue<string>()}/{view["architecture"]?.GetValue<string>()}{(string.IsNullOrEmpty(variant) ? "" : "/" + variant)}");
        }
        catch (Exception exception) when (exception is System.Text.Json.JsonException or InvalidOperationException or FormatException)
        {
            throw BerthException.Invalid($"failed to parse platform: {exception.Message}");
        }
    }

    /// <exception cref="BerthException">There is no such image, or it is for another platform than is asked for.</exception>
    private static Image OfAskedPlatform(HttpContext context, EngineHost engine, string name)
    {
        var image = Named(engine, name);
        return AskedPlatform(context) is { } asked && !asked.Accepts(image.Config.Platform)
            ? throw BerthException.NotFound($"image with reference {name} was found but its platform ({image.Config.Platform}) does not match the specified platform ({asked})")
            : image;
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
            : throw BerthException.Invalid($"failed to parse value as time or duration: \"{text}\": write seconds since 1970, RFC 3339, or a duration such as 24h");
    }

    private static DateTimeOffset Created(Image image) => image.Config.Created ?? DateTimeOffset.MinValue;

    // Go's path.Match on the familiar name, with and without the tag, as Docker does.
    private static bool Matches(ImageReference reference, string pattern)
    {
        var regex = new Regex(@"\A" + ReferencePart().Replace(pattern, part => part.Value switch
        {
            "*" => "[^/]*",
            "?" => "[^/]",
            ['[', .., ']'] => "[" + part.Value[1..^1].Replace("[", @"\[", StringComparison.Ordinal) + "]",
            "[" => throw BerthException.Invalid($"syntax error in pattern: '{pattern}' has a [ without its ]"),
            ['\\', var letter] => Regex.Escape(letter.ToString()),
            var text => Regex.Escape(text),
        }) + @"\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        return new[] { reference.Familiar, reference.FamiliarName, reference.ToString(), reference.Name }.Any(regex.IsMatch);
    }

    // Go's package path, "Match".
    [GeneratedRegex(@"\*|\?|\[\^?[^\]]+\]|\[|\\.|[^*?\[\\]+|\\", RegexOptions.Singleline)]
    private static partial Regex ReferencePart();

    private static void Publish(EngineHost engine, string action, string name, Image image)
    {
        var attributes = new Dictionary<string, string>(image.Config.Config?.Labels ?? [], StringComparer.Ordinal) { ["name"] = name };
        engine.Events.Publish("image", action, name, attributes);
    }
}
