using System.Text.Json.Nodes;
using Berth.Releases.Planning;
using Berth.Releases.Projects;
using Microsoft.AspNetCore.Http;

namespace Berth.Api.BerthApi;

/// <summary>
/// Berth API, <c>POST /berth/v1/projects/plan</c>, what <c>up</c> would do, and <c>/drift</c>, what would bring back what the release that serves left. The
/// values of variables that look like secrets are masked.
/// </summary>
internal static class PlanViews
{
    private const string Variable = "environment.";

    internal static async Task PlanAsync(HttpContext context, ProjectService projects)
    {
        var request = await ProjectRequest.ReadAsync(context).ConfigureAwait(false);
        var loaded = ProjectEndpoints.Load(request);
        if (await ProjectEndpoints.FindAsync(context, request, loaded).ConfigureAwait(false) is { } target)
        {
            var plan = await projects.PlanAsync(target.Required, ProjectEndpoints.Up(request, "up"), context.RequestAborted).ConfigureAwait(false);
            var view = View(target.Name, plan.Plan, loaded.Warnings.Select(warning => warning.ToString()));
            view["fingerprint"] = plan.Fingerprint;
            await context.WriteAsync(view).ConfigureAwait(false);
        }
    }

    internal static async Task DriftAsync(HttpContext context, ProjectService projects)
    {
        var request = await ProjectRequest.ReadAsync(context).ConfigureAwait(false);
        if (await ProjectEndpoints.FindAsync(context, request, ProjectEndpoints.Load(request)).ConfigureAwait(false) is { } target)
        {
            var (release, plan) = await projects.DriftAsync(target.Name, context.RequestAborted).ConfigureAwait(false);
            var view = View(target.Name, plan, []);
            view["release"] = release.Number;
            await context.WriteAsync(view).ConfigureAwait(false);
        }
    }

    internal static JsonObject View(string project, Plan plan, IEnumerable<string> warnings) => new()
    {
        ["project"] = project,
        ["changes"] = plan.HasChanges,
        ["actions"] = new JsonArray([.. plan.Images.Concat(plan.Actions).SelectMany(Views)]),
        ["warnings"] = Http.Strings(warnings.Concat(plan.Warnings)),
        ["problems"] = Http.Strings(plan.Problems),
    };

    // A roll is shown container by container, as what it does is asked for each.
    private static IEnumerable<JsonObject> Views(PlanAction action) => action switch
    {
        RollService roll =>
        [
            .. roll.Replacements.Select(one => View(roll.Settings.Order == RollOrder.Alone ? "replace" : "roll", "container", one.Name, roll.Service.Name, roll.Reason, roll, one.Changes)),
            .. roll.Additions.Select(one => View("create", "container", one.Name, roll.Service.Name, one.Reason, one, one.Changes)),
        ],
        BuildImage build => [View("build", "image", build.Image, build.Service.Name, build)],
        PullImage pull => [View("pull", "image", pull.Image, null, pull)],
        RemoveImage remove => [View("remove", "image", remove.Image, null, remove)],
        CreateNetwork create => [View("create", "network", create.Network.Name, null, create)],
        RecreateNetwork recreate => [View("replace", "network", recreate.Network.Name, null, recreate)],
        RemoveNetwork remove => [View("remove", "network", remove.Name, null, remove)],
        CreateVolume create => [View("create", "volume", create.Volume.Name, null, create)],
        RefreshVolume refresh => [View("refresh", "volume", refresh.Name, refresh.Service.Name, refresh)],
        RemoveVolume remove => [View("remove", "volume", remove.Name, null, remove)],
        CreateContainer create => [View("create", "container", create.Name, create.Service.Name, create)],
        ReplaceContainer replace => [View("replace", "container", replace.Name, replace.Service.Name, replace)],
        StartContainer start => [View("start", "container", start.Existing.Name, start.Service.Name, start)],
        RestartContainer restart => [View("restart", "container", restart.Existing.Name, restart.Service.Name, restart)],
        UpdateContainer update => [View("update", "container", update.Existing.Name, update.Service.Name, update)],
        LeaveContainer leave => [View("leave", "container", leave.Existing.Name, leave.Service.Name, leave)],
        RemoveContainer remove => [View("remove", "container", remove.Existing.Name, remove.Existing.Service, remove)],
        WaitForDependency => [], // an order, no change
        _ => throw new InvalidOperationException($"{action.GetType().Name} has no view"),
    };

    private static JsonObject View(string verb, string kind, string name, string? service, PlanAction action) =>
        View(verb, kind, name, service, action.Reason, action, action.Changes);

    private static JsonObject View(string verb, string kind, string name, string? service, string reason, PlanAction action, IReadOnlyList<FieldChange> changes) => new()
    {
        ["action"] = verb,
        ["kind"] = kind,
        ["name"] = name,
        ["service"] = service,
        ["reason"] = reason,
        ["interrupts"] = action.Effects.HasFlag(PlanEffects.Interrupts),
        ["losesData"] = action.Effects.HasFlag(PlanEffects.LosesData),
        ["changes"] = new JsonArray([.. changes.Select(change => (JsonNode)new JsonObject
        {
            ["field"] = change.Field, ["old"] = Shown(change.Field, change.Old), ["new"] = Shown(change.Field, change.New),
        })]),
    };

    private static string? Shown(string field, string? value) =>
        value is not null && field.StartsWith(Variable, StringComparison.Ordinal) && SecretNames.Contain(field[Variable.Length..]) ? SecretNames.Mask : value;
}
