using System.Globalization;
using System.Text.Json;
using Berth.Dockerfile;
using Berth.Engine.Errors;
using Berth.Engine.Images;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Layers;

namespace Berth.Engine.Build;

/// <summary>Builds one stage, step after step.</summary>
internal sealed partial class StageBuild
{
    private const string DefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private readonly BuildSession _session;
    private readonly Stage _stage;
    private readonly Dictionary<string, string> _arguments = new(StringComparer.Ordinal);
    private readonly List<StageLayer> _layers = [];
    private readonly List<HistoryEntry> _history = [];
    private ContainerDefaults _config = new();
    private string? _author;
    private DateTimeOffset _lastCreated;
    private bool _hasOwnCommand;
    private bool _hasMissed; // what follows a miss needs no explanation
    private bool _hasRunStep; // and so has a time of its own
    private CancellationToken _cancellationToken;

    public StageBuild(BuildSession session, Stage stage) => (_session, _stage) = (session, stage);

    private ImageBuilder Builder => _session.Builder;

    private LayerStore Layers => Builder.Images.Layers;

    private char Escape => _session.File.Escape;

    public async Task<StageResult> RunAsync(CancellationToken cancellationToken)
    {
        _cancellationToken = cancellationToken;
        var number = 1;
        var step = new BuildStep(_stage.Index, _stage.Name, number, _stage.Instructions.Count + 1, _stage.Line, _stage.Text);
        var beginning = await BeginAsync(step);
        foreach (var trigger in beginning.Config.OnBuild ?? [])
        {
            await RunStepAsync(step with { Text = "ONBUILD " + trigger }, ParseTrigger(trigger, step));
        }

        foreach (var instruction in _stage.Instructions)
        {
            cancellationToken.ThrowIfCancellationRequested();
            number++;
            await RunStepAsync(step with { Number = number, Line = instruction.Line, Text = instruction.Text }, instruction);
        }

        foreach (var layer in _layers)
        {
            _session.Lease(await layer.ChainId);
        }

        await TimeConfigurationAsync(beginning.History.Count);
        return new(_layers, _config, _history, _arguments, beginning.BaseImage, _author);
    }

    /// <summary>What only configures an image was made when it was first built so; it has no layer whose time it could have.</summary>
    private async Task TimeConfigurationAsync(int inherited)
    {
        if (_hasRunStep || _history.Count == inherited)
        {
            return;
        }

        var parent = _layers.Count == 0 ? default : await _layers[^1].ChainId;
        var key = CacheKey.Of(["configuration", parent.Value, JsonSerializer.Serialize(_config, OciJson.Default.ContainerDefaults), .. _history.Select(entry => entry.CreatedBy ?? "")]);
        var known = _session.Config.NoCache ? null : Builder.Cache.Find(key);
        var created = _session.SourceDateEpoch is { } epoch ? DateTimeOffset.FromUnixTimeSeconds(epoch) : known?.Created ?? Builder.Time.GetUtcNow();
        if (known is null)
        {
            await Builder.Cache.AddAsync(new() { Key = key, ChainId = parent, Created = created, Description = "configuration" });
        }

        for (var i = inherited; i < _history.Count; i++)
        {
            _history[i] = _history[i] with { Created = created };
        }
    }

    private async Task<StageResult> BeginAsync(BuildStep step)
    {
        var started = Builder.Time.GetTimestamp();
        await _session.EmitAsync(new StepStarted(step, null));
        var lookup = (string name) => _session.GlobalArguments.GetValueOrDefault(name);
        if (_stage.Platform is { } platformWord && Expand(platformWord, lookup, step) is { Length: > 0 } platformText)
        {
            var platform = Platform.Parse(platformText);
            if (!platform.Accepts(Platform.Host))
            {
                throw new BuildException(
                    step.Line, $"FROM --platform={platform}: this machine is {Platform.Host}, and Berth does not emulate another.");
            }
        }

        var name = Expand(_stage.From, lookup, step);
        if (name.Length == 0)
        {
            throw new BuildException(step.Line, $"base name ({_stage.From}) should not be blank");
        }

        var beginning = name == "scratch" ? StageResult.Scratch
            : _session.IsContext(name) ? await _session.ContextAsync(name, step, _cancellationToken)
                ?? throw new BuildException(step.Line, $"FROM {name}: the additional context '{name}' is a folder, which is no image; COPY --from={name} copies of it")
            : StageGraph.FindBase(_session.File, name, _stage) is { } stage ? await _session.StageAsync(stage, _cancellationToken)
            : await _session.ImageAsync(name, step, _cancellationToken);
        _layers.AddRange(beginning.Layers);
        _history.AddRange(beginning.History);
        _config = beginning.Config with { OnBuild = null };
        _author = beginning.Author;
        _lastCreated = beginning.History.LastOrDefault(entry => entry.Created is not null)?.Created ?? DateTimeOffset.UnixEpoch;
        foreach (var (key, value) in beginning.Arguments)
        {
            _arguments[key] = value;
        }

        if (_config.Env is not { Count: > 0 })
        {
            _config = _config with { Env = [DefaultPath] };
        }

        await _session.EmitAsync(new StepFinished(step, Builder.Time.GetElapsedTime(started)));
        return beginning;
    }

    private static Instruction ParseTrigger(string source, BuildStep step)
    {
        var result = DockerfileParser.Parse($"FROM scratch\n{source}\n", "ONBUILD");
        return result.Dockerfile is { Stages: [{ Instructions: [var instruction] }] }
            ? instruction
            : throw new BuildException(step.Line, $"The base image's ONBUILD instruction cannot be read: {string.Join("; ", result.Errors)}");
    }

    private async Task RunStepAsync(BuildStep step, Instruction instruction)
    {
        try
        {
            switch (instruction)
            {
                case RunInstruction run:
                    await RunAsync(step, run);
                    break;
                case FileInstruction files:
                    await CopyAsync(step, files);
                    break;
                case WorkdirInstruction workdir:
                    await WorkdirAsync(step, workdir);
                    break;
                default:
                    await _session.EmitAsync(new StepStarted(step, null));
                    Configure(step, instruction);
                    if (instruction is not ArgInstruction)
                    {
                        AddHistory(instruction.Text, _lastCreated, isEmpty: true);
                    }

                    await _session.EmitAsync(new StepFinished(step, TimeSpan.Zero));
                    break;
            }
        }
        catch (BerthException exception)
        {
            throw new BuildException(step.Line, exception.Message, inner: exception);
        }
        catch (Exception exception) when (exception is LinuxException or InvalidDataException or FormatException or IOException)
        {
            throw new BuildException(step.Line, $"{step.Text}: {exception.Message}", inner: exception);
        }
    }

    // --- Configuration -------------------------------------------------------------------------------------------

    private void Configure(BuildStep step, Instruction instruction)
    {
        if (instruction is ArgInstruction arg)
        {
            Declare(step, arg);
            return;
        }

        try
        {
            var changed = new ConfigChange(_config, _hasOwnCommand).Apply(instruction, word => Expand(word, step), word => Words.ExpandToWords(word, Lookup, Escape))
                ?? throw new BuildException(step.Line, $"{instruction.GetType().Name} is not supported.");
            (_config, _hasOwnCommand, _author) = (changed.Config, changed.HasOwnCommand, changed.Author ?? _author);
        }
        catch (FormatException exception)
        {
            throw new BuildException(step.Line, exception.Message, inner: exception);
        }
    }

    private void Declare(BuildStep step, ArgInstruction arg)
    {
        foreach (var declaration in arg.Declarations)
        {
            var value = _session.Argument(declaration.Name)
                ?? (declaration.DefaultValue is { } word ? Expand(word, step) : _session.GlobalArguments.GetValueOrDefault(declaration.Name));
            if (value is not null)
            {
                _arguments[declaration.Name] = value;
            }
        }
    }

    private string? Lookup(string name)
    {
        return new ConfigChange(_config).Variable(name) ?? _arguments.GetValueOrDefault(name)
            ?? (HostTrust.ProxyVariables.Contains(name) ? _session.Argument(name) : null);
    }

    private string Expand(string word, BuildStep step) => Expand(word, Lookup, step);

    private string Expand(string word, Func<string, string?> lookup, BuildStep step)
    {
        try
        {
            return Words.Expand(word, lookup, Escape);
        }
        catch (WordException exception)
        {
            throw new BuildException(step.Line, exception.Message, inner: exception);
        }
    }

    private void AddHistory(string createdBy, DateTimeOffset created, bool isEmpty)
    {
        _lastCreated = created;
        _history.Add(new() { Created = created, CreatedBy = createdBy, Comment = "berth", EmptyLayer = isEmpty });
    }

    // --- WORKDIR -------------------------------------------------------------------------------------------------

    private async Task WorkdirAsync(BuildStep step, WorkdirInstruction workdir)
    {
        var path = Absolute(Expand(workdir.Path, step));
        _config = _config with { WorkingDir = path };
        await LayerStepAsync(
            step, $"WORKDIR {path}", ["WORKDIR", path], new(), mayBeEmpty: true,
            root =>
            {
                using var directory = DirectoryHandle.Open(root.Path);
                new FileCopier(directory, null, null).CreateDirectories(path.Trim('/'));
                return Task.CompletedTask;
            });
    }

    private string Absolute(string path)
    {
        var full = path.StartsWith('/') ? path : $"{_config.WorkingDir ?? "/"}/{path}";
        return "/" + string.Join('/', FileTree.Normalise(full.Split('/')));
    }

    // --- A step that makes a layer -------------------------------------------------------------------------------

    /// <summary>Takes the step's layer from the cache, or makes it with <paramref name="act"/>.</summary>
    private async Task LayerStepAsync(
        BuildStep step, string createdBy, List<string> reads, Dictionary<string, string> files, bool mayBeEmpty, Func<StepRoot, Task> act)
    {
        string? miss = null;
        _hasRunStep = true;
        var place = CacheKey.Of(
            _session.Config.Identity ?? _session.Config.ContextDirectory, _session.Config.DockerfilePath, _stage.Index.ToString(CultureInfo.InvariantCulture),
            step.Number.ToString(CultureInfo.InvariantCulture));
        var parent = ParentChainId();
        var memory = new StepMemory { Instruction = createdBy, Surroundings = files.Count > 0 ? "" : CacheKey.Of(reads), Files = files };
        if (parent is { } chainId && !_session.Config.NoCache)
        {
            if (Builder.Cache.Find(CacheKey.Of([chainId.Value, .. reads])) is { } hit && TryAdd(hit, chainId))
            {
                await _session.EmitAsync(new StepCached(step));

                AddHistory(createdBy, hit.Created, hit.ChainId == chainId);
                return;
            }

            miss = !_hasMissed && Builder.Cache.ExplainMiss(place, memory) is { } reason ? $"line {step.Line}: {reason}" : null;
        }

        _hasMissed = true;

        await _session.EmitAsync(new StepStarted(step, miss));
        var started = Builder.Time.GetTimestamp();
        var created = _session.SourceDateEpoch is { } epoch ? DateTimeOffset.FromUnixTimeSeconds(epoch) : Builder.Time.GetUtcNow();
        var upper = Layers.CreateDirectory();
        var parentTask = _layers.Count == 0 ? Task.FromResult(default(Digest)) : _layers[^1].ChainId;
        var isKept = false;
        try
        {
            using (var root = StepRoot.Mount(Layers, Lower(), _session.NewTemporary(), upper))
            {
                await act(root);
            }

            if (!mayBeEmpty || Directory.EnumerateFileSystemEntries(upper).Any())
            {
                var commit = Task.Run(() => CommitAsync(upper, parentTask, reads, createdBy, created), CancellationToken.None);
                _session.Background(commit);
                _layers.Add(new(Path.GetFileName(upper), commit));
                isKept = true;
            }
            else
            {
                var unchanged = await parentTask;
                await Builder.Cache.AddAsync(new()
                {
                    Key = CacheKey.Of([unchanged.Value, .. reads]), ChainId = unchanged, Created = created, Description = createdBy,
                });
            }
        }
        finally
        {
            if (!isKept)
            {
                LayerStore.RemoveTree(upper);
            }
        }

        AddHistory(createdBy, created, isEmpty: !isKept);
        await Builder.Cache.RememberAsync(place, memory);
        await _session.EmitAsync(new StepFinished(step, Builder.Time.GetElapsedTime(started)));
    }

    /// <summary>Puts a known layer on the stage, unless a collector has taken it in this moment.</summary>
    private bool TryAdd(CacheEntry hit, Digest parent)
    {
        if (hit.ChainId == parent)
        {
            return true;
        }

        _session.Lease(hit.ChainId);
        if (Layers.Find(hit.ChainId) is not { } layer)
        {
            return false;
        }

        _layers.Add(new(layer.Directory, Task.FromResult(hit.ChainId)));
        return true;
    }

    /// <summary>The chain id under the next step; null while it is being computed, when nothing in the cache can stand on it.</summary>
    private Digest? ParentChainId() =>
        _layers.Count == 0 ? default(Digest) : _layers[^1].ChainId is { IsCompletedSuccessfully: true } known ? known.Result : null;

    private List<string> Lower() => [.. _layers.Select(layer => layer.Directory).Reverse()];

    // Beside the next step: reads the finished directory once to name it.
    private async Task<Digest> CommitAsync(string upper, Task<Digest> parentTask, List<string> reads, string createdBy, DateTimeOffset created)
    {
        var isRecorded = false;
        try
        {
            if (_session.SourceDateEpoch is { } epoch)
            {
                ClampTimes(upper, epoch);
            }

            var (diffId, size) = LayerWriter.Measure(upper, null, _cancellationToken);
            var parent = await parentTask;
            var chainId = RootFileSystem.Chain(parent, diffId);
            _session.Lease(chainId);
            var layer = await Layers.CommitAsync(
                new() { ChainId = chainId, DiffId = diffId, Parent = parent == default ? null : parent, Directory = "", Size = size }, upper, keepDirectory: true);
            isRecorded = layer.Directory == Path.GetFileName(upper);
            await Builder.Cache.AddAsync(new() { Key = CacheKey.Of([parent.Value, .. reads]), ChainId = chainId, Created = created, Description = createdBy });
            return chainId;
        }
        finally
        {
            if (!isRecorded)
            {
                _session.RemoveAtEnd(upper); // not now: the next step may have it mounted
            }
        }
    }

    private static void ClampTimes(string directory, long latest)
    {
        using var root = DirectoryHandle.Open(directory);
        Clamp(root);

        void Clamp(DirectoryHandle at)
        {
            foreach (var name in at.ListNames())
            {
                var status = at.Stat(name);
                if (status.Kind == FileKind.Directory)
                {
                    using var below = at.OpenDirectory(name);
                    Clamp(below);
                }

                if (status.Modified.Seconds > latest && !status.IsOverlayWhiteout)
                {
                    at.SetModified(name, new(latest));
                }
            }
        }
    }
}
