using System.Text.Json.Nodes;
using Berth.Cli.Output;

namespace Berth.Cli.Docker;

/// <summary>Verbs on containers that exist.</summary>
internal static class ContainerVerbs
{
    internal static Verb? Find(string name) => name switch
    {
        "ps" => List(),
        "logs" => Logs(),
        "exec" => Exec(),
        "attach" => Attach(),
        "start" => Start(),
        "stop" => Each("stop", "Stops containers.", [Option.Value("timeout", 't', "SECONDS", "How long until it is killed"), Option.Value("signal", 's', "SIGNAL", "Instead of its own"), Option.Value("time", "SECONDS", "As --timeout")],
            line => "stop" + Query(line)),
        "restart" => Each("restart", "Restarts containers.", [Option.Value("timeout", 't', "SECONDS", "How long until it is killed"), Option.Value("signal", 's', "SIGNAL", "Instead of its own"), Option.Value("time", "SECONDS", "As --timeout")],
            line => "restart" + Query(line)),
        "kill" => Each("kill", "Sends running containers a signal.", [Option.Value("signal", 's', "SIGNAL", "Which (default KILL)")], line => "kill" + (line.Value("signal") is { } signal ? $"?signal={DockerVerbs.Escape(signal)}" : "")),
        "pause" => Each("pause", "Freezes containers.", [], _ => "pause"),
        "unpause" => Each("unpause", "Lets frozen containers go on.", [], _ => "unpause"),
        "rm" => Remove(),
        "cp" or "diff" or "export" or "commit" => ArchiveVerbs.Find(name),
        "stats" => UsageVerbs.Stats(),
        "update" => Update(),
        "port" => new("port", "CONTAINER [PORT[/PROTOCOL]]", "Lists the ports at which a container is reached from outside.", "berth port web\nberth port web 80", [], PortAsync),
        "rename" => new("rename", "CONTAINER NAME", "Renames a container.", "berth rename web web-old", [], async (context, line) =>
        {
            var names = DockerVerbs.Exactly(line, "rename", 2);
            await context.Client.RequestAsync("POST", $"/containers/{DockerVerbs.Escape(names[0])}/rename?name={DockerVerbs.Escape(names[1])}").ConfigureAwait(false);
            return 0;
        }),
        "top" => new("top", "CONTAINER [OPTIONS OF ps]", "Lists a container's processes.", "berth top web\nberth top web -o pid,rss,args", [], TopAsync) { StopsAtArgument = true },
        "wait" => new("wait", "CONTAINER...", "Waits until containers end, and prints their exit codes.", "berth wait job", [], (context, line) => DockerVerbs.EachAsync(context, line, "wait", async id =>
            context.Output.WriteLine((await context.Client.RequestAsync("POST", $"/containers/{DockerVerbs.Escape(id)}/wait").ConfigureAwait(false)).Text("StatusCode")))),
        _ => null,
    };

    private static string Query(ParsedLine line)
    {
        var seconds = line.Number("timeout") ?? line.Number("time");
        var query = (seconds is null ? "" : $"&t={seconds}") + (line.Value("signal") is { } signal ? $"&signal={DockerVerbs.Escape(signal)}" : "");
        return query.Length == 0 ? "" : "?" + query[1..];
    }

    private static Verb Each(string name, string summary, IReadOnlyList<Option> options, Func<ParsedLine, string> target) =>
        new(name, "[OPTIONS] CONTAINER...", summary, $"berth {name} web", options, (context, line) => DockerVerbs.EachAsync(context, line, name, async id =>
        {
            await context.Client.RequestAsync("POST", $"/containers/{DockerVerbs.Escape(id)}/{target(line)}").ConfigureAwait(false);
            context.Output.WriteLine(id);
        }));

    private static Verb Remove() => new(
        "rm", "[OPTIONS] CONTAINER...", "Removes containers.", "berth rm -f web",
        [Option.Flag("force", 'f', "Running ones too"), Option.Flag("volumes", 'v', "Their anonymous volumes too"), Option.Flag("link", 'l', "Only the link CONTAINER/NAME")],
        (context, line) => DockerVerbs.EachAsync(context, line, "rm", async id =>
        {
            await context.Client.RequestAsync(
                "DELETE", $"/containers/{DockerVerbs.EscapeImage(id.Trim('/'))}?force={(line.Flag("force") ? 1 : 0)}&v={(line.Flag("volumes") ? 1 : 0)}&link={(line.Flag("link") ? 1 : 0)}").ConfigureAwait(false);
            context.Output.WriteLine(id);
        }));

    private static Verb List() => new(
        "ps", "[OPTIONS]", "Lists containers.", "berth ps -a\nberth ps --format '{{.Names}}: {{.Status}}'",
        [Option.Flag("all", 'a', "Those that do not run, too"), Option.Value("last", 'n', "NUMBER", "The last so many"), Option.Flag("latest", 'l', "The last one"), Option.Flag("size", 's', "With what each has written"), DockerVerbs.Quiet, DockerVerbs.NoTrunc, DockerVerbs.Filter, DockerVerbs.Format],
        async (context, line) =>
        {
            if (line.Arguments.Count > 0)
            {
                throw new UsageException("'ps' accepts no arguments");
            }

            var limit = line.Flag("latest") ? 1 : line.Number("last") ?? 0;
            var withSize = line.Flag("size") || (line.Value("format")?.Contains(".Size", StringComparison.Ordinal) ?? false);
            var rows = await context.Client.RequestAsync(
                "GET", $"/containers/json?all={(line.Flag("all") ? 1 : 0)}&limit={limit}&size={(withSize ? 1 : 0)}&filters={DockerVerbs.Filters(line.Values("filter"))}").ConfigureAwait(false);
            var isFull = line.Flag("no-trunc");
            string Id(JsonNode one) => isFull ? one.Text("Id") : HumanText.ShortId(one.Text("Id"));
            Listing.Write(
                context, line, [.. rows.Items()], Id,
                [
                    ("CONTAINER ID", "ID", Id), ("IMAGE", "Image", one => one.Text("Image")),
                    ("COMMAND", "Command", one => $"\"{(isFull ? one.Text("Command") : HumanText.Shorten(one.Text("Command"), 20))}\""),
                    ("CREATED", "RunningFor", one => Listing.Ago(one.Number("Created"))), ("STATUS", "Status", one => one.Text("Status")),
                    ("PORTS", "Ports", Listing.Ports), ("NAMES", "Names", one => string.Join(',', one.Texts("Names").Select(name => name.TrimStart('/')))),
                    .. withSize ? [("SIZE", "Size", (Func<JsonNode, string>)Written)] : Array.Empty<(string, string, Func<JsonNode, string>)>(),
                ],
                [
                    ("State", one => one.Text("State")), ("CreatedAt", one => DateTimeOffset.FromUnixTimeSeconds(one.Number("Created")).ToString("yyyy-MM-dd HH:mm:ss zzz", System.Globalization.CultureInfo.InvariantCulture)),
                    ("Labels", one => string.Join(',', one.Pairs("Labels").Select(pair => $"{pair.Key}={pair.Value}"))),
                    ("Mounts", one => string.Join(',', one.List("Mounts").Select(mount => mount.Text("Name") is { Length: > 0 } name ? name : mount.Text("Source")))),
                    ("Networks", one => one["NetworkSettings"]?["Networks"] is JsonObject networks ? string.Join(',', networks.Select(pair => pair.Key)) : ""),
                ]);
            return 0;
        });

    private static string Written(JsonNode container) => $"{HumanText.Size(container.Number("SizeRw"))} (virtual {HumanText.Size(container.Number("SizeRootFs"))})";

    private static Verb Start() => new(
        "start", "[OPTIONS] CONTAINER...", "Starts containers.", "berth start web\nberth start -ai shell",
        [Option.Flag("attach", 'a', "Show its output, and end with its exit code"), Option.Flag("interactive", 'i', "With input"), Option.Value("detach-keys", "KEYS", "Instead of ctrl-p,ctrl-q")],
        async (context, line) =>
        {
            if (!line.Flag("attach") && !line.Flag("interactive"))
            {
                return await DockerVerbs.EachAsync(context, line, "start", async id =>
                {
                    await context.Client.RequestAsync("POST", $"/containers/{DockerVerbs.Escape(id)}/start").ConfigureAwait(false);
                    context.Output.WriteLine(id);
                }).ConfigureAwait(false);
            }

            if (line.Arguments is not [var name])
            {
                throw new CliException(1, "you cannot start and attach multiple containers at once");
            }

            var details = await context.Client.RequestAsync("GET", $"/containers/{DockerVerbs.Escape(name)}/json").ConfigureAwait(false);
            var (isTerminal, hasInput) = (details?["Config"].Flag("Tty") ?? false, line.Flag("interactive") && (details?["Config"].Flag("OpenStdin") ?? false));
            Interaction.RequireTerminal(isTerminal, hasInput);
            return await ContainerRun.RunAsync(
                context, details.Text("Id"), new() { IsTerminal = isTerminal, HasInput = hasInput, AutoRemove = details?["HostConfig"].Flag("AutoRemove") ?? false, DetachKeys = line.Value("detach-keys") }).ConfigureAwait(false);
        });

    private static Verb Logs() => new("logs", "[OPTIONS] CONTAINER", "Shows what a container prints.", "berth logs -f --tail 100 web", [.. LogOptions.Options, Option.Flag("details", "With the labels and variables that the log options name")], async (context, line) =>
    {
        var id = DockerVerbs.Escape(DockerVerbs.Exactly(line, "logs", 1)[0]);
        var isTerminal = (await context.Client.RequestAsync("GET", $"/containers/{id}/json").ConfigureAwait(false))?["Config"].Flag("Tty") ?? false;
        await using var response = await context.Client.SendAsync("GET", $"/containers/{id}/logs?stdout=1&stderr=1{LogOptions.Query(line)}{(line.Flag("details") ? "&details=1" : "")}").ConfigureAwait(false);
        await response.EnsureSuccessAsync(CancellationToken.None).ConfigureAwait(false);
        async ValueTask WriteAsync(bool isError, ReadOnlyMemory<byte> piece) => await (isError ? context.ErrorStream : context.OutputStream).WriteAsync(piece).ConfigureAwait(false);
        await (isTerminal
            ? Client.StreamFrames.ReadRawAsync(response.Body, WriteAsync, CancellationToken.None)
            : Client.StreamFrames.ReadAsync(response.Body, WriteAsync, CancellationToken.None)).ConfigureAwait(false);
        return 0;
    });

    private static Verb Exec() => new(
        "exec", "[OPTIONS] CONTAINER COMMAND [ARGUMENTS]", "Runs a command in a running container.", "berth exec -it web bash",
        [
            Option.Flag("interactive", 'i', "With input"), Option.Flag("tty", 't', "With a terminal"), Option.Flag("detach", 'd', "In the background"),
            Option.List("env", 'e', "NAME=VALUE", "Variable"), Option.List("env-file", "FILE", "Variables"), Option.Value("user", 'u', "USER", "As whom"),
            Option.Value("workdir", 'w', "FOLDER", "Where"), Option.Flag("privileged", "With all rights"), Option.Value("detach-keys", "KEYS", "Instead of ctrl-p,ctrl-q"),
        ],
        (context, line) => line.Arguments is not [var container, _, ..]
            ? throw new UsageException("'exec' requires at least 2 arguments")
            : ContainerRun.ExecAsync(
                context, container,
                new()
                {
                    ["AttachStdin"] = line.Flag("interactive"), ["AttachStdout"] = true, ["AttachStderr"] = true, ["Tty"] = line.Flag("tty"),
                    ["Cmd"] = Json.Array(line.Arguments.Skip(1)), ["Env"] = Pairs.Environment(line.Values("env"), line.Values("env-file"), context),
                    ["User"] = line.Value("user") ?? "", ["WorkingDir"] = line.Value("workdir") ?? "", ["Privileged"] = line.Flag("privileged"), ["DetachKeys"] = line.Value("detach-keys") ?? "",
                },
                line.Flag("detach"), line.Flag("tty"), line.Flag("interactive")))
    {
        StopsAtArgument = true,
    };

    private static Verb Attach() => new(
        "attach", "[OPTIONS] CONTAINER", "Joins a running container's input and output.", "berth attach web",
        [Option.Flag("no-stdin", "Without input"), Option.Flag("sig-proxy", "Pass signals on (default true)"), Option.Value("detach-keys", "KEYS", "Instead of ctrl-p,ctrl-q")],
        async (context, line) =>
        {
            var id = DockerVerbs.Escape(DockerVerbs.Exactly(line, "attach", 1)[0]);
            var details = await context.Client.RequestAsync("GET", $"/containers/{id}/json").ConfigureAwait(false);
            if (!(details?["State"].Flag("Running") ?? false))
            {
                throw new CliException(1, "cannot attach to a stopped container, start it first");
            }

            var isTerminal = details["Config"].Flag("Tty");
            var hasInput = !line.Flag("no-stdin") && details["Config"].Flag("OpenStdin");
            await using (var interaction = await Interaction.BeginAsync(
                context, $"/containers/{id}/attach?stream=1&stdout=1&stderr=1{(hasInput ? "&stdin=1" : "")}{(line.Value("detach-keys") is { } keys ? "&detachKeys=" + DockerVerbs.Escape(keys) : "")}",
                null, isTerminal, hasInput).ConfigureAwait(false))
            {
                if (!isTerminal && line.IsOn("sig-proxy"))
                {
                    interaction.ForwardSignals(signal => ContainerRun.SignalAsync(context, id, signal));
                }

                await interaction.FollowSizeAsync($"/containers/{id}/resize").ConfigureAwait(false);
                await interaction.CopyOutputAsync().ConfigureAwait(false);
            }

            details = await context.Client.RequestAsync("GET", $"/containers/{id}/json").ConfigureAwait(false);
            return details?["State"].Flag("Running") ?? false ? 0 : (int)(details?["State"].Number("ExitCode") ?? 0);
        });

    private static Verb Update() => new(
        "update", "[OPTIONS] CONTAINER...", "Changes limits and the restart policy of containers, running ones too.", "berth update --memory 512m --memory-swap 1g web\nberth update --restart unless-stopped web db", ContainerOptions.Changeable,
        (context, line) => DockerVerbs.EachAsync(context, line, "update", async id =>
        {
            var answer = await context.Client.RequestAsync("POST", $"/containers/{DockerVerbs.Escape(id)}/update", ContainerOptions.ToUpdate(line)).ConfigureAwait(false);
            answer.Texts("Warnings").ToList().ForEach(warning => context.Error.WriteLine($"WARNING: {warning}"));
            context.Output.WriteLine(id);
        }));

    private static async Task<int> PortAsync(CliContext context, ParsedLine line)
    {
        if (line.Arguments is not [var name, .. var rest] || rest.Count > 1)
        {
            throw new UsageException("'port' requires 1 or 2 arguments");
        }

        var ports = (await context.Client.RequestAsync("GET", $"/containers/{DockerVerbs.Escape(name)}/json").ConfigureAwait(false))?["NetworkSettings"]?["Ports"] as JsonObject ?? [];
        var wanted = rest is [var port] ? port.Contains('/', StringComparison.Ordinal) ? port : port + "/tcp" : null;
        var found = ports.Where(one => wanted is null || one.Key == wanted).SelectMany(one => one.Value.Items().Select(binding => (one.Key, Address: binding.Text("HostIp") is var ip && ip.Contains(':', StringComparison.Ordinal)
            ? $"[{ip}]:{binding.Text("HostPort")}"
            : $"{ip}:{binding.Text("HostPort")}"))).ToList();
        if (wanted is not null && found.Count == 0)
        {
            throw new CliException(1, $"no public port '{wanted}' published for {name}");
        }

        found.ForEach(one => context.Output.WriteLine(wanted is null ? $"{one.Key} -> {one.Address}" : one.Address));
        return 0;
    }

    private static async Task<int> TopAsync(CliContext context, ParsedLine line)
    {
        if (line.Arguments is not [var name, .. var options])
        {
            throw new UsageException("'top' requires at least 1 argument");
        }

        var view = await context.Client.RequestAsync("GET", $"/containers/{DockerVerbs.Escape(name)}/top{(options.Count > 0 ? "?ps_args=" + DockerVerbs.Escape(string.Join(' ', options)) : "")}").ConfigureAwait(false);
        context.Output.Write(Table.Render([.. view.Texts("Titles")], view.List("Processes").Select(row => (IReadOnlyList<string>)[.. row.Items().Select(cell => cell.ToString())])));
        return 0;
    }
}
