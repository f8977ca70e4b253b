using System.Text.Json.Nodes;
using Berth.Cli.Output;

namespace Berth.Cli.Projects;

/// <summary>Compose's verbs.</summary>
internal static class ComposeVerbs
{
    private static readonly Option s_timeout = Option.Value("timeout", 't', "SECONDS", "How long a container may take to stop");

    /// <summary>What decides what is done.</summary>
    internal static readonly IReadOnlyList<Option> s_planOptions =
    [
        Option.Flag("build", "Build images even when they are here"),
        Option.Flag("no-build", "Never build images"),
        Option.Value("pull", "WHEN", "always, missing or never"),
        Option.Flag("force-recreate", "Replace containers even when nothing changed"),
        Option.Flag("always-recreate-deps", "Replace what they depend on, too"),
        Option.Flag("no-recreate", "Keep containers even when something changed"),
        Option.Flag("no-deps", "Leave what the services depend on alone"),
        Option.Flag("no-start", "Make containers, but do not start them"),
        Option.List("scale", "SERVICE=NUMBER", "How many containers of a service"),
        Option.Flag("remove-orphans", "Remove containers of services that the files no longer have"),
        Option.Flag("renew-anon-volumes", 'V', "New containers get new anonymous volumes instead of those of the ones they replace"),
    ];

    internal static readonly IReadOnlyList<Option> s_upOptions =
    [
        Quiet.Pull, Quiet.Build,
        Option.Flag("yes", 'y', "Do not ask (Berth never does)"),
        Option.Flag("wait", "Return once everything runs and is healthy; implies -d"),
        Option.Value("wait-timeout", "SECONDS", "How long to wait at most"),
        .. s_planOptions,
        Option.Flag("no-watch", "Do not judge the new containers; the old ones go at once"),
        ReleaseRun.Json,
        s_timeout,
    ];

    internal static readonly Option s_watch = Option.Value("watch", "DURATION", "How long the new containers are judged, as 90s or 5m (default: as the services say, else 1m)");

    internal static IReadOnlyList<(string Name, string Summary)> Summaries { get; } =
    [
        ("up", "Make and start a project"), ("create", "Make a project's containers without starting them"), ("down", "Stop and remove a project"), ("ps", "List containers"), ("logs", "Show what containers print"),
        ("exec", "Run a command in a running container"), ("run", "Run one command in a new container"), ("build", "Build images"), ("pull", "Fetch images"), ("push", "Send images to their registries"), ("events", "Show what happens"), ("version", "The version"),
        ("start", "Start stopped containers"), ("stop", "Stop containers"), ("restart", "Restart containers"), ("kill", "Kill containers"),
        ("rm", "Remove stopped containers"), ("pause", "Freeze containers"), ("unpause", "Let frozen containers go on"), ("config", "Show the project as it was understood"),
        ("scale", "Change how many containers services have"), ("attach", "Join a running container"), ("cp", "Copy files out of a container, or into one"), ("top", "List processes"),
        ("stats", "Show what containers use"), ("images", "List the images that containers are made from"), ("port", "Show where a port is published"), ("wait", "Wait until containers end"),
        ("volumes", "List volumes"), ("export", "Write a container's files to an archive"), ("commit", "Make an image of a container"), ("ls", "List the projects on this machine"),
        ("watch", "Keep containers up to date as files change"), ("plan", "Show what up would do"), ("drift", "Show what somebody else has changed"),
        ("deploy", "Make a release and wait until it has proved itself"), ("releases", "List releases"), ("release", "Show a release"), ("diff", "Compare two releases"),
        ("rollback", "Bring an earlier release back"), ("evidence", "Sign what was released when, or check that"),
    ];

    internal static Verb? Find(string name) => name switch
    {
        "up" => Up(),
        "create" => Create(),
        "down" => Down(),
        "ps" => List(),
        "logs" => Logs(),
        "exec" => RunVerbs.ExecInService(),
        "run" => RunVerbs.RunService(),
        "build" => Build(),
        "pull" => Pull(),
        "start" => Of("start", "[SERVICE...]", "Starts containers that were stopped, in the order of their dependencies.", "berth start", [], (_, _) => { }),
        "stop" => Of("stop", "[OPTIONS] [SERVICE...]", "Stops containers; those that need others go first.", "berth stop\nberth stop -t 3 app", [s_timeout], Timeout),
        "restart" => Of("restart", "[OPTIONS] [SERVICE...]", "Restarts containers, and those of services that ask for it ('depends_on' with 'restart').", "berth restart app",
            [s_timeout, Option.Flag("no-deps", "Leave services that depend on them alone")], (line, request) =>
            {
                Timeout(line, request);
                request["noDependencies"] = line.Flag("no-deps");
            }),
        "kill" => Of("kill", "[OPTIONS] [SERVICE...]", "Sends running containers a signal.", "berth kill -s HUP nginx",
            [Option.Value("signal", 's', "SIGNAL", "Which (default KILL)"), Option.Flag("remove-orphans", "Those of services that the files no longer have, too")], (line, request) =>
            {
                request["signal"] = line.Value("signal");
                request["removeOrphans"] = line.Flag("remove-orphans");
            }),
        "pause" => Of("pause", "[SERVICE...]", "Freezes containers.", "berth pause app", [], (_, _) => { }),
        "unpause" => Of("unpause", "[SERVICE...]", "Lets frozen containers go on.", "berth unpause app", [], (_, _) => { }),
        "rm" => Remove(),
        "config" => ConfigVerb.Create(),
        "watch" => WatchVerb.Watch(),
        "plan" => PlanVerbs.Plan(),
        "drift" => PlanVerbs.Drift(),
        "deploy" => ReleaseVerbs.Deploy(),
        "releases" => ReleaseVerbs.List(),
        "release" => ReleaseVerbs.Show(),
        "diff" => ReleaseVerbs.Diff(),
        "rollback" => ReleaseVerbs.RollBack(),
        "evidence" => ReleaseVerbs.Evidence(),
        _ => ServiceVerbs.Find(name),
    };

    /// <summary>Takes a project's folder from the arguments, when the first one is.</summary>
    internal static void TakeFolder(CliContext context, ParsedLine line)
    {
        if (line.Arguments is [var first, ..] && first.Contains('/', StringComparison.Ordinal))
        {
            if (File.Exists(first))
            {
                return; // a plan, or the verb says what it is not
            }

            if (!Directory.Exists(first))
            {
                throw new CliException(1, $"there is no folder '{first}'");
            }

            context.Project.Files.Add(first);
            line.Arguments.RemoveAt(0);
        }
    }

    private static Verb Of(string name, string usage, string summary, string example, IReadOnlyList<Option> options, Action<ParsedLine, JsonObject> complete) =>
        Project(name, usage, summary, example, options, async (context, line) =>
        {
            await ProjectCommands.RunAsync(context, name, request =>
            {
                request["services"] = Json.Array(line.Arguments);
                complete(line, request);
            }).ConfigureAwait(false);
            return 0;
        });

    internal static Verb Project(string name, string usage, string summary, string example, IReadOnlyList<Option> options, Func<CliContext, ParsedLine, Task<int>> run) =>
        new(name, usage, summary, example, options, (context, line) =>
        {
            TakeFolder(context, line);
            return context.Project.IsDryRun ? DryRun.RunAsync(context, name, line, run) : run(context, line);
        })
        {
            TakesProject = true, UsageExitCode = 1,
        };

    private static Verb Remove() => Project(
        "rm", "[OPTIONS] [SERVICE...]", "Removes containers that do not run.", "berth rm -s app",
        [Option.Flag("stop", 's', "Stop them before"), Option.Flag("volumes", 'v', "Their anonymous volumes too"), Option.Flag("force", 'f', "Do not ask (Berth never does)")],
        async (context, line) =>
        {
            var view = await ProjectCommands.ListAsync(context, line.Arguments).ConfigureAwait(false);
            RequireServices(line.Arguments, view);
            var going = view.List("containers").Where(one => line.Flag("stop") || one.Text("State") is not ("running" or "paused" or "restarting")).Select(one => one.Text("Name")).ToList();
            if (going.Count == 0)
            {
                context.Error.WriteLine("No stopped containers");
                return 0;
            }

            context.Output.WriteLine($"Going to remove {string.Join(", ", going)}");
            context.Output.Flush();
            await ProjectCommands.RunAsync(context, "rm", request =>
                (request["services"], request["stop"], request["volumes"]) = (Json.Array(line.Arguments), line.Flag("stop"), line.Flag("volumes"))).ConfigureAwait(false);
            return 0;
        });

    private static Verb Create() => Project(
        "create", "[OPTIONS] [FOLDER] [SERVICE...]", "Makes what 'up' makes, and starts nothing.", "berth compose create\nberth compose create --build app",
        [Quiet.Pull, Quiet.Build, Option.Flag("yes", 'y', "Do not ask (Berth never does)"), .. s_planOptions.Where(option => option.Name is not "no-start")],
        async (context, line) =>
        {
            await ReleaseRun.RunAsync(context, line, "up", request =>
            {
                FillPlan(context, line, request);
                request["noStart"] = true;
            }).ConfigureAwait(false);
            return 0;
        });

    private static Verb Pull() => Project(
        "pull", "[OPTIONS] [SERVICE...]", "Fetches the images of a project.", "berth pull\nberth pull mysql", 
        [
            Option.Flag("quiet", 'q', "Without progress"), Option.Flag("include-deps", "Those of what the services depend on, too"),
            Option.Value("policy", "WHEN", "missing: only those that are not here; always (default)"), Option.Flag("ignore-pull-failures", "Go on with the others when one cannot be fetched"),
            Option.Flag("ignore-buildable", "Not those that the project builds (Berth never fetches them)"),
        ],
        async (context, line) =>
        {
            await ProjectCommands.RunAsync(context, "pull", request =>
            {
                request["services"] = Json.Array(line.Arguments);
                request["withDependencies"] = line.Flag("include-deps");
                request["pull"] = line.Value("policy") is null or "always" or "missing" ? line.Value("policy") : throw new UsageException($"--policy {line.Value("policy")}: it is missing or always");
                request["ignoreFailures"] = line.Flag("ignore-pull-failures");
            }, line.Flag("quiet") ? Quiet.All(context) : ProgressView.For(context)).ConfigureAwait(false);
            return 0;
        });

    private static void Timeout(ParsedLine line, JsonObject request) => request["timeout"] = line.Number("timeout");

    private static Verb Up() => Project(
        "up", "[OPTIONS] [FOLDER] [SERVICE...]", "Makes the project as its files say: builds and fetches images, makes networks and volumes, starts containers.\n"
        + "Unchanged containers are left alone. Without -d it shows the logs, and Ctrl-C stops the project. A file that 'plan --out' wrote in place\n"
        + "of the services: exactly that is done, or nothing when it does not hold any more.",
        "berth up -d --wait ./examples/forum\nberth up --build app\nberth up -d next.plan",
        [
            Option.Flag("detach", 'd', "Return once the new containers serve"), .. AttachedProject.Options, .. s_upOptions,
            Option.OptionalDuration("watch", 'w', "Keep the containers up to date as files change ('develop' says how); with a duration: how long the new ones are judged (default: as the services say, else 1m)"),
        ],
        async (context, line) =>
        {
            var started = TimeProvider.System.GetUtcNow();
            var isDetached = line.Flag("detach") || line.Flag("wait") || line.Flag("no-start");
            var plan = PlanFile.Take(line, s_planOptions);
            var watchesFiles = line.Value("watch") is "";
            if (isDetached && watchesFiles)
            {
                throw new UsageException("--watch and --detach are incompatible");
            }

            if (isDetached && new[] { "abort-on-container-exit", "abort-on-container-failure", "exit-code-from" }.FirstOrDefault(line.Has) is { } attached)
            {
                throw new UsageException($"--{attached} and --detach are incompatible");
            }

            if (line.Value("exit-code-from") is { } decisive && !(await ProjectCommands.ListAsync(context, []).ConfigureAwait(false)).Texts("services").Contains(decisive))
            {
                throw new CliException(1, $"--exit-code-from {decisive}: no such service: {decisive}");
            }

            var result = await ReleaseRun.RunAsync(context, line, "up", request =>
            {
                FillUp(context, line, request);
                plan?.Apply(request);
            }).ConfigureAwait(false);
            if (isDetached)
            {
                return 0;
            }

            var watching = watchesFiles ? WatchVerb.FollowAsync(context, line) : null;
            var following = AttachedProject.FollowAsync(context, [.. result.List("containers")], started, line);
            if (watching is not null && await Task.WhenAny(watching, following).ConfigureAwait(false) == watching)
            {
                await watching.ConfigureAwait(false); // it says why it has ended
            }

            return await following.ConfigureAwait(false);
        });

    /// <summary>What <c>up</c> and <c>deploy</c> ask for.</summary>
    internal static void FillUp(CliContext context, ParsedLine line, JsonObject request)
    {
        FillPlan(context, line, request);
        request["wait"] = line.Flag("wait");
        request["waitTimeout"] = line.Number("wait-timeout");
        request["timeout"] = line.Number("timeout");
        request["watch"] = line.Flag("no-watch") ? 0 : line.Value("watch") is { Length: > 0 } watch ? ReleaseVerbs.Seconds("watch", watch) : null;
    }

    /// <summary>What decides what is done.</summary>
    internal static void FillPlan(CliContext context, ParsedLine line, JsonObject request)
    {
        if (line.Flag("force-recreate") && line.Flag("no-recreate"))
        {
            throw new UsageException("--force-recreate and --no-recreate are incompatible");
        }

        if (line.Flag("build") && line.Flag("no-build"))
        {
            throw new UsageException("--build and --no-build are incompatible");
        }

        request["services"] = Json.Array(line.Arguments);
        request["build"] = line.Flag("build");
        request["noBuild"] = line.Flag("no-build");
        request["pull"] = line.Value("pull");
        request["forceRecreate"] = line.Flag("force-recreate");
        request["alwaysRecreateDependencies"] = line.Flag("always-recreate-deps");
        request["noRecreate"] = line.Flag("no-recreate");
        request["noDependencies"] = line.Flag("no-deps");
        request["noStart"] = line.Flag("no-start");
        request["removeOrphans"] = RemovesOrphans(context, line);
        request["renewVolumes"] = line.Flag("renew-anon-volumes");
        request["scale"] = Scale(line.Values("scale"));
    }

    private static bool RemovesOrphans(CliContext context, ParsedLine line) =>
        line.Has("remove-orphans") ? line.Flag("remove-orphans") : context.Variable("COMPOSE_REMOVE_ORPHANS") is "1" or "true";

    internal static JsonObject Scale(IReadOnlyList<string> values)
    {
        var scale = new JsonObject();
        foreach (var value in values)
        {
            var parts = value.Split('=', 2);
            scale[parts[0]] = parts.Length == 2 ? parts[1] : throw new UsageException($"invalid --scale option \"{value}\". Should be SERVICE=NUM");
        }

        return scale;
    }

    private static Verb Down() => Project(
        "down", "[OPTIONS] [FOLDER] [SERVICE...]", "Stops and removes the project's containers and networks.", "berth down\nberth down -v --rmi local ./examples/forum",
        [
            Option.Flag("volumes", 'v', "The project's volumes too, with their data"),
            Option.Value("rmi", "WHICH", "Images too: local (those built without a name of their own) or all"),
            Option.Flag("remove-orphans", "Containers of services that the files no longer have, too"),
            s_timeout,
        ],
        async (context, line) =>
        {
            await ProjectCommands.RunAsync(context, "down", request => FillDown(context, line, request)).ConfigureAwait(false);
            return 0;
        });

    internal static void FillDown(CliContext context, ParsedLine line, JsonObject request)
    {
        request["services"] = Json.Array(line.Arguments);
        request["volumes"] = line.Flag("volumes");
        request["removeImages"] = line.Value("rmi");
        request["removeOrphans"] = RemovesOrphans(context, line);
        request["timeout"] = line.Number("timeout");
    }

    private static Verb Build() => Project(
        "build", "[OPTIONS] [SERVICE...]", "Builds the project's images.", "berth build\nberth build --no-cache app",
        [
            Option.Flag("no-cache", "Run every step anew"), Option.Flag("pull", "Look for newer base images"),
            Option.List("build-arg", "NAME=VALUE", "A value for an ARG"), Option.Flag("with-dependencies", "Those of what the services depend on, too"),
            Option.Flag("quiet", 'q', "Without output, but for what goes wrong"), Option.Flag("push", "Send the images to their registries afterwards"),
            Docker.BuildVerb.SshOption, Option.Value("memory", 'm', "BYTES", "Limit of RUN steps"), Option.Value("builder", "NAME", "There is one: default"),
            Option.Value("provenance", "false", "No attestation is made: nothing but false"), Option.Value("sbom", "false", "No attestation is made: nothing but false"),
        ],
        async (context, line) =>
        {
            if (line.Value("builder") is not (null or "default") and var builder)
            {
                throw new CliException(1, $"no builder \"{builder}\" found: there is one, 'default'");
            }

            foreach (var attestation in new[] { "provenance", "sbom" }.Where(name => line.Value(name) is not (null or "false" or "0")))
            {
                throw new UsageException($"--{attestation}: no attestation is made of an image; leave it out, or write --{attestation}=false");
            }

            await ProjectCommands.RunAsync(context, "build", request =>
            {
                request["services"] = Json.Array(line.Arguments);
                request["withDependencies"] = line.Flag("with-dependencies");
                request["noCache"] = line.Flag("no-cache");
                request["pullBases"] = line.Flag("pull");
                request["arguments"] = Docker.Pairs.ToJson(line.Values("build-arg"), context);
                request["agents"] = new JsonObject(Docker.BuildVerb.Agents(line, context).Select(agent => KeyValuePair.Create(agent.Id, (JsonNode?)agent.Path)));
                request["memory"] = line.Value("memory") is { } memory ? Docker.ContainerOptions.ByteCount(memory, "memory") : null;
            }, line.Flag("quiet") ? Quiet.All(context) : ProgressView.For(context)).ConfigureAwait(false);
            return line.Flag("push") ? await ServiceVerbs.PushAsync(context, line.Arguments, withDependencies: line.Flag("with-dependencies"), isQuiet: line.Flag("quiet"), goesOn: false).ConfigureAwait(false) : 0;
        });

    private static Verb List() => Project(
        "ps", "[OPTIONS] [SERVICE...]", "Lists the project's containers.", "berth ps\nberth ps -a --format json",
        [
            Option.Flag("all", 'a', "Those that do not run, and those of run, too"), Option.Flag("quiet", 'q', "Ids only"),
            Option.Flag("services", "Names of services only"), Option.Value("format", "FORMAT", "table or json"),
            Option.Flag("no-trunc", "Show everything in full"), Option.List("status", "STATE", "Only those that are so: created, running, paused, restarting, exited, dead"),
            Option.List("filter", "status=STATE", "The same"), Option.Flag("orphans", "Those of services that the files do not have, too (default; --orphans=false)"),
        ],
        async (context, line) =>
        {
            var states = States(line);
            var showsAll = line.Flag("all") || states.Count > 0;
            var view = await ProjectCommands.ListAsync(context, line.Arguments, line.Flag("all")).ConfigureAwait(false);
            var services = view.Texts("services");
            RequireServices(line.Arguments, view);
            var rows = view.List("containers")
                .Where(one => showsAll || one.Text("State") is "running" or "restarting" or "paused")
                .Where(one => states.Count == 0 || states.Contains(one.Text("State")))
                .Where(one => line.IsOn("orphans") || services.Contains(one.Text("Service"))).ToList();
            if (line.Flag("services"))
            {
                rows.Select(one => one.Text("Service")).Distinct().ToList().ForEach(context.Output.WriteLine);
                return 0;
            }

            var isFull = line.Flag("no-trunc");
            Listing.Write(
                context, line, rows,
                one => isFull ? one.Text("Id") : HumanText.ShortId(one.Text("Id")),
                [
                    ("NAME", "Name", one => one.Text("Name")), ("IMAGE", "Image", one => one.Text("Image")),
                    ("COMMAND", "Command", one => $"\"{(isFull ? one.Text("Command") : HumanText.Shorten(one.Text("Command"), 20))}\""),
                    ("SERVICE", "Service", one => one.Text("Service")), ("CREATED", "RunningFor", one => Listing.Ago(one.Number("Created"))),
                    ("STATUS", "Status", one => one.Text("Status")), ("PORTS", "Ports", Listing.Ports),
                ],
                [
                    ("ID", one => one.Text("Id")), ("State", one => one.Text("State")), ("Health", one => one["Health"].Text("Status")), ("ExitCode", one => one.Number("ExitCode")),
                    ("Project", _ => view.Text("project")), ("Labels", one => string.Join(',', one.Pairs("Labels").Select(label => $"{label.Key}={label.Value}"))),
                    ("Publishers", one => new JsonArray([.. one.List("Ports").Select(port => new JsonObject
                    {
                        ["URL"] = port.Text("IP"), ["TargetPort"] = port.Number("PrivatePort"), ["PublishedPort"] = port.Number("PublicPort"), ["Protocol"] = port.Text("Type"),
                    })])),
                ]);
            return 0;
        });

    private static readonly string[] s_states = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

    private static List<string> States(ParsedLine line)
    {
        List<string> states =
        [
            .. line.Values("status"),
            .. line.Values("filter").Select(filter => filter.Split('=', 2) is ["status", var state] ? state : throw new UsageException($"--filter {filter}: of a project it is status=STATE; 'berth docker ps' has Docker's filters")),
        ];
        return states.Find(state => !s_states.Contains(state)) is { } unknown ? throw new UsageException($"'{unknown}' is no state; there are {string.Join(", ", s_states)}") : states;
    }

    /// <exception cref="CliException">One of them is neither in the files, nor has a container.</exception>
    internal static void RequireServices(IReadOnlyList<string> named, JsonObject view)
    {
        if (named.FirstOrDefault(name => !view.Texts("services").Contains(name) && view.List("containers").All(one => one.Text("Service") != name)) is { } unknown)
        {
            throw new CliException(1, $"no such service: {unknown}");
        }
    }

    private static Verb Logs() => Project(
        "logs", "[OPTIONS] [SERVICE...]", "Shows what the project's containers print.", "berth logs -f\nberth logs --tail 20 app",
        [.. LogOptions.Options, Option.Value("index", "NUMBER", "Of which container of the service"), Option.Flag("no-log-prefix", "Without the services' names"), Option.Flag("no-color", "Without colours")],
        async (context, line) =>
        {
            var view = await ProjectCommands.ListAsync(context, line.Arguments).ConfigureAwait(false);
            var index = line.Value("index");
            if (index is not null && line.Arguments.Count != 1)
            {
                throw new UsageException("--index needs one service");
            }

            var sources = view.List("containers").Where(one => index is null || one.Text("Number") == index).Select(one => new LogSource(one.Text("Id"), AttachedProject.Prefix(one), one.Flag("Tty"))).ToList();
            RequireServices(line.Arguments, view);
            if (index is not null && sources.Count == 0)
            {
                throw new CliException(1, $"service \"{line.Arguments[0]}\" has no container #{index}");
            }

            var printer = new LogPrinter(context, !line.Flag("no-log-prefix"), !line.Flag("no-color"));
            await printer.PrintAsync(sources, LogOptions.Query(line), line.Flag("follow") ? source => AttachedProject.EndAsync(context, printer, source) : null, CancellationToken.None).ConfigureAwait(false);
            return 0;
        });
}
