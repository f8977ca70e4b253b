using System.Net.Sockets;
using Berth.Linux.Processes;

namespace Berth.Linux.Tests.Processes;

public sealed class HangUpTests
{
    [Fact]
    public async Task The_other_end_is_gone_when_it_is_closed_and_not_when_it_only_stops_sending()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var watcher = new ExitWatcher();
        var path = Path.Combine(Path.GetTempPath(), $"hang-up-{Environment.ProcessId}.sock");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
        using var server = await listener.AcceptAsync(cancellationToken);
        File.Delete(path);

        using (var given = new CancellationTokenSource(TimeSpan.FromMilliseconds(200)))
        {
            client.Shutdown(SocketShutdown.Send);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watcher.WaitHangUpAsync(server.SafeHandle, given.Token));
        }

        var gone = watcher.WaitHangUpAsync(server.SafeHandle, cancellationToken); // again, after it was given up
        client.Dispose();
        await gone.WaitAsync(TimeSpan.FromSeconds(10), cancellationToken);
    }
}
