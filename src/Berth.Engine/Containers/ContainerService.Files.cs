using Berth.Engine.Containers.Files;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci.Layers;

namespace Berth.Engine.Containers;

// Files of a container from outside: copied in and out, exported, compared with its image.
public sealed partial class ContainerService
{
    private const string FreezeIntent = "container.freeze";

    /// <summary>What a path in the container is. The last part of the path is not followed.</summary>
    public Task<PathStat> StatPathAsync(Container container, string path) => WithViewAsync(container, withMounts: true, view =>
    {
        using var found = new Found(view, path, container.Name);
        return Task.FromResult(found.Stat());
    });

    /// <summary>A tar of a file, or of a directory with all in it, under its last name.</summary>
    /// <param name="begin">Told what it is before the first byte; returns where the tar goes.</param>
    public async Task ReadArchiveAsync(Container container, string path, Func<PathStat, Stream> begin, CancellationToken cancellationToken)
    {
        await WithViewAsync(container, withMounts: true, async view =>
        {
            using var found = new Found(view, path, container.Name);
            var target = begin(found.Stat());
            await ArchiveStreams.WriteAsync(
                (stream, token) => LayerWriter.WriteFiles(found.Parent, found.Name, found.ArchiveName, view.Users, stream, token), target, cancellationToken).ConfigureAwait(false);
            return 0;
        }).ConfigureAwait(false);
        _events.Publish("container", "archive-path", container.Id, Attributes(container.Record));
    }

    /// <summary>Unpacks a tar, compressed or not, into a directory of the container.</summary>
    /// <param name="keepsKinds">A directory is not replaced by another kind of file, nor the other way round.</param>
    /// <param name="toUser">The files get the container's user as owner instead of the archive's.</param>
    public async Task WriteArchiveAsync(Container container, string path, Stream tar, bool keepsKinds, bool toUser, CancellationToken cancellationToken)
    {
        await WithViewAsync(container, withMounts: true, async view =>
        {
            using var directory = view.OpenDirectory(path, container.Name);
            RequireWritable(container.Record, view.Resolve(path));
            var owner = toUser && container.Record.Config.User.Length > 0 ? OwnerIn(view, container.Record) : ((uint, uint)?)null;
            var options = new UnpackOptions { IsLayer = false, KeepsKinds = keepsKinds, Owner = owner, Users = view.Users };
            try
            {
                await ArchiveStreams.ReadAsync(
                    tar,
                    stream =>
                    {
                        using var plain = LayerCompression.Open(stream);
                        LayerReader.Unpack(plain, directory, options, cancellationToken);
                    },
                    cancellationToken).ConfigureAwait(false);
            }
            catch (InvalidDataException exception)
            {
                throw BerthException.Invalid(exception.Message);
            }
            catch (LinuxException exception) when (exception.Errno is Errno.EROFS or Errno.EBUSY or Errno.ENOTDIR or Errno.EEXIST)
            {
                throw BerthException.Invalid($"cannot unpack into {path} of container {container.Name}: {exception.Message}");
            }

            return 0;
        }).ConfigureAwait(false);
        _events.Publish("container", "extract-to-dir", container.Id, Attributes(container.Record));
    }

    /// <summary>A tar of the container's own files: its root without volumes and binds.</summary>
    public async Task ExportAsync(Container container, Stream target, CancellationToken cancellationToken)
    {
        await WithViewAsync(container, withMounts: false, async view =>
        {
            using var found = new Found(view, "/", container.Name);
            await ArchiveStreams.WriteAsync((stream, token) => LayerWriter.WriteFiles(found.Parent, ".", "", view.Users, stream, token), target, cancellationToken).ConfigureAwait(false);
            return 0;
        }).ConfigureAwait(false);
        _events.Publish("container", "export", container.Id, Attributes(container.Record));
    }

    /// <summary>What the container changed of its image's files, by path.</summary>
    public IReadOnlyList<FileChange> Changes(Container container)
    {
        var upper = DataDirectory(container.Id) + "/upper";
        return Directory.Exists(upper) ? new ContainerChanges(container.Record, upper).Find() : [];
    }

    /// <summary>Writes what the container changed of its image as a layer's tar.</summary>
    /// <param name="pause">Nothing in it runs meanwhile, so that the files fit each other.</param>
    internal async Task<T> WithLayerAsync<T>(Container container, bool pause, Func<Action<Stream, CancellationToken>, Task<T>> use)
    {
        await using var held = await HoldAsync(container).ConfigureAwait(false);
        if (container.IsRemoved)
        {
            throw BerthException.NotFound($"No such container: {container.Id}");
        }

        var upper = DataDirectory(container.Id) + "/upper";
        var changes = new ContainerChanges(container.Record, upper);
        if (!pause || container.Record.Status != ContainerStatus.Running)
        {
            return await WriteAsync().ConfigureAwait(false);
        }

        await using var intent = await _state.BeginIntentAsync(FreezeIntent, container.Id, []).ConfigureAwait(false);
        try
        {
            await _runtime.PauseAsync(container.Id, pause: true).ConfigureAwait(false);
        }
        catch (BerthException exception) when (exception.Kind == ErrorKind.Conflict)
        {
            await intent.CompleteAsync().ConfigureAwait(false);
            return await WriteAsync().ConfigureAwait(false); // it has just ended
        }

        _events.Publish("container", "pause", container.Id, Attributes(container.Record));
        _faults.Reached("container.commit.frozen");
        try
        {
            return await WriteAsync().ConfigureAwait(false);
        }
        finally
        {
            await _runtime.PauseAsync(container.Id, pause: false).ConfigureAwait(false);
            _events.Publish("container", "unpause", container.Id, Attributes(container.Record));
            await intent.CompleteAsync().ConfigureAwait(false);
        }

        async Task<T> WriteAsync()
        {
            return await use((stream, token) =>
            {
                Directory.CreateDirectory(upper); // of one that never ran
                LayerWriter.Write(upper, stream, null, token, changes.IsEngines, isLive: !pause);
            }).ConfigureAwait(false);
        }
    }

    // A daemon that was killed while a container stood still for it lets it go on.
    private async Task ThawAsync(State.Intent intent)
    {
        if (_containers.TryGetValue(intent.Subject, out var container) && container.Record.Status == ContainerStatus.Running && _cgroups.IsFrozen(_options.CgroupOf(container.Record)))
        {
            await _runtime.PauseAsync(container.Id, pause: false).ConfigureAwait(false);
        }

        await intent.CompleteAsync().ConfigureAwait(false);
    }

    // One that does not run cannot be started meanwhile: its root would be mounted twice.
    private async Task<T> WithViewAsync<T>(Container container, bool withMounts, Func<ContainerView, Task<T>> use)
    {
        var held = await HoldAsync(container).ConfigureAwait(false);
        var isMounted = false;
        try
        {
            if (!_containers.ContainsKey(container.Id))
            {
                throw BerthException.NotFound($"No such container: {container.Id}");
            }

            var record = container.Record;
            isMounted = record.IsRunning || container.Prepared is not null;
            using var view = await ContainerView.OpenAsync(record, _options, _remapped, DataDirectory(record.Id), isMounted, withMounts).ConfigureAwait(false);
            if (isMounted)
            {
                await held.DisposeAsync().ConfigureAwait(false);
                held = null;
            }

            return await use(view).ConfigureAwait(false);
        }
        catch (LinuxException exception) when (isMounted && exception.Errno is Errno.ENOENT or Errno.EINVAL or Errno.ENOTDIR or Errno.ELOOP)
        {
            throw container.IsRemoved || container.Record.Status == ContainerStatus.Removing
                ? BerthException.NotFound($"No such container: {container.Name} was removed while its files were in use")
                : BerthException.NotFound($"Could not find the file in container {container.Name}: its program changes its files at the same time ({exception.Message})");
        }
        finally
        {
            if (held is not null)
            {
                await held.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private static void RequireWritable(ContainerRecord record, string path)
    {
        var mount = record.Mounts.Where(mount => path == mount.Destination || path.StartsWith(mount.Destination + "/", StringComparison.Ordinal))
            .MaxBy(mount => mount.Destination.Length);
        if (mount is { ReadWrite: false })
        {
            throw BerthException.Invalid("mounted volume is marked read-only");
        }

        if (mount is null && record.HostConfig.ReadonlyRootfs)
        {
            throw BerthException.Invalid("container rootfs is marked read-only");
        }
    }

    private static (uint User, uint Group) OwnerIn(ContainerView view, ContainerRecord record)
    {
        var user = ProcessUser.Resolve(record.Config.User, view.Lines("etc/passwd"), view.Lines("etc/group"), null);
        return (user.Uid, user.Gid);
    }

    /// <summary>A path that exists.</summary>
    private sealed class Found : IDisposable
    {
        private readonly ContainerView _view;
        private readonly string _path;

        internal Found(ContainerView view, string path, string containerName)
        {
            (_view, _path) = (view, path);
            (Parent, Name) = view.Find(path, containerName);
        }

        internal DirectoryHandle Parent { get; }

        internal string Name { get; }

        /// <summary>The last part of the path as asked, so that <c>dir/.</c> is <c>.</c>.</summary>
        internal string ArchiveName => _path.EndsWith("/.", StringComparison.Ordinal) || _path == "." ? "." : Path.GetFileName(ContainerView.Clean(_path)) is { Length: > 0 } name ? name : "/";

        internal PathStat Stat()
        {
            var status = Parent.Stat(Name);
            var target = status.Kind == FileKind.SymbolicLink ? _view.Resolve(_path) : "";
            return new(ArchiveName, status.Size, PathStat.GoMode(status), status.Modified, target);
        }

        public void Dispose() => Parent.Dispose();
    }
}
