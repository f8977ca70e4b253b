using System.Collections.Concurrent;

namespace Berth.Linux.Processes;

/// <summary>Tells when processes exit: one thread waits in epoll(7) on all their pidfds. Nothing polls.</summary>
public sealed unsafe class ExitWatcher : IDisposable
{
    private const uint EPOLLIN = 1;
    private const uint EPOLLONESHOT = 1u << 30;
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource> _waiting = new();
    private readonly int _epoll;
    private readonly int _wakeRead;
    private readonly int _wakeWrite;
    private readonly Thread _thread;
    private ulong _next;

    public ExitWatcher()
    {
        _epoll = Libc.epoll_create1(Libc.O_CLOEXEC);
        if (_epoll < 0)
        {
            throw new LinuxException(Libc.LastErrno, "epoll_create1", "the exit watcher");
        }

        var pipe = stackalloc int[2];
        if (Libc.pipe2(pipe, Libc.O_CLOEXEC) < 0)
        {
            throw new LinuxException(Libc.LastErrno, "pipe2", "the exit watcher");
        }

        (_wakeRead, _wakeWrite) = (pipe[0], pipe[1]);
        Add(_wakeRead, 0, EPOLLIN);
        _thread = new Thread(Run, 128 * 1024) { IsBackground = true, Name = "exit-watcher" };
        _thread.Start();
    }

    /// <summary>Completes when the process behind the pidfd has exited. The pidfd must stay open until then.</summary>
    public Task WaitAsync(PidFd process)
    {
        var key = Interlocked.Increment(ref _next);
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[key] = source;
        Add((int)process.DangerousGetHandle(), key, EPOLLIN | EPOLLONESHOT);
        return source.Task;
    }

    public void Dispose()
    {
        Libc.close(_wakeWrite);
        _thread.Join();
        Libc.close(_wakeRead);
        Libc.close(_epoll);
        foreach (var source in _waiting.Values)
        {
            source.TrySetCanceled();
        }
    }

    private void Add(int fd, ulong key, uint events)
    {
        var entry = new Libc.EpollEvent { Events = events, Data = key };
        if (Libc.epoll_ctl(_epoll, 1, fd, &entry) == 0)
        {
            return;
        }

        // The same pidfd waited for a second time after its first event: arm it again under the new key.
        if (Libc.LastErrno != Errno.EEXIST || Libc.epoll_ctl(_epoll, 3, fd, &entry) < 0)
        {
            throw new LinuxException(Libc.LastErrno, "epoll_ctl", $"descriptor {fd}");
        }
    }

    private void Run()
    {
        var events = stackalloc Libc.EpollEvent[64];
        while (true)
        {
            var count = Libc.epoll_wait(_epoll, events, 64, -1);
            if (count < 0 && Libc.LastErrno != Errno.EINTR)
            {
                throw new LinuxException(Libc.LastErrno, "epoll_wait", "the exit watcher");
            }

            for (var i = 0; i < count; i++)
            {
                if (events[i].Data == 0)
                {
                    return; // the write end was closed by Dispose
                }

                if (_waiting.TryRemove(events[i].Data, out var source))
                {
                    source.TrySetResult();
                }
            }
        }
    }
}
