using System.Text.Json.Nodes;
using Berth.Client;

namespace Berth.Cli.Docker;

/// <summary>Docker's verbs, over Docker's own endpoints.</summary>
internal static class DockerVerbs
{
    internal static readonly Option Format = Option.Value("format", "FORMAT", "table, json, or a template such as '{{.ID}}'");
    internal static readonly Option Quiet = Option.Flag("quiet", 'q', "Ids only");
    internal static readonly Option NoTrunc = Option.Flag("no-trunc", "Show everything in full");
    internal static readonly Option Filter = Option.List("filter", 'f', "KEY=VALUE", "Only those that fit");

    internal static IReadOnlyList<(string Name, string Summary)> Summaries { get; } =
    [
        ("run", "Run a command in a new container"), ("create", "Make a container"), ("ps", "List containers"), ("exec", "Run a command in a running container"),
        ("logs", "Show what a container prints"), ("attach", "Join a running container"), ("start", "Start containers"), ("stop", "Stop containers"),
        ("restart", "Restart containers"), ("kill", "Kill containers"), ("pause", "Freeze containers"), ("unpause", "Let frozen containers go on"),
        ("rename", "Rename a container"), ("top", "List a container's processes"), ("wait", "Wait until containers end"), ("rm", "Remove containers"),
        ("images", "List images"), ("build", "Build an image"), ("pull", "Fetch an image"), ("push", "Send an image to a registry"), ("tag", "Give an image a name"),
        ("rmi", "Remove images"), ("save", "Write images to an archive"), ("load", "Read images from an archive"), ("inspect", "Show all about an object"),
        ("image", "ls, rm, inspect, prune …"), ("container", "ls, rm, inspect, prune …"), ("network", "ls, create, rm, inspect, connect, disconnect, prune"),
        ("volume", "ls, create, rm, inspect, prune"), ("system", "info, events, prune"), ("events", "Show what happens"), ("info", "About the daemon"), ("version", "Versions"),
    ];

    internal static Verb? Find(CliContext context, string name, ref List<string> words)
    {
        if (name is "image" or "container" or "network" or "volume" or "system")
        {
            var sub = words is [var first, ..] && first[0] != '-' ? first : throw new UsageException($"'{name}' needs a verb: {Summaries.First(one => one.Name == name).Summary}");
            words = words[1..];
            var verb = InGroup(name, sub) ?? throw new CliException(125, $"'{name} {sub}' is not a {context.Program} verb; there are {Summaries.First(one => one.Name == name).Summary}");
            return verb with { Name = $"{name} {sub}" };
        }

        return Single(name);
    }

    private static Verb? Single(string name) => name switch
    {
        "run" => RunVerb.Run(),
        "create" => RunVerb.Create(),
        "build" => BuildVerb.Create(),
        "images" => ImageVerbs.List(),
        "pull" => ImageVerbs.Pull(),
        "push" => ImageVerbs.Push(),
        "tag" => ImageVerbs.Tag(),
        "rmi" => ImageVerbs.Remove(),
        "save" => ImageVerbs.Save(),
        "load" => ImageVerbs.Load(),
        "info" => SystemVerbs.Info(),
        "version" => SystemVerbs.Version(),
        "events" => SystemVerbs.Events(),
        "inspect" => SystemVerbs.Inspect(["containers", "images", "networks", "volumes"]),
        _ => ContainerVerbs.Find(name),
    };

    private static Verb? InGroup(string group, string verb) => (group, verb) switch
    {
        ("image", "ls" or "list") => ImageVerbs.List(),
        ("image", "rm" or "remove") => ImageVerbs.Remove(),
        ("image", "inspect") => SystemVerbs.Inspect(["images"]),
        ("image", "prune") => PruneVerbs.Of("images", "image"),
        ("image", "build" or "pull" or "push" or "tag" or "save" or "load") => Single(verb),
        ("container", "ls" or "list") => ContainerVerbs.Find("ps"),
        ("container", "inspect") => SystemVerbs.Inspect(["containers"]),
        ("container", "prune") => PruneVerbs.Of("containers", "container"),
        ("container", "run") => RunVerb.Run(),
        ("container", "create") => RunVerb.Create(),
        ("container", _) => ContainerVerbs.Find(verb),
        ("network", _) => ResourceVerbs.Network(verb),
        ("volume", _) => ResourceVerbs.Volume(verb),
        ("system", "info") => SystemVerbs.Info(),
        ("system", "events") => SystemVerbs.Events(),
        ("system", "prune") => PruneVerbs.System(),
        _ => null,
    };

    /// <summary><c>a=b c=d</c> as the JSON that the API's filters are.</summary>
    internal static string Filters(IEnumerable<string> filters)
    {
        var map = new JsonObject();
        foreach (var filter in filters)
        {
            var parts = filter.Split('=', 2);
            if (parts.Length < 2)
            {
                throw new UsageException($"invalid argument \"{filter}\" for \"--filter\" flag: bad format of filter (expected name=value)");
            }

            if (map[parts[0]] is not JsonArray values)
            {
                map[parts[0]] = values = [];
            }

            values.Add((JsonNode)parts[1]!);
        }

        return map.Count == 0 ? "" : Uri.EscapeDataString(map.ToJsonString());
    }

    /// <summary>Does something with each name; failures are told one by one and make the exit code 1.</summary>
    internal static async Task<int> EachAsync(CliContext context, ParsedLine line, string verb, Func<string, Task> act)
    {
        if (line.Arguments.Count == 0)
        {
            throw new UsageException($"'{verb}' requires at least 1 argument");
        }

        var exitCode = 0;
        foreach (var name in line.Arguments)
        {
            try
            {
                await act(name).ConfigureAwait(false);
            }
            catch (DaemonException exception) when (exception.Status != 0)
            {
                await context.Output.FlushAsync().ConfigureAwait(false);
                context.Error.WriteLine($"Error response from daemon: {exception.Message}");
                exitCode = 1;
            }
        }

        return exitCode;
    }

    internal static string[] Exactly(ParsedLine line, string verb, int count) => line.Arguments.Count == count
        ? [.. line.Arguments]
        : throw new UsageException($"'{verb}' requires {count} argument{(count == 1 ? "" : "s")}");

    internal static string Escape(string name) => Uri.EscapeDataString(name);

    /// <summary>Image names keep their slashes in a path.</summary>
    internal static string EscapeImage(string name) => Uri.EscapeDataString(name).Replace("%2F", "/", StringComparison.Ordinal).Replace("%3A", ":", StringComparison.Ordinal);
}
