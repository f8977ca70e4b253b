using System.Globalization;
using System.Text.Json.Nodes;
using Berth.Cli.Docker;
using Berth.Cli.Output;

namespace Berth.Cli.Projects;

/// <summary>Compose's verbs that do with a service's container what Docker's verb of that name does with a container.</summary>
internal static class ServiceVerbs
{
    private static readonly Option s_index = Option.Value("index", "NUMBER", "Which container of the service");

    private static readonly Option s_dryRun = Option.Flag("dry-run", "The same: nothing is done anyway");

    internal static Verb? Find(string name) => name switch
    {
        "attach" => OfOne(name, "[OPTIONS] SERVICE", "Joins a running container of a service.", "berth attach app"),
        "commit" => OfOne(name, "[OPTIONS] SERVICE [REPOSITORY[:TAG]]", "Makes an image of a service's container.", "berth commit app app:debug"),
        "export" => OfOne(name, "[OPTIONS] SERVICE", "Writes the files of a service's container to an archive.", "berth export -o app.tar app"),
        "port" => Port(),
        "cp" => Copy(),
        "stats" => Stats(),
        "top" => Top(),
        "wait" => Wait(),
        "images" => Images(),
        "volumes" => Volumes(),
        "scale" => Scale(),
        "ls" => Projects(),
        "push" => Push(),
        "events" => Events(),
        "version" => Version(),
        _ => null,
    };

    private static Verb DockerVerb(string name) => ContainerVerbs.Find(name) ?? throw new InvalidOperationException($"there is no verb {name}");

    // The first argument is a service; the rest is Docker's.
    private static Verb OfOne(string name, string usage, string summary, string example)
    {
        var docker = DockerVerb(name);
        return ComposeVerbs.Project(name, usage, summary, example, [s_index, .. docker.Options], async (context, line) =>
        {
            if (line.Arguments is not [var service, ..])
            {
                throw new UsageException($"{name} needs a service");
            }

            line.Arguments[0] = (await ContainerAsync(context, service, line).ConfigureAwait(false)).Text("Name");
            return await docker.Run(context, line).ConfigureAwait(false);
        });
    }

    private static Verb Stats()
    {
        var docker = DockerVerb("stats");
        return ComposeVerbs.Project("stats", "[OPTIONS] [SERVICE...]", "Shows what the project's containers use.", "berth stats --no-stream app", docker.Options, async (context, line) =>
        {
            var containers = await ContainersAsync(context, line.Arguments).ConfigureAwait(false);
            line.Arguments.Clear();
            line.Arguments.AddRange(containers.Where(one => line.Flag("all") || one.Text("State") == "running").Select(one => one.Text("Name")));
            return line.Arguments.Count == 0 ? 0 : await docker.Run(context, line).ConfigureAwait(false);
        });
    }

    private static Verb Port() => ComposeVerbs.Project(
        "port", "[OPTIONS] SERVICE PORT", "Shows where a service's port is published.", "berth port nginx 80", [s_index, Option.Value("protocol", "PROTOCOL", "tcp or udp (default tcp)")],
        async (context, line) =>
        {
            if (line.Arguments is not [var service, var port])
            {
                throw new UsageException("port needs a service and a port");
            }

            var container = await ContainerAsync(context, service, line).ConfigureAwait(false);
            var details = await context.Client.RequestAsync("GET", $"/containers/{container.Text("Id")}/json").ConfigureAwait(false);
            var wanted = $"{port.Split('/')[0]}/{line.Value("protocol") ?? (port.Split('/') is [_, var protocol] ? protocol : "tcp")}";
            var published = (details?["NetworkSettings"]?["Ports"]).List(wanted).FirstOrDefault()
                ?? throw new CliException(1, $"no port {wanted} for container {container.Text("Name")}: it is not published, or the container does not run");
            context.Output.WriteLine($"{published.Text("HostIp")}:{published.Text("HostPort")}");
            return 0;
        });

    // Its arguments are paths: none of them is a project's folder.
    private static Verb Copy()
    {
        var docker = CopyVerb.Create();
        return new(
            "cp", "[OPTIONS] SERVICE:PATH PATH|-\n   or  berth cp [OPTIONS] PATH|- SERVICE:PATH", "Copies files out of a service's first container, or into all of them.", "berth cp app:/var/log/app.log .\nberth cp settings.py app:/srv/",
            [s_index, Option.Flag("all", "Those that 'run' made, too"), .. docker.Options],
            async (context, line) =>
            {
                if (context.Project.IsDryRun)
                {
                    throw DryRun.Impossible("cp");
                }

                if (line.Arguments is not [var source, var target])
                {
                    throw new UsageException("cp needs a source and a target");
                }

                var isOut = source.IndexOf(':', StringComparison.Ordinal) > 0;
                var (service, path) = (isOut ? source : target).Split(':', 2) is [var name, var inside] && name.Length > 0
                    ? (name, inside)
                    : throw new UsageException("cp: one side must be SERVICE:PATH");
                IReadOnlyList<JsonNode> containers = isOut || line.Has("index")
                    ? [await ContainerAsync(context, service, line, line.Flag("all")).ConfigureAwait(false)]
                    : await ContainersAsync(context, [service], line.Flag("all")).ConfigureAwait(false);
                if (containers.Count == 0)
                {
                    throw new CliException(1, $"service \"{service}\" has no container");
                }

                var status = 0;
                foreach (var container in containers)
                {
                    line.Arguments[isOut ? 0 : 1] = $"{container.Text("Name")}:{path}";
                    status = Math.Max(status, await docker.Run(context, line).ConfigureAwait(false));
                }

                return status;
            })
        {
            TakesProject = true, UsageExitCode = 1,
        };
    }

    private static Verb Top() => ComposeVerbs.Project("top", "[SERVICE...]", "Lists the processes of the project's containers.", "berth top\nberth top app", [], async (context, line) =>
    {
        IReadOnlyList<string> titles = [];
        var rows = new List<IReadOnlyList<string>>();
        foreach (var container in (await ContainersAsync(context, line.Arguments).ConfigureAwait(false)).Where(one => one.Text("State") == "running"))
        {
            var processes = await context.Client.RequestAsync("GET", $"/containers/{container.Text("Id")}/top").ConfigureAwait(false);
            titles = [.. processes.Texts("Titles")];
            rows.AddRange(processes.List("Processes").Select(row => (IReadOnlyList<string>)[container.Text("Service"), container.Text("Number"), .. row.Items().Select(cell => cell.ToString())]));
        }

        context.Output.Write(rows.Count == 0 ? "" : Table.Render(["SERVICE", "#", .. titles], rows, narrowest: 4, gap: 2));
        return 0;
    });

    private static Verb Wait() => ComposeVerbs.Project(
        "wait", "[OPTIONS] SERVICE...", "Waits until a container of each service ends, and prints the exit codes.", "berth wait migrate", [Option.Flag("down-project", "Take the project down when the first one ends")],
        async (context, line) =>
        {
            if (line.Arguments.Count == 0)
            {
                throw new UsageException("wait needs a service");
            }

            var containers = await ContainersAsync(context, line.Arguments).ConfigureAwait(false);
            if (containers.Count == 0)
            {
                throw new CliException(1, $"no containers for project {context.Project.Name ?? "here"}");
            }

            var waiting = containers.Select(async one => (Container: one, Answer: await context.Client.RequestAsync("POST", $"/containers/{one.Text("Id")}/wait").ConfigureAwait(false))).ToList();
            var last = 0;
            while (waiting.Count > 0)
            {
                var ended = await Task.WhenAny(waiting).ConfigureAwait(false);
                waiting.Remove(ended);
                var (container, answer) = await ended.ConfigureAwait(false);
                last = (int)answer.Number("StatusCode");
                context.Output.WriteLine($"container \"{container.Text("Name")}\" exited with status code {last.ToString(CultureInfo.InvariantCulture)}");
                context.Output.Flush();
                if (line.Flag("down-project"))
                {
                    await ProjectCommands.RunAsync(context, "down", _ => { }).ConfigureAwait(false);
                    break;
                }
            }

            return last;
        });

    private static Verb Images() => ComposeVerbs.Project(
        "images", "[OPTIONS] [SERVICE...]", "Lists the images that the project's containers are made from.", "berth images", [Option.Flag("quiet", 'q', "Ids only"), Option.Value("format", "FORMAT", "table or json")],
        async (context, line) =>
        {
            var rows = new List<JsonNode>();
            foreach (var container in await ContainersAsync(context, line.Arguments).ConfigureAwait(false))
            {
                var image = await context.Client.RequestAsync("GET", $"/images/{container.Text("ImageID")}/json").ConfigureAwait(false);
                var reference = container.Text("Image");
                var colon = reference.LastIndexOf(':');
                var hasTag = colon > reference.LastIndexOf('/');
                rows.Add(new JsonObject
                {
                    ["Container"] = container.Text("Name"), ["Id"] = container.Text("ImageID"), ["Repository"] = hasTag ? reference[..colon] : reference, ["Tag"] = hasTag ? reference[(colon + 1)..] : "latest",
                    ["Size"] = image.Number("Size"), ["Created"] = image.Text("Created"), ["Platform"] = string.Join('/', new[] { image.Text("Os"), image.Text("Architecture"), image.Text("Variant") }.Where(part => part.Length > 0)),
                });
            }

            Listing.Write(
                context, line, rows, one => HumanText.ShortId(one.Text("Id")),
                [
                    ("CONTAINER", "ContainerName", one => one.Text("Container")), ("REPOSITORY", "Repository", one => one.Text("Repository")), ("TAG", "Tag", one => one.Text("Tag")),
                    ("PLATFORM", "Platform", one => one.Text("Platform")), ("IMAGE ID", "ID", one => HumanText.ShortId(one.Text("Id"))), ("SIZE", "Size", one => HumanText.Size(one.Number("Size"))),
                    ("CREATED", "CreatedSince", one => Created(one.Text("Created"))),
                ],
                [("Created", one => one.Text("Created"))], asArray: true);
            return 0;
        });

    // Images that are built the same at any time are of 1970, or of no time.
    private static string Created(string time) => DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, out var created) && created.Year > 1970 ? Listing.Ago(created.ToUnixTimeSeconds()) : "N/A";

    private static Verb Volumes() => ComposeVerbs.Project(
        "volumes", "[OPTIONS] [SERVICE...]", "Lists the project's volumes, or those of some services.", "berth volumes", [Option.Flag("quiet", 'q', "Names only"), Option.Value("format", "FORMAT", "table or json")],
        async (context, line) =>
        {
            var listed = await ProjectCommands.ListAsync(context, line.Arguments).ConfigureAwait(false);
            ComposeVerbs.RequireServices(line.Arguments, listed);
            var project = listed.Text("project");
            var used = listed.List("containers").SelectMany(one => one.List("Mounts")).Select(mount => mount.Text("Name")).ToHashSet(StringComparer.Ordinal);
            var view = await context.Client.RequestAsync("GET", "/volumes?filters=" + DockerVerbs.Filters(["label=com.docker.compose.project=" + project])).ConfigureAwait(false);
            Listing.Write(
                context, line, [.. view.List("Volumes").Where(one => line.Arguments.Count == 0 || used.Contains(one.Text("Name"))).OrderBy(one => one.Text("Name"), StringComparer.Ordinal)], one => one.Text("Name"),
                [("DRIVER", "Driver", one => one.Text("Driver")), ("VOLUME NAME", "Name", one => one.Text("Name"))], [("Mountpoint", one => one.Text("Mountpoint"))]);
            return 0;
        });

    private static Verb Scale() => ComposeVerbs.Project(
        "scale", "[OPTIONS] SERVICE=NUMBER...", "Changes how many containers services have.", "berth scale app=3 worker=2", [Option.Flag("no-deps", "Leave what the services depend on alone")],
        async (context, line) =>
        {
            if (line.Arguments.Count == 0)
            {
                throw new UsageException("scale needs SERVICE=NUMBER");
            }

            var scale = ComposeVerbs.Scale(line.Arguments);
            await ReleaseRun.RunAsync(context, line, "up", request =>
            {
                request["services"] = Json.Array(scale.Select(pair => pair.Key));
                request["scale"] = scale;
                request["noRecreate"] = true;
                request["noDependencies"] = line.Flag("no-deps");
            }).ConfigureAwait(false);
            return 0;
        });

    private static Verb Projects() => new(
        "ls", "[OPTIONS]", "Lists the projects that have containers here.", "berth compose ls -a",
        [Option.Flag("all", 'a', "Those too of which nothing runs"), Option.Flag("quiet", 'q', "Names only"), Option.Value("format", "FORMAT", "table or json"), Option.List("filter", "name=TEXT", "Only those that fit"), s_dryRun],
        async (context, line) =>
        {
            var containers = await context.Client.RequestAsync("GET", "/containers/json?all=1&filters=" + DockerVerbs.Filters(["label=com.docker.compose.project"])).ConfigureAwait(false);
            var wanted = line.Values("filter").Select(filter => filter.Split('=', 2) is ["name", var name] ? name : throw new UsageException($"--filter {filter}: it is name=TEXT")).ToList();
            var rows = containers.Items()
                .Where(one => line.Flag("all") || one.Text("State") is "running" or "paused" or "restarting")
                .GroupBy(one => one["Labels"].Text("com.docker.compose.project"))
                .Where(group => wanted.Count == 0 || wanted.Any(name => group.Key.Contains(name, StringComparison.Ordinal)))
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => (JsonNode)new JsonObject
                {
                    ["Name"] = group.Key,
                    ["Status"] = string.Join(", ", group.GroupBy(one => one.Text("State")).OrderBy(states => states.Key, StringComparer.Ordinal).Select(states => $"{states.Key}({states.Count().ToString(CultureInfo.InvariantCulture)})")),
                    ["ConfigFiles"] = group.Select(one => one["Labels"].Text("com.docker.compose.project.config_files")).FirstOrDefault(files => files.Length > 0) ?? "",
                }).ToList();
            Listing.Write(context, line, rows, one => one.Text("Name"), [("NAME", "Name", one => one.Text("Name")), ("STATUS", "Status", one => one.Text("Status")), ("CONFIG FILES", "ConfigFiles", one => one.Text("ConfigFiles"))], [], asArray: true);
            return 0;
        })
    {
        UsageExitCode = 1,
    };

    private static Verb Push() => ComposeVerbs.Project(
        "push", "[OPTIONS] [SERVICE...]", "Sends the images that services are built into to their registries.", "berth push\nberth push app",
        [Option.Flag("quiet", 'q', "Without progress"), Option.Flag("ignore-push-failures", "Go on with the next when one cannot be sent"), Option.Flag("include-deps", "Those of what the services depend on, too")],
        (context, line) => PushAsync(context, line.Arguments, line.Flag("include-deps"), line.Flag("quiet"), line.Flag("ignore-push-failures")));

    /// <param name="goesOn">Whether with the next when one cannot be sent.</param>
    internal static async Task<int> PushAsync(CliContext context, IReadOnlyList<string> wanted, bool withDependencies, bool isQuiet, bool goesOn)
    {
        var config = await ProjectCommands.ReadAsync(context, "config", request => (request["services"], request["only"]) = (Json.Array(wanted), "json")).ConfigureAwait(false);
        var services = JsonNode.Parse(config.Text("json"))?["services"]?.AsObject() ?? [];
        var named = services.Where(pair => wanted.Count == 0 || withDependencies || wanted.Contains(pair.Key)).Where(pair => pair.Value?["build"] is not null).ToList();
        if (named.Find(pair => pair.Value.Text("image").Length == 0) is { Key: { } nameless })
        {
            throw new CliException(1, $"service \"{nameless}\" has no 'image': a name such as registry.example/team/{nameless} says where it is sent to");
        }

        foreach (var (_, service) in named)
        {
            try
            {
                await ImageVerbs.PushAsync(context, service.Text("image"), allTags: false, platform: "", isQuiet, context.Error).ConfigureAwait(false);
            }
            catch (CliException exception) when (goesOn)
            {
                context.Error.WriteLine($"warning: {service.Text("image")}: {exception.Message}");
            }
        }

        return 0;
    }

    private static Verb Events() => ComposeVerbs.Project(
        "events", "[OPTIONS] [SERVICE...]", "Shows what happens to the project's containers, until it is interrupted.", "berth compose events\nberth compose events --json app",
        [Option.Flag("json", "As JSON objects, one a line"), Option.Value("since", "TIME", "From a time or how long ago"), Option.Value("until", "TIME", "Up to a time")],
        async (context, line) =>
        {
            var project = (await ProjectCommands.ListAsync(context, line.Arguments).ConfigureAwait(false)).Text("project");
            await foreach (var one in SystemVerbs.EventsAsync(context, ["type=container", "label=com.docker.compose.project=" + project], line).ConfigureAwait(false))
            {
                var attributes = one["Actor"].Pairs("Attributes").ToDictionary();
                var service = attributes.GetValueOrDefault("com.docker.compose.service", "");
                if (attributes.GetValueOrDefault("com.docker.compose.oneoff") == "True" || (line.Arguments.Count > 0 && !line.Arguments.Contains(service)))
                {
                    continue;
                }

                context.Output.WriteLine(EventText(one, service, attributes, line.Flag("json")));
                await context.Output.FlushAsync().ConfigureAwait(false);
            }

            return 0;
        });

    private static string EventText(JsonObject one, string service, Dictionary<string, string> attributes, bool asJson)
    {
        var time = DateTimeOffset.FromUnixTimeMilliseconds(one.Number("timeNano") / 1_000_000);
        var shown = attributes.Where(pair => !pair.Key.StartsWith("com.docker.compose.", StringComparison.Ordinal)).OrderBy(pair => pair.Key, StringComparer.Ordinal).ToList();
        return asJson
            ? new JsonObject
            {
                ["action"] = one.Text("Action"), ["attributes"] = new JsonObject(shown.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))), ["id"] = one["Actor"].Text("ID"),
                ["service"] = service, ["time"] = time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), ["type"] = "container",
            }.ToJsonString(Listing.Line)
            : $"{time.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture)} container {one.Text("Action")} {one["Actor"].Text("ID")} ({string.Join(", ", shown.Select(pair => $"{pair.Key}={pair.Value}"))})";
    }

    private static Verb Version() => new(
        "version", "[OPTIONS]", "The version of Berth, whose Compose this is.", "berth compose version --short", [Option.Flag("short", "The number only"), Option.Value("format", 'f', "FORMAT", "pretty or json"), s_dryRun],
        (context, line) =>
        {
            context.Output.WriteLine(line.Value("format") switch
            {
                "json" => new JsonObject { ["version"] = CliProgram.Version }.ToJsonString(Listing.Line),
                null or "pretty" => line.Flag("short") ? CliProgram.Version : $"Berth Compose version {CliProgram.Version}",
                var format => throw new UsageException($"--format {format}: it is pretty or json"),
            });
            return Task.FromResult(0);
        })
    {
        UsageExitCode = 1,
    };

    /// <param name="oneOffs">With those that <c>run</c> made.</param>
    private static async Task<IReadOnlyList<JsonNode>> ContainersAsync(CliContext context, IReadOnlyList<string> services, bool oneOffs = false)
    {
        var view = await ProjectCommands.ListAsync(context, services, oneOffs).ConfigureAwait(false);
        ComposeVerbs.RequireServices(services, view);
        return [.. view.List("containers")];
    }

    private static async Task<JsonNode> ContainerAsync(CliContext context, string service, ParsedLine line, bool oneOffs = false)
    {
        var index = line.Value("index");
        return (await ContainersAsync(context, [service], oneOffs).ConfigureAwait(false)).FirstOrDefault(one => index is null || one.Text("Number") == index)
            ?? throw new CliException(1, $"service \"{service}\" has no container{(index is null ? "" : " #" + index)}");
    }
}
