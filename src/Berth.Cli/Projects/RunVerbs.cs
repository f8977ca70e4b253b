using Berth.Cli.Docker;

namespace Berth.Cli.Projects;

/// <summary><c>run</c> and <c>exec</c> of services.</summary>
internal static class RunVerbs
{
    internal static Verb ExecInService() => new(
        "exec", "[OPTIONS] SERVICE COMMAND [ARGUMENTS]", "Runs a command in a running container of a service, with a terminal where there is one.",
        "berth exec app python manage.py shell\nberth exec -T mysql mariadb-dump forum > dump.sql",
        [
            Option.Flag("detach", 'd', "In the background"), Option.List("env", 'e', "NAME=VALUE", "Variable"), Option.Value("user", 'u', "USER", "As whom"),
            Option.Value("workdir", 'w', "FOLDER", "Where"), Option.Flag("no-tty", 'T', "Without a terminal"), Option.Flag("interactive", 'i', "With input (as always)"),
            Option.Flag("tty", 't', "With a terminal (as always where there is one)"), Option.Flag("privileged", "With all rights"), Option.Value("index", "NUMBER", "Which container of the service"),
        ],
        (context, line) => context.Project.IsDryRun ? throw DryRun.Impossible("exec") : ExecAsync(context, line))
    {
        StopsAtArgument = true, TakesProject = true, UsageExitCode = 1,
    };

    private static async Task<int> ExecAsync(CliContext context, ParsedLine line)
    {
        if (line.Arguments is not [var service, _, ..])
        {
            throw new UsageException("exec needs a service and a command");
        }

        var view = await ProjectCommands.ListAsync(context, []).ConfigureAwait(false);
        var index = line.Value("index");
        var container = view.List("containers").FirstOrDefault(one => one.Text("Service") == service && one.Text("State") == "running" && (index is null || one.Text("Number") == index))
            ?? throw new CliException(1, view.Texts("services").Contains(service)
                ? $"service \"{service}\" is not running{(index is null ? "" : $" container #{index}")}"
                : $"no such service: {service}");
        var isTerminal = !line.Flag("no-tty") && !line.Flag("detach") && (line.Flag("tty") || (CliContext.InputIsTerminal && CliContext.OutputIsTerminal));
        var hasInput = !line.Flag("detach");
        return await ContainerRun.ExecAsync(
            context, container.Text("Id"),
            new()
            {
                ["AttachStdin"] = hasInput, ["AttachStdout"] = true, ["AttachStderr"] = true, ["Tty"] = isTerminal, ["Cmd"] = Json.Array(line.Arguments.Skip(1)),
                ["Env"] = Pairs.Environment(line.Values("env"), [], context), ["User"] = line.Value("user") ?? "", ["WorkingDir"] = line.Value("workdir") ?? "",
                ["Privileged"] = line.Flag("privileged"),
            },
            line.Flag("detach"), isTerminal, hasInput).ConfigureAwait(false);
    }

    internal static Verb RunService() => new(
        "run", "[OPTIONS] SERVICE [COMMAND] [ARGUMENTS]", "Runs one command in a new container of a service. What the service needs is started before.",
        "berth run --rm app python manage.py migrate",
        [
            Option.Flag("rm", "Remove the container when it ends"), Option.Flag("detach", 'd', "In the background"), Option.Value("name", "NAME", "Name of the container"),
            Option.List("env", 'e', "NAME=VALUE", "Variable"), Option.List("label", 'l', "NAME=VALUE", "Label"), Option.Value("entrypoint", "PROGRAM", "Instead of the image's"),
            Option.Value("user", 'u', "USER", "As whom"), Option.Value("workdir", 'w', "FOLDER", "Where"), Option.List("volume", 'v', "SOURCE:TARGET", "Mount"),
            Option.List("publish", 'p', "HOST:CONTAINER", "Publish a port"), Option.Flag("service-ports", 'P', "Publish the service's ports"),
            Option.Flag("use-aliases", "Answer to the service's names"), Option.Flag("no-deps", "Do not start what the service needs"), Option.Flag("build", "Build the image before"),
            Option.Flag("no-tty", 'T', "Without a terminal"), Option.Flag("interactive", 'i', "With input (default; --interactive=false)"), Option.Flag("tty", 't', "With a terminal (as always where there is one)"),
            Option.List("env-from-file", "FILE", "Variables from a file"), Option.List("cap-add", "CAPABILITY", "A right more"), Option.List("cap-drop", "CAPABILITY", "A right less"),
            Option.Value("pull", "WHEN", "always, missing or never"), Option.Flag("remove-orphans", "Remove containers of services that the files no longer have"),
            Option.Flag("quiet", 'q', "Without progress"), Quiet.Pull, Quiet.Build,
        ],
        (context, line) => context.Project.IsDryRun ? throw DryRun.Impossible("run") : RunAsync(context, line))
    {
        StopsAtArgument = true, TakesProject = true, UsageExitCode = 1,
    };

    private static async Task<int> RunAsync(CliContext context, ParsedLine line)
    {
        if (line.Arguments is not [var service, ..])
        {
            throw new UsageException("run needs a service");
        }

        var isDetached = line.Flag("detach");
        var hasInput = !isDetached && line.IsOn("interactive");
        var isTerminal = !line.Flag("no-tty") && !isDetached && CliContext.InputIsTerminal && CliContext.OutputIsTerminal;
        var result = await ProjectCommands.RunAsync(context, "run", request =>
        {
            request["service"] = service;
            request["command"] = Json.Array(line.Arguments.Skip(1));
            request["entrypoint"] = line.Value("entrypoint");
            request["name"] = line.Value("name");
            request["variables"] = Pairs.ToJson(Pairs.Lines(line.Values("env-from-file")).Concat(line.Values("env")), context);
            request["addedCapabilities"] = Json.Array(line.Values("cap-add"));
            request["droppedCapabilities"] = Json.Array(line.Values("cap-drop"));
            request["pull"] = line.Value("pull");
            request["removeOrphans"] = line.Flag("remove-orphans");
            request["labels"] = Pairs.Labels(line.Values("label"));
            request["user"] = line.Value("user");
            request["workingDirectory"] = line.Value("workdir");
            request["volumes"] = Json.Array(line.Values("volume").Select(volume => AbsoluteMount(volume, context)));
            request["ports"] = Json.Array(line.Values("publish"));
            request["servicePorts"] = line.Flag("service-ports");
            request["useAliases"] = line.Flag("use-aliases");
            request["noDependencies"] = line.Flag("no-deps");
            request["build"] = line.Flag("build");
            request["terminal"] = isTerminal;
            request["interactive"] = hasInput;
            request["autoRemove"] = line.Flag("rm");
        }, line.Flag("quiet") ? Quiet.All(context) : Quiet.View(context, line)).ConfigureAwait(false);
        return await ContainerRun.RunAsync(context, result.Text("id"), new() { IsDetached = isDetached, IsTerminal = isTerminal, HasInput = hasInput, AutoRemove = line.Flag("rm") }).ConfigureAwait(false);
    }

    /// <summary>A source that is a relative path becomes absolute: the daemon has another folder.</summary>
    internal static string AbsoluteMount(string volume, CliContext context)
    {
        var colon = volume.IndexOf(':', StringComparison.Ordinal);
        var source = colon < 0 ? "" : volume[..colon];
        return source.StartsWith('.') || source.StartsWith("~/", StringComparison.Ordinal)
            ? Path.GetFullPath(source.StartsWith('~') ? context.Variable("HOME") + source[1..] : source, context.CurrentFolder) + volume[colon..]
            : volume;
    }
}
