using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Releases.Ledger;
using Berth.Releases.Projects;
using Microsoft.AspNetCore.Http;

namespace Berth.Api.BerthApi;

/// <summary>Berth API, <c>POST /berth/v1/projects/releases</c>: the releases of a project, newest first, with their models. Values of variables that look like secrets are masked.</summary>
internal static class ReleaseViews
{
    private const string ConfigPrefix = "config/";

    internal static async Task ListAsync(HttpContext context, ProjectService projects)
    {
        var request = await ProjectRequest.ReadAsync(context).ConfigureAwait(false);
        if (await ProjectEndpoints.FindAsync(context, request, ProjectEndpoints.Load(request)).ConfigureAwait(false) is not { } target)
        {
            return;
        }

        await context.WriteAsync(new JsonObject
        {
            ["project"] = target.Name,
            ["releases"] = new JsonArray([.. projects.Releases(target.Name).Select(View)]),
        }).ConfigureAwait(false);
    }

    /// <summary><c>POST /berth/v1/projects/evidence</c>: signed evidence of a project's releases.</summary>
    internal static async Task EvidenceAsync(HttpContext context, ProjectService projects)
    {
        var request = await ProjectRequest.ReadAsync(context).ConfigureAwait(false);
        if (await ProjectEndpoints.FindAsync(context, request, ProjectEndpoints.Load(request)).ConfigureAwait(false) is { } target)
        {
            await context.WriteAsync(new JsonObject { ["project"] = target.Name, ["evidence"] = projects.Evidence(target.Name) }).ConfigureAwait(false);
        }
    }

    private static JsonObject View(ReleaseRecord release) => new()
    {
        ["number"] = release.Number,
        ["status"] = release.Status.ToString(),
        ["command"] = release.Command,
        ["started"] = Http.Time(release.Started),
        ["ended"] = release.Ended is { } ended ? Http.Time(ended) : null,
        ["watchEnds"] = release.WatchEnds is { } end ? Http.Time(end) : null,
        ["user"] = release.User,
        ["gitCommit"] = release.GitCommit,
        ["reason"] = release.Reason,
        ["plan"] = Http.Strings(release.Plan),
        ["images"] = new JsonObject(release.Images.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
        ["configs"] = new JsonObject(release.Files.Where(pair => pair.Key.StartsWith(ConfigPrefix, StringComparison.Ordinal)) // a digest could be guessed from: none of secrets
            .Select(pair => KeyValuePair.Create(pair.Key[ConfigPrefix.Length..], (JsonNode?)pair.Value))),
        ["durations"] = new JsonObject(release.Durations.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)Math.Round(pair.Value, 3)))),
        ["gaps"] = new JsonObject(release.Gaps.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)Math.Round(pair.Value, 3)))),
        ["jobs"] = new JsonObject(release.Jobs.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)new JsonObject { ["seconds"] = Math.Round(pair.Value.Seconds, 3), ["output"] = pair.Value.Output }))),
        ["model"] = Masked(JsonNode.Parse(release.Model, documentOptions: new JsonDocumentOptions { MaxDepth = 64 })!),
    };

    private static JsonNode Masked(JsonNode model)
    {
        foreach (var (_, service) in model["services"] as JsonObject ?? [])
        {
            if (service?["environment"] is JsonObject environment)
            {
                foreach (var name in environment.Select(pair => pair.Key).Where(SecretNames.Contain).ToList())
                {
                    environment[name] = environment[name] is null ? null : SecretNames.Mask;
                }
            }
        }

        foreach (var kind in new[] { "secrets", "configs" })
        {
            foreach (var (_, one) in model[kind] as JsonObject ?? [])
            {
                if (kind == "secrets" && one is JsonObject secret && secret.ContainsKey("content"))
                {
                    secret["content"] = SecretNames.Mask;
                }
            }
        }

        return model;
    }
}
