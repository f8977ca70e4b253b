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
        ("cp", "Copy files out of a container, or into one"), ("diff", "List files that a container has changed"), ("export", "Write a container's files to an archive"),
        ("commit", "Make an image of a container"), ("update", "Change a container's limits"), ("port", "List a container's published ports"), ("stats", "Show what containers use"),
        ("rename", "Rename a container"), ("top", "List a container's processes"), ("wait", "Wait until containers end"), ("rm", "Remove containers"),
        ("images", "List images"), ("build", "Build an image"), ("pull", "Fetch an image"), ("push", "Send an image to a registry"), ("tag", "Give an image a name"),
        ("rmi", "Remove images"), ("import", "Make an image of an archive of files"), ("history", "Show how an image was made"), ("search", "Look for images on a registry"),
        ("login", "Sign in to a registry"), ("logout", "Sign out of a registry"), ("save", "Write images to an archive"), ("load", "Read images from an archive"), ("inspect", "Show all about an object"),
        ("image", "ls, rm, inspect, prune …"), ("container", "ls, rm, inspect, prune …"), ("network", "ls, create, rm, inspect, connect, disconnect, prune"),
        ("volume", "ls, create, rm, inspect, prune"), ("system", "df, info, events, prune"), ("builder", "build, prune"), ("completion", "Complete words in a shell"), ("events", "Show what happens"), ("info", "About the daemon"), ("version", "Versions"),
    ];

    internal static Verb? Find(CliContext context, string name, ref List<string> words)
    {
        if (name is "image" or "container" or "network" or "volume" or "system" or "builder")
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
        "import" => ArchiveVerbs.Find(name),
        "completion" => Completion.Script(),
        Completion.Hidden => Completion.Complete(),
        "history" => ImageVerbs.History(),
        "search" => RegistryVerbs.Search(),
        "login" => RegistryVerbs.LogIn(),
        "logout" => RegistryVerbs.LogOut(),
        _ => ContainerVerbs.Find(name),
    };

    /// <summary>The verbs below a noun.</summary>
    internal static IReadOnlyList<(string Group, string Verb)> InGroups { get; } =
    [
        .. new[] { "ls", "rm", "inspect", "prune", "build", "pull", "push", "tag", "save", "load", "import", "history" }.Select(verb => ("image", verb)),
        .. new[]
        {
            "ls", "inspect", "prune", "run", "create", "logs", "exec", "attach", "start", "stop", "restart", "kill", "pause", "unpause", "rm", "rename", "top", "wait", "cp", "diff", "export", "commit", "stats", "update", "port",
        }.Select(verb => ("container", verb)),
        .. new[] { "ls", "create", "rm", "inspect", "connect", "disconnect", "prune" }.Select(verb => ("network", verb)),
        .. new[] { "ls", "create", "rm", "inspect", "prune" }.Select(verb => ("volume", verb)),
        .. new[] { "df", "info", "events", "prune" }.Select(verb => ("system", verb)), ("builder", "build"), ("builder", "prune"),
    ];

    private static Verb? InGroup(string group, string verb) => (group, verb is "list" ? "ls" : verb is "remove" ? "rm" : verb) switch
    {
        ("image", "ls") => ImageVerbs.List(),
        ("image", "rm") => ImageVerbs.Remove(),
        ("container" or "image", "inspect") => SystemVerbs.Inspect([group + "s"]),
        ("image" or "container", "prune") => PruneVerbs.Of(group + "s", group),
        ("container", "ls") => ContainerVerbs.Find("ps"),
        ("network", _) => ResourceVerbs.Network(verb),
        ("volume", _) => ResourceVerbs.Volume(verb),
        ("system", "df") => UsageVerbs.DiskUsage(),
        ("system", "prune") => PruneVerbs.System(),
        ("builder", "prune") => PruneVerbs.BuildCache(),
        var known when InGroups.Contains(known) => Single(known.Item2),
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
