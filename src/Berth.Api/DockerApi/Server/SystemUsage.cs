using System.Text.Json.Nodes;
using Berth.Api.DockerApi.Containers;
using Berth.Api.DockerApi.Images;
using Berth.Api.DockerApi.Volumes;
using Berth.Engine;
using Berth.Engine.Errors;
using Berth.Oci;
using Microsoft.AspNetCore.Http;

namespace Berth.Api.DockerApi.Server;

/// <summary>Docker Engine API, "Get data usage information" (<c>docker system df</c>).</summary>
internal static class SystemUsage
{
    private static readonly string[] s_types = ["container", "image", "volume", "build-cache"];

    internal static Task WriteAsync(HttpContext context, EngineHost engine)
    {
        var asked = context.Request.Query["type"].OfType<string>().ToList();
        if (asked.FirstOrDefault(type => !s_types.Contains(type)) is { } unknown)
        {
            throw BerthException.Invalid($"unknown object type: {unknown}");
        }

        bool Wants(string type) => asked.Count == 0 || asked.Contains(type);
        var view = new JsonObject();
        if (Wants("image"))
        {
            Images(engine, view, context.Version());
        }

        if (Wants("container"))
        {
            Containers(engine, view);
        }

        if (Wants("volume"))
        {
            Volumes(engine, view);
        }

        if (Wants("build-cache"))
        {
            BuildCache(engine, view);
        }

        return context.WriteAsync(view);
    }

    private static void Images(EngineHost engine, JsonObject view, int version)
    {
        var images = engine.Images.All;
        var users = engine.Containers.All.GroupBy(container => container.Record.ImageId).ToDictionary(group => group.Key, group => group.Count());
        var sharing = images.SelectMany(image => image.ChainIds).GroupBy(chainId => chainId).ToDictionary(group => group.Key, group => group.Count());
        long SizeOf(Digest chainId) => engine.Images.Layers.Find(chainId)?.Size ?? 0;
        var total = sharing.Keys.Sum(SizeOf);
        var used = images.Where(image => users.ContainsKey(image.Id.Value)).SelectMany(image => image.ChainIds).Distinct().Sum(SizeOf);
        var items = new JsonArray([.. images.OrderByDescending(image => image.Config.Created ?? DateTimeOffset.MinValue).Select(image =>
        {
            var summary = ImageViews.Summary(image, users.GetValueOrDefault(image.Id.Value), version);
            summary["SharedSize"] = image.ChainIds.Where(chainId => sharing[chainId] > 1).Sum(SizeOf);
            return summary;
        })]);
        view["LayersSize"] = total;
        view["Images"] = items;
        view["ImageUsage"] = Summary(images.Count, images.Count(image => users.ContainsKey(image.Id.Value)), total, total - used, items);
    }

    private static void Containers(EngineHost engine, JsonObject view)
    {
        var containers = engine.Containers.All.OrderByDescending(container => container.Record.Created).ToList();
        var items = new JsonArray([.. containers.Select(container => ContainerViews.Summary(engine, container, withSize: true))]);
        long Sum(Func<JsonNode, bool> which) => items.OfType<JsonNode>().Where(which).Sum(item => (long)item["SizeRw"]!);
        view["Containers"] = items;
        view["ContainerUsage"] = Summary(
            containers.Count, containers.Count(container => container.Record.IsRunning), Sum(_ => true), Sum(item => (string?)item["State"] is not ("running" or "paused" or "restarting")), items);
    }

    private static void Volumes(EngineHost engine, JsonObject view)
    {
        var volumes = engine.Volumes.All.OrderBy(volume => volume.Name, StringComparer.Ordinal).ToList();
        var items = new JsonArray([.. volumes.Select(volume =>
        {
            var one = VolumeEndpoints.Describe(engine.Volumes, volume);
            one["UsageData"] = new JsonObject
            {
                ["Size"] = DiskUsage.Of(engine.Volumes.DataPath(volume.Name)),
                ["RefCount"] = engine.Containers.All.Count(container => container.Record.Mounts.Any(mount => mount.Type == "volume" && mount.Name == volume.Name)),
            };
            return one;
        })]);
        long Sum(Func<JsonNode, bool> which) => items.OfType<JsonNode>().Where(which).Sum(item => (long)item["UsageData"]!["Size"]!);
        bool IsFree(JsonNode item) => (int)item["UsageData"]!["RefCount"]! == 0;
        view["Volumes"] = items;
        view["VolumeUsage"] = Summary(volumes.Count, items.OfType<JsonNode>().Count(item => !IsFree(item)), Sum(_ => true), Sum(IsFree), items);
    }

    private static void BuildCache(EngineHost engine, JsonObject view)
    {
        var inImages = engine.Images.All.SelectMany(image => image.ChainIds).ToHashSet();
        var entries = engine.Builder.Cache.All.OrderBy(entry => entry.Created).ToList();
        var items = new JsonArray([.. entries.Select(entry => new JsonObject
        {
            ["ID"] = entry.Key,
            ["Type"] = "regular",
            ["Description"] = entry.Description,
            ["InUse"] = false,
            ["Shared"] = inImages.Contains(entry.ChainId),
            ["Size"] = engine.Images.Layers.Find(entry.ChainId)?.Size ?? 0,
            ["CreatedAt"] = Http.Time(entry.Created),
            ["LastUsedAt"] = Http.Time(entry.LastUsed),
        })]);
        var sizes = entries.Select(entry => entry.ChainId).Distinct().ToDictionary(chainId => chainId, chainId => engine.Images.Layers.Find(chainId)?.Size ?? 0);
        view["BuildCache"] = items;
        view["BuildCacheUsage"] = Summary(
            entries.Count, 0, sizes.Values.Sum(), sizes.Where(pair => !inImages.Contains(pair.Key)).Sum(pair => pair.Value), items);
    }

    private static JsonObject Summary(int count, int active, long size, long reclaimable, JsonArray items) => new()
    {
        ["TotalCount"] = count, ["ActiveCount"] = active, ["TotalSize"] = size, ["Reclaimable"] = reclaimable, ["Items"] = items.DeepClone(),
    };
}
