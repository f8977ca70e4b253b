using System.Text.Json.Nodes;

namespace Berth.Cli.Projects;

/// <summary><c>--dry-run</c>: what a verb would do, without doing it.</summary>
internal static class DryRun
{
    // They only look.
    private static readonly string[] s_harmless =
    [
        "config", "ps", "logs", "images", "port", "top", "stats", "volumes", "plan", "drift", "releases", "release", "diff", "events", "wait",
    ];

    /// <summary>By verb: the states of containers that it is about, and what it does with them.</summary>
    private static readonly Dictionary<string, (string[] States, string Action)> s_ofContainers = new(StringComparer.Ordinal)
    {
        ["start"] = (["created", "exited", "paused"], "start"),
        ["stop"] = (["running", "restarting", "paused"], "stop"),
        ["restart"] = (["created", "running", "restarting", "paused", "exited"], "restart"),
        ["kill"] = (["running", "paused"], "kill"),
        ["pause"] = (["running"], "pause"),
        ["unpause"] = (["paused"], "unpause"),
    };

    internal static CliException Impossible(string verb) => new(1, $"--dry-run: nobody knows what '{verb}' would do without doing it");

    internal static UsageException NotOfAProject() => new("--dry-run is for verbs of a project");

    internal static async Task<int> RunAsync(CliContext context, string verb, ParsedLine line, Func<CliContext, ParsedLine, Task<int>> run)
    {
        if (s_harmless.Contains(verb))
        {
            return await run(context, line).ConfigureAwait(false);
        }

        if (verb is "up" or "create" or "deploy" or "scale")
        {
            var view = await ProjectCommands.ReadAsync(context, "plan", request => FillPlan(context, verb, line, request)).ConfigureAwait(false);
            return PlanVerbs.ShowOnly(context, line, view);
        }

        if (verb == "down")
        {
            var answer = await ProjectCommands.RunAsync(context, "down", request =>
            {
                ComposeVerbs.FillDown(context, line, request);
                request["dryRun"] = true;
            }).ConfigureAwait(false);
            return PlanVerbs.ShowOnly(context, line, answer["plan"]!.AsObject());
        }

        var steps = verb is "build" or "pull" or "push" ? await ImagesAsync(context, verb, line).ConfigureAwait(false) : await ContainersAsync(context, verb, line).ConfigureAwait(false);
        context.Output.WriteLine(steps.Count == 0 ? "Nothing would be done." : "Nothing is done; it would be:");
        steps.ForEach(step => context.Output.WriteLine("  " + step));
        return 0;
    }

    private static void FillPlan(CliContext context, string verb, ParsedLine line, JsonObject request)
    {
        if (verb == "scale")
        {
            var scale = ComposeVerbs.Scale(line.Arguments);
            request["services"] = Json.Array(scale.Select(pair => pair.Key));
            request["scale"] = scale;
            request["noRecreate"] = true;
            request["noDependencies"] = line.Flag("no-deps");
            return;
        }

        ComposeVerbs.FillPlan(context, line, request);
        request["noStart"] = verb == "create" || line.Flag("no-start");
    }

    private static async Task<List<string>> ContainersAsync(CliContext context, string verb, ParsedLine line)
    {
        var (states, action) = verb != "rm" ? s_ofContainers.TryGetValue(verb, out var known) ? known : throw Impossible(verb)
            : (line.Flag("stop") ? ["created", "exited", "dead", "running", "restarting", "paused"] : ["created", "exited", "dead"], "remove");
        var view = await ProjectCommands.ListAsync(context, line.Arguments).ConfigureAwait(false);
        return [.. view.List("containers").Where(one => states.Contains(one.Text("State"))).Select(one => $"{action} container {one.Text("Name")} (it is {one.Text("State")})")];
    }

    private static async Task<List<string>> ImagesAsync(CliContext context, string verb, ParsedLine line)
    {
        var config = await ProjectCommands.ReadAsync(context, "config", request => request["services"] = Json.Array(line.Arguments)).ConfigureAwait(false);
        var services = JsonNode.Parse(config.Text("json"))?["services"]?.AsObject() ?? [];
        return
        [
            .. services.Where(pair => line.Arguments.Count == 0 || line.Arguments.Contains(pair.Key)).Where(pair => pair.Value?["build"] is null == (verb == "pull"))
                .Select(pair => $"{verb} image {(pair.Value.Text("image") is { Length: > 0 } image ? image : $"{config.Text("name")}-{pair.Key}")} (service {pair.Key})"),
        ];
    }
}
