using System.Text.Json.Nodes;
using Berth.Cli.Output;

namespace Berth.Cli.Projects;

/// <summary>What would be done, and what somebody else has done: both only look.</summary>
internal static class PlanVerbs
{
    private const int HasChanges = 2; // as other planning tools have it: 0 nothing, 1 an error
    private static readonly Option s_json = Option.Flag("json", "As one JSON object");
    private static readonly Option s_exitCode = Option.Flag("detailed-exitcode", "0: nothing to do, 2: there is, 1: an error");

    private static readonly (string Verb, char Sign, string One, string Many)[] s_verbs =
    [
        ("build", '+', "image to build", "images to build"), ("pull", '+', "image to pull", "images to pull"), ("create", '+', "to create", "to create"),
        ("roll", '~', "to roll", "to roll"), ("update", '~', "to update in place", "to update in place"), ("replace", '±', "to replace", "to replace"),
        ("start", '^', "to start", "to start"), ("restart", '^', "to restart", "to restart"), ("refresh", '~', "volume to refresh", "volumes to refresh"),
        ("remove", '-', "to remove", "to remove"),
    ];

    internal static Verb Plan() => ComposeVerbs.Project(
        "plan", "[OPTIONS] [FOLDER] [SERVICE...]", "Shows what 'up' with the same options would do, in what each container differs from its service, and what it costs. Changes nothing.",
        "berth plan\nberth plan --detailed-exitcode ./examples/forum\nberth plan --out next.plan && berth up -d next.plan",
        [s_json, s_exitCode, Option.Value("out", "FILE", "Keep the plan there, for 'berth up FILE'"), .. ComposeVerbs.s_planOptions],
        async (context, line) =>
        {
            var request = new JsonObject();
            var view = await ProjectCommands.ReadAsync(context, "plan", asked =>
            {
                ComposeVerbs.FillPlan(context, line, asked);
                request = asked;
            }).ConfigureAwait(false);
            foreach (var warning in view.Texts("warnings"))
            {
                context.Error.WriteLine($"warning: {warning}");
            }

            if (line.Value("out") is { } file)
            {
                await PlanFile.WriteAsync(file, request, view).ConfigureAwait(false);
            }

            return Show(context, line, view, view.Flag("changes") ? $"{view.Text("project")}: {Summary(view)}." : $"{view.Text("project")}: nothing to do; {Summary(view)}.");
        });

    internal static Verb Drift() => ComposeVerbs.Project(
        "drift", "[OPTIONS] [FOLDER]", "Shows what somebody else has changed of what the project's last release left, and what would bring it back. Changes nothing.",
        "berth drift\nberth drift --detailed-exitcode -p forum", [s_json, s_exitCode],
        async (context, line) =>
        {
            var view = await ProjectCommands.ReadAsync(context, "drift", _ => { }).ConfigureAwait(false);
            var release = $"release {view.Text("release")} left it";
            return Show(context, line, view, view.Flag("changes") ? $"{view.Text("project")} is not as {release}. To have that again: {Summary(view)}." : $"{view.Text("project")} is as {release}.");
        });

    /// <summary>The summary and the actions of a plan, for a command that carries out nothing of it.</summary>
    internal static int ShowOnly(CliContext context, ParsedLine line, JsonObject view) =>
        Show(context, line, view, $"{view.Text("project")}: nothing is done; it would be: {Summary(view)}.");

    private static int Show(CliContext context, ParsedLine line, JsonObject view, string title)
    {
        if (line.Flag("json"))
        {
            context.Output.WriteLine(view.ToJsonString(Listing.Indented));
        }
        else
        {
            context.Output.WriteLine(title);
            foreach (var action in view.List("actions").Where(action => action.Text("action") != "leave"))
            {
                Show(context.Output, action);
            }
        }

        if (view.Texts("problems").ToList() is { Count: > 0 } problems)
        {
            throw new CliException(1, "it cannot be done:\n" + string.Join('\n', problems));
        }

        return line.Flag("detailed-exitcode") && view.Flag("changes") ? HasChanges : 0;
    }

    private static void Show(TextWriter output, JsonNode action)
    {
        var (verb, service) = (action.Text("action"), action.Text("service"));
        var sign = s_verbs.First(known => known.Verb == verb).Sign;
        var of = service.Length > 0 && action.Text("kind") == "container" ? $" (service {service})" : "";
        output.WriteLine();
        output.WriteLine($"  {sign} {verb} {action.Text("kind")} {action.Text("name")}{of}: {action.Text("reason")}");
        foreach (var change in action.List("changes"))
        {
            output.WriteLine($"        {change.Text("field")}: {Value(change, "old")} → {Value(change, "new")}");
        }

        if (action.Flag("interrupts"))
        {
            output.WriteLine("        downtime: from its stop until what follows it serves");
        }
        else if (verb is "roll" or "update")
        {
            output.WriteLine("        downtime: none");
        }

        if (action.Flag("losesData"))
        {
            output.WriteLine("        data: what is in it is lost");
        }
    }

    private static string Value(JsonNode change, string name) => change[name] is null ? "not set" : change.Text(name);

    private static string Summary(JsonObject view)
    {
        var numbers = view.List("actions").CountBy(action => action.Text("action")).ToDictionary();
        var parts = s_verbs.Where(known => numbers.ContainsKey(known.Verb)).Select(known => $"{numbers[known.Verb]} {(numbers[known.Verb] == 1 ? known.One : known.Many)}").ToList();
        if (numbers.TryGetValue("leave", out var left))
        {
            parts.Add($"{left} {(left == 1 ? "container stays as it is" : "containers stay as they are")}");
        }

        return parts.Count > 0 ? string.Join(", ", parts) : "there is nothing yet";
    }
}
