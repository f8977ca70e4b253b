using System.Collections.Concurrent;
using System.Formats.Tar;
using System.IO.Pipelines;
using System.Threading.Channels;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Exec;
using Berth.Engine.Errors;
using Berth.Releases.Planning;
using Berth.Releases.Projects;

namespace Berth.Releases.Watching;

/// <summary>
/// <c>watch</c>: as files change, the containers of the services that say so under <c>develop</c> get them, are restarted, or are built anew. Changes that come close together are one.
/// </summary>
/// <param name="prunes">An image that it has built goes when it has built the next; the one from before stays, as a release may need it.</param>
/// <remarks>Compose Specification, develop.md.</remarks>
internal sealed class ProjectWatch(EngineHost engine, ProjectService projects, ProjectModel project, bool prunes, ProjectProgress progress)
{
    private const int KeptOutput = 4096;
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(200); // without a change, after which it is done what the changes ask for
    private static readonly TimeSpan s_longestExec = TimeSpan.FromMinutes(10);
    private readonly Channel<string> _changes = Channel.CreateBounded<string>(new BoundedChannelOptions(10_000) { SingleReader = true });
    private readonly ConcurrentDictionary<string, string> _lost = new(StringComparer.Ordinal); // watched paths of which not every change is known, and why

    private readonly Dictionary<string, string> _built = new(StringComparer.Ordinal); // the last image that it has built, by service

    /// <summary>Until it is cancelled.</summary>
    /// <param name="services">Empty for all.</param>
    /// <exception cref="BerthException">No service says what to do, or a path is not there.</exception>
    internal async Task RunAsync(IReadOnlyList<string> services, CancellationToken cancellationToken)
    {
        List<WatchRule> rules = [.. project.Services.Values.Where(service => services.Count == 0 || services.Contains(service.Name)).SelectMany(service => service.Develop.Select(watch => WatchRule.Of(service, watch)))];
        if (rules.Count == 0)
        {
            throw BerthException.Invalid("none of the selected services is configured for watch: give one a 'develop' section with what to watch");
        }

        var missing = rules.Select(rule => rule.Watch.Path).Where(path => !Path.Exists(path)).Distinct().ToList();
        if (missing.Count > 0)
        {
            throw BerthException.Invalid(string.Join('\n', missing.Select(path => $"'{path}', which is to be watched, does not exist")));
        }

        var watchers = rules.Select(rule => rule.Watch.Path).Distinct().Select(Watch).ToList();
        try
        {
            watchers.ForEach(Begin); // before the first copy: what changes meanwhile is copied again
            foreach (var rule in rules.Where(rule => rule.Watch is { InitialSync: true, Action: not (WatchAction.Rebuild or WatchAction.Restart) }))
            {
                await ActAsync(rule.Service, [(rule, rule.Files())], cancellationToken).ConfigureAwait(false);
            }

            progress(new(ProjectEventKind.Container, project.Name, "Watch enabled"));
            while (true)
            {
                await HandleAsync(rules, await NextAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            watchers.ForEach(watcher => watcher.Dispose());
        }
    }

    private FileSystemWatcher Watch(string path)
    {
        var isFolder = Directory.Exists(path);
        var watcher = isFolder ? new FileSystemWatcher(path) { IncludeSubdirectories = true } : new FileSystemWatcher(Path.GetDirectoryName(path)!, Path.GetFileName(path));
        watcher.NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.Attributes;
        watcher.Created += (_, change) => Note(path, change.FullPath);
        watcher.Changed += (_, change) => Note(path, change.FullPath);
        watcher.Deleted += (_, change) => Note(path, change.FullPath);
        watcher.Renamed += (_, change) =>
        {
            Note(path, change.OldFullPath);
            Note(path, change.FullPath);
        };
        watcher.Error += (_, error) =>
        {
            _lost[path] = error.GetException().Message;
            _changes.Writer.TryWrite(path);
        };
        return watcher;
    }

    private void Note(string watched, string changed)
    {
        if (!_changes.Writer.TryWrite(changed))
        {
            _lost[watched] = "too many at once";
        }
    }

    private static void Begin(FileSystemWatcher watcher)
    {
        try
        {
            watcher.EnableRaisingEvents = true;
        }
        catch (IOException exception)
        {
            throw new BerthException(ErrorKind.Unavailable, $"'{watcher.Path}' cannot be watched: {exception.Message} 'sysctl -w fs.inotify.max_user_instances=…' and 'fs.inotify.max_user_watches=…' allow more.");
        }
    }

    // All that comes until nothing has for a while.
    private async Task<HashSet<string>> NextAsync(CancellationToken cancellationToken)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal) { await _changes.Reader.ReadAsync(cancellationToken).ConfigureAwait(false) };
        while (true)
        {
            await Task.Delay(s_quiet, engine.Time, cancellationToken).ConfigureAwait(false);
            if (!_changes.Reader.TryRead(out var path))
            {
                return paths;
            }

            do
            {
                paths.Add(path);
            }
            while (_changes.Reader.TryRead(out path));
        }
    }

    private async Task HandleAsync(IReadOnlyList<WatchRule> rules, HashSet<string> paths, CancellationToken cancellationToken)
    {
        foreach (var watched in _lost.Keys)
        {
            if (_lost.TryRemove(watched, out var reason))
            {
                progress(new(ProjectEventKind.Warning, project.Name, $"changes below {watched} were lost ({reason}): all of it is taken as changed"));
                paths.Add(watched);
            }
        }

        foreach (var service in rules.GroupBy(rule => rule.Service))
        {
            List<(WatchRule Rule, IReadOnlyList<string> Paths)> hits = [.. service.Select(rule => (rule, rule.Matching(paths))).Where(hit => hit.Item2.Count > 0)];
            if (hits.Count == 0)
            {
                continue;
            }

            try
            {
                await ActAsync(service.Key, hits, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is BerthException or IOException or UnauthorizedAccessException)
            {
                progress(new(ProjectEventKind.Warning, service.Key.Name, exception.Message)); // a build that fails is mended by the next change
            }
        }
    }

    private async Task ActAsync(ServiceModel service, IReadOnlyList<(WatchRule Rule, IReadOnlyList<string> Paths)> hits, CancellationToken cancellationToken)
    {
        if (hits.Any(hit => hit.Rule.Watch.Action == WatchAction.Rebuild))
        {
            await RebuildAsync(service, cancellationToken).ConfigureAwait(false);
            return; // what is to be copied is in the image, or in the next change
        }

        var containers = projects.Containers(project.Name, [service.Name], oneOffs: false).Where(container => container.Record.Status == ContainerStatus.Running).ToList();
        foreach (var (rule, paths) in hits.Where(hit => hit.Rule.Watch.Action != WatchAction.Restart))
        {
            foreach (var container in containers)
            {
                await CopyAsync(container, rule, paths, cancellationToken).ConfigureAwait(false);
            }

            progress(new(ProjectEventKind.Container, service.Name, "Synced", Detail: $"{paths.Count} {(paths.Count == 1 ? "path" : "paths")} to {rule.Watch.Target}"));
        }

        if (hits.Any(hit => hit.Rule.Watch.Action is WatchAction.Restart or WatchAction.SyncAndRestart))
        {
            await projects.RestartAsync(project.Name, [service.Name], null, withDependents: true, progress, cancellationToken).ConfigureAwait(false);
        }

        foreach (var exec in hits.Select(hit => hit.Rule.Watch).Where(watch => watch.Action == WatchAction.SyncAndExec).Select(watch => watch.Exec!))
        {
            foreach (var container in containers)
            {
                await ExecAsync(container, new()
                {
                    Cmd = exec.Command, User = exec.User ?? "", Privileged = exec.Privileged, WorkingDir = exec.WorkingDirectory ?? "",
                    Env = [.. exec.Environment.Where(pair => pair.Value is not null).Select(pair => $"{pair.Key}={pair.Value}")],
                }, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task RebuildAsync(ServiceModel service, CancellationToken cancellationToken)
    {
        progress(new(ProjectEventKind.Container, service.Name, "Rebuilding"));
        await projects.UpAsync(
            project, new() { Plan = new() { Services = [service.Name], NoDependencies = true, Build = true }, Caller = new("watch"), Watch = TimeSpan.Zero }, progress, cancellationToken).ConfigureAwait(false);
        if (!prunes || engine.Images.TryResolve(ImagePlanner.ImageOf(project, service)) is not { } image)
        {
            return;
        }

        var before = _built.GetValueOrDefault(service.Name);
        _built[service.Name] = image.Id.ToString();
        if (before is null || before == image.Id.ToString() || engine.Images.TryResolve(before) is not { Tags.Count: 0 })
        {
            return;
        }

        try
        {
            await engine.Images.RemoveAsync(before, force: false, id => engine.Containers.All.Any(container => container.Id == id && container.Record.IsRunning), cancellationToken).ConfigureAwait(false);
        }
        catch (BerthException exception) when (exception.Kind == ErrorKind.Conflict)
        {
            progress(new(ProjectEventKind.Warning, service.Name, exception.Message)); // somebody uses it
        }
    }

    private async Task CopyAsync(Container container, WatchRule rule, IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        var present = paths.Where(Path.Exists).ToList();
        if (present.Count > 0)
        {
            var pipe = new Pipe();
            var packing = Task.Run(() => Pack(rule, present, pipe.Writer), cancellationToken);
            await using (var archive = pipe.Reader.AsStream()) // closed, it lets the packing end when the unpacking fails
            {
                await engine.Containers.WriteArchiveAsync(container, "/", archive, keepsKinds: false, toUser: true, cancellationToken).ConfigureAwait(false);
            }

            await packing.ConfigureAwait(false);
        }

        if (!Path.Exists(rule.Watch.Path) && paths.Any(path => path != rule.Watch.Path)) // a folder with all that was in it
        {
            progress(new(ProjectEventKind.Warning, container.Name, $"'{rule.Watch.Path}', which is watched, is gone: {rule.Watch.Target} stays as it is; when it is there again, start the watch again"));
            return;
        }

        List<string> gone = [.. paths.Where(path => !Path.Exists(path)).Select(rule.InContainer)];
        if (gone.Count > 0)
        {
            await ExecAsync(container, new() { Cmd = ["rm", "-rf", "--", .. gone], User = "0" }, cancellationToken).ConfigureAwait(false);
        }
    }

    private static void Pack(WatchRule rule, IReadOnlyList<string> paths, PipeWriter target)
    {
        try
        {
            using var stream = target.AsStream();
            using var writer = new TarWriter(stream, TarEntryFormat.Pax);
            foreach (var path in paths.SelectMany(rule.Below).Distinct(StringComparer.Ordinal))
            {
                Pack(writer, path, rule.InContainer(path).TrimStart('/'));
            }
        }
        catch (Exception exception)
        {
            target.Complete(exception); // whoever reads throws it
        }
    }

    // What has gone meanwhile is another change.
    private static void Pack(TarWriter writer, string path, string name)
    {
        try
        {
            writer.WriteEntry(path, name);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return;
        }
    }

    private async Task ExecAsync(Container container, ExecConfig exec, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_longestExec);
        var (exitCode, output) = await engine.Containers.Execs.CaptureAsync(container, exec, KeptOutput, limit.Token).ConfigureAwait(false);
        if (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            progress(new(ProjectEventKind.Warning, container.Name, $"{string.Join(' ', exec.Cmd!)}: it was ended after {s_longestExec.TotalMinutes:0} minutes"));
        }
        else if (exitCode != 0)
        {
            progress(new(ProjectEventKind.Warning, container.Name, $"{string.Join(' ', exec.Cmd!)}: it ended with exit code {exitCode}{(output.Trim().Length > 0 ? ": " + output.Trim() : "")}"));
        }
    }
}
