using System.Net.Sockets;

namespace Berth.Client;

/// <summary>The daemon refused or failed; the message is its own.</summary>
public sealed class DaemonException(int status, string message) : Exception(message)
{
    /// <summary>HTTP status; 0 when the connection ended in the middle of an answer.</summary>
    public int Status { get; } = status;
}

/// <summary>No daemon could be asked.</summary>
public sealed class DaemonUnreachableException(DaemonAddress address, SocketException inner) : Exception(Describe(address, inner.SocketErrorCode), inner)
{
    private static string Describe(DaemonAddress address, SocketError error) => error == SocketError.AccessDenied
        ? $"You may not use the daemon's socket {address.Path}: that is for root and the group berth. "
            + "Become a member (sudo usermod -aG berth $USER, then log in again), or use sudo."
        : $"No daemon answers at {address.Text} ({Reason(error)}). "
            + "Start one with 'sudo berthd', or with 'sudo systemctl start berth' where it is a service; -H, BERTH_HOST or DOCKER_HOST name another address.";

    private static string Reason(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.AddressNotAvailable or SocketError.SocketError => "there is no such socket",
        _ => new SocketException((int)error).Message,
    };
}
