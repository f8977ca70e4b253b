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
/// vanished without saying goodbye would look alive until its owner sends something and gives up; and a connection that was reset is
/// remembered for a while, with where it led, and leads the next one from the same port there. Works beside the operations that
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
    internal void Leave(IReadOnlyList<string> addresses, IReadOnlyList<string> peers) => Add(new(addresses, peers, IsGone: true));

    /// <summary>Has the host and the peers forget the connections to the addresses that have ended, soon; others go on. No rules may lead to them any more.</summary>
    /// <param name="addresses">At which somebody is, out of service.</param>
    /// <param name="peers">As for <see cref="Leave"/>.</param>
    /// <returns>Completes when it is done. What could not be done was logged.</returns>
    internal Task ForgetClosedAsync(IReadOnlyList<string> addresses, IReadOnlyList<string> peers)
    {
        var departure = new Departure(addresses, peers, IsGone: false);
        Add(departure);
        return addresses.Count == 0 ? Task.CompletedTask : departure.Done.Task;
    }

    private void Add(Departure departure)
    {
        if (departure.Addresses.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            _pending.Add(departure);
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
                var gone = batch.Where(departure => departure.IsGone).SelectMany(departure => departure.Addresses).Select(IPAddress.Parse).ToHashSet();
                var aside = batch.Where(departure => !departure.IsGone).SelectMany(departure => departure.Addresses).Select(IPAddress.Parse).ToHashSet();
                End(gone, aside, "The host");
                foreach (var peer in batch.SelectMany(departure => departure.Peers).Distinct(StringComparer.Ordinal))
                {
                    await EndInsideAsync(gone, aside, peer).ConfigureAwait(false);
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

    private async Task EndInsideAsync(HashSet<IPAddress> gone, HashSet<IPAddress> aside, string peer)
    {
        try
        {
            await NetworkNamespace.RunAsync(namespacePath(peer), () => End(gone, aside, "Container " + peer)).ConfigureAwait(false);
        }
        catch (LinuxException exception) when (exception.Errno is Errno.ENOENT or Errno.EINVAL)
        {
            return; // it has gone too, or has no namespace of its own
        }
    }

    // In the calling thread's namespace.
    private void End(HashSet<IPAddress> gone, HashSet<IPAddress> aside, string where)
    {
        try
        {
            if (gone.Count > 0)
            {
                EndConnections(gone);
            }

            ForgetFlows(gone, aside);
        }
        catch (LinuxException exception)
        {
            LogNotForgotten(exception, where, string.Join(", ", gone.Concat(aside)));
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

    // Datagrams, and connections that were never made or have ended: the next packet is led to whoever serves by then.
    private static void ForgetFlows(HashSet<IPAddress> gone, HashSet<IPAddress> aside)
    {
        using var table = new ConntrackSocket();
        if (table.Count() == 0)
        {
            return;
        }

        bool IsDue(ConntrackFlow flow) => gone.Contains(flow.ReplySource.Address) ? !flow.IsConnected : flow.IsClosed && aside.Contains(flow.ReplySource.Address);
        var filter = new ConntrackFilter { ReplySource = gone.Count + aside.Count == 1 ? gone.Concat(aside).Single() : null };
        foreach (var flow in table.Find(filter, IsDue))
        {
            table.Delete(flow);
        }
    }

    [LoggerMessage(4001, LogLevel.Warning, "{Where} may for two minutes go on sending datagrams, and connections from ports whose last one was reset, to {Addresses}, where nobody serves any more")]
    private partial void LogNotForgotten(Exception exception, string where, string addresses);

    [LoggerMessage(4002, LogLevel.Debug, "This kernel cannot end other programs' connections (CONFIG_INET_DIAG_DESTROY): those to containers that vanish end when their owners give up")]
    private partial void LogCannotDestroy();

    private sealed record Departure(IReadOnlyList<string> Addresses, IReadOnlyList<string> Peers, bool IsGone)
    {
        internal TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
