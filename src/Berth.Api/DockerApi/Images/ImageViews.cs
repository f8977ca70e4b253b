using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Engine;
using Berth.Engine.Images;
using Berth.Oci.Images;

namespace Berth.Api.DockerApi.Images;

/// <summary>Images in Docker's shapes.</summary>
internal static class ImageViews
{
    internal static JsonObject Summary(Image image, int containers, int version) => WithVirtualSize(version, new()
    {
        ["Id"] = image.Id.Value,
        ["ParentId"] = image.Parent?.Value ?? "",
        ["RepoTags"] = Http.Strings(image.FamiliarTags),
        ["RepoDigests"] = Http.Strings(image.FamiliarDigests),
        ["Created"] = image.Config.Created?.ToUnixTimeSeconds() ?? 0,
        ["Size"] = image.Size,
        ["SharedSize"] = -1,
        ["Labels"] = Http.MapOrNull(image.Config.Config?.Labels),
        ["Containers"] = containers,
    });

    // Until version 1.43 it stood beside the size, with the same value.
    private static JsonObject WithVirtualSize(int version, JsonObject view)
    {
        if (version < 44)
        {
            view["VirtualSize"] = view["Size"]!.DeepClone();
        }

        return view;
    }

    internal static JsonObject Details(Image image, ImageStore images, int version) => WithVirtualSize(version, new()
    {
        ["Id"] = image.Id.Value,
        ["RepoTags"] = Http.Strings(image.FamiliarTags),
        ["RepoDigests"] = Http.Strings(image.FamiliarDigests),
        ["Parent"] = image.Parent?.Value ?? "",
        ["Comment"] = image.Config.Comment ?? "",
        ["Created"] = Http.Time(image.Config.Created),
        ["DockerVersion"] = "",
        ["Author"] = image.Config.Author ?? "",
        ["Config"] = Config(image.Config.Config ?? new()),
        ["Architecture"] = image.Config.Architecture,
        ["Variant"] = image.Config.Variant,
        ["Os"] = image.Config.Os,
        ["Size"] = image.Size,
        ["GraphDriver"] = new JsonObject
        {
            ["Name"] = "overlay2",
            ["Data"] = new JsonObject { ["LowerDir"] = string.Join(':', images.LowerDirectories(image)) },
        },
        ["RootFS"] = new JsonObject { ["Type"] = "layers", ["Layers"] = Http.Strings(image.Config.RootFs.DiffIds.Select(id => id.Value)) },
        ["Metadata"] = new JsonObject { ["LastTagTime"] = Http.Time(image.LastTagged) },
    });

    internal static JsonArray History(Image image, ImageStore images)
    {
        var entries = new List<JsonObject>();
        var layer = 0;
        var chainIds = image.ChainIds;
        foreach (var step in image.Config.History ?? [])
        {
            var size = !step.EmptyLayer && layer < chainIds.Count && images.Layers.Find(chainIds[layer++]) is { } found ? DiskUsage.Of(images.Layers.PathOf(found)) : 0; // of the files, not of their archive
            entries.Add(new()
            {
                ["Id"] = "<missing>",
                ["Created"] = step.Created?.ToUnixTimeSeconds() ?? 0,
                ["CreatedBy"] = step.CreatedBy ?? "",
                ["Tags"] = null,
                ["Size"] = size,
                ["Comment"] = step.Comment ?? "",
            });
        }

        entries.Reverse();
        if (entries.Count > 0)
        {
            entries[0]["Id"] = image.Id.Value;
            entries[0]["Tags"] = image.Tags.Count == 0 ? null : Http.Strings(image.FamiliarTags);
        }

        return new([.. entries]);
    }

    internal static JsonObject Removal(ImageRemoval removal) =>
        removal.Deleted is { } id ? new() { ["Deleted"] = id.Value } : new() { ["Untagged"] = removal.Untagged };

    private static JsonObject Config(ContainerDefaults config) => new()
    {
        ["User"] = config.User ?? "",
        ["ExposedPorts"] = config.ExposedPorts is { } ports ? Set(ports.Keys) : null,
        ["Env"] = Http.StringsOrNull(config.Env),
        ["Cmd"] = Http.StringsOrNull(config.Cmd),
        ["Healthcheck"] = config.Healthcheck is { } check ? JsonSerializer.SerializeToNode(check, OciJson.Default.HealthCheck) : null,
        ["ArgsEscaped"] = config.ArgsEscaped,
        ["Volumes"] = config.Volumes is { } volumes ? Set(volumes.Keys) : null,
        ["WorkingDir"] = config.WorkingDir ?? "",
        ["Entrypoint"] = Http.StringsOrNull(config.Entrypoint),
        ["OnBuild"] = Http.StringsOrNull(config.OnBuild),
        ["Labels"] = config.Labels is { } labels ? Http.Map(labels) : null,
        ["StopSignal"] = config.StopSignal,
        ["Shell"] = Http.StringsOrNull(config.Shell),
    };

    private static JsonObject Set(IEnumerable<string> members)
    {
        var set = new JsonObject();
        foreach (var member in members)
        {
            set[member] = new JsonObject();
        }

        return set;
    }
}
