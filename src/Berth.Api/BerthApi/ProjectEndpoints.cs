using System.Text.Json.Nodes;
using Berth.Api.DockerApi.Containers;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Compose.Output;
using Berth.Compose.Variables;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Oci;
using Berth.Releases.Planning;
using Berth.Releases.Projects;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.BerthApi;

/// <summary>
/// Berth API, projects: <c>POST /berth/v1/projects/VERB</c>. The body says where the compose files are (<see cref="ProjectRequest"/>); the
/// daemon reads them. Mistakes in them are a 400 with all of them in <c>errors</c>; otherwise the answer is a stream of events.
/// </summary>
internal static class ProjectEndpoints
{
    private delegate Task<JsonObject?> Verb(ProjectRequest request, Target target, ProjectProgress progress, CancellationToken cancellationToken);

    /// <param name="Project">Null when only the name is known.</param>
    internal sealed record Target(string Name, ProjectModel? Project)
    {
        internal ProjectModel Required => Project ?? throw BerthException.NotFound($"the project '{Name}' has no compose file here; name it with -f, or go to its folder");
    }

    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine, ProjectService projects)
    {
        routes.MapPost("/berth/v1/projects/config", context => ConfigAsync(context, engine));
        routes.MapPost("/berth/v1/projects/ps", context => ListAsync(context, engine, projects));
        foreach (var verb in new[] { "up", "deploy" })
        {
            Map(routes, verb, async (request, target, progress, token) =>
            {
                var containers = await projects.UpAsync(target.Required, Up(request, verb), progress, token).ConfigureAwait(false);
                return new()
                {
                    ["project"] = target.Name,
                    ["containers"] = new JsonArray([.. containers.Select(container => WithAttach(View(engine, container), target.Required))]),
                    ["release"] = projects.Releases(target.Name) is [var newest, ..] ? newest.Number : null,
                };
            });
        }

        Map(routes, "rollback", async (request, target, progress, token) =>
        {
            var release = await projects.RollBackAsync(target.Name, request.Number("number"), Up(request, "rollback"), progress, token).ConfigureAwait(false);
            return new() { ["project"] = target.Name, ["release"] = release.Number };
        });
        Map(routes, "undo", async (request, target, progress, _) =>
            new() { ["project"] = target.Name, ["release"] = await projects.UndoAsync(target.Name, new("undo", request.Text("user") ?? ""), progress).ConfigureAwait(false) });
        routes.MapPost("/berth/v1/projects/evidence", context => ReleaseViews.EvidenceAsync(context, projects));
        routes.MapPost("/berth/v1/projects/plan", context => PlanViews.PlanAsync(context, projects));
        routes.MapPost("/berth/v1/projects/drift", context => PlanViews.DriftAsync(context, projects));
        routes.MapPost("/berth/v1/projects/releases", context => ReleaseViews.ListAsync(context, projects));
        Map(routes, "down", async (request, target, progress, token) =>
        {
            if (request.Flag("dryRun"))
            {
                return new() { ["plan"] = PlanViews.View(target.Name, projects.PlanDown(target.Name, target.Project, Down(request)), []) };
            }

            await projects.DownAsync(target.Name, target.Project, Down(request), request.Number("timeout"), progress, token).ConfigureAwait(false);
            return null;
        });
        MapPlain(routes, "build", (request, target, progress, token) => projects.BuildAsync(target.Required, Build(request), progress, token));
        MapPlain(routes, "pull", (request, target, progress, token) => projects.PullAsync(target.Required, Pull(request), progress, token));
        MapPlain(routes, "watch", (request, target, progress, token) => projects.WatchAsync(target.Required, request.Services, request.Flag("prune"), progress, token));
        MapPlain(routes, "start", (request, target, progress, token) => projects.StartAsync(target.Name, request.Services, progress, token));
        MapPlain(routes, "stop", (request, target, progress, token) => projects.StopAsync(target.Name, request.Services, request.Number("timeout"), progress, token));
        MapPlain(routes, "restart", (request, target, progress, token) => projects.RestartAsync(target.Name, request.Services, request.Number("timeout"), withDependents: !request.Flag("noDependencies"), progress, token));
        MapPlain(routes, "kill", (request, target, progress, token) => projects.KillAsync(target.Name, request.Services, request.Flag("removeOrphans") ? null : target.Project, request.Text("signal"), progress, token));
        MapPlain(routes, "pause", (request, target, progress, token) => projects.PauseAsync(target.Name, request.Services, pause: true, progress, token));
        MapPlain(routes, "unpause", (request, target, progress, token) => projects.PauseAsync(target.Name, request.Services, pause: false, progress, token));
        MapPlain(routes, "rm", (request, target, progress, token) =>
            projects.RemoveAsync(target.Name, request.Services, request.Flag("stop"), request.Flag("volumes"), progress, token));
        Map(routes, "run", async (request, target, progress, token) =>
        {
            var container = await projects.CreateOneOffAsync(target.Required, OneOff(request), progress, token).ConfigureAwait(false);
            return new() { ["id"] = container.Id, ["name"] = container.Name };
        });
    }

    private static void MapPlain(IEndpointRouteBuilder routes, string name, Func<ProjectRequest, Target, ProjectProgress, CancellationToken, Task> act) =>
        Map(routes, name, async (request, target, progress, token) =>
        {
            await act(request, target, progress, token).ConfigureAwait(false);
            return null;
        });

    private static void Map(IEndpointRouteBuilder routes, string name, Verb verb) => routes.MapPost($"/berth/v1/projects/{name}", async context =>
    {
        var request = await ProjectRequest.ReadAsync(context).ConfigureAwait(false);
        var result = Load(request);
        if (await FindAsync(context, request, result).ConfigureAwait(false) is not { } target)
        {
            return;
        }

        var limit = request.Number("parallel");
        if (limit < 1)
        {
            throw BerthException.Invalid("'parallel' is a number from 1");
        }

        await EventLines.RunAsync(context, async (progress, token) =>
        {
            StepLimit.Set(limit);
            foreach (var warning in result.Warnings)
            {
                progress(new(ProjectEventKind.Warning, "", warning.ToString()));
            }

            return await verb(request, target, progress, token).ConfigureAwait(false);
        }).ConfigureAwait(false);
    });

    internal static ComposeLoadResult Load(ProjectRequest request) => request.Load([.. request.Services, .. request.Text("service") is { } service ? [service] : Array.Empty<string>()]);

    /// <summary>Null when the answer, all the files' mistakes, has been written.</summary>
    internal static async Task<Target?> FindAsync(HttpContext context, ProjectRequest request, ComposeLoadResult result)
    {
        if (result.Project is { } project)
        {
            return new(project.Name, project);
        }

        if (request.NameWithoutFiles(result) is { } name)
        {
            return new(name, null);
        }

        await RefuseAsync(context, result.Errors).ConfigureAwait(false);
        return null;
    }

    private static Task RefuseAsync(HttpContext context, IReadOnlyList<ComposeDiagnostic> errors) => context.WriteAsync(
        new JsonObject
        {
            ["message"] = string.Join('\n', errors),
            ["errors"] = new JsonArray([.. errors.Select(error => new JsonObject { ["file"] = error.File, ["line"] = error.Line, ["column"] = error.Column, ["message"] = error.Message })]),
        },
        400);

    private static async Task ConfigAsync(HttpContext context, EngineHost engine)
    {
        var request = await ProjectRequest.ReadAsync(context).ConfigureAwait(false);
        if (request.Flag("variablesAreShown"))
        {
            var variables = ComposeLoader.NamedVariables(request.Options([]));
            await (variables.Errors.Count > 0 ? RefuseAsync(context, variables.Errors) : context.WriteAsync(new JsonObject
            {
                ["variables"] = new JsonArray([.. variables.All.Select(one => new JsonObject { ["Name"] = one.Name, ["DefaultValue"] = one.Default ?? "", ["AlternateValue"] = one.Alternate ?? "", ["Required"] = one.IsRequired })]),
            })).ConfigureAwait(false);
            return;
        }

        if (request.Flag("noInterpolate"))
        {
            var merged = ComposeLoader.Merge(request.Options([]));
            if (merged.Errors.Count > 0)
            {
                await RefuseAsync(context, merged.Errors).ConfigureAwait(false);
                return;
            }

            await context.WriteAsync(new JsonObject { ["yaml"] = merged.Yaml, ["json"] = merged.Json, ["warnings"] = Http.Strings(merged.Warnings.Select(warning => warning.ToString())) }).ConfigureAwait(false);
            return;
        }

        var result = Load(request);
        if (await FindAsync(context, request, result).ConfigureAwait(false) is not { } target)
        {
            return;
        }

        bool IsWanted(string part) => request.Text("only") is not { Length: > 0 } only || only == part; // to fingerprint and to write a large project takes its time
        var unknown = request.Services.Where(name => !target.Required.Services.ContainsKey(name)).ToList();
        var project = unknown.Count == 0 ? ProjectSelection.Of(target.Required, request.Services) : throw BerthException.NotFound(string.Join('\n', unknown.Select(name => $"no such service: {name}")));
        if (request.Flag("resolveDigests"))
        {
            project = await WithDigestsAsync(engine, project, context.RequestAborted).ConfigureAwait(false);
        }

        await context.WriteAsync(new JsonObject
        {
            ["name"] = project.Name,
            ["services"] = Http.Strings(ServiceOrder.Sort(project.Services).Select(service => service.Name)),
            ["images"] = Http.Strings(project.Services.Values.Select(service => service.Image ?? ComposeNames.Image(project, service.Name)).Distinct()),
            ["volumes"] = Http.Strings(project.Volumes.Keys.Order(StringComparer.Ordinal)),
            ["networks"] = Http.Strings(project.Networks.Keys.Order(StringComparer.Ordinal)),
            ["hashes"] = !IsWanted("hashes") ? null : new JsonObject(project.Services.Values.OrderBy(service => service.Name, StringComparer.Ordinal).Select(service => KeyValuePair.Create(service.Name, (JsonNode?)ServiceHash.Compute(service)))),
            ["environment"] = request.Flag("environmentIsShown") ? new JsonObject(ComposeLoader.Variables(request.Options([])).OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))) : null,
            ["profiles"] = Http.Strings(project.Services.Values.Concat(project.DisabledServices.Values).SelectMany(service => service.Profiles).Distinct().Order(StringComparer.Ordinal)),
            ["yaml"] = !IsWanted("yaml") ? null : request.Flag("onlyImages") ? ComposeWriter.WriteImages(project, asJson: false) : ComposeWriter.Write(project),
            ["json"] = !IsWanted("json") ? null : request.Flag("onlyImages") ? ComposeWriter.WriteImages(project, asJson: true) : ComposeWriter.WriteJson(project),
            ["warnings"] = Http.Strings(result.Warnings.Select(warning => warning.ToString())),
        }).ConfigureAwait(false);
    }

    // What the registries have now under the names that the files give.
    private static async Task<ProjectModel> WithDigestsAsync(EngineHost engine, ProjectModel project, CancellationToken cancellationToken)
    {
        var services = new Dictionary<string, ServiceModel>(StringComparer.Ordinal);
        foreach (var (name, service) in project.Services)
        {
            services[name] = service.Image is { } image && ImageReference.TryParse(image, out var reference) && reference.Digest is null
                ? service with { Image = $"{reference}@{(await engine.Images.DescribeAsync(reference, null, cancellationToken).ConfigureAwait(false)).Descriptor.Digest.Value}" }
                : service;
        }

        return project with { Services = services };
    }

    private static async Task ListAsync(HttpContext context, EngineHost engine, ProjectService projects)
    {
        var request = await ProjectRequest.ReadAsync(context).ConfigureAwait(false);
        var result = Load(request);
        if (await FindAsync(context, request, result).ConfigureAwait(false) is not { } target)
        {
            return;
        }

        await context.WriteAsync(new JsonObject
        {
            ["project"] = target.Name,
            ["services"] = Http.Strings(target.Project?.Services.Keys.Concat(target.Project.DisabledServices.Keys).Order(StringComparer.Ordinal)),
            ["containers"] = new JsonArray([.. projects.Containers(target.Name, request.Services, request.Flag("oneOffs")).Select(container => View(engine, container))]),
        }).ConfigureAwait(false);
    }

    private static JsonObject WithAttach(JsonObject view, ProjectModel project)
    {
        view["Attach"] = !project.Services.TryGetValue(view["Service"]!.GetValue<string>(), out var service) || service.Attach;
        return view;
    }

    private static JsonObject View(EngineHost engine, Container container)
    {
        var view = ContainerViews.Summary(engine, container, withSize: false);
        view["Name"] = container.Name;
        view["Service"] = container.Record.Label(ComposeLabels.Service);
        view["Number"] = container.Record.Label(ComposeLabels.ContainerNumber);
        view["ExitCode"] = container.Record.ExitCode;
        view["Tty"] = container.Record.Config.Tty;
        return view;
    }

    internal static UpOptions Up(ProjectRequest request, string verb) => new()
    {
        Caller = new(verb, request.Text("user") ?? ""),
        Watch = request.Number("watch") is { } watch ? TimeSpan.FromSeconds(watch) : null,
        AwaitWatch = verb == "deploy",
        Wait = request.Flag("wait"),
        WaitTimeout = request.Number("waitTimeout") is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        ExpectedPlan = request.Text("expectedPlan"),
        StopTimeoutSeconds = request.Number("timeout"),
        Plan = new()
        {
            Services = request.Services,
            NoDependencies = request.Flag("noDependencies"),
            ForceRecreate = request.Flag("forceRecreate"),
            ForceRecreateDependencies = request.Flag("alwaysRecreateDependencies"),
            NoRecreate = request.Flag("noRecreate"),
            Scale = request.Scale(),
            RemoveOrphans = request.Flag("removeOrphans"),
            Build = request.Flag("build"),
            NoBuild = request.Flag("noBuild"),
            Pull = request.Pull(),
            NoStart = request.Flag("noStart"),
            RenewVolumes = request.Flag("renewVolumes"),
        },
    };

    private static DownOptions Down(ProjectRequest request) => new()
    {
        Services = request.Services,
        RemoveOrphans = request.Flag("removeOrphans"),
        RemoveVolumes = request.Flag("volumes"),
        RemoveImages = request.Text("removeImages") switch
        {
            null or "" => ImageRemoval.None,
            "local" => ImageRemoval.Local,
            "all" => ImageRemoval.All,
            var other => throw BerthException.Invalid($"--rmi {other}: write local or all"),
        },
    };

    private static ProjectPullOptions Pull(ProjectRequest request) => new()
    {
        Services = request.Services,
        WithDependencies = request.Flag("withDependencies"),
        OnlyMissing = request.Pull() == PullPolicy.Missing,
        IgnoreFailures = request.Flag("ignoreFailures"),
    };

    private static ProjectBuildOptions Build(ProjectRequest request) => new()
    {
        Services = request.Services,
        WithDependencies = request.Flag("withDependencies"),
        NoCache = request.Flag("noCache"),
        Pull = request.Flag("pullBases"),
        Arguments = request.Map("arguments"),
        Agents = request.Map("agents").ToDictionary(pair => pair.Key, pair => pair.Value ?? "", StringComparer.Ordinal),
        MemoryBytes = request.LongNumber("memory"),
    };

    private static OneOffOptions OneOff(ProjectRequest request) => new()
    {
        Service = request.Text("service") ?? throw BerthException.Invalid("'service' is missing"),
        Command = request.Strings("command"),
        Entrypoint = request.Text("entrypoint") is { } entrypoint ? Words(entrypoint) : null,
        Name = request.Text("name"),
        Environment = request.Map("variables"),
        Labels = request.Map("labels").ToDictionary(pair => pair.Key, pair => pair.Value ?? "", StringComparer.Ordinal),
        User = request.Text("user"),
        WorkingDirectory = request.Text("workingDirectory"),
        Volumes = request.Strings("volumes"),
        Ports = [.. request.Strings("ports").Select(Port)],
        ServicePorts = request.Flag("servicePorts"),
        UseAliases = request.Flag("useAliases"),
        Terminal = request.Flag("terminal"),
        Interactive = request.Flag("interactive"),
        AutoRemove = request.Flag("autoRemove"),
        NoDependencies = request.Flag("noDependencies"),
        Build = request.Flag("build"),
        Pull = request.Pull(),
        RemoveOrphans = request.Flag("removeOrphans"),
        AddedCapabilities = request.Strings("addedCapabilities"),
        DroppedCapabilities = request.Strings("droppedCapabilities"),
    };

    private static IReadOnlyList<string> Words(string entrypoint)
    {
        try
        {
            return ShellWords.Split(entrypoint);
        }
        catch (FormatException exception)
        {
            throw BerthException.Invalid($"--entrypoint {entrypoint}: {exception.Message}");
        }
    }

    // [[IP:]HOST:]CONTAINER[/PROTOCOL]
    private static PortModel Port(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var (address, protocol) = slash < 0 ? (text, "tcp") : (text[..slash], text[(slash + 1)..]);
        var parts = address.Split(':');
        int? Number(string part) => int.TryParse(part, System.Globalization.CultureInfo.InvariantCulture, out var number) && number is > 0 and < 65536
            ? number
            : throw BerthException.Invalid($"-p {text}: write [[ADDRESS:]PORT:]PORT, with ports 1–65535");
        return parts switch
        {
            [var target] => new(null, null, null, Number(target)!.Value, protocol),
            [var published, var target] => new(null, Number(published), Number(published), Number(target)!.Value, protocol),
            [var ip, var published, var target] => new(ip, Number(published), Number(published), Number(target)!.Value, protocol),
            _ => throw BerthException.Invalid($"-p {text}: write [[ADDRESS:]PORT:]PORT"),
        };
    }
}
