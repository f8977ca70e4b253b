using System.Text.Json.Nodes;
using Berth.Client;

namespace Berth.Cli.Docker;

/// <summary><c>run</c> and <c>create</c> of images.</summary>
internal static class RunVerb
{
    internal static Verb Run() => new(
        "run", "[OPTIONS] IMAGE [COMMAND] [ARGUMENTS]", "Runs a command in a new container.", "berth run --rm -it debian:bookworm-slim bash\nberth run -d --name web -p 8000:80 nginx",
        [
            Option.Flag("detach", 'd', "In the background"), Option.Value("detach-keys", "KEYS", "Instead of ctrl-p,ctrl-q"), Option.Flag("sig-proxy", "Pass signals on (default true)"),
            .. ContainerOptions.Options,
        ],
        async (context, line) =>
        {
            var (isDetached, isTerminal, hasInput) = (line.Flag("detach"), line.Flag("tty"), line.Flag("interactive"));
            if (isDetached && line.Flag("rm") && line.Value("restart") is not (null or "no"))
            {
                throw new UsageException("conflicting options: cannot specify both --restart and --rm");
            }

            if (isDetached && line.Has("attach"))
            {
                throw new UsageException("conflicting options: cannot specify both --attach and --detach");
            }

            if (!isDetached)
            {
                Interaction.RequireTerminal(isTerminal, hasInput);
            }

            var id = await CreateAsync(context, line, isDetached).ConfigureAwait(false);
            return await ContainerRun.RunAsync(
                context, id, ContainerOptions.Streams(line) with
                {
                    IsDetached = isDetached, IsTerminal = isTerminal, AutoRemove = line.Flag("rm"), PassesSignals = line.IsOn("sig-proxy"), DetachKeys = line.Value("detach-keys"),
                }).ConfigureAwait(false);
        })
    {
        StopsAtArgument = true,
    };

    internal static Verb Create() => new(
        "create", "[OPTIONS] IMAGE [COMMAND] [ARGUMENTS]", "Makes a container without starting it.", "berth create --name web -p 8000:80 nginx", ContainerOptions.Options,
        async (context, line) =>
        {
            context.Output.WriteLine(await CreateAsync(context, line, isDetached: false).ConfigureAwait(false));
            return 0;
        })
    {
        StopsAtArgument = true,
    };

    private static async Task<string> CreateAsync(CliContext context, ParsedLine line, bool isDetached)
    {
        if (line.Arguments is not [var image, ..])
        {
            throw new UsageException("'run' requires at least 1 argument: the image");
        }

        var pull = line.Value("pull") ?? "missing";
        if (pull is not ("missing" or "always" or "never"))
        {
            throw new UsageException($"--pull {pull}: it is always, missing or never");
        }

        var config = ContainerOptions.ToConfig(line, context, isDetached);
        var target = $"/containers/create?name={DockerVerbs.Escape(line.Value("name") ?? "")}&platform={DockerVerbs.Escape(line.Value("platform") ?? "")}";
        await using var idFile = line.Value("cidfile") is { } file ? IdFile(file) : null;
        if (pull == "always")
        {
            await ImageVerbs.PullAsync(context, image, line.Value("platform"), line.Flag("quiet"), context.Error).ConfigureAwait(false);
        }

        try
        {
            return await CreatedAsync(context, await context.Client.RequestAsync("POST", target, config).ConfigureAwait(false), idFile).ConfigureAwait(false);
        }
        catch (DaemonException exception) when (exception.Status == 404 && pull == "missing" && exception.Message.StartsWith("No such image", StringComparison.Ordinal))
        {
            context.Error.WriteLine($"Unable to find image '{image}' locally");
            try
            {
                await ImageVerbs.PullAsync(context, image, line.Value("platform"), line.Flag("quiet"), context.Error).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is CliException or DaemonException)
            {
                throw new CliException(125, failure.Message);
            }

            return await CreatedAsync(context, await context.Client.RequestAsync("POST", target, config).ConfigureAwait(false), idFile).ConfigureAwait(false);
        }
    }

    // Before the container: a file that is there already is somebody else's.
    private static StreamWriter IdFile(string path) => File.Exists(path)
        ? throw new CliException(125, $"container ID file found, make sure the other container isn't running or delete {path}")
        : new StreamWriter(path);

    private static async Task<string> CreatedAsync(CliContext context, JsonNode? answer, StreamWriter? idFile)
    {
        foreach (var warning in answer.Texts("Warnings"))
        {
            context.Error.WriteLine($"WARNING: {warning}");
        }

        await (idFile?.WriteAsync(answer.Text("Id")) ?? Task.CompletedTask).ConfigureAwait(false);
        return answer.Text("Id");
    }
}
