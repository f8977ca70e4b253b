using System.Net.Sockets;

namespace Berth.Engine.Containers.Attach;

/// <summary>
/// Connects clients to a container's stdio. A client may come before the start: it is then connected after conmon has
/// made the container and before the program runs, so that it misses nothing.
/// </summary>
internal sealed class AttachHub
{
    private readonly Lock _gate = new();
    private readonly List<TaskCompletionSource<Socket?>> _pending = [];
    private TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes once the end of the current run, or of the next if there is none, is recorded.</summary>
    internal Task EndOfRunAsync
    {
        get
        {
            lock (_gate)
            {
                return _ended.Task;
            }
        }
    }

    /// <summary>The connection to be, or null if the container never starts.</summary>
    internal Task<Socket?> NextStartAsync(CancellationToken cancellationToken)
    {
        var source = new TaskCompletionSource<Socket?>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _pending.Add(source);
        }

        cancellationToken.Register(() =>
        {
            lock (_gate)
            {
                _pending.Remove(source);
            }

            source.TrySetResult(null);
        });
        return source.Task;
    }

    /// <summary>Called between create and start: connects all who wait.</summary>
    internal void ConnectPending(string directory)
    {
        lock (_gate)
        {
            if (_ended.Task.IsCompleted)
            {
                _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        foreach (var source in TakePending())
        {
            var socket = AttachSocket.Connect(directory);
            if (!source.TrySetResult(socket))
            {
                socket.Dispose(); // whoever waited has left
            }
        }
    }

    /// <summary>The end of the current run is recorded: the container can be removed or started.</summary>
    internal void EndRun()
    {
        lock (_gate)
        {
            _ended.TrySetResult();
        }
    }

    /// <summary>The start failed, or the container is gone: nobody will be connected.</summary>
    internal void DropPending()
    {
        foreach (var source in TakePending())
        {
            source.TrySetResult(null);
        }
    }

    private List<TaskCompletionSource<Socket?>> TakePending()
    {
        lock (_gate)
        {
            var taken = _pending.ToList();
            _pending.Clear();
            return taken;
        }
    }
}
