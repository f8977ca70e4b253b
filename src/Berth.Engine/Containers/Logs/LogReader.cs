using System.Runtime.CompilerServices;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Engine.Containers.Logs;

/// <summary>Which part of a log is wanted.</summary>
public sealed record LogOptions
{
    public bool Stdout { get; init; }

    public bool Stderr { get; init; }

    /// <summary>Nanoseconds since 1970; lines of that very moment are wanted too.</summary>
    public long? Since { get; init; }

    /// <summary>As <see cref="Since"/>.</summary>
    public long? Until { get; init; }

    /// <summary>A time as <see cref="Since"/> and <see cref="Until"/> want it.</summary>
    public static long? Moment(DateTimeOffset? time) => time is { } value ? (value.UtcTicks - DateTime.UnixEpoch.Ticks) * TimeSpan.NanosecondsPerTick : null;

    /// <summary>The last so many lines; null for all.</summary>
    public int? Tail { get; init; }

    /// <summary>Go on with what comes until the container ends.</summary>
    public bool Follow { get; init; }
}

/// <summary>
/// Reads a container's log, rotated files first, and waits for more by inotify. Reading takes nothing from the container.
/// </summary>
public sealed class LogReader
{
    private readonly Container _container;
    private readonly LogFiles _files;
    private readonly DirectoryWatcher _watcher;

    internal LogReader(Container container, LogFiles files, DirectoryWatcher watcher) => (_container, _files, _watcher) = (container, files, watcher);

    /// <summary>The lines in order. With <see cref="LogOptions.Follow"/>, ends when the container has ended and all is read.</summary>
    public async IAsyncEnumerable<LogLine> ReadAsync(LogOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (options.Follow)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_files.Path)!); // a container that has not run yet has none
        }

        using var changes = options.Follow ? new FileChanges(_watcher, _files.Path) : null;
        var ended = options.Follow ? _container.WaitAsync(WaitCondition.NotRunning) : Task.CompletedTask;
        var open = new Queue<LogFile>(_files.OpenAll());
        bool[] goesOn = [false, false]; // whether the last piece of standard output, of standard error, is to be continued
        try
        {
            await LogTail.SeekAsync([.. open], options, cancellationToken).ConfigureAwait(false);
            while (true)
            {
                // Both before reading: what was written until then is read below.
                var isLast = ended.IsCompleted;
                if (open.Count <= 1 && _files.OpenAfter(open.LastOrDefault()) is { } successor)
                {
                    open.Enqueue(successor);
                }

                while (open.TryPeek(out var current) && await current.NextAsync(cancellationToken).ConfigureAwait(false) is { } line)
                {
                    if (options.Until is { } until && line.Time > until)
                    {
                        yield break;
                    }

                    if (LogTail.Wanted(line, options))
                    {
                        var stream = line.IsStderr ? 1 : 0;
                        yield return goesOn[stream] ? line with { IsContinuation = true } : line;
                        goesOn[stream] = line.IsPartial;
                    }
                }

                if (open.Count > 1)
                {
                    await open.Dequeue().DisposeAsync().ConfigureAwait(false);
                    continue;
                }

                if (!options.Follow || isLast)
                {
                    yield break;
                }

                await changes!.NextAsync(ended, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            foreach (var file in open)
            {
                await file.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}

/// <summary>One open log file, read line by line.</summary>
internal sealed class LogFile : IAsyncDisposable, IDisposable
{
    private const int ChunkBytes = 64 * 1024;
    private readonly FileStream _file;
    private readonly ulong _inode;
    private byte[] _pending = new byte[ChunkBytes];
    private int _start;
    private int _end;
    private bool _isFresh = true;

    private LogFile(FileStream file, ulong inode) => (_file, _inode) = (file, inode);

    internal ulong Inode => _inode;

    /// <summary>Streams (true: stderr) in whose lines the file begins, their first part being gone; that rest is passed over.</summary>
    internal HashSet<bool> BeginsInside { get; set; } = [];

    /// <summary>The bytes, for whoever looks for a position to begin at.</summary>
    internal FileStream Bytes => _file;

    /// <summary>Null when it has just gone, together with its container.</summary>
    internal static LogFile? TryOpen(string path)
    {
        if (InodeOf(path) is not { } inode)
        {
            return null;
        }

        try
        {
            return new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0), inode);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Whether the path names this file. As long as it is open, no other file gets its inode.</summary>
    internal bool IsAt(string path) => InodeOf(path) == _inode;

    /// <summary>The next complete line; null when there is none yet. A line that is not conmon's (torn by a crash) is passed over.</summary>
    internal async ValueTask<LogLine?> NextAsync(CancellationToken cancellationToken)
    {
        if (_isFresh && _file.Position > 0)
        {
            BeginsInside.Clear(); // it is not read from its beginning
        }

        _isFresh = false;
        while (true)
        {
            int end;
            while ((end = Array.IndexOf(_pending, (byte)'\n', _start, _end - _start)) >= 0)
            {
                var text = _pending.AsMemory(_start, end - _start);
                _start = end + 1;
                if (LogLine.TryParse(text, out var line) && !IsRestOfTorn(line))
                {
                    return line;
                }
            }

            _pending.AsSpan(_start, _end - _start).CopyTo(_pending);
            (_start, _end) = (0, _end - _start);
            if (_end == _pending.Length)
            {
                Array.Resize(ref _pending, _pending.Length * 2); // conmon's lines have at most 8 KiB and their head
            }

            var read = await _file.ReadAsync(_pending.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return null;
            }

            _end += read;
        }
    }

    /// <summary>The streams (true: stderr) whose last line here goes on in the next file.</summary>
    internal IReadOnlyList<bool> OpenStreams()
    {
        var tail = new byte[Math.Min(ChunkBytes, _file.Length)];
        _file.Position = _file.Length - tail.Length;
        _file.ReadExactly(tail);
        var last = new Dictionary<bool, bool>(); // stream → its last line is partial
        foreach (var range in tail.AsSpan().Split((byte)'\n'))
        {
            if (LogLine.TryParse(tail.AsMemory()[range], out var line))
            {
                last[line.IsStderr] = line.IsPartial;
            }
        }

        return [.. last.Where(stream => stream.Value).Select(stream => stream.Key)];
    }

    public void Dispose() => _file.Dispose();

    public ValueTask DisposeAsync() => _file.DisposeAsync();

    private bool IsRestOfTorn(LogLine line)
    {
        if (!BeginsInside.Contains(line.IsStderr))
        {
            return false;
        }

        if (!line.IsPartial)
        {
            BeginsInside.Remove(line.IsStderr);
        }

        return true;
    }

    /// <summary>Null when there is no such file.</summary>
    internal static ulong? InodeOf(string path)
    {
        try
        {
            using var directory = DirectoryHandle.Open(Path.GetDirectoryName(path)!);
            return directory.TryStat(Path.GetFileName(path), out var status) ? status.Inode : null;
        }
        catch (LinuxException exception) when (exception.Errno == Errno.ENOENT)
        {
            return null;
        }
    }
}
