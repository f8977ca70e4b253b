using System.Text.Json.Nodes;
using Berth.Cli.Output;

namespace Berth.Cli.Docker;

/// <summary>Removing what nothing uses. Asks before, as Docker does, unless <c>--force</c> is given.</summary>
internal static class PruneVerbs
{
    private static readonly Option s_force = Option.Flag("force", 'f', "Do not ask");
    private static readonly Option s_filter = Option.List("filter", "KEY=VALUE", "Only those that fit");

    /// <param name="kind">In the API's plural: <c>images</c>, <c>containers</c>, <c>networks</c> or <c>volumes</c>.</param>
    /// <param name="word">The same as the command line's word.</param>
    internal static Verb Of(string kind, string word) => new(
        "prune", "[OPTIONS]", $"Removes {kind} that nothing uses.", $"berth {word} prune",
        [s_force, s_filter, .. kind is "images" or "volumes" ? [Option.Flag("all", 'a', kind == "images" ? "Those with a name too" : "Named ones too")] : Array.Empty<Option>()],
        async (context, line) =>
        {
            if (!line.Flag("force") && !Confirms(context, [What(kind, line)]))
            {
                return 0;
            }

            var freed = await PruneAsync(context, kind, [.. line.Values("filter"), .. All(kind, line)]).ConfigureAwait(false);
            WriteFreed(context, kind == "networks" ? null : freed);
            return 0;
        });

    internal static Verb System() => new(
        "prune", "[OPTIONS]", "Removes stopped containers, networks and images that nothing uses, and what builds kept.", "berth system prune\nberth system prune --all --volumes --force",
        [s_force, s_filter, Option.Flag("all", 'a', "Images with a name too"), Option.Flag("volumes", "Anonymous volumes too")],
        async (context, line) =>
        {
            string[] kinds = ["containers", "networks", .. line.Flag("volumes") ? new[] { "volumes" } : [], "images"];
            if (!line.Flag("force") && !Confirms(context, [.. kinds.Select(kind => What(kind, line)), "what builds kept and no image needs"]))
            {
                return 0;
            }

            long freed = 0;
            foreach (var kind in kinds)
            {
                freed += await PruneAsync(context, kind, [.. line.Values("filter"), .. kind == "images" ? All(kind, line) : []]).ConfigureAwait(false);
            }

            var cache = await context.Client.RequestAsync("POST", $"/build/prune?filters={DockerVerbs.Filters(line.Values("filter"))}").ConfigureAwait(false);
            WriteFreed(context, freed + cache.Number("SpaceReclaimed"));
            return 0;
        });

    internal static Verb BuildCache() => new(
        "prune", "[OPTIONS]", "Removes what builds kept.", "berth builder prune --all --force\nberth builder prune --filter until=72h",
        [s_force, s_filter, Option.Flag("all", 'a', "What images need, too"), Option.Value("keep-storage", "BYTES", "So much may stay")],
        async (context, line) =>
        {
            if (!line.Flag("force") && !Confirms(context, [line.Flag("all") ? "all build cache" : "all build cache that no image needs"]))
            {
                return 0;
            }

            var keep = line.Value("keep-storage") is { } text ? ContainerOptions.ByteCount(text, "keep-storage") : 0;
            var cache = await context.Client.RequestAsync("POST", $"/build/prune?all={(line.Flag("all") ? 1 : 0)}&keep-storage={keep}&filters={DockerVerbs.Filters(line.Values("filter"))}").ConfigureAwait(false);
            WriteFreed(context, cache.Number("SpaceReclaimed"));
            return 0;
        });

    private static string What(string kind, ParsedLine line) => kind switch
    {
        "containers" => "all stopped containers",
        "networks" => "all networks not used by at least one container",
        "volumes" => line.Flag("all") && !line.Flag("volumes") ? "all volumes not used by at least one container" : "all anonymous volumes not used by at least one container",
        _ => line.Flag("all") ? "all images without at least one container associated to them" : "all dangling images",
    };

    private static IEnumerable<string> All(string kind, ParsedLine line) =>
        (kind, kind is "images" or "volumes" && line.Flag("all")) switch { ("images", true) => ["dangling=false"], ("volumes", true) => ["all=true"], _ => [] };

    private static bool Confirms(CliContext context, IReadOnlyList<string> what)
    {
        context.Output.Write($"WARNING! This will remove:\n{string.Concat(what.Select(one => $"  - {one}\n"))}\nAre you sure you want to continue? [y/N] ");
        context.Output.Flush();
        using var input = new StreamReader(CliContext.OpenInput());
        return input.ReadLine()?.Trim() is "y" or "Y";
    }

    /// <returns>Bytes that were freed.</returns>
    private static async Task<long> PruneAsync(CliContext context, string kind, IReadOnlyList<string> filters)
    {
        var result = await context.Client.RequestAsync("POST", $"/{kind}/prune?filters={DockerVerbs.Filters(filters)}").ConfigureAwait(false);
        var (field, title) = kind switch
        {
            "containers" => ("ContainersDeleted", "Deleted Containers:"),
            "networks" => ("NetworksDeleted", "Deleted Networks:"),
            "volumes" => ("VolumesDeleted", "Deleted Volumes:"),
            _ => ("ImagesDeleted", "Deleted Images:"),
        };
        var deleted = result.List(field).ToList();
        if (deleted.Count > 0)
        {
            context.Output.WriteLine(title);
            deleted.ForEach(one => context.Output.WriteLine(one is JsonObject ? one["Untagged"] is null ? $"deleted: {one.Text("Deleted")}" : $"untagged: {one.Text("Untagged")}" : one.ToString()));
            context.Output.WriteLine();
        }

        return result.Number("SpaceReclaimed");
    }

    private static void WriteFreed(CliContext context, long? bytes)
    {
        if (bytes is { } freed)
        {
            context.Output.WriteLine($"Total reclaimed space: {HumanText.Size(freed)}");
        }
    }
}
