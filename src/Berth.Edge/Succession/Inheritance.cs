using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Berth.Edge.Names;
using Berth.Linux;
using Berth.Linux.Processes;

namespace Berth.Edge.Succession;

/// <summary>
/// The sockets that this data plane has from the one before it. Both hold them for a moment, so no connection finds a closed
/// port and no question is lost: what is not accepted yet waits in the kernel's queue, and what the old one has accepted it serves to its end.
/// </summary>
/// <remarks>
/// The conversation on the predecessor's socket: <c>hand over</c> is answered with an <see cref="Estate"/> on one line; <c>taken</c>, once the sockets are held here
/// too, with <c>yours</c>, after which the predecessor accepts nothing more and has let go of the lock.
/// </remarks>
internal sealed class Inheritance : IDisposable
{
    internal const string Request = "hand over";
    internal const string Taken = "taken";
    internal const string Given = "yours";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly Dictionary<(string HostIp, int Port), Socket> _ports = [];
    private readonly Dictionary<string, NameSockets> _names = new(StringComparer.Ordinal);

    /// <summary>Takes over from the data plane that serves the directory.</summary>
    /// <exception cref="IOException">It does not hand anything over: it is of a build that cannot, or has gone. Nothing has changed then.</exception>
    internal static Inheritance Take(string directory)
    {
        var inherited = new Inheritance();
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            {
                ReceiveTimeout = (int)Patience.TotalMilliseconds, SendTimeout = (int)Patience.TotalMilliseconds,
            };
            socket.Connect(new UnixDomainSocketEndPoint(directory + "/edge.sock"));
            using var stream = new NetworkStream(socket);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            stream.Write(Encoding.UTF8.GetBytes(Request + "\n"));
            var answer = reader.ReadLine() ?? throw new IOException("it closed the connection");
            inherited.Hold(JsonSerializer.Deserialize(answer, EstateJson.Default.Estate) ?? throw new IOException($"it answered '{answer}'"));
            stream.Write(Encoding.UTF8.GetBytes(Taken + "\n"));
            _ = reader.ReadLine(); // "yours"; or its end, when it has died just now: either way the sockets are ours alone
            return inherited;
        }
        catch (Exception exception) when (exception is SocketException or JsonException or LinuxException)
        {
            inherited.Dispose();
            throw new IOException(exception.Message, exception);
        }
        catch
        {
            inherited.Dispose();
            throw;
        }
    }

    internal Socket? TakePort(string hostIp, int port) => _ports.Remove((hostIp, port), out var socket) ? socket : null;

    internal NameSockets? TakeNames(string id) => _names.Remove(id, out var sockets) ? sockets : null;

    /// <summary>Closes what nobody wanted.</summary>
    public void Dispose()
    {
        foreach (var socket in _ports.Values)
        {
            socket.Dispose();
        }

        foreach (var sockets in _names.Values)
        {
            sockets.Dispose();
        }

        _ports.Clear();
        _names.Clear();
    }

    private void Hold(Estate estate)
    {
        using var predecessor = PidFd.Open(estate.Pid);
        foreach (var port in estate.Ports)
        {
            _ports[(port.HostIp, port.Port)] = Copy(port.Descriptor);
        }

        foreach (var name in estate.Names)
        {
            _names[name.Id] = new(Copy(name.Udp), Copy(name.Tcp));
        }

        Socket Copy(int descriptor) => new(new SafeSocketHandle(predecessor.CopyDescriptor(descriptor), ownsHandle: true));
    }
}
