using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Berth.Dockerfile;
using Berth.Dockerfile.Ignore;
using Berth.Engine.Errors;
using Berth.Engine.Images;
using Berth.Engine.State;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci.Images;

namespace Berth.Engine.Build;

/// <summary>
/// Builds images from Dockerfiles. Each stage is a chain of steps; stages that do not need one another run side by side, and only
/// those that the target needs. Cancelling, or killing the daemon, leaves nothing but finished layers in the cache.
/// </summary>
public sealed class ImageBuilder : IDisposable
{
    private const int DockerfileLimit = 4 << 20;
    private const int StageSourceCapacity = 1000;
    private readonly TimeProvider _time;

    public ImageBuilder(ImageStore images, StateStore state, IStepRunner runner, string dataRoot, BuilderOptions options, TimeProvider time)
    {
        (Images, Runner, Options, _time, DataRoot) = (images, runner, options, time, dataRoot);
        Cache = new(state, images, time);
        Hashes = new(time);
        StepSlots = new(options.ConcurrentSteps, options.ConcurrentSteps);
        CacheMountRoot = Directory.CreateDirectory(Path.Combine(dataRoot, "build-mounts")).FullName;
    }

    public ImageStore Images { get; }

    internal string DataRoot { get; }

    public BuildCache Cache { get; }

    internal IStepRunner Runner { get; }

    internal BuilderOptions Options { get; }

    internal FileHashes Hashes { get; }

    internal SemaphoreSlim StepSlots { get; }

    /// <summary>Directories of <c>RUN --mount=type=cache</c>.</summary>
    internal string CacheMountRoot { get; }

    internal ConcurrentDictionary<string, SemaphoreSlim> CacheMountLocks { get; } = new(StringComparer.Ordinal);

    internal TimeProvider Time => _time;

    /// <summary>What was copied from finished stages, by their chain id and the paths asked for.</summary>
    internal ConcurrentDictionary<string, SourceContent> StageSources { get; } = new(StringComparer.Ordinal);

    internal void Remember(string key, SourceContent content)
    {
        if (StageSources.Count >= StageSourceCapacity)
        {
            StageSources.Clear();
        }

        StageSources[key] = content;
    }

    /// <summary>Builds; the last event is <see cref="BuildSucceeded"/> or <see cref="BuildFailed"/>. Leaving the enumeration early cancels.</summary>
    public async IAsyncEnumerable<BuildEvent> BuildAsync(BuildConfig config, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Bounded: a reader that is slow slows the build's output, not the daemon's memory.
        var events = Channel.CreateBounded<BuildEvent>(1024);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var building = Task.Run(() => RunAsync(config, events, stopping.Token), CancellationToken.None);
        try
        {
            await foreach (var one in events.Reader.ReadAllAsync(cancellationToken))
            {
                yield return one;
            }
        }
        finally
        {
            await stopping.CancelAsync();
            await DrainAsync(events.Reader);
            await building.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await building;
    }

    public void Dispose() => StepSlots.Dispose();

    // A build that ends writes its last events; nobody reading must not keep it from ending.
    private static async Task DrainAsync(ChannelReader<BuildEvent> reader)
    {
        await foreach (var _ in reader.ReadAllAsync(CancellationToken.None))
        {
        }
    }

    private async Task RunAsync(BuildConfig config, Channel<BuildEvent> events, CancellationToken cancellationToken)
    {
        try
        {
            var image = await BuildAsync(config, events, cancellationToken);
            await events.Writer.WriteAsync(new BuildSucceeded(image), CancellationToken.None);
        }
        catch (Exception exception) when (Shortage.Explain(exception, DataRoot) is not null)
        {
            await events.Writer.WriteAsync(new BuildFailed(Shortage.Explain(exception, DataRoot)!.Message, (exception as BuildException)?.Line, null), CancellationToken.None);
        }
        catch (BuildException exception)
        {
            await events.Writer.WriteAsync(new BuildFailed(exception.Message, exception.Line, exception.ExitCode), CancellationToken.None);
        }
        catch (Exception exception) when (exception is BerthException or IOException or ArgumentException or FormatException)
        {
            await events.Writer.WriteAsync(new BuildFailed(exception.Message, null, null), CancellationToken.None);
        }
        finally
        {
            events.Writer.Complete();
        }
    }

    private async Task<Image> BuildAsync(BuildConfig config, Channel<BuildEvent> events, CancellationToken cancellationToken)
    {
        if (config.Platform is { } platform && !platform.Accepts(Platform.Host))
        {
            throw new BuildException(null, $"Cannot build for {platform} here: this machine is {Platform.Host}, and Berth does not emulate another.");
        }

        var (file, name) = Parse(config, events);
        await using var session = new BuildSession(this, config, file, ReadIgnore(config.ContextDirectory, name + ".dockerignore", ".dockerignore"), events);
        var needed = StageGraph.Needed(file, config.Target, argument => session.GlobalArguments.GetValueOrDefault(argument), session.IsContext);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await ThrowFirstFailureAsync([.. needed.Select(stage => session.StageAsync(stage, stopping.Token))]);
        }
        catch
        {
            await stopping.CancelAsync(); // the other stages would build for nothing
            await session.StopAsync();
            throw;
        }

        var result = await session.StageAsync(StageGraph.FindTarget(file, config.Target), cancellationToken);
        var image = await FinishAsync(session, result);
        foreach (var unused in config.BuildArguments.Keys.Where(key => !session.UsedArguments.ContainsKey(key) && !HostTrust.ProxyVariables.Contains(key))
            .Order(StringComparer.Ordinal))
        {
            await session.EmitAsync(new BuildWarned($"The build argument {unused} was given, but no ARG takes it."));
        }

        if (Cache.All.Count > 0 && Options.CacheLimitBytes > 0)
        {
            await Cache.PruneAsync(all: false, static _ => true, Options.CacheLimitBytes, CancellationToken.None);
        }

        return image;
    }

    private static (Dockerfile.DockerfileModel File, string Name) Parse(BuildConfig config, Channel<BuildEvent> events)
    {
        var name = config.DockerfileText is null ? config.DockerfilePath : "Dockerfile";
        var result = DockerfileParser.Parse(config.DockerfileText ?? ReadDockerfile(config), Path.GetFileName(name));
        foreach (var warning in result.Warnings)
        {
            events.Writer.TryWrite(new BuildWarned(warning.ToString()));
        }

        return result.Dockerfile is { } file
            ? (file, name)
            : throw new BuildException(result.Errors.First().Line, string.Join('\n', result.Errors));
    }

    private static string ReadDockerfile(BuildConfig config)
    {
        try
        {
            using var root = DirectoryHandle.Open(config.ContextDirectory);
            using var file = Path.IsPathRooted(config.DockerfilePath)
                ? RegularFile.Open(config.DockerfilePath)
                : new FileStream(root.OpenRegularBelow(config.DockerfilePath), FileAccess.Read);
            if (file.Length > DockerfileLimit)
            {
                throw new BuildException(null, $"{config.DockerfilePath} has {file.Length} bytes; {DockerfileLimit} are read.");
            }

            using var reader = new StreamReader(file);
            return reader.ReadToEnd();
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException
            or LinuxException { Errno: Errno.ENOENT or Errno.ENOTDIR or Errno.EISDIR } or UnauthorizedAccessException)
        {
            throw new BuildException(null, $"Cannot locate specified Dockerfile: {config.DockerfilePath} (looked for in {config.ContextDirectory})", inner: exception);
        }
    }

    /// <summary>The first of these files that is there; nothing is ignored without one. <c>NAME.dockerignore</c> beside the Dockerfile goes before the context's own.</summary>
    internal static DockerIgnore ReadIgnore(string directory, params IReadOnlyList<string> names)
    {
        using var root = DirectoryHandle.Open(directory);
        foreach (var name in names)
        {
            if (Path.IsPathRooted(name))
            {
                if (File.Exists(name))
                {
                    using var beside = RegularFile.Open(name);
                    return Parse(beside, name);
                }

                continue;
            }

            try
            {
                using var file = new FileStream(root.OpenRegularBelow(name), FileAccess.Read);
                return Parse(file, name);
            }
            catch (LinuxException exception) when (exception.Errno is Errno.ENOENT or Errno.ENOTDIR)
            {
                continue; // the next one, or none
            }
        }

        return DockerIgnore.Empty;

        static DockerIgnore Parse(FileStream file, string name)
        {
            using var reader = new StreamReader(file);
            return file.Length <= DockerfileLimit ? DockerIgnore.Parse(reader.ReadToEnd()) : throw new BuildException(null, $"{name} has {file.Length} bytes; {DockerfileLimit} are read.");
        }
    }

    // The stage that failed, not one that was waiting for it, or was cancelled because of it.
    private static async Task ThrowFirstFailureAsync(List<Task<StageResult>> stages)
    {
        var left = stages.ToList<Task>();
        while (left.Count > 0)
        {
            var done = await Task.WhenAny(left);
            left.Remove(done);
            await done;
        }
    }

    private async Task<Image> FinishAsync(BuildSession session, StageResult result)
    {
        var diffIds = new List<Oci.Digest>();
        foreach (var layer in result.Layers)
        {
            diffIds.Add(Images.Layers.Find(await layer.ChainId)!.DiffId);
        }

        var labels = new Dictionary<string, string>(result.Config.Labels ?? [], StringComparer.Ordinal);
        foreach (var (key, value) in session.Config.Labels)
        {
            labels[key] = value;
        }

        // The time of the last step, not of this moment: what comes wholly from the cache is the same image again.
        var created = session.SourceDateEpoch is { } epoch
            ? DateTimeOffset.FromUnixTimeSeconds(epoch)
            : result.History.LastOrDefault(entry => entry.Created is not null)?.Created ?? DateTimeOffset.UnixEpoch;
        var config = new ImageConfig
        {
            Architecture = Platform.Host.Architecture,
            Os = "linux",
            Created = created,
            Author = result.Author,
            Config = result.Config with
            {
                Labels = labels.Count == 0 ? null : labels.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(),
            },
            RootFs = new() { DiffIds = diffIds },
            History = result.History,
        };
        return await Images.AddAsync(OciJson.Write(config), session.Config.Tags, repositoryDigest: null, result.BaseImage);
    }
}
