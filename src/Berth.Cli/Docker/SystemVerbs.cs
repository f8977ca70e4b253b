using System.Text.Json.Nodes;
using Berth.Cli.Output;
using Berth.Client;

namespace Berth.Cli.Docker;

/// <summary>Verbs on the daemon, and those that are the same for all kinds of objects.</summary>
internal static class SystemVerbs
{
    internal static Verb Version() => new("version", "[OPTIONS]", "Shows the versions of the command line and the daemon.", "berth version", [DockerVerbs.Format with { Short = 'f' }], async (context, line) =>
    {
        var server = await context.Client.RequestAsync("GET", "/version").ConfigureAwait(false);
        var view = new JsonObject { ["Client"] = new JsonObject { ["Version"] = CliProgram.Version }, ["Server"] = server?.DeepClone() };
        if (line.Value("format") is { } format)
        {
            context.Output.WriteLine(format == "json" ? view.ToJsonString() : RowTemplate.Render(format, view));
            return 0;
        }

        context.Output.Write(
            $"Client: Berth\n Version:           {CliProgram.Version}\n\nServer: Berth\n Version:           {server.Text("Version")}\n API version:       {server.Text("ApiVersion")} (minimum version {server.Text("MinAPIVersion")})\n"
            + $" OS/Arch:           {server.Text("Os")}/{server.Text("Arch")}\n Kernel:            {server.Text("KernelVersion")}\n");
        return 0;
    });

    internal static Verb Info() => new("info", "[OPTIONS]", "Shows what the daemon says about itself.", "berth info", [DockerVerbs.Format with { Short = 'f' }], async (context, line) =>
    {
        var info = await context.Client.RequestAsync("GET", "/info").ConfigureAwait(false);
        if (line.Value("format") is { } format)
        {
            context.Output.WriteLine(format == "json" ? info?.ToJsonString() : RowTemplate.Render(format, info));
            return 0;
        }

        foreach (var (title, field) in new[]
        {
            ("Containers", "Containers"), (" Running", "ContainersRunning"), (" Paused", "ContainersPaused"), (" Stopped", "ContainersStopped"), ("Images", "Images"), ("Server Version", "ServerVersion"),
            ("Storage Driver", "Driver"), ("Default Runtime", "DefaultRuntime"), ("Cgroup Driver", "CgroupDriver"), ("Cgroup Version", "CgroupVersion"), ("Kernel Version", "KernelVersion"),
            ("Operating System", "OperatingSystem"), ("Architecture", "Architecture"), ("CPUs", "NCPU"), ("Name", "Name"), ("ID", "ID"), ("Root Dir", "DockerRootDir"),
        })
        {
            context.Output.WriteLine($"{title}: {info.Text(field)}");
        }

        if (info?["DiscoveredDevices"] is JsonArray { Count: > 0 } devices)
        {
            context.Output.WriteLine("Discovered Devices:");
            devices.ToList().ForEach(device => context.Output.WriteLine($"  {device.Text("Source")}: {device.Text("ID")}"));
        }

        foreach (var warning in info.Texts("Warnings"))
        {
            context.Error.WriteLine($"WARNING: {warning}");
        }

        return 0;
    });

    internal static Verb Events() => new(
        "events", "[OPTIONS]", "Shows what happens, until it is interrupted.", "berth events --filter type=container",
        [DockerVerbs.Filter, Option.Value("since", "TIME", "From a time or how long ago"), Option.Value("until", "TIME", "Up to a time"), DockerVerbs.Format],
        async (context, line) =>
        {
            await foreach (var one in EventsAsync(context, line.Values("filter"), line).ConfigureAwait(false))
            {
                var time = DateTimeOffset.FromUnixTimeMilliseconds(one.Number("timeNano") / 1_000_000);
                context.Output.WriteLine(line.Value("format") switch
                {
                    null => $"{time:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {one.Text("Type")} {one.Text("Action")} {one["Actor"].Text("ID")} ({string.Join(", ", one["Actor"].Pairs("Attributes").Select(pair => $"{pair.Key}={pair.Value}"))})",
                    "json" => one.ToJsonString(),
                    var format => RowTemplate.Render(format, one),
                });
                await context.Output.FlushAsync().ConfigureAwait(false);
            }

            return 0;
        });

    /// <param name="line">With <c>since</c> and <c>until</c>.</param>
    internal static async IAsyncEnumerable<JsonObject> EventsAsync(CliContext context, IReadOnlyList<string> filters, ParsedLine line)
    {
        var now = TimeProvider.System.GetUtcNow();
        var query = $"?filters={DockerVerbs.Filters(filters)}"
            + (line.Value("since") is { } since ? "&since=" + LogOptions.Moment(since, now) : "") + (line.Value("until") is { } until ? "&until=" + LogOptions.Moment(until, now) : "");
        await using var response = await context.Client.SendAsync("GET", "/events" + query).ConfigureAwait(false);
        await response.EnsureSuccessAsync(CancellationToken.None).ConfigureAwait(false);
        await foreach (var one in DaemonClient.ReadLinesAsync(response, CancellationToken.None).ConfigureAwait(false))
        {
            yield return one;
        }
    }

    /// <param name="kinds">Where to look, in order.</param>
    internal static Verb Inspect(IReadOnlyList<string> kinds) => new(
        "inspect", "[OPTIONS] NAME...", "Shows all about an object as JSON.", "berth inspect web\nberth inspect -f '{{.State.Status}}' web",
        [Option.Value("format", 'f', "FORMAT", "json, or a template such as '{{.State.Status}}'"), Option.Value("type", "TYPE", "container, image, network or volume"), Option.Flag("size", 's', "With what a container has written")],
        async (context, line) =>
        {
            var wanted = line.Value("type") is { } type ? kinds.Where(kind => kind == type + "s").ToList() : kinds;
            if (wanted.Count == 0)
            {
                throw new UsageException($"--type {line.Value("type")}: it is {string.Join(", ", kinds.Select(kind => kind.TrimEnd('s')))}");
            }

            var found = new JsonArray();
            var exitCode = await DockerVerbs.EachAsync(context, line, "inspect", async name => found.Add(await FindAsync(context, wanted, name, line.Flag("size")).ConfigureAwait(false))).ConfigureAwait(false);
            if (line.Value("format") is { } format and not "json")
            {
                foreach (var one in found)
                {
                    context.Output.WriteLine(RowTemplate.Render(format, one));
                }
            }
            else
            {
                context.Output.WriteLine(found.ToJsonString(Listing.Indented));
            }

            return exitCode;
        });

    private static async Task<JsonNode?> FindAsync(CliContext context, IReadOnlyList<string> kinds, string name, bool withSize)
    {
        foreach (var kind in kinds)
        {
            var target = kind switch { "images" => $"/images/{DockerVerbs.EscapeImage(name)}/json", "containers" => $"/containers/{DockerVerbs.Escape(name)}/json{(withSize ? "?size=1" : "")}", _ => $"/{kind}/{DockerVerbs.Escape(name)}" };
            try
            {
                return await context.Client.RequestAsync("GET", target).ConfigureAwait(false);
            }
            catch (DaemonException exception) when (exception.Status == 404 && kinds.Count > 1)
            {
                continue; // perhaps it is of the next kind
            }
        }

        throw new DaemonException(404, $"No such object: {name}");
    }
}
