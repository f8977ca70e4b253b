using Berth.Cli.Output;

namespace Berth.Cli.Projects;

/// <summary>Keeps containers up to date as files change. The daemon watches: it is where the files are read anyway.</summary>
internal static class WatchVerb
{
    internal static Verb Watch() => ComposeVerbs.Project(
        "watch", "[OPTIONS] [SERVICE...]", "Brings the project up, and then, as files change, copies them into containers, restarts these or builds them anew, as 'develop' says. Until Ctrl-C.",
        "berth watch\nberth watch --no-up app", [Option.Flag("no-up", "The project runs already: do not build and start it"), Option.Flag("quiet", "Without the output of builds"),
            Option.Flag("prune", "Remove an image that was built here when the next is (default; --prune=false)"), ReleaseRun.Json],
        async (context, line) =>
        {
            if (!line.Flag("no-up"))
            {
                await ReleaseRun.RunAsync(context, line, "up", request =>
                {
                    request["services"] = Json.Array(line.Arguments);
                    request["build"] = true;
                    request["watch"] = 0;
                }).ConfigureAwait(false);
            }

            await FollowAsync(context, line).ConfigureAwait(false);
            return 0;
        });

    /// <summary>Ends only when it cannot be done.</summary>
    internal static async Task FollowAsync(CliContext context, ParsedLine line, CancellationToken cancellationToken = default)
    {
        IProgressView view = line.Flag("json") ? new JsonProgress(context.Output) : new WatchLines(context.Error, line.Flag("quiet"));
        await ProjectCommands.RunAsync(context, "watch", request => (request["services"], request["prune"]) = (Json.Array(line.Arguments), line.IsOn("prune")), view, cancellationToken).ConfigureAwait(false);
    }

    // One line for each thing that happens: the same happens again and again.
    private sealed class WatchLines(TextWriter output, bool isQuiet) : IProgressView
    {
        public void Show(System.Text.Json.Nodes.JsonObject one)
        {
            if (one.Text("kind") == "build" && isQuiet)
            {
                return;
            }

            output.WriteLine($"{one.Text("name")}  {one.Text("status")}{(one.Text("detail") is { Length: > 0 } detail ? $"  {detail}" : "")}".TrimStart());
            output.Flush();
        }

        public void Finish(System.Text.Json.Nodes.JsonObject last)
        {
        }
    }
}
