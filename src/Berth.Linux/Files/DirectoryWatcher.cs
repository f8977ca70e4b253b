using System.Runtime.InteropServices;
using System.Text;

namespace Berth.Linux.Files;

/// <summary>
/// Tells when files are written to or appear: one thread and one inotify(7) instance for all directories, as a user may have only 128 instances.
/// Nothing polls.
/// </summary>
public sealed unsafe class DirectoryWatcher : IDisposable
{
    private const uint IN_MODIFY = 0x2;
    private const uint IN_MOVED_TO = 0x80;
    private const uint IN_CREATE = 0x100;
    private const uint IN_Q_OVERFLOW = 0x4000;
    private const short POLLIN = 1;
    private const int HeadBytes = 16; // struct inotify_event up to its name
    private const int BufferBytes = 64 * 1024;
    private readonly Lock _gate = new();
    private readonly Dictionary<int, List<Subscription>> _subscriptions = []; // by watch descriptor
    private readonly int _inotify;
    private readonly int _endRead;
    private readonly int _endWrite;
    private readonly Thread _thread;

    public DirectoryWatcher()
    {
        _inotify = Libc.inotify_init1(Libc.O_CLOEXEC | Libc.O_NONBLOCK);
        if (_inotify < 0)
        {
            throw new LinuxException(Libc.LastErrno, "inotify_init1", "the directory watcher");
        }

        var pipe = stackalloc int[2];
        if (Libc.pipe2(pipe, Libc.O_CLOEXEC) < 0)
        {
            throw new LinuxException(Libc.LastErrno, "pipe2", "the directory watcher");
        }

        (_endRead, _endWrite) = (pipe[0], pipe[1]);
        _thread = new Thread(Run, 256 * 1024) { IsBackground = true, Name = "directory-watcher" };
        _thread.Start();
    }

    /// <summary>Calls <paramref name="changed"/> at each change of that file from now on, on the watcher's thread, until the result is disposed; perhaps once more while that happens.</summary>
    /// <param name="path">A file that need not exist, in a directory that does.</param>
    /// <param name="changed">Must be quick and not throw.</param>
    /// <exception cref="LinuxException">The directory is not there, or the user may not watch more.</exception>
    public IDisposable Watch(string path, Action changed)
    {
        var directory = Path.GetDirectoryName(path)!;
        lock (_gate)
        {
            var watch = Libc.inotify_add_watch(_inotify, directory, IN_MODIFY | IN_MOVED_TO | IN_CREATE);
            if (watch < 0)
            {
                throw new LinuxException(Libc.LastErrno, "inotify_add_watch", directory);
            }

            var subscription = new Subscription(this, watch, Encoding.UTF8.GetBytes(Path.GetFileName(path)), changed);
            ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(_subscriptions, watch, out _);
            (list ??= []).Add(subscription);
            return subscription;
        }
    }

    public void Dispose()
    {
        _ = Libc.close(_endWrite);
        _thread.Join();
        lock (_gate)
        {
            _subscriptions.Clear(); // who leaves later must not touch a descriptor that is another's by then
        }

        _ = Libc.close(_endRead);
        _ = Libc.close(_inotify);
    }

    private void Remove(Subscription subscription)
    {
        lock (_gate)
        {
            if (_subscriptions.TryGetValue(subscription.Watch, out var list) && list.Remove(subscription) && list.Count == 0)
            {
                _subscriptions.Remove(subscription.Watch);
                _ = Libc.inotify_rm_watch(_inotify, subscription.Watch); // EINVAL: the directory has gone, and the watch with it
            }
        }
    }

    private void Run()
    {
        var waiting = stackalloc Libc.PollFd[2];
        waiting[0] = new() { Fd = _inotify, Events = POLLIN };
        waiting[1] = new() { Fd = _endRead, Events = POLLIN };
        var buffer = (byte*)NativeMemory.Alloc(BufferBytes);
        while (true)
        {
            if (Libc.poll(waiting, 2, -1) < 0 && Libc.LastErrno != Errno.EINTR)
            {
                throw new LinuxException(Libc.LastErrno, "poll", "the directory watcher");
            }

            if (waiting[1].Revents != 0)
            {
                break; // the write end was closed by Dispose
            }

            var length = waiting[0].Revents == 0 ? 0 : (int)Libc.read(_inotify, buffer, BufferBytes);
            if (length > 0)
            {
                Tell(new ReadOnlySpan<byte>(buffer, length));
            }
        }

        NativeMemory.Free(buffer);
    }

    private void Tell(ReadOnlySpan<byte> events)
    {
        var changed = new HashSet<Subscription>();
        lock (_gate)
        {
            while (events.Length >= HeadBytes)
            {
                var (watch, mask) = (MemoryMarshal.Read<int>(events), MemoryMarshal.Read<uint>(events[4..]));
                var nameBytes = MemoryMarshal.Read<int>(events[12..]);
                var name = events.Slice(HeadBytes, nameBytes).TrimEnd((byte)0);
                if ((mask & IN_Q_OVERFLOW) != 0)
                {
                    changed.UnionWith(_subscriptions.Values.SelectMany(list => list)); // what was lost may concern any
                }

                foreach (var subscription in _subscriptions.GetValueOrDefault(watch) ?? [])
                {
                    if (name.SequenceEqual(subscription.Name))
                    {
                        changed.Add(subscription);
                    }
                }

                events = events[(HeadBytes + nameBytes)..];
            }
        }

        foreach (var subscription in changed)
        {
            subscription.Changed();
        }
    }

    private sealed class Subscription(DirectoryWatcher watcher, int watch, byte[] name, Action changed) : IDisposable
    {
        internal int Watch { get; } = watch;

        internal byte[] Name { get; } = name;

        internal Action Changed { get; } = changed;

        public void Dispose() => watcher.Remove(this);
    }
}
