using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Berth.Daemon;

/// <summary>The service manager that started us, if there is one. sd_notify(3).</summary>
internal static class ServiceManager
{
    /// <summary>Tells it that we serve, so that whoever waits for the start goes on. Without one this does nothing.</summary>
    internal static void TellReady()
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 1 } name)
        {
            return;
        }

        var address = new UnixDomainSocketEndPoint(name[0] == '@' ? "\0" + name[1..] : name);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.SendTo(Encoding.ASCII.GetBytes("READY=1"), address);
    }

    /// <summary>
    /// Whether we are told to stop because the machine goes down. Containers would keep it from doing so: systemd waits for them, and a
    /// program without a handler for SIGTERM does not hear it as the first process of its namespace. systemctl(1), is-system-running.
    /// </summary>
    internal static async Task<bool> IsMachineStoppingAsync()
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is null || !File.Exists("/usr/bin/systemctl"))
        {
            return false;
        }

        using var systemctl = Process.Start(new ProcessStartInfo("/usr/bin/systemctl", ["is-system-running"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var state = await systemctl.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
        await systemctl.WaitForExitAsync().ConfigureAwait(false);
        return state.Trim() == "stopping";
    }
}
