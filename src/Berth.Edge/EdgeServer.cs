using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Berth.Edge.Daemon;
using Berth.Edge.Names;
using Berth.Edge.Ports;
using Berth.Edge.State;
using Berth.Edge.Succession;
using Berth.Linux;

namespace Berth.Edge;

/// <summary>
/// The data plane: holds a name server in each container's namespace and the published ports, by the state file in its
/// directory. The daemon replaces that file and says <c>reload</c> on the socket beside it; without a daemon it serves on. On
/// <c>watch</c> it starts that daemon again should it crash; on <c>hand over</c> it gives its sockets to a successor, and ends with the last connection that it relays.
/// </summary>
internal sealed class EdgeServer(string directory, DaemonGuard guard, OnlyOne only) : IAsyncDisposable
{
    private const int LongestRequest = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10); // with a successor
    private static readonly TimeSpan Shortage = TimeSpan.FromMilliseconds(100); // of descriptors or memory: nothing tells when it is over
    private readonly Dictionary<string, NameServer> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<(string HostIp, int Port), PortHolder> _ports = [];
    private readonly SemaphoreSlim _gate = new(1, 1);
    private volatile EdgeState _state = new();

    /// <summary>Applies the file that an earlier run left, then serves until the token fires or a successor has taken over and the last relayed connection has ended.</summary>
    internal async Task RunAsync(Inheritance? inherited, CancellationToken cancellationToken)
    {
        string problem;
        using (inherited)
        {
            problem = await ReloadAsync(inherited).ConfigureAwait(false);
        }

        if (problem != "ok")
        {
            await Console.Error.WriteLineAsync($"berth-edge: {problem}").ConfigureAwait(false);
        }

        var path = directory + "/edge.sock";
        File.Delete(path + ".new");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path + ".new"));
        listener.Listen();
        File.SetUnixFileMode(path + ".new", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(path + ".new", path, overwrite: true); // appears only once it answers
        only.Announce();
        guard.Watch();
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                using var connection = await listener.AcceptAsync(cancellationToken).ConfigureAwait(false);
                if (await AnswerAsync(connection, cancellationToken).ConfigureAwait(false))
                {
                    break;
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException exception)
            {
                await Console.Error.WriteLineAsync($"berth-edge: the daemon's request broke off: {exception.Message}").ConfigureAwait(false);
                await Task.Delay(Shortage, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        listener.Dispose();
        await Task.WhenAll([.. _names.Values.Select(names => names.LeaveAsync()), .. _ports.Values.Select(port => port.LeaveAsync())])
            .WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _names.Values)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var port in _ports.Values)
        {
            await port.DisposeAsync().ConfigureAwait(false);
        }

        _gate.Dispose();
    }

    // True when a successor serves from now on.
    private async Task<bool> AnswerAsync(Socket connection, CancellationToken cancellationToken)
    {
        var buffer = new byte[LongestRequest];
        var length = await connection.ReceiveAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false);
        var request = Encoding.ASCII.GetString(buffer, 0, length).TrimEnd('\n');
        if (request == Inheritance.Request)
        {
            return await HandOverAsync(connection, cancellationToken).ConfigureAwait(false);
        }

        var answer = request switch
        {
            "reload" => await ReloadAsync(null).ConfigureAwait(false),
            "watch" => Watch(),
            _ => $"unknown request '{request}'",
        };
        await connection.SendAsync(Encoding.UTF8.GetBytes(answer + "\n"), SocketFlags.None, cancellationToken).ConfigureAwait(false);
        return false;
    }

    // Until the successor says that it has the sockets we serve as ever, and go on if it never does.
    private async Task<bool> HandOverAsync(Socket connection, CancellationToken cancellationToken)
    {
        var estate = new Estate
        {
            Pid = Environment.ProcessId,
            Ports = [.. _ports.Select(port => new PortLegacy(port.Key.HostIp, port.Key.Port, port.Value.Descriptor))],
            Names = [.. _names.Select(names => new NameLegacy(names.Key, names.Value.Descriptors.Udp, names.Value.Descriptors.Tcp))],
        };
        var hasLeft = false;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await using var stream = new NetworkStream(connection);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            await stream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(estate, EstateJson.Default.Estate), patience.Token).ConfigureAwait(false);
            await stream.WriteAsync("\n"u8.ToArray(), patience.Token).ConfigureAwait(false);
            if (await reader.ReadLineAsync(patience.Token).ConfigureAwait(false) != Inheritance.Taken)
            {
                return false;
            }

            guard.Stop();
            only.Leave();
            hasLeft = true;
            await stream.WriteAsync(Encoding.UTF8.GetBytes(Inheritance.Given + "\n"), patience.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"berth-edge: a successor broke off: {exception.Message}").ConfigureAwait(false);
            return hasLeft;
        }
    }

    private string Watch()
    {
        guard.Watch();
        return "ok";
    }

    /// <summary>Makes name servers and ports equal to the file. Returns <c>ok</c>, or what could not be done.</summary>
    private async Task<string> ReloadAsync(Inheritance? inherited)
    {
        var path = directory + "/state.json";
        if (!File.Exists(path))
        {
            return "ok"; // nothing to serve yet
        }

        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            var next = JsonSerializer.Deserialize(await File.ReadAllBytesAsync(path).ConfigureAwait(false), EdgeJson.Default.EdgeState)!;
            _state = next;
            var problems = new List<string>();
            await ApplyNamesAsync(next, inherited, problems).ConfigureAwait(false);
            await ApplyPortsAsync(next, inherited, problems).ConfigureAwait(false);
            return problems.Count == 0 ? "ok" : string.Join("; ", problems);
        }
        catch (JsonException exception)
        {
            return $"the state file '{path}' cannot be read: {exception.Message}";
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task ApplyNamesAsync(EdgeState next, Inheritance? inherited, List<string> problems)
    {
        var wanted = next.Namespaces.ToDictionary(space => space.Id, StringComparer.Ordinal);
        foreach (var gone in _names.Keys.Where(id => !wanted.ContainsKey(id)).ToList())
        {
            _names.Remove(gone, out var server);
            await server!.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var space in next.Namespaces.Where(space => !_names.ContainsKey(space.Id)))
        {
            try
            {
                var id = space.Id;
                Func<(EdgeState, EdgeNamespace)?> now = () =>
                {
                    var state = _state;
                    return state.Namespaces.FirstOrDefault(candidate => candidate.Id == id) is { } current ? (state, current) : null;
                };
                _names[id] = inherited?.TakeNames(id) is { } sockets ? new(sockets, now) : await NameServer.StartAsync(space, now).ConfigureAwait(false);
            }
            catch (LinuxException exception) when (exception.Errno is Errno.ENOENT or Errno.EINVAL)
            {
                continue; // its container has ended since the state was written; the next state leaves it out
            }
            catch (Exception exception) when (exception is LinuxException or SocketException)
            {
                problems.Add($"names cannot be served in '{space.Path}': {exception.Message}");
            }
        }
    }

    private async Task ApplyPortsAsync(EdgeState next, Inheritance? inherited, List<string> problems)
    {
        var wanted = next.Ports.Select(port => (port.HostIp, port.Port)).ToHashSet();
        foreach (var gone in _ports.Keys.Where(key => !wanted.Contains(key)).ToList())
        {
            _ports.Remove(gone, out var holder);
            await holder!.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var port in next.Ports.Where(port => !_ports.ContainsKey((port.HostIp, port.Port))))
        {
            try
            {
                Func<EdgePort?> now = () => _state.Ports.FirstOrDefault(current => current.Port == port.Port && current.HostIp == port.HostIp);
                _ports[(port.HostIp, port.Port)] = inherited?.TakePort(port.HostIp, port.Port) is { } listener ? new(listener, now) : PortHolder.Start(port, now);
            }
            catch (SocketException exception)
            {
                problems.Add($"port {port.Port} cannot be taken{(port.HostIp.Length > 0 ? $" on {port.HostIp}" : "")}: {exception.Message}");
            }
        }
    }
}
