using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Berth.Dockerfile;
using Berth.Dockerfile.Ignore;
using Berth.Engine.Errors;
using Berth.Engine.Images;
using Berth.Linux.Files;
using Berth.Oci;
using Berth.Oci.Images;
using DockerfileModel = Berth.Dockerfile.DockerfileModel;

namespace Berth.Engine.Build;

/// <summary>A layer of a stage: its directory is there at once, its digest when it has been computed beside the next step.</summary>
internal sealed record StageLayer(string Directory, Task<Digest> ChainId);

/// <summary>What a stage has come to: its layers, lowest first, and what its containers get.</summary>
internal sealed record StageResult(
    IReadOnlyList<StageLayer> Layers, ContainerDefaults Config, IReadOnlyList<HistoryEntry> History, IReadOnlyDictionary<string, string> Arguments,
    Digest? BaseImage, string? Author)
{
    public static StageResult Scratch { get; } = new([], new(), [], new Dictionary<string, string>(), null, null);

    /// <summary>Names of the layers' directories, uppermost first.</summary>
    public IReadOnlyList<string> Lower => [.. Layers.Reverse().Select(layer => layer.Directory)];
}

/// <summary>One build: its temporary files, its stages, and what it must not lose to the collector while it runs.</summary>
internal sealed class BuildSession : IAsyncDisposable
{
    private readonly TemporaryDirectory _temporary;
    private readonly ConcurrentDictionary<int, Lazy<Task<StageResult>>> _stages = new();
    private readonly ConcurrentDictionary<string, Lazy<Task<StageResult>>> _bases = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<StageResult, Lazy<StepRoot>> _trees = new(ReferenceEqualityComparer.Instance);
    private readonly ConcurrentDictionary<StageResult, Lazy<FileTree>> _files = new(ReferenceEqualityComparer.Instance);
    private readonly ConcurrentDictionary<string, Lazy<FileTree>> _folders = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, BuildContext> _contexts;
    private readonly ConcurrentBag<IDisposable> _leases = [];
    private readonly ConcurrentBag<string> _superseded = [];
    private readonly ConcurrentBag<Task> _background = [];
    private readonly Channel<BuildEvent> _events;
    private readonly DirectoryHandle _contextRoot;
    private int _nextName;

    public BuildSession(ImageBuilder builder, BuildConfig config, DockerfileModel file, DockerIgnore ignore, Channel<BuildEvent> events)
    {
        (Builder, Config, File, _events) = (builder, config, file, events);
        _temporary = builder.Images.Content.CreateTemporary();
        _contextRoot = DirectoryHandle.Open(config.ContextDirectory);
        Context = new(_contextRoot, ignore, builder.Hashes, keepsOwners: false);
        _contexts = new(config.Contexts, StringComparer.OrdinalIgnoreCase);
        GlobalArguments = Globals();
    }

    public ImageBuilder Builder { get; }

    public BuildConfig Config { get; }

    public DockerfileModel File { get; }

    public FileTree Context { get; }

    /// <summary>ARGs before the first FROM, and the automatic platform arguments.</summary>
    public IReadOnlyDictionary<string, string> GlobalArguments { get; }

    public ConcurrentDictionary<string, bool> UsedArguments { get; } = new(StringComparer.Ordinal);

    public long? SourceDateEpoch =>
        Argument("SOURCE_DATE_EPOCH") is { } text && long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var epoch) ? epoch : null;

    public ValueTask EmitAsync(BuildEvent buildEvent) => _events.Writer.WriteAsync(buildEvent);

    public string NewTemporary() => _temporary[System.Threading.Interlocked.Increment(ref _nextName).ToString(System.Globalization.CultureInfo.InvariantCulture)];

    /// <summary>The value given for a build argument, or null.</summary>
    public string? Argument(string name)
    {
        if (!Config.BuildArguments.TryGetValue(name, out var value))
        {
            return null;
        }

        UsedArguments[name] = true;
        return value ?? Environment.GetEnvironmentVariable(name);
    }

    public Task<StageResult> StageAsync(Stage stage, CancellationToken cancellationToken) =>
        _stages.GetOrAdd(stage.Index, _ => new(() => Task.Run(() => new StageBuild(this, stage).RunAsync(cancellationToken), cancellationToken))).Value;

    /// <summary>An image as the beginning of a stage, or as a source of files; pulled when it is not here.</summary>
    /// <param name="isLocal">No registry is asked for a newer one.</param>
    public Task<StageResult> ImageAsync(string name, BuildStep step, CancellationToken cancellationToken, bool isLocal = false) =>
        _bases.GetOrAdd(name, _ => new(() => LoadImageAsync(name, step, isLocal, cancellationToken))).Value;

    /// <summary>Whether <c>FROM</c> and <c>--from</c> mean an additional context by that name.</summary>
    public bool IsContext(string name) => _contexts.ContainsKey(name);

    /// <summary>An additional context's image; null where it is a folder.</summary>
    public async Task<StageResult?> ContextAsync(string name, BuildStep step, CancellationToken cancellationToken) =>
        _contexts[name] is ImageContext image ? await ImageAsync(image.Name, step, cancellationToken, image.IsLocal) : null;

    /// <summary>An additional context's folder, but for what its own <c>.dockerignore</c> leaves out.</summary>
    public FileTree Folder(string name) => _folders.GetOrAdd(
        name, _ => new(() =>
        {
            var directory = ((FolderContext)_contexts[name]).Directory;
            return new(DirectoryHandle.Open(directory), ImageBuilder.ReadIgnore(directory, ".dockerignore"), Builder.Hashes, keepsOwners: false);
        })).Value;

    /// <summary>A stage's files, mounted for reading until the build ends. Writes go nowhere.</summary>
    public StepRoot Tree(StageResult stage) => _trees.GetOrAdd(
        stage, _ => new(() =>
        {
            var temporary = NewTemporary();
            Directory.CreateDirectory(temporary + "u");
            return StepRoot.Mount(Builder.Images.Layers, stage.Lower, temporary, temporary + "u");
        })).Value;

    /// <summary>The same, for copying from.</summary>
    public FileTree Files(StageResult stage) => _files.GetOrAdd(
        stage, _ => new(() => new(DirectoryHandle.Open(Tree(stage).Path), DockerIgnore.Empty, Builder.Hashes, keepsOwners: true))).Value;

    public void Lease(Digest chainId)
    {
        if (chainId != default)
        {
            _leases.Add(Builder.Images.Layers.Lease(chainId));
        }
    }

    /// <summary>Removes a layer's directory at the end, as the same layer was there already under another name.</summary>
    public void RemoveAtEnd(string directory) => _superseded.Add(directory);

    public void Background(Task task) => _background.Add(task);

    /// <summary>Waits until no stage works any more, however it ended.</summary>
    public async Task StopAsync()
    {
        foreach (var stage in _stages.Values)
        {
            await ((Task)stage.Value).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await Task.WhenAll(_background).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // their errors reached the stage that awaits them
        foreach (var files in _files.Values.Concat(_folders.Values))
        {
            if (files.IsValueCreated)
            {
                files.Value.Root.Dispose();
            }
        }

        foreach (var tree in _trees.Values)
        {
            tree.Value.Dispose();
        }

        foreach (var directory in _superseded)
        {
            LayerStore.RemoveTree(directory);
        }

        foreach (var lease in _leases)
        {
            lease.Dispose();
        }

        _contextRoot.Dispose();
        _temporary.Dispose();
    }

    private async Task<StageResult> LoadImageAsync(string name, BuildStep step, bool isLocal, CancellationToken cancellationToken)
    {
        var images = Builder.Images;
        ImageReference? reference = null;
        if (images.TryResolve(name) is not { } image || (Config.Pull && !isLocal))
        {
            if (!ImageReference.TryParse(name, out reference))
            {
                throw new BuildException(step.Line, $"invalid reference format: '{name}'");
            }

            try
            {
                image = await images.PullAsync(
                    reference, Config.Platform, Config.Credentials(reference.Registry),
                    progress => _events.Writer.TryWrite(new BasePulled(step, progress)), cancellationToken);
            }
            catch (BerthException exception)
            {
                throw new BuildException(step.Line, exception.Message, inner: exception);
            }
        }

        var layers = new List<StageLayer>();
        foreach (var chainId in image.ChainIds)
        {
            Lease(chainId);
            var layer = images.Layers.Find(chainId) ?? throw new BuildException(step.Line, $"The image {name} lacks a layer; remove it and pull it again.");
            layers.Add(new(layer.Directory, Task.FromResult(chainId)));
        }

        return new(
            layers, image.Config.Config ?? new(), image.Config.History ?? [], new Dictionary<string, string>(), image.Id, image.Config.Author);
    }

    private Dictionary<string, string> Globals()
    {
        var host = Platform.Host;
        var target = Config.Platform ?? host;
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["TARGETPLATFORM"] = target.ToString(), ["TARGETOS"] = target.OperatingSystem, ["TARGETARCH"] = target.Architecture,
            ["TARGETVARIANT"] = target.Variant ?? "", ["BUILDPLATFORM"] = host.ToString(), ["BUILDOS"] = host.OperatingSystem,
            ["BUILDARCH"] = host.Architecture, ["BUILDVARIANT"] = host.Variant ?? "",
        };
        foreach (var instruction in File.GlobalArgs)
        {
            foreach (var declaration in instruction.Declarations)
            {
                try
                {
                    var value = Argument(declaration.Name)
                        ?? (declaration.DefaultValue is { } word ? Words.Expand(word, name => values.GetValueOrDefault(name), File.Escape) : null);
                    if (value is not null)
                    {
                        values[declaration.Name] = value;
                    }
                }
                catch (WordException exception)
                {
                    throw new BuildException(instruction.Line, exception.Message, inner: exception);
                }
            }
        }

        return values;
    }
}

/// <summary>Keys of the cache: the digest of parts that cannot run into one another.</summary>
internal static class CacheKey
{
    public static string Of(params IEnumerable<string> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts)
        {
            text.Append(part.Length).Append(':').Append(part).Append('\n');
        }

        return Digest.Of(Encoding.UTF8.GetBytes(text.ToString())).Hex;
    }
}
