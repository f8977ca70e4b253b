using System.Net.Sockets;
using Berth.Engine.Containers.Attach;
using Berth.Engine.Containers.Logs;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers;

public sealed partial class ContainerService
{
    /// <summary>
    /// Connects a client to a container's stdio until either ends. A container that does not run yet is waited for.
    /// </summary>
    /// <param name="client">Called at once; gives the connection to the client.</param>
    public async Task AttachAsync(Container container, AttachOptions options, Func<Task<Stream>> client, CancellationToken cancellationToken)
    {
        var record = container.Record;
        if (record.Status == ContainerStatus.Paused)
        {
            throw BerthException.Conflict($"Container {container.Name} is paused, unpause the container before attach.");
        }

        // Whoever comes before the start must be known to it before we answer: the client starts the container next.
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pending = record.IsRunning ? null : container.Attachments.NextStartAsync(leaving.Token);
        var stream = await client().ConfigureAwait(false);
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var left = HangUpAsync(stream, watching.Token);
        try
        {
            await RunAttachedAsync(container, record, options, stream, pending, left, leaving).ConfigureAwait(false);
        }
        finally
        {
            await watching.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Completes when a client is gone; never of one of which nobody can tell.</summary>
    internal Task HangUpAsync(Stream client, CancellationToken cancellationToken) =>
        client is IClientConnection connection ? _exits.WaitHangUpAsync(connection.Handle, cancellationToken) : Task.Delay(Timeout.Infinite, cancellationToken);

    private async Task RunAttachedAsync(Container container, ContainerRecord record, AttachOptions options, Stream stream, Task<Socket?>? pending, Task left, CancellationTokenSource leaving)
    {
        var cancellationToken = leaving.Token;
        if (pending is not null && await Task.WhenAny(pending, left).ConfigureAwait(false) == left)
        {
            await leaving.CancelAsync().ConfigureAwait(false);
        }

        using var socket = pending is null ? AttachSocket.Connect(RunDirectory(container.Id)) : await pending.ConfigureAwait(false);
        if (socket is null)
        {
            return; // it was removed, or its start failed
        }

        var ended = container.Attachments.EndOfRunAsync;
        _events.Publish("container", "attach", container.Id, Attributes(record));
        switch (await AttachPump.RunAsync(socket, stream, options with { Stdin = options.Stdin && record.Config.OpenStdin }, left, cancellationToken).ConfigureAwait(false))
        {
            case AttachEnd.Detached:
                _events.Publish("container", "detach", container.Id, Attributes(record));
                break;
            case AttachEnd.Ended:
                await ended.WaitAsync(cancellationToken).ConfigureAwait(false); // the client may remove it next
                break;
        }
    }

    /// <exception cref="BerthException">The container keeps no log.</exception>
    public LogReader Logs(Container container) => container.Record.HostConfig.LogConfig.Type == "none"
        ? throw new BerthException(ErrorKind.NotSupported, "configured logging driver does not support reading")
        : new LogReader(container, new(LogPath(container.Id), container.LogNames), _watcher);
}
