using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Api.DockerApi.Images;
using Berth.Engine;
using Berth.Engine.Build;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Build;

/// <summary>Docker Engine API, "Build": the classic builder's protocol, which takes the context as an archive.</summary>
internal static class BuildEndpoints
{
    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine)
    {
        routes.MapPost("/build", context => BuildAsync(context, engine));
        routes.MapPost("/build/cancel", context => throw (context.Query("id") is { Length: > 0 } id
            ? BerthException.NotFound($"no build has the ID {id}: Berth's builds end when their client goes")
            : BerthException.Invalid("build ID not provided")));
        routes.MapPost("/build/prune", context => PruneAsync(context, engine));
    }

    private static Task BuildAsync(HttpContext context, EngineHost engine)
    {
        Refuse(context);
        List(context, "cachefrom", "cache-from");
        var config = Config(context);
        return RunAsync(context, engine, config, async (build, token) =>
        {
            using var temporary = engine.Images.Content.CreateTemporary();
            if (context.Query("remote") is { Length: > 0 } remote && remote != "client-session")
            {
                var found = await RemoteContext.FetchAsync(remote, temporary, token).ConfigureAwait(false);
                await build(config with { ContextDirectory = found.Directory, DockerfilePath = config.DockerfilePath.TrimStart('/'), DockerfileText = found.Dockerfile }).ConfigureAwait(false);
                return;
            }

            await using (var file = File.Create(temporary["archive"]))
            {
                await context.Request.Body.CopyToAsync(file, token).ConfigureAwait(false); // to a file first: the archive is read by code that must not wait for a network
            }

            await RemoteContext.UnpackAsync(temporary["archive"], temporary["context"], token).ConfigureAwait(false);
            await build(config with { ContextDirectory = temporary["context"], DockerfilePath = config.DockerfilePath.TrimStart('/') }).ConfigureAwait(false);
        });
    }

    /// <summary>Answers with the classic builder's lines while <paramref name="act"/> prepares a context and has it built.</summary>
    internal static Task RunAsync(
        HttpContext context, EngineHost engine, BuildConfig asked, Func<Func<BuildConfig, Task>, CancellationToken, Task> act) =>
        JsonLines.RunAsync(context, async (line, token) =>
        {
            var output = new ClassicOutput(line, Path.GetFileName(asked.DockerfilePath), asked.Tags, context.Flag("q"));
            if (context.Query("cachefrom") is not (null or "" or "null" or "[]"))
            {
                output.Warn("The option cachefrom has no effect on builds in Berth: its cache knows the steps of every image that was built here.");
            }

            await act(
                async config =>
                {
                    await foreach (var one in engine.Builder.BuildAsync(config, token).ConfigureAwait(false))
                    {
                        output.Write(one);
                    }
                },
                token).ConfigureAwait(false);
            if (output.Built is { } image)
            {
                foreach (var tag in asked.Tags)
                {
                    engine.Events.Publish("image", "tag", image.Id.Value, new Dictionary<string, string> { ["name"] = tag.Familiar });
                }
            }
        });

    private static async Task PruneAsync(HttpContext context, EngineHost engine)
    {
        var filters = ReadFilters(context);
        if (new[] { "id", "parent", "type", "description", "inuse", "shared", "private" }.FirstOrDefault(filters.Has) is { } unsupported)
        {
            throw BerthException.Invalid($"the filter '{unsupported}' is not supported for the build cache; use until");
        }

        var until = filters["until"].Concat(filters["unused-for"]).Select(text => ImageEndpoints.Time(text, engine)).ToList();
        var keep = new[] { "keep-storage", "reserved-space" }.Select(name => context.Query(name) is not { Length: > 0 } text ? 0L
            : long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var bytes) ? bytes
            : throw BerthException.Invalid($"{name} is in bytes and expects an integer, got {text}")).Max();
        var (keys, freed) = await engine.Builder.Cache.PruneAsync(
            context.Flag("all"), entry => !filters.Has("label") && until.TrueForAll(limit => entry.LastUsed < limit), keep, context.RequestAborted).ConfigureAwait(false);
        await context.WriteAsync(new JsonObject { ["CachesDeleted"] = Http.Strings(keys), ["SpaceReclaimed"] = freed }).ConfigureAwait(false);
    }

    private static Filters ReadFilters(HttpContext context)
    {
        try
        {
            return Filters.Read(context, "until", "unused-for", "label", "label!", "id", "parent", "type", "description", "inuse", "shared", "private");
        }
        catch (BerthException exception)
        {
            throw BerthException.Invalid(exception.Message.StartsWith("invalid filter '", StringComparison.Ordinal) ? $"failed to prune build cache: {exception.Message}" : exception.Message);
        }
    }

    private static IReadOnlyList<string>? List(HttpContext context, string name, string what)
    {
        try
        {
            using var document = JsonDocument.Parse(context.Query(name) is { Length: > 0 } text ? text : "null");
            return document.RootElement.ValueKind == JsonValueKind.Null ? null : [.. document.RootElement.EnumerateArray().Select(item => item.GetString() ?? "")];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw BerthException.Invalid($"error reading {what}: {exception.Message}");
        }
    }

    private static void Refuse(HttpContext context)
    {
        if (context.Query("version") == "2")
        {
            throw new BerthException(ErrorKind.NotSupported, "This is the classic builder's protocol; a BuildKit session is not. Set DOCKER_BUILDKIT=0, or use berth build.");
        }

        if (context.Query("version") is not (null or "" or "1"))
        {
            throw BerthException.Invalid($"invalid version \"{context.Query("version")}\"");
        }

        if (context.Query("outputs") is { Length: > 0 } outputs && outputs is not ("null" or "[]"))
        {
            throw BerthException.Invalid("outputs are BuildKit's, which Berth has not: build an image, and export a container of it");
        }

        if (context.Query("securityopt") is not (null or "" or "null" or "[]"))
        {
            throw BerthException.Invalid("security options are not supported on linux");
        }

        if (context.Query("isolation") is not (null or "" or "default"))
        {
            throw BerthException.Invalid($"Unsupported isolation: \"{context.Query("isolation")}\"");
        }

        if (context.Flag("squash"))
        {
            throw BerthException.Invalid("squash is only supported with experimental mode, which Berth has not: use a last stage FROM scratch with COPY --from");
        }
    }

    /// <summary>What the query asks for; the context and the place of the Dockerfile in it are the caller's to settle.</summary>
    internal static BuildConfig Config(HttpContext context)
    {
        var tags = context.Request.Query["t"].OfType<string>().Where(tag => tag.Length > 0).Select(tag => ImageEndpoints.Reference(tag, null)).ToList();
        var dockerfile = context.Query("dockerfile") is { Length: > 0 } path ? path : "Dockerfile";
        return new()
        {
            ContextDirectory = "",
            Identity = $"archive {string.Join(' ', tags)}",
            DockerfilePath = dockerfile,
            BuildArguments = Pairs(context, "buildargs", "build args"),
            Labels = Pairs(context, "labels", "labels").ToDictionary(pair => pair.Key, pair => pair.Value ?? ""),
            Target = context.Query("target") is { Length: > 0 } target ? target : null,
            Tags = tags,
            NoCache = context.Flag("nocache"),
            Pull = context.Flag("pull"),
            Network = context.Query("networkmode") is { Length: > 0 } network ? network : "default",
            Platform = ImageEndpoints.PlatformOf(context.Query("platform")),
            ExtraHosts = [.. context.Request.Query["extrahosts"].OfType<string>().SelectMany(hosts => hosts.Split(',')).Where(host => host.Length > 0)],
            Credentials = RegistryAuth.Many(context),
            Limits = Limits(context),
        };
    }

    private static HostConfig Limits(HttpContext context)
    {
        var limits = new HostConfig
        {
            Memory = Size(context, "memory"),
            MemorySwap = Size(context, "memswap"),
            CpuShares = Size(context, "cpushares"),
            CpuPeriod = Size(context, "cpuperiod"),
            CpuQuota = Size(context, "cpuquota"),
            CpusetCpus = context.Query("cpusetcpus") ?? "",
            CpusetMems = context.Query("cpusetmems") ?? "",
            ShmSize = Size(context, "shmsize"),
            CgroupParent = context.Query("cgroupparent") ?? "",
            Ulimits = context.Query("ulimits") is { Length: > 0 } text ? Ulimits(text) : null,
        };
        ContainerCreation.ValidateLimits(limits);
        return limits;
    }

    private static IReadOnlyList<UlimitConfig>? Ulimits(string text)
    {
        try
        {
            return RequestJson.Parse(Encoding.UTF8.GetBytes($"{{\"Ulimits\":{text}}}"), ApiJson.Default.HostConfig).Ulimits;
        }
        catch (BerthException exception)
        {
            throw BerthException.Invalid($"error reading ulimit settings: {exception.Message}");
        }
    }

    private static long Size(HttpContext context, string name) => context.Query(name) switch
    {
        null or "" => 0,
        var text when long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number) => number,
        var text => throw BerthException.Invalid($"the parameter {name} is not a number: \"{text}\""),
    };

    private static Dictionary<string, string?> Pairs(HttpContext context, string name, string what)
    {
        if (context.Query(name) is not { Length: > 0 } text)
        {
            return [];
        }

        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Null
                ? []
                : document.RootElement.EnumerateObject().ToDictionary(pair => pair.Name, pair => pair.Value.GetString(), StringComparer.Ordinal);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            throw BerthException.Invalid($"error reading {what}: {exception.Message}");
        }
    }

    /// <summary>A build's events in the classic builder's words.</summary>
    private sealed class ClassicOutput(Action<JsonObject> line, string dockerfile, IReadOnlyList<Berth.Oci.ImageReference> tags, bool isQuiet)
    {
        private readonly Dictionary<(int Stage, int Step, bool IsError), Decoder> _decoders = [];
        private bool _hasBegun;

        public Berth.Engine.Images.Image? Built { get; private set; }

        public void Warn(string message) => Print($"[Warning] {message}\n");

        public void Write(BuildEvent one)
        {
            // What is wrong before the first step is the answer's status, as in Docker.
            if (one is BuildFailed { ExitCode: null } early && !_hasBegun)
            {
                throw BerthException.Invalid(early.Message);
            }

            _hasBegun |= one is not BuildWarned;
            switch (one)
            {
                case StepStarted started:
                    Print($"Step {Number(started.Step)} : {started.Step.Text}\n{(started.MissReason is { } reason ? $" ---> Not from the cache: {reason}\n" : "")}");
                    break;
                case StepCached cached:
                    Print($"Step {Number(cached.Step)} : {cached.Step.Text}\n ---> Using cache\n");
                    break;
                case StepPrinted printed:
                    Print(Decode(printed));
                    break;
                case BasePulled pulled when !isQuiet:
                    line(JsonLines.Of(pulled.Progress));
                    break;
                case BuildWarned warned:
                    Warn(warned.Message);
                    break;
                case BuildSucceeded succeeded:
                    Built = succeeded.Image;
                    line(new() { ["aux"] = new JsonObject { ["ID"] = succeeded.Image.Id.Value } });
                    if (isQuiet)
                    {
                        line(JsonLines.Stream($"{succeeded.Image.Id}\n"));
                        break;
                    }

                    Print($"Successfully built {succeeded.Image.Id.Short}\n");
                    foreach (var tag in tags)
                    {
                        Print($"Successfully tagged {tag.Familiar}\n");
                    }

                    break;
                case BuildFailed failed:
                    // A command's failure keeps Docker's words; the parser's messages bear their lines already.
                    var needsLine = failed is { Line: not null, ExitCode: null } && !failed.Message.Contains($":{failed.Line}:", StringComparison.Ordinal);
                    line(JsonLines.Error(needsLine ? $"{dockerfile}:{failed.Line}: {failed.Message}" : failed.Message, failed.ExitCode));
                    break;
            }
        }

        private static string Number(BuildStep step) =>
            step.StageName is null && step.StageIndex == 0 ? $"{step.Number}/{step.Count}" : $"[{step.StageName ?? $"stage-{step.StageIndex}"} {step.Number}/{step.Count}]";

        // A piece of output may end within a character.
        private string Decode(StepPrinted printed)
        {
            var key = (printed.Step.StageIndex, printed.Step.Number, printed.Output.IsError);
            if (!_decoders.TryGetValue(key, out var decoder))
            {
                _decoders[key] = decoder = Encoding.UTF8.GetDecoder();
            }

            var characters = new char[Encoding.UTF8.GetMaxCharCount(printed.Output.Bytes.Length)];
            var count = decoder.GetChars(printed.Output.Bytes.Span, characters, flush: false);
            return new(characters, 0, count);
        }

        private void Print(string text)
        {
            if (!isQuiet && text.Length > 0)
            {
                line(JsonLines.Stream(text));
            }
        }
    }
}
