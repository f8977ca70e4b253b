using System.Net;
using System.Net.Sockets;
using Berth.Linux;
using Berth.Linux.Namespaces;
using Berth.Linux.Netlink;
using Microsoft.Extensions.Logging;

namespace Berth.Engine.Networks;

/// <summary>
/// Ends what others still have under way with an address at which nobody is any more: a UDP flow would go there for as long as its
/// client keeps talking, because connection tracking remembers where its first datagram was led; and a TCP connection whose other end
/// vanished without saying goodbye would look alive until its owner sends something and gives up. Works beside the operations that
/// take endpoints away; before an address is put to use again, <see cref="SettledAsync"/> is awaited.
/// </summary>
internal sealed partial class DepartedEndpoints(Func<string, string> namespacePath, ILogger<DepartedEndpoints> logger)
{
    private readonly Lock _gate = new();
    private readonly List<Departure> _pending = [];
    private bool _isWorking;
    private Task _working = Task.CompletedTask;
    private int _cannotDestroy; // 1 once the kernel has said so

    /// <summary>Has the host and the peers forget the addresses, soon. Neither rules nor links may lead to them any more.</summary>
    /// <param name="addresses">At which nobody is any more.</param>
    /// <param name="peers">Ids of the containers that run in the same networks.</param>
    internal void Leave(IReadOnlyList<string> addresses, IReadOnlyList<string> peers)
    {
        if (addresses.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            _pending.Add(new(addresses, peers, new(TaskCreationOptions.RunContinuationsAsynchronously)));
            if (!_isWorking || _working.IsCompleted)
            {
                _isWorking = true;
                _working = Task.Run(WorkAsync);
            }
        }
    }

    /// <summary>Completes when none of the addresses waits to be forgotten. What could not be done was logged.</summary>
    internal Task SettledAsync(IEnumerable<string> addresses)
    {
        lock (_gate)
        {
            return Task.WhenAll(_pending.Where(departure => departure.Addresses.Intersect(addresses).Any()).Select(departure => departure.Done.Task));
        }
    }

    /// <summary>Completes when nothing is under way.</summary>
    internal Task IdleAsync()
    {
        lock (_gate)
        {
            return _working;
        }
    }

    /// <summary>
    /// Forgets what was sent to UDP ports of this host while nobody served them: such a flow counts as one with the host itself, and
    /// would stay so after its port is led to a container.
    /// </summary>
    internal void ForgetUnserved(IReadOnlySet<int> ports)
    {
        if (ports.Count == 0)
        {
            return;
        }

        try
        {
            using var table = new ConntrackSocket();
            var own = new Lazy<HashSet<IPAddress>>(() => [.. NetworkWiring.HostAddresses()]);
            var filter = new ConntrackFilter { Protocol = ProtocolType.Udp, DestinationPort = ports.Count == 1 ? ports.Single() : null };
            foreach (var flow in table.Find(filter, flow => ports.Contains(flow.Destination.Port) && flow.ReplySource.Equals(flow.Destination)
                && (IPAddress.IsLoopback(flow.Destination.Address) || own.Value.Contains(flow.Destination.Address))))
            {
                table.Delete(flow);
            }
        }
        catch (LinuxException exception)
        {
            LogNotForgotten(exception, "The host", "UDP ports " + string.Join(", ", ports));
        }
    }

    // A search costs the same for one address as for many, so what comes meanwhile is done together.
    private async Task WorkAsync()
    {
        while (TakeBatch() is { Count: > 0 } batch)
        {
            try
            {
                var addresses = batch.SelectMany(departure => departure.Addresses).Select(IPAddress.Parse).ToHashSet();
                End(addresses, "The host");
                foreach (var peer in batch.SelectMany(departure => departure.Peers).Distinct(StringComparer.Ordinal))
                {
                    await EndInsideAsync(addresses, peer).ConfigureAwait(false);
                }
            }
            finally
            {
                Settle(batch);
            }
        }
    }

    private List<Departure> TakeBatch()
    {
        lock (_gate)
        {
            _isWorking = _pending.Count > 0;
            return [.. _pending];
        }
    }

    private void Settle(List<Departure> batch)
    {
        lock (_gate)
        {
            _pending.RemoveAll(batch.Contains);
        }

        batch.ForEach(departure => departure.Done.SetResult());
    }

    private async Task EndInsideAsync(HashSet<IPAddress> addresses, string peer)
    {
        try
        {
            await NetworkNamespace.RunAsync(namespacePath(peer), () => End(addresses, "Container " + peer)).ConfigureAwait(false);
        }
        catch (LinuxException exception) when (exception.Errno is Errno.ENOENT or Errno.EINVAL)
        {
            return; // it has gone too, or has no namespace of its own
        }
    }

    // In the calling thread's namespace.
    private void End(HashSet<IPAddress> addresses, string where)
    {
        try
        {
            EndConnections(addresses);
            ForgetFlows(addresses);
        }
        catch (LinuxException exception)
        {
            LogNotForgotten(exception, where, string.Join(", ", addresses));
        }
    }

    // A process that ends says goodbye, and its peers' sockets know; these here are what was never told. Before the flows are
    // forgotten: they tell which connections to a service's address or to a published port led there.
    private void EndConnections(HashSet<IPAddress> addresses)
    {
        using var sockets = new TcpSockets();
        using var table = new ConntrackSocket();
        try
        {
            foreach (var connection in sockets.FindOpen((local, remote) =>
                addresses.Contains(remote.Address)
                || (table.Find(ProtocolType.Tcp, local, remote) is { } flow && addresses.Contains(flow.ReplySource.Address))))
            {
                sockets.Destroy(connection);
            }
        }
        catch (LinuxException exception) when (exception.Errno == Errno.ENOTSUP)
        {
            if (Interlocked.Exchange(ref _cannotDestroy, 1) == 0)
            {
                LogCannotDestroy();
            }
        }
    }

    // Datagrams, and connections that were never answered: their next packet is led to whoever serves by then.
    private static void ForgetFlows(HashSet<IPAddress> addresses)
    {
        using var table = new ConntrackSocket();
        if (table.Count() == 0)
        {
            return;
        }

        var filter = new ConntrackFilter { ReplySource = addresses.Count == 1 ? addresses.Single() : null };
        foreach (var flow in table.Find(filter, flow => addresses.Contains(flow.ReplySource.Address) && (flow.Protocol == ProtocolType.Udp || !flow.IsAnswered)))
        {
            table.Delete(flow);
        }
    }

    [LoggerMessage(4001, LogLevel.Warning, "{Where} may go on sending datagrams to {Addresses}, where nobody is any more, until its flows rest for two minutes")]
    private partial void LogNotForgotten(Exception exception, string where, string addresses);

    [LoggerMessage(4002, LogLevel.Debug, "This kernel cannot end other programs' connections (CONFIG_INET_DIAG_DESTROY): those to containers that vanish end when their owners give up")]
    private partial void LogCannotDestroy();

    private sealed class Departure(IReadOnlyList<string> addresses, IReadOnlyList<string> peers, TaskCompletionSource done)
    {
        internal IReadOnlyList<string> Addresses => addresses;

        internal IReadOnlyList<string> Peers => peers;

        internal TaskCompletionSource Done => done;
    }
}
