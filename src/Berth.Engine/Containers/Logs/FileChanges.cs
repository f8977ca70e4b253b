using System.Threading.Channels;
using Berth.Linux.Files;

namespace Berth.Engine.Containers.Logs;

/// <summary>Tells when a file has been written to. Many writes between two questions are one.</summary>
internal sealed class FileChanges : IDisposable
{
    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly IDisposable _watch;

    /// <exception cref="Berth.Linux.LinuxException">Its directory is not there.</exception>
    internal FileChanges(DirectoryWatcher watcher, string path) => _watch = watcher.Watch(path, () => _changed.Writer.TryWrite(true));

    /// <summary>Returns at the next change, or when <paramref name="ended"/> completes.</summary>
    internal async Task NextAsync(Task ended, CancellationToken cancellationToken)
    {
        var changed = _changed.Reader.WaitToReadAsync(cancellationToken).AsTask();
        await Task.WhenAny(changed, ended).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        _changed.Reader.TryRead(out _);
    }

    public void Dispose() => _watch.Dispose();
}
