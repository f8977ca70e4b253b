using System.Globalization;
using System.Text.Json.Nodes;
using Berth.Cli.Output;
using Berth.Client;

namespace Berth.Cli.Docker;

/// <summary>What containers and the daemon use: of processors, memory, network and disk.</summary>
internal static class UsageVerbs
{
    private const double Mebi = 1 << 20;

    internal static Verb Stats() => new(
        "stats", "[OPTIONS] [CONTAINER...]", "Shows what running containers use of the machine.", "berth stats\nberth stats --no-stream --format '{{.Name}} {{.MemUsage}}'",
        [Option.Flag("all", 'a', "Those that do not run, too"), Option.Flag("no-stream", "Once, not again and again"), DockerVerbs.NoTrunc, DockerVerbs.Format],
        async (context, line) =>
        {
            do
            {
                var rows = await RowsAsync(context, line).ConfigureAwait(false);
                if (!line.Flag("no-stream") && CliContext.OutputIsTerminal)
                {
                    context.Output.Write("\u001b[2J\u001b[H");
                }

                Listing.Write(
                    context, line, rows, one => one.Text("Id"),
                    [
                        ("CONTAINER ID", "ID", one => one.Text("Id")), ("NAME", "Name", one => one.Text("Name")), ("CPU %", "CPUPerc", one => one.Text("Cpu")),
                        ("MEM USAGE / LIMIT", "MemUsage", one => one.Text("Memory")), ("MEM %", "MemPerc", one => one.Text("MemoryPercent")), ("NET I/O", "NetIO", one => one.Text("Network")),
                        ("BLOCK I/O", "BlockIO", one => one.Text("Block")), ("PIDS", "PIDs", one => one.Text("Pids")),
                    ],
                    [("Container", one => one.Text("Id"))]);
                await context.Output.FlushAsync().ConfigureAwait(false);
            }
            while (!line.Flag("no-stream")); // each answer takes the daemon a second: it looks twice

            return 0;
        });

    private static async Task<List<JsonNode>> RowsAsync(CliContext context, ParsedLine line)
    {
        var names = line.Arguments.Count > 0 ? line.Arguments
            : [.. (await context.Client.RequestAsync("GET", $"/containers/json?all={(line.Flag("all") ? 1 : 0)}").ConfigureAwait(false)).Items().Select(one => one.Text("Id"))];
        if (names.Count == 0 && !line.Flag("no-stream"))
        {
            await Task.Delay(TimeSpan.FromSeconds(1)).ConfigureAwait(false); // there is nothing that could be waited for
        }

        return [.. (await Task.WhenAll(names.Select(name => RowAsync(context, name, line.Flag("no-trunc"), isNamed: line.Arguments.Count > 0))).ConfigureAwait(false)).OfType<JsonNode>()];
    }

    private static async Task<JsonNode?> RowAsync(CliContext context, string name, bool isFull, bool isNamed)
    {
        JsonNode? stats;
        try
        {
            stats = await context.Client.RequestAsync("GET", $"/containers/{DockerVerbs.Escape(name)}/stats?stream=0").ConfigureAwait(false);
        }
        catch (DaemonException exception) when (exception.Status == 404 && !isNamed)
        {
            return null; // it has been removed meanwhile
        }

        var (cpu, before) = (stats?["cpu_stats"], stats?["precpu_stats"]);
        var system = cpu.Number("system_cpu_usage") - before.Number("system_cpu_usage");
        var own = cpu?["cpu_usage"].Number("total_usage") - before?["cpu_usage"].Number("total_usage") ?? 0;
        var memory = stats?["memory_stats"];
        var used = memory.Number("usage") - (memory?["stats"] is { } detail ? detail["inactive_file"] is not null ? detail.Number("inactive_file") : detail.Number("total_inactive_file") : 0);
        var limit = memory.Number("limit");
        var networks = stats?["networks"] is JsonObject all ? all.Select(pair => pair.Value).ToList() : [];
        var blocks = stats?["blkio_stats"].List("io_service_bytes_recursive").ToList() ?? [];
        long Blocks(string kind) => blocks.Where(one => one.Text("op").Equals(kind, StringComparison.OrdinalIgnoreCase)).Sum(one => one.Number("value"));
        return new JsonObject
        {
            ["Id"] = isFull ? stats.Text("id") : HumanText.ShortId(stats.Text("id")),
            ["Name"] = stats.Text("name").TrimStart('/'),
            ["Cpu"] = Percent(system > 0 ? (double)own / system * Math.Max(1, cpu.Number("online_cpus")) : 0),
            ["Memory"] = $"{Binary(used)} / {Binary(limit)}",
            ["MemoryPercent"] = Percent(limit > 0 ? (double)used / limit : 0),
            ["Network"] = $"{HumanText.Size(networks.Sum(one => one.Number("rx_bytes")))} / {HumanText.Size(networks.Sum(one => one.Number("tx_bytes")))}",
            ["Block"] = $"{HumanText.Size(Blocks("read"))} / {HumanText.Size(Blocks("write"))}",
            ["Pids"] = stats?["pids_stats"].Number("current").ToString(CultureInfo.InvariantCulture) ?? "0",
        };
    }

    internal static Verb DiskUsage() => new("df", "[OPTIONS]", "Shows what images, containers, volumes and the build cache take of the disk.", "berth system df", [Option.Flag("verbose", 'v', "Every one"), DockerVerbs.Format], async (context, line) =>
    {
        if (line.Flag("verbose") && line.Has("format"))
        {
            throw new UsageException("--verbose and --format exclude each other");
        }

        var usage = await context.Client.RequestAsync("GET", "/system/df").ConfigureAwait(false);
        var (images, containers, volumes, cache) = (usage.List("Images").ToList(), usage.List("Containers").ToList(), usage.List("Volumes").ToList(), usage.List("BuildCache").ToList());
        if (line.Flag("verbose"))
        {
            Section(context, "Images space usage:", ["REPOSITORY:TAG", "IMAGE ID", "SIZE", "SHARED SIZE", "CONTAINERS"], images.Select(one => (IReadOnlyList<string>)[string.Join(", ", one.Texts("RepoTags")), HumanText.ShortId(one.Text("Id")), HumanText.Size(one.Number("Size")), HumanText.Size(one.Number("SharedSize")), one.Text("Containers")]));
            Section(context, "\nContainers space usage:", ["CONTAINER ID", "IMAGE", "SIZE", "STATUS", "NAMES"], containers.Select(one => (IReadOnlyList<string>)[HumanText.ShortId(one.Text("Id")), one.Text("Image"), HumanText.Size(one.Number("SizeRw")), one.Text("Status"), string.Join(',', one.Texts("Names").Select(name => name.TrimStart('/')))]));
            Section(context, "\nLocal Volumes space usage:", ["VOLUME NAME", "LINKS", "SIZE"], volumes.Select(one => (IReadOnlyList<string>)[one.Text("Name"), one["UsageData"].Text("RefCount"), HumanText.Size(one["UsageData"].Number("Size"))]));
            Section(context, "\nBuild cache usage:", ["CACHE ID", "SIZE", "IN USE", "DESCRIPTION"], cache.Select(one => (IReadOnlyList<string>)[HumanText.ShortId(one.Text("ID")), HumanText.Size(one.Number("Size")), one.Text("InUse"), HumanText.Shorten(one.Text("Description"), 60)]));
            return 0;
        }

        var idle = containers.Where(one => one.Text("State") is not ("running" or "paused" or "restarting")).ToList();
        List<JsonNode> rows =
        [
            Row("Images", images.Count, images.Count(one => one.Number("Containers") > 0), usage.Number("LayersSize"), images.Where(one => one.Number("Containers") == 0).Sum(one => one.Number("Size") - one.Number("SharedSize"))),
            Row("Containers", containers.Count, containers.Count - idle.Count, containers.Sum(one => one.Number("SizeRw")), idle.Sum(one => one.Number("SizeRw"))),
            Row("Local Volumes", volumes.Count, volumes.Count(one => one["UsageData"].Number("RefCount") > 0), volumes.Sum(one => one["UsageData"].Number("Size")), volumes.Where(one => one["UsageData"].Number("RefCount") == 0).Sum(one => one["UsageData"].Number("Size"))),
            Row("Build Cache", cache.Count, cache.Count(one => one.Flag("InUse")), cache.Sum(one => one.Number("Size")), cache.Where(one => !one.Flag("InUse")).Sum(one => one.Number("Size"))),
        ];
        Listing.Write(
            context, line, rows, one => one.Text("Type"),
            [
                ("TYPE", "Type", one => one.Text("Type")), ("TOTAL", "TotalCount", one => one.Text("Total")), ("ACTIVE", "Active", one => one.Text("Active")), ("SIZE", "Size", one => one.Text("Size")),
                ("RECLAIMABLE", "Reclaimable", one => one.Text("Reclaimable")),
            ],
            []);
        return 0;
    });

    private static JsonNode Row(string type, int total, int active, long size, long reclaimable) => new JsonObject
    {
        ["Type"] = type, ["Total"] = total, ["Active"] = active, ["Size"] = HumanText.Size(size),
        ["Reclaimable"] = HumanText.Size(reclaimable) + (size > 0 ? string.Create(CultureInfo.InvariantCulture, $" ({reclaimable * 100 / size}%)") : ""),
    };

    private static void Section(CliContext context, string title, IReadOnlyList<string> head, IEnumerable<IReadOnlyList<string>> rows) => context.Output.Write($"{title}\n\n{Table.Render(head, rows)}");

    private static string Percent(double share) => (share * 100).ToString("0.00", CultureInfo.InvariantCulture) + "%";

    // Powers of 1024, as Docker shows memory.
    private static string Binary(long bytes) => bytes >= 1024 * Mebi
        ? (bytes / (1024 * Mebi)).ToString("0.###", CultureInfo.InvariantCulture) + "GiB"
        : bytes >= Mebi ? (bytes / Mebi).ToString("0.##", CultureInfo.InvariantCulture) + "MiB" : (bytes / 1024.0).ToString("0.#", CultureInfo.InvariantCulture) + "KiB";
}
