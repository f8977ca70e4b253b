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
        var pending = record.IsRunning ? null : container.Attachments.NextStartAsync(cancellationToken);
        var stream = await client().ConfigureAwait(false);
        using var socket = pending is null ? AttachSocket.Connect(RunDirectory(container.Id)) : await pending.ConfigureAwait(false);
        if (socket is null)
        {
            return; // it was removed, or its start failed
        }

        _events.Publish("container", "attach", container.Id, Attributes(record));
        if (await AttachPump.RunAsync(socket, stream, options with { Stdin = options.Stdin && record.Config.OpenStdin }, cancellationToken).ConfigureAwait(false))
        {
            _events.Publish("container", "detach", container.Id, Attributes(record));
        }
    }

    /// <exception cref="BerthException">The container keeps no log.</exception>
    public LogReader Logs(Container container) => container.Record.HostConfig.LogConfig.Type == "none"
        ? throw new BerthException(ErrorKind.NotSupported, "configured logging driver does not support reading")
        : new LogReader(container, new(LogPath(container.Id), container.LogNames));
}
