using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Berth.Daemon;

/// <summary>The service manager that started us, if there is one. sd_notify(3).</summary>
internal static class ServiceManager
{
    /// <summary>Tells it that we serve, so that whoever waits for the start goes on. Without one this does nothing.</summary>
    internal static void TellReady() => Tell("READY=1");

    /// <summary>The sockets that it has opened for us, as descriptors; they outlive us. sd_listen_fds(3).</summary>
    internal static IReadOnlyList<int> Sockets()
    {
        const int First = 3;
        return Number("LISTEN_PID") == Environment.ProcessId && Number("LISTEN_FDS") is { } count and > 0 and < 100 ? [.. Enumerable.Range(First, (int)count)] : [];
    }

    /// <summary>Tells it again and again that we are well, where it has a watchdog; ends when a probe does not. sd_watchdog_enabled(3).</summary>
    /// <param name="probe">Returns when what requests need answers; what it throws is an answer, too.</param>
    internal static async Task KeepTellingAsync(Func<Task> probe, TimeProvider time, CancellationToken cancellationToken)
    {
        if (Number("WATCHDOG_USEC") is not { } microseconds || Number("WATCHDOG_PID") is { } pid && pid != Environment.ProcessId)
        {
            return;
        }

        while (!cancellationToken.IsCancellationRequested)
        {
            await probe().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Tell("WATCHDOG=1");
            await Task.Delay(TimeSpan.FromMicroseconds(microseconds / 3), time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static long? Number(string variable) =>
        long.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static void Tell(string message)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 1 } name)
        {
            return;
        }

        var address = new UnixDomainSocketEndPoint(name[0] == '@' ? "\0" + name[1..] : name);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.SendTo(Encoding.ASCII.GetBytes(message), address);
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
