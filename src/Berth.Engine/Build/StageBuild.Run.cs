using System.Security.Cryptography;
using System.Text;
using Berth.Dockerfile;
using Berth.Dockerfile.Ignore;
using Berth.Engine.Errors;
using Berth.Linux.Files;
using Berth.Oci;

namespace Berth.Engine.Build;

// RUN.
internal sealed partial class StageBuild
{
    private const string ScriptTarget = "/run/berth/script";

    private async Task RunAsync(BuildStep step, RunInstruction run)
    {
        if (run.IsInsecure && !_session.Config.AllowsInsecure)
        {
            throw new BuildException(step.Line, "RUN --security=insecure asks for a step that may do anything to this machine, and the build does not allow it: 'build.privileged: true' in the compose file, or 'berth build --allow security.insecure', does.");
        }

        var arguments = ArgumentsOf(run, out var script);
        var (environment, hidden) = EnvironmentOf();
        var network = run.Network switch
        {
            RunNetwork.None => "none",
            RunNetwork.Host => "host",
            _ => _session.Config.Network,
        };
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        var reads = new List<string>
        {
            "RUN", string.Join('\u001f', arguments), script ?? "", string.Join('\u001f', environment), _config.WorkingDir ?? "/", _config.User ?? "", network,
            string.Join('\u001f', _session.Config.ExtraHosts),
        };
        if (run.IsInsecure)
        {
            reads.Add("insecure");
        }

        foreach (var mount in run.Mounts)
        {
            reads.Add(await DescribeAsync(mount, files, step));
        }

        var shown = _arguments.Count == 0
            ? $"RUN {string.Join(' ', arguments)}"
            : $"RUN |{_arguments.Count} {string.Join(' ', _arguments.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}"))} {string.Join(' ', arguments)}";
        await LayerStepAsync(step, shown, reads, files, mayBeEmpty: false, async root =>
        {
            await Builder.StepSlots.WaitAsync(_cancellationToken);
            try
            {
                await ExecuteAsync(step, run, root, arguments, script, [.. environment, .. hidden], network);
            }
            finally
            {
                Builder.StepSlots.Release();
            }
        });
    }

    private IReadOnlyList<string> ArgumentsOf(RunInstruction run, out string? script)
    {
        script = run.Script is { } document && document.Content.StartsWith("#!", StringComparison.Ordinal) ? document.Content : null;
        return script is not null ? [ScriptTarget] : new ConfigChange(_config).CommandOf(run.Command);
    }

    /// <summary>What the command's result may depend on, and what it may not: the host's proxies and certificates.</summary>
    private (List<string> Environment, List<string> Hidden) EnvironmentOf()
    {
        var environment = (_config.Env ?? []).ToList();
        bool Has(string name) => environment.Any(one => one.StartsWith(name + "=", StringComparison.Ordinal));
        foreach (var (name, value) in _arguments.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (!Has(name) && !HostTrust.ProxyVariables.Contains(name))
            {
                environment.Add($"{name}={value}");
            }
        }

        if (!Has("PATH"))
        {
            environment.Add(DefaultPath);
        }

        var hidden = new List<string>();
        foreach (var name in HostTrust.ProxyVariables)
        {
            if (!Has(name) && (_session.Argument(name) ?? Environment.GetEnvironmentVariable(name)) is { Length: > 0 } value)
            {
                hidden.Add($"{name}={value}");
            }
        }

        if (HostTrust.Bundle(Builder.Options.HostCertificates) is not null)
        {
            hidden.AddRange(HostTrust.BundleEnvironment().Where(variable => !Has(variable[..variable.IndexOf('=', StringComparison.Ordinal)])));
        }

        return (environment, hidden);
    }

    // Secrets and caches are not part of what a step reads: they may change without the step running again, as in Docker.
    private async Task<string> DescribeAsync(RunMount mount, Dictionary<string, string> files, BuildStep step)
    {
        if (mount is not BindMount bind)
        {
            return mount.ToString();
        }

        var tree = TreeOf(await OriginAsync(bind.From, step));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        tree.Digest(Expand(bind.Source, step).Trim('/'), DockerIgnore.Empty, hash, files, _cancellationToken);
        return $"{bind}{Digest.OfHash(hash.GetCurrentHash())}";
    }

    private async Task ExecuteAsync(
        BuildStep step, RunInstruction run, StepRoot root, IReadOnlyList<string> arguments, string? script, List<string> environment, string network)
    {
        var mounts = new List<StepMount>();
        using var releases = new Releases();
        foreach (var mount in run.Mounts)
        {
            await AddMountAsync(step, mount, mounts, environment, releases);
        }

        if (HostTrust.Bundle(Builder.Options.HostCertificates) is { } bundle)
        {
            mounts.Add(new(bundle, HostTrust.BundleTarget, IsReadOnly: true));
        }

        if (script is not null)
        {
            var file = _session.NewTemporary();
            await File.WriteAllTextAsync(file, script, _cancellationToken);
            File.SetUnixFileMode(file, (UnixFileMode)0x1ed);
            mounts.Add(new(file, ScriptTarget, IsReadOnly: true));
        }

        var points = mounts.Select(mount => new MountPoint(mount.Target, mount.Kind == StepMountKind.Tmpfs || Directory.Exists(mount.Source))).ToList();
        var targets = root.AddMountPoints(Layers, Lower(), points);
        var remap = Builder.Runner.Remap;
        if (remap is not null)
        {
            root.Remap(Layers, remap);
        }

        var config = new StepConfig
        {
            Id = $"build-{RandomNumberGenerator.GetHexString(12, lowercase: true)}",
            RootPath = root.Path,
            IsPrivileged = run.IsInsecure,
            Arguments = arguments,
            Environment = environment,
            WorkingDirectory = _config.WorkingDir is { Length: > 0 } directory ? directory : "/",
            User = _config.User ?? "",
            Mounts = [.. mounts.Select((mount, i) => mount with { Source = remap?.Invoke(mount.Source) ?? mount.Source, Target = "/" + targets[i] })],
            Network = network,
            ExtraHosts = _session.Config.ExtraHosts,
            Limits = _session.Config.Limits,
        };
        var exitCode = await Builder.Runner.RunAsync(config, output => _session.EmitAsync(new StepPrinted(step, output)), _cancellationToken);
        _cancellationToken.ThrowIfCancellationRequested();
        if (exitCode != 0)
        {
            throw new BuildException(step.Line, $"The command '{string.Join(' ', arguments)}' returned a non-zero code: {exitCode}{Shortage.AdviceWhenFull(Builder.DataRoot)}", exitCode);
        }
    }

    private async Task AddMountAsync(BuildStep step, RunMount mount, List<StepMount> mounts, List<string> environment, Releases releases)
    {
        var target = mount.Target is { } word ? Absolute(Expand(word, step)) : null;
        switch (mount)
        {
            case BindMount bind:
                mounts.Add(new(await BindSourceAsync(bind, step), target!, IsReadOnly: !bind.Writable));
                break;
            case CacheMount cache:
                mounts.Add(new(await CacheSourceAsync(cache, step, releases), target!, cache.ReadOnly));
                break;
            case TmpfsMount tmpfs:
                mounts.Add(new("tmpfs", target!, IsReadOnly: false, StepMountKind.Tmpfs, tmpfs.SizeBytes));
                break;
            case SecretMount secret:
                if (!_session.Config.Secrets.TryGetValue(secret.Id, out var value))
                {
                    if (secret.Required)
                    {
                        throw new BuildException(step.Line, $"The secret '{secret.Id}' is required, but was not given to the build.");
                    }

                    break;
                }

                AddSecret(secret, value, target, mounts, environment);
                break;
            case SshMount ssh:
                await AddAgentAsync(step, ssh, target, mounts, environment, releases);
                break;
            default:
                throw new BuildException(step.Line, $"RUN --mount: {mount.GetType().Name} is not supported.");
        }
    }

    private async Task AddAgentAsync(BuildStep step, SshMount ssh, string? target, List<StepMount> mounts, List<string> environment, Releases releases)
    {
        const string variable = "SSH_AUTH_SOCK=";
        const string usualPlace = "/run/buildkit/ssh_agent.";
        if (!_session.Config.Agents.TryGetValue(ssh.Id, out var source))
        {
            if (ssh.Required)
            {
                throw new BuildException(step.Line, $"The SSH agent '{ssh.Id}' is required, but was not given to the build: 'build.ssh' in the compose file, or --ssh, does.");
            }

            return;
        }

        AgentForward forward;
        try
        {
            forward = await AgentForward.StartAsync(_session.NewTemporary(), source, new((uint)ssh.UserId, (uint)ssh.GroupId, (uint)ssh.Mode), _cancellationToken);
        }
        catch (BerthException exception)
        {
            throw new BuildException(step.Line, exception.Message, inner: exception);
        }

        releases.Add(forward.Dispose);
        var place = target ?? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{usualPlace}{mounts.Count(mount => mount.Target.StartsWith(usualPlace, StringComparison.Ordinal))}");
        mounts.Add(new(forward.Path, place, IsReadOnly: false));
        if (!environment.Any(one => one.StartsWith(variable, StringComparison.Ordinal)))
        {
            environment.Add(variable + place);
        }
    }

    private void AddSecret(SecretMount secret, byte[] value, string? target, List<StepMount> mounts, List<string> environment)
    {
        if (secret.Variable is { } variable)
        {
            environment.Add($"{variable}={Encoding.UTF8.GetString(value)}");
        }

        if (target is null && secret.Variable is not null)
        {
            return;
        }

        var file = _session.NewTemporary();
        using (var directory = DirectoryHandle.Open(Path.GetDirectoryName(file)!))
        {
            var name = Path.GetFileName(file);
            using (var handle = directory.CreateFile(name))
            {
                RandomAccess.Write(handle, value, 0);
            }

            directory.SetOwner(name, (uint)secret.UserId, (uint)secret.GroupId);
            directory.SetPermissions(name, (uint)secret.Mode);
        }

        mounts.Add(new(file, target ?? $"/run/secrets/{secret.Id}", IsReadOnly: true));
    }

    // A copy: so the step sees what .dockerignore leaves, may write when it asked to, and its source stays as it was. One with users of its own sees only copies with its owners.
    private async Task<string> BindSourceAsync(BindMount bind, BuildStep step)
    {
        var origin = await OriginAsync(bind.From, step);
        var tree = TreeOf(origin);
        var source = Expand(bind.Source, step).Trim('/');
        if (origin.Stage is { } stage && !bind.Writable && Builder.Runner.Remap is null)
        {
            return Path.Combine(_session.Tree(stage).Path, RealPath.Resolve(tree.Root, source));
        }

        var copy = _session.NewTemporary();
        Directory.CreateDirectory(copy);
        using var target = DirectoryHandle.Open(copy);
        new FileCopier(target, null, null).Copy(tree, source, DockerIgnore.Empty, "source", _cancellationToken);
        return copy + "/source";
    }

    private async Task<string> CacheSourceAsync(CacheMount cache, BuildStep step, Releases releases)
    {
        if (cache.From is not null)
        {
            throw new BuildException(step.Line, "RUN --mount=type=cache,from=… is not supported: a cache begins empty here.");
        }

        var name = CacheKey.Of("cache-mount", cache.Id)[..32];
        if (cache.Sharing != CacheSharing.Shared)
        {
            var gate = Builder.CacheMountLocks.GetOrAdd(name, _ => new(1, 1));
            if (cache.Sharing == CacheSharing.Locked)
            {
                await gate.WaitAsync(_cancellationToken);
                releases.Add(() => gate.Release());
            }
            else if (await gate.WaitAsync(0, _cancellationToken))
            {
                releases.Add(() => gate.Release());
            }
            else
            {
                return CreateCache(Path.GetDirectoryName(_session.NewTemporary())!, Path.GetFileName(_session.NewTemporary()), cache);
            }
        }

        return CreateCache(Builder.CacheMountRoot, name, cache);
    }

    private static string CreateCache(string parent, string name, CacheMount cache)
    {
        var path = Path.Combine(parent, name);
        if (!Directory.Exists(path))
        {
            Directory.CreateDirectory(path);
            using var directory = DirectoryHandle.Open(parent);
            directory.SetOwner(name, (uint)cache.UserId, (uint)cache.GroupId);
            directory.SetPermissions(name, (uint)cache.Mode);
        }

        return path;
    }

    /// <summary>The stage or image that files come from; null for the context.</summary>
    private async Task<Origin> OriginAsync(string? from, BuildStep step)
    {
        if (from is null)
        {
            return new(null, _session.Context);
        }

        var name = Expand(from, step);
        if (_session.IsContext(name))
        {
            return await _session.ContextAsync(name, step, _cancellationToken) is { } image ? new(image, null) : new(null, _session.Folder(name));
        }

        return new(
            StageGraph.FindSource(_session.File, name, _stage) is { } stage ? await _session.StageAsync(stage, _cancellationToken)
                : name == "scratch" ? StageResult.Scratch : await _session.ImageAsync(name, step, _cancellationToken),
            null);
    }

    private FileTree TreeOf(Origin origin) => origin.Folder ?? _session.Files(origin.Stage!);

    /// <summary>Where files come from: a stage or an image, or else a folder of this machine.</summary>
    private sealed record Origin(StageResult? Stage, FileTree? Folder);

    /// <summary>Locks that the step holds until it ends.</summary>
    private sealed class Releases : IDisposable
    {
        private readonly List<Action> _actions = [];

        public void Add(Action action) => _actions.Add(action);

        public void Dispose() => _actions.ForEach(action => action());
    }
}
