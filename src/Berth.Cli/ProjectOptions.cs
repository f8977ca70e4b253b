using System.Text.Json.Nodes;

namespace Berth.Cli;

/// <summary>Which project a command is about.</summary>
internal sealed class ProjectOptions
{
    internal static IReadOnlyList<Option> Options { get; } =
    [
        Option.List("file", 'f', "FILE", "Compose file, or the folder it lies in; may be repeated"),
        Option.Value("project-name", 'p', "NAME", "Name of the project"),
        Option.List("env-file", "FILE", "File with variables instead of .env"),
        Option.List("profile", "NAME", "Profile to switch on; may be repeated"),
        Option.Value("project-directory", "FOLDER", "Where relative paths start"),
        Option.Value("progress", "HOW", "How progress is shown: auto, tty, plain, json or quiet"),
        Option.Value("ansi", "WHEN", "When colours and cursor movements are used: never, always or auto"),
        Option.Flag("all-resources", "Networks, volumes, secrets and configs that no service uses, too"),
        Option.Flag("compatibility", "Names of containers and images as of Docker Compose 1, with '_' (COMPOSE_COMPATIBILITY)"),
        Option.Value("parallel", "NUMBER", "How much is done at once at most; -1: no limit (COMPOSE_PARALLEL_LIMIT)"),
        Option.Flag("dry-run", "Show what would be done, and do nothing"),
    ];

    private static readonly string[] s_names = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

    private string? _standardInput; // it can be read once, and some verbs ask more than once

    internal List<string> Files { get; } = [];

    internal List<string> EnvFiles { get; } = [];

    internal List<string> Profiles { get; } = [];

    internal string? Name { get; set; }

    /// <summary>Nothing is to be changed.</summary>
    internal bool IsDryRun { get; private set; }

    internal string? Directory { get; set; }

    private bool HasAllResources { get; set; }

    private bool IsCompatible { get; set; }

    private int? Parallel { get; set; }

    /// <summary><c>auto</c>, <c>tty</c>, <c>plain</c>, <c>json</c> or <c>quiet</c>.</summary>
    internal string Progress { get; private set; } = "auto";

    /// <summary><c>never</c>, <c>always</c> or <c>auto</c>.</summary>
    internal string Ansi { get; private set; } = "auto";

    /// <summary>A project was named, so that names mean its services.</summary>
    internal bool IsExplicit => Files.Count > 0 || Name is not null || Directory is not null;

    internal void Add(ParsedLine line, IReadOnlyList<Option> ownOptions)
    {
        bool IsProjects(string name) => ownOptions.All(option => option.Name != name);
        if (IsProjects("file"))
        {
            Files.AddRange(line.Values("file"));
        }

        if (IsProjects("env-file"))
        {
            EnvFiles.AddRange(line.Values("env-file"));
        }

        Profiles.AddRange(line.Values("profile"));
        IsDryRun |= line.Flag("dry-run");
        HasAllResources |= line.Flag("all-resources");
        IsCompatible |= line.Flag("compatibility");
        Parallel = line.Number("parallel") ?? Parallel;
        Name = line.Value("project-name") ?? Name;
        Directory = line.Value("project-directory") ?? Directory;
        if (IsProjects("progress"))
        {
            Progress = OneOf("progress", line.Value("progress") ?? Progress, "auto", "tty", "plain", "json", "quiet");
        }

        Ansi = OneOf("ansi", line.Value("ansi") ?? Ansi, "never", "always", "auto");
    }

    private static int? Limit(string? text) => string.IsNullOrEmpty(text) ? null
        : int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var limit) ? limit
        : throw new UsageException($"COMPOSE_PARALLEL_LIMIT must be an integer (found: \"{text}\")");

    private static string OneOf(string option, string value, params IReadOnlyList<string> known) =>
        known.Contains(value) ? value : throw new UsageException($"--{option} {value}: it is one of {string.Join(", ", known)}");

    /// <summary>Whether a first argument names a project's folder: it has a slash, and is a folder here.</summary>
    internal static bool IsFolder(string argument) => argument.Contains('/', StringComparison.Ordinal) && System.IO.Directory.Exists(argument);

    internal static bool HasComposeFile(string folder) => s_names.Any(name => File.Exists(Path.Combine(folder, name)));

    /// <summary>Whether a command here is in a project's folder.</summary>
    internal bool Exists(CliContext context)
    {
        if (IsExplicit || context.Variable("COMPOSE_FILE") is not null)
        {
            return true;
        }

        for (var folder = context.CurrentFolder; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (HasComposeFile(folder))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The part of a request that says which project is meant.</summary>
    internal async Task<JsonObject> ToRequestAsync(CliContext context)
    {
        var files = new JsonArray();
        var directory = Directory;
        var environment = new JsonObject();
        foreach (var (name, value) in context.Environment)
        {
            environment[name] = value;
        }

        foreach (var file in Files)
        {
            if (!System.IO.Directory.Exists(file))
            {
                files.Add((JsonNode)file);
                continue;
            }

            var folder = Path.GetFullPath(file, context.CurrentFolder);
            var found = s_names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
                ?? throw new CliException(1, $"no compose file in '{folder}'; expected {string.Join(", ", s_names)}");
            if (Files.Count > 1)
            {
                files.Add((JsonNode)found);
            }
            else
            {
                directory ??= folder; // the daemon looks there, and takes an override file along
                environment.Remove("COMPOSE_FILE");
            }
        }

        var request = new JsonObject
        {
            ["currentFolder"] = context.CurrentFolder,
            ["files"] = files,
            ["envFiles"] = Json.Array(EnvFiles),
            ["profiles"] = Json.Array(Profiles),
            ["environment"] = environment,
            ["user"] = context.Variable("SUDO_USER") ?? context.Variable("USER") ?? context.Variable("LOGNAME") ?? Environment.UserName,
        };
        if (HasAllResources)
        {
            request["allResources"] = true;
        }

        if (IsCompatible)
        {
            request["compatibility"] = true;
        }

        if ((Parallel ?? Limit(context.Variable("COMPOSE_PARALLEL_LIMIT"))) is > 0 and var limit)
        {
            request["parallel"] = limit;
        }

        if (directory is not null)
        {
            request["projectDirectory"] = Path.GetFullPath(directory, context.CurrentFolder);
        }

        if (Name is not null)
        {
            request["projectName"] = Name;
        }

        if (Files.Contains("-"))
        {
            using var reader = new StreamReader(CliContext.OpenInput());
            request["standardInput"] = _standardInput ??= await reader.ReadToEndAsync().ConfigureAwait(false);
        }

        return request;
    }
}
