using System.Threading.Channels;

namespace Berth.Engine.Containers.Logs;

/// <summary>Tells when a file has been written to (inotify(7)). Many writes between two questions are one.</summary>
internal sealed class FileChanges : IDisposable
{
    private readonly FileSystemWatcher _watcher;
    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    internal FileChanges(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        _watcher = new FileSystemWatcher(Path.GetDirectoryName(path)!, Path.GetFileName(path)) { NotifyFilter = NotifyFilters.Size | NotifyFilters.LastWrite | NotifyFilters.FileName };
        _watcher.Changed += (_, _) => _changed.Writer.TryWrite(true);
        _watcher.Created += (_, _) => _changed.Writer.TryWrite(true);
        _watcher.EnableRaisingEvents = true;
    }

    /// <summary>Returns at the next change, or when <paramref name="ended"/> completes.</summary>
    internal async Task NextAsync(Task ended, CancellationToken cancellationToken)
    {
        var changed = _changed.Reader.WaitToReadAsync(cancellationToken).AsTask();
        await Task.WhenAny(changed, ended).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        _changed.Reader.TryRead(out _);
    }

    public void Dispose() => _watcher.Dispose();
}
