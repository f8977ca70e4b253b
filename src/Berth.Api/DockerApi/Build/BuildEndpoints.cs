using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Api.DockerApi.Images;
using Berth.Engine;
using Berth.Engine.Build;
using Berth.Engine.Errors;
using Berth.Oci.Layers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Build;

/// <summary>Docker Engine API, "Build": the classic builder's protocol, which takes the context as an archive.</summary>
internal static class BuildEndpoints
{
    private static readonly UnpackLimits ContextLimits = new() { TotalBytes = 64L << 30, Entries = 2_000_000 };

    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine)
    {
        routes.MapPost("/build", context => BuildAsync(context, engine));
        routes.MapPost("/build/prune", context => PruneAsync(context, engine));
    }

    private static Task BuildAsync(HttpContext context, EngineHost engine)
    {
        Refuse(context);
        var config = Config(context);
        return RunAsync(context, engine, config, async (build, token) =>
        {
            using var temporary = engine.Images.Content.CreateTemporary();
            await ReceiveAsync(context, temporary["archive"], temporary["context"], token).ConfigureAwait(false);
            await build(config with { ContextDirectory = temporary["context"], DockerfilePath = config.DockerfilePath.TrimStart('/') }).ConfigureAwait(false);
        });
    }

    /// <summary>Answers with the classic builder's lines while <paramref name="act"/> prepares a context and has it built.</summary>
    internal static Task RunAsync(
        HttpContext context, EngineHost engine, BuildConfig asked, Func<Func<BuildConfig, Task>, CancellationToken, Task> act) =>
        JsonLines.RunAsync(context, async (line, token) =>
        {
            var output = new ClassicOutput(line, Path.GetFileName(asked.DockerfilePath), context.Flag("q"));
            foreach (var option in (string[])["cachefrom", "memory", "memswap", "cpushares", "cpusetcpus", "cpuperiod", "cpuquota", "shmsize", "ulimits", "cgroupparent"])
            {
                if (context.Query(option) is not (null or "" or "0" or "null" or "[]"))
                {
                    output.Warn($"The option {option} has no effect on builds in Berth.");
                }
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
        var filters = Filters.Read(context, "until", "unused-for", "id", "parent", "type", "description", "inuse", "shared", "private");
        if (new[] { "id", "parent", "type", "description", "inuse", "shared", "private" }.FirstOrDefault(filters.Has) is { } unsupported)
        {
            throw BerthException.Invalid($"the filter '{unsupported}' is not supported for the build cache; use until");
        }

        var until = filters["until"].Concat(filters["unused-for"]).Select(text => ImageEndpoints.Time(text, engine)).ToList();
        var keep = (context.Query("keep-storage") ?? context.Query("reserved-space")) is { Length: > 0 } text
            && long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var bytes) ? bytes : 0;
        var (keys, freed) = await engine.Builder.Cache.PruneAsync(
            context.Flag("all"), entry => until.TrueForAll(limit => entry.LastUsed < limit), keep, context.RequestAborted).ConfigureAwait(false);
        await context.WriteAsync(new JsonObject { ["CachesDeleted"] = Http.Strings(keys), ["SpaceReclaimed"] = freed }).ConfigureAwait(false);
    }

    private static void Refuse(HttpContext context)
    {
        if (context.Query("version") == "2")
        {
            throw new BerthException(ErrorKind.NotSupported, "This is the classic builder's protocol; a BuildKit session is not. Set DOCKER_BUILDKIT=0, or use berth build.");
        }

        if (context.Query("remote") is { Length: > 0 } remote)
        {
            throw new BerthException(ErrorKind.NotSupported, $"Building from a remote context ('{remote}') is not supported; clone it and build from the folder.");
        }

        if (context.Flag("squash"))
        {
            throw new BerthException(ErrorKind.NotSupported, "--squash is not supported; use a last stage FROM scratch with COPY --from.");
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
            BuildArguments = Pairs(context, "buildargs"),
            Labels = Pairs(context, "labels").ToDictionary(pair => pair.Key, pair => pair.Value ?? ""),
            Target = context.Query("target") is { Length: > 0 } target ? target : null,
            Tags = tags,
            NoCache = context.Flag("nocache"),
            Pull = context.Flag("pull"),
            Network = context.Query("networkmode") is { Length: > 0 } network ? network : "default",
            Platform = ImageEndpoints.PlatformOf(context.Query("platform")),
            ExtraHosts = [.. context.Request.Query["extrahosts"].OfType<string>().SelectMany(hosts => hosts.Split(',')).Where(host => host.Length > 0)],
            Credentials = RegistryAuth.Many(context),
        };
    }

    private static Dictionary<string, string?> Pairs(HttpContext context, string name)
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
            throw BerthException.Invalid($"invalid {name}: {exception.Message}");
        }
    }

    // To a file first: the archive is read by code that must not wait for a network.
    private static async Task ReceiveAsync(HttpContext context, string archive, string directory, CancellationToken cancellationToken)
    {
        await using (var file = File.Create(archive))
        {
            await context.Request.Body.CopyToAsync(file, cancellationToken).ConfigureAwait(false);
        }

        Directory.CreateDirectory(directory);
        try
        {
            await Task.Run(
                () =>
                {
                    using var tar = LayerCompression.Open(File.OpenRead(archive));
                    LayerReader.Unpack(tar, directory, new() { IsLayer = false, Owner = (0, 0), Limits = ContextLimits }, cancellationToken);
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException exception)
        {
            throw new BerthException(ErrorKind.Invalid, $"The build context is not a readable archive: {exception.Message}", exception);
        }

        File.Delete(archive);
    }

    /// <summary>A build's events in the classic builder's words.</summary>
    private sealed class ClassicOutput(Action<JsonObject> line, string dockerfile, bool isQuiet)
    {
        private readonly Dictionary<(int Stage, int Step, bool IsError), Decoder> _decoders = [];

        public Berth.Engine.Images.Image? Built { get; private set; }

        public void Warn(string message) => Print($"[Warning] {message}\n");

        public void Write(BuildEvent one)
        {
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
                    if (isQuiet)
                    {
                        line(JsonLines.Stream($"{succeeded.Image.Id}\n"));
                        break;
                    }

                    line(new() { ["aux"] = new JsonObject { ["ID"] = succeeded.Image.Id.Value } });
                    Print($"Successfully built {succeeded.Image.Id.Short}\n");
                    foreach (var tag in succeeded.Image.FamiliarTags)
                    {
                        Print($"Successfully tagged {tag}\n");
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
