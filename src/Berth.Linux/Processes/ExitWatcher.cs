using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Berth.Linux.Processes;

/// <summary>Tells when processes exit, and when the other ends of connections go: one thread waits in epoll(7) on all their descriptors. Nothing polls.</summary>
public sealed class ExitWatcher : IDisposable
{
    private const uint EPOLLIN = 1;
    private const uint EPOLLONESHOT = 1u << 30;
    private const int EPOLL_CTL_ADD = 1;
    private const int EPOLL_CTL_DEL = 2;
    private const int EPOLL_CTL_MOD = 3;
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource> _waiting = new();
    private readonly int _epoll;
    private readonly int _wakeRead;
    private readonly int _wakeWrite;
    private readonly Thread _thread;
    private ulong _next;

    public unsafe ExitWatcher()
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

    /// <summary>
    /// Completes when nothing can come through a socket any more in either direction: the other end of a Unix socket is closed, or a connection was reset. That the other end only
    /// stopped sending is not enough. At the token's end it is given up.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token ended first.</exception>
    public async Task WaitHangUpAsync(SafeHandle socket, CancellationToken cancellationToken)
    {
        var key = Interlocked.Increment(ref _next);
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isHeld = false;
        socket.DangerousAddRef(ref isHeld);
        try
        {
            _waiting[key] = source;
            Add((int)socket.DangerousGetHandle(), key, EPOLLONESHOT); // hang-up and error come unasked
            await source.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _waiting.TryRemove(key, out _);
            Remove((int)socket.DangerousGetHandle());
            socket.DangerousRelease();
        }
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

    private unsafe void Remove(int fd)
    {
        if (Libc.epoll_ctl(_epoll, EPOLL_CTL_DEL, fd, null) < 0 && Libc.LastErrno is not (Errno.ENOENT or Errno.EBADF))
        {
            throw new LinuxException(Libc.LastErrno, "epoll_ctl", $"descriptor {fd}");
        }
    }

    private unsafe void Add(int fd, ulong key, uint events)
    {
        var entry = new Libc.EpollEvent { Events = events, Data = key };
        if (Libc.epoll_ctl(_epoll, EPOLL_CTL_ADD, fd, &entry) == 0)
        {
            return;
        }

        // The same pidfd waited for a second time after its first event: arm it again under the new key.
        if (Libc.LastErrno != Errno.EEXIST || Libc.epoll_ctl(_epoll, EPOLL_CTL_MOD, fd, &entry) < 0)
        {
            throw new LinuxException(Libc.LastErrno, "epoll_ctl", $"descriptor {fd}");
        }
    }

    private unsafe void Run()
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
