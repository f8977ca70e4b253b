using Berth.Compose.Binding;
using Berth.Compose.Variables;
using Berth.Compose.Merging;
using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose;

/// <summary>What to load, and the caller's world.</summary>
public sealed record ComposeLoadOptions
{
    /// <summary>Where the command runs; absolute. Without <see cref="Files"/> the search starts here and goes up.</summary>
    public required string CurrentFolder { get; init; }

    /// <summary>The <c>-f</c> options in order; <c>-</c> is <see cref="StandardInput"/>. Empty: <c>COMPOSE_FILE</c>, else the usual names.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    public string? StandardInput { get; init; }

    /// <summary><c>--project-directory</c>; null for the first file's folder.</summary>
    public string? ProjectDirectory { get; init; }

    /// <summary><c>-p</c>; null for <c>COMPOSE_PROJECT_NAME</c>, the files' <c>name</c>, or the folder's name.</summary>
    public string? ProjectName { get; init; }

    /// <summary>The <c>--env-file</c> options; empty for <c>.env</c> in the project's folder, if there is one.</summary>
    public IReadOnlyList<string> EnvFiles { get; init; } = [];

    /// <summary>The <c>--profile</c> options, added to <c>COMPOSE_PROFILES</c>; <c>*</c> means all.</summary>
    public IReadOnlyList<string> Profiles { get; init; } = [];

    /// <summary>Services that the command names; a profile does not hold them back.</summary>
    public IReadOnlyList<string> NamedServices { get; init; } = [];

    /// <summary><c>--all-resources</c>: networks, volumes, secrets and configs that no service uses stay.</summary>
    public bool AllResources { get; init; }

    /// <summary><c>--compatibility</c>, or <c>COMPOSE_COMPATIBILITY</c>: containers and images have the names of Docker Compose 1.</summary>
    public bool Compatibility { get; init; }

    /// <summary><c>config --no-path-resolution</c>: paths stay as they are written.</summary>
    public bool KeepsPaths { get; init; }

    /// <summary><c>config --no-consistency</c>: what the files' parts say of one another is not checked.</summary>
    public bool SkipsChecks { get; init; }

    /// <summary>The caller's environment.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Opens a file for reading. Whoever reads projects of others should open nothing but regular files: a compose file may name a pipe or a device.</summary>
    public Func<string, Stream> Open { get; init; } = File.OpenRead;

    /// <summary>What secrets and configs held at another time, by <c>secret/KEY</c> and <c>config/KEY</c>: their files and variables need not be there any more.</summary>
    public IReadOnlyDictionary<string, byte[]> Kept { get; init; } = new Dictionary<string, byte[]>();
}

/// <param name="Project">Null when there are errors.</param>
public sealed record ComposeLoadResult(
    ProjectModel? Project, IReadOnlyList<ComposeDiagnostic> Errors, IReadOnlyList<ComposeDiagnostic> Warnings);

/// <summary>The variables that a project's files name, by name.</summary>
public sealed record NamedVariables(IReadOnlyList<NamedVariable> All, IReadOnlyList<ComposeDiagnostic> Errors);

/// <summary>A project's files as one, variables and all: nothing is checked but that it is YAML, and no value is understood.</summary>
/// <param name="Yaml">Null when there are errors; so is <paramref name="Json"/>.</param>
public sealed record MergedFiles(string? Yaml, string? Json, IReadOnlyList<ComposeDiagnostic> Errors, IReadOnlyList<ComposeDiagnostic> Warnings);

/// <summary>Loads a project: finds and merges its files, replaces variables, checks everything, reports all mistakes at once.</summary>
public sealed class ComposeLoader
{
    private readonly ComposeLoadOptions _options;
    private readonly DiagnosticBag _diagnostics = new();
    private readonly FileSource _source;
    private readonly Dictionary<string, string> _environment;

    private ComposeLoader(ComposeLoadOptions options)
    {
        _options = options;
        _source = new FileSource(options.CurrentFolder, options.Open);
        _environment = new Dictionary<string, string>(options.Environment, StringComparer.Ordinal);
    }

    public static ComposeLoadResult Load(ComposeLoadOptions options)
    {
        var loader = new ComposeLoader(options);
        var project = loader.LoadProject();
        var errors = loader._diagnostics.Errors;
        return new ComposeLoadResult(errors.Count == 0 ? project : null, errors, loader._diagnostics.Warnings);
    }

    /// <summary>Merges the files and leaves the variables in them: <c>config --no-interpolate</c>.</summary>
    public static MergedFiles Merge(ComposeLoadOptions options)
    {
        var loader = new ComposeLoader(options);
        var tree = loader.ReadMerged(keepsVariables: true) is var (_, _, _, top) ? (SortedDictionary<string, object>)PlainValue.Of(top) : null;
        var errors = loader._diagnostics.Errors;
        return tree is null || errors.Count > 0
            ? new(null, null, errors, loader._diagnostics.Warnings)
            : new(Output.ComposeWriter.WriteTree(tree), Output.ComposeWriter.WriteJsonTree(tree), errors, loader._diagnostics.Warnings);
    }

    /// <summary>The variables that the files may name: those of the caller, and of <c>.env</c>.</summary>
    public static IReadOnlyDictionary<string, string> Variables(ComposeLoadOptions options)
    {
        var loader = new ComposeLoader(options);
        _ = loader.ReadMerged(keepsVariables: true);
        return loader._environment;
    }

    /// <summary>The variables that the merged files name, by name; one that stands in several places is required where one says so, and has the first default: <c>config --variables</c>.</summary>
    public static NamedVariables NamedVariables(ComposeLoadOptions options)
    {
        var loader = new ComposeLoader(options);
        var found = new SortedDictionary<string, NamedVariable>(StringComparer.Ordinal);
        void Add(NamedVariable one) => found[one.Name] = found.TryGetValue(one.Name, out var before)
            ? before with { Default = before.Default ?? one.Default, Alternate = before.Alternate ?? one.Alternate, IsRequired = before.IsRequired || one.IsRequired }
            : one;
        void Visit(YamlNode? node)
        {
            switch (node)
            {
                case MapNode map:
                    map.Entries.ToList().ForEach(entry => Visit(entry.Value));
                    break;
                case ListNode list:
                    list.Items.ToList().ForEach(Visit);
                    break;
                case ScalarNode scalar:
                    try
                    {
                        new Template(scalar.Text, _ => null, lenient: false, _ => { }) { Named = Add }.Expand();
                    }
                    catch (TemplateException exception)
                    {
                        loader._diagnostics.Error(scalar.Place, exception.Message);
                    }

                    break;
            }
        }

        Visit(loader.ReadMerged(keepsVariables: true)?.Top);
        return new([.. found.Values], loader._diagnostics.Errors);
    }

    private ProjectModel? LoadProject()
    {
        if (ReadMerged(keepsVariables: false) is not var (name, folder, files, top))
        {
            return null;
        }

        var paths = new ProjectPaths(folder, _environment.GetValueOrDefault("HOME"));
        var shown = new ProjectPaths(folder, _environment.GetValueOrDefault("HOME"), _options.KeepsPaths);
        var services = new ServiceBinder(shown, new EnvironmentFiles(paths, _source, Lookup), Lookup);
        var binder = new ProjectBinder(name, shown, services, Lookup, _options.Kept);
        var reader = new MapReader(top, string.Empty, _diagnostics);
        binder.Read(reader);
        var project = new ProjectAssembly(name, folder, files, binder, top, _diagnostics).Build(ActiveProfiles(), _options);
        return _options.Compatibility || IsTrue("COMPOSE_COMPATIBILITY") ? project with { Separator = ComposeNames.FormerSeparator } : project;
    }

    private (string Name, string Folder, IReadOnlyList<string> Files, MapNode Top)? ReadMerged(bool keepsVariables)
    {
        // An .env file may say COMPOSE_FILE, so the one in the first guess of the folder is read before the files are known.
        if (_options.Files.Count == 0 && !_environment.ContainsKey("COMPOSE_FILE"))
        {
            ReadEnvironmentFiles(_options.ProjectDirectory is { } given ? Path.GetFullPath(given, _options.CurrentFolder) : _options.CurrentFolder);
        }

        var files = new FileDiscovery(_options, _environment, _source, _diagnostics).Find();
        if (files.Count == 0)
        {
            return null;
        }

        var folder = ProjectFolder(files[0]);
        ReadEnvironmentFiles(folder);
        var trees = ReadTrees(files);
        if (trees.Count == 0)
        {
            return null;
        }

        var name = FindName(trees, folder);
        _environment["COMPOSE_PROJECT_NAME"] = name;
        return (name, folder, files, Merge(trees, folder, keepsVariables));
    }

    private bool IsTrue(string variable) => _options.Environment.GetValueOrDefault(variable) is "1" or "t" or "T" or "true" or "TRUE" or "True";

    private string? Lookup(string name) => _environment.GetValueOrDefault(name);

    private string ProjectFolder(string firstFile) => Path.GetFullPath(
        _options.ProjectDirectory ?? (firstFile == "-" ? "." : Path.GetDirectoryName(firstFile)!), _options.CurrentFolder);

    /// <summary>Adds the variables of <c>.env</c> or the <c>--env-file</c>s; the caller's own have precedence.</summary>
    private void ReadEnvironmentFiles(string folder)
    {
        var standard = Path.Combine(folder, ".env");
        IReadOnlyList<string> named = _options.EnvFiles.Count > 0 ? _options.EnvFiles
            : (_options.Environment.GetValueOrDefault("COMPOSE_ENV_FILES") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        IEnumerable<string> files = named.Count > 0
            ? named.Select(file => Path.GetFullPath(file, _options.CurrentFolder))
            : File.Exists(standard) && !IsTrue("COMPOSE_DISABLE_ENV_FILE") ? [standard] : [];
        var read = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            var place = new Place(_source.Display(file), 0, 0);
            if (_source.Read(file, place, _diagnostics) is not { } text)
            {
                continue;
            }

            foreach (var (name, value) in EnvFile.Parse(text, place.File, name => Lookup(name) ?? read.GetValueOrDefault(name), _diagnostics))
            {
                read[name] = value ?? string.Empty;
            }
        }

        foreach (var (name, value) in read)
        {
            _environment.TryAdd(name, value);
        }
    }

    private List<MapNode> ReadTrees(IReadOnlyList<string> files)
    {
        var trees = new List<MapNode>();
        foreach (var file in files)
        {
            var display = file == "-" ? "stdin" : _source.Display(file);
            var text = file == "-" ? _options.StandardInput ?? string.Empty : _source.Read(file, new Place(display, 0, 0), _diagnostics);
            if (text is not null && YamlReader.Read(text, display, _diagnostics) is { } tree)
            {
                trees.Add(tree);
            }
        }

        return trees;
    }

    private string FindName(List<MapNode> trees, string folder)
    {
        var given = _options.ProjectName ?? _environment.GetValueOrDefault("COMPOSE_PROJECT_NAME");
        var inFile = trees.Select(tree => tree["name"]).OfType<ScalarNode>().LastOrDefault(node => !node.IsNull);
        if (string.IsNullOrEmpty(given) && inFile is not null)
        {
            given = ((ScalarNode)new Interpolation(Lookup, _diagnostics).Apply(inFile)).Text;
        }

        var place = inFile?.Place ?? Place.Nowhere;
        if (string.IsNullOrEmpty(given))
        {
            given = ComposeNames.Normalize(Path.GetFileName(folder));
            if (given.Length == 0)
            {
                _diagnostics.Error(place, $"the folder '{folder}' gives no project name; say -p NAME");
            }
        }
        else if (!ComposeNames.IsProjectName(given))
        {
            _diagnostics.Error(
                place,
                $"'{given}' is not a project name: lower-case letters, digits, '-' and '_', beginning with a letter or digit");
        }

        return given;
    }

    private MapNode Merge(List<MapNode> trees, string folder, bool keepsVariables)
    {
        var source = new TreeSource(_source, _environment.GetValueOrDefault("HOME"), _diagnostics, keepsVariables);
        var merged = trees.Select(tree => source.Prepare(tree, folder, Lookup)).Aggregate(FileMerge.Merge);
        return new IncludeResolver(source, _source, _diagnostics).Resolve(FileMerge.Clean(merged), folder, Lookup);
    }

    private HashSet<string> ActiveProfiles() =>
    [
        .. _options.Profiles,
        .. (_environment.GetValueOrDefault("COMPOSE_PROFILES") ?? string.Empty)
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
    ];
}
