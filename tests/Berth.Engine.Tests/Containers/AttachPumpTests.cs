using System.Net.Sockets;
using System.Text;
using Berth.Engine.Containers.Attach;

namespace Berth.Engine.Tests.Containers;

public sealed class AttachPumpTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Output_arrives_although_conmon_went_with_input_unread()
    {
        var (ours, conmons) = await PairAsync();
        using (ours)
        {
            using (conmons)
            {
                await ours.SendAsync("input that nobody reads"u8.ToArray(), Cancellation);
                await conmons.SendAsync("\u0002first"u8.ToArray(), Cancellation);
                await conmons.SendAsync("\u0003second"u8.ToArray(), Cancellation);
            }

            using var client = new MemoryStream();
            Assert.Equal(AttachEnd.Ended, await AttachPump.RunAsync(ours, client, new() { Stdout = true, Stderr = true, Raw = true }, Task.Delay(Timeout.Infinite, Cancellation), Cancellation));
            Assert.Equal("firstsecond", Encoding.ASCII.GetString(client.ToArray()));
        }
    }

    [Fact]
    public async Task A_client_that_takes_no_more_ends_the_session_at_once()
    {
        var (ours, conmons) = await PairAsync();
        using (ours)
        using (conmons)
        {
            await conmons.SendAsync("\u0002line"u8.ToArray(), Cancellation);
            var end = AttachPump.RunAsync(ours, new GoneStream(), new() { Stdout = true }, Task.Delay(Timeout.Infinite, Cancellation), Cancellation);
            Assert.Equal(AttachEnd.ClientLeft, await end.WaitAsync(TimeSpan.FromSeconds(10), Cancellation));
        }
    }

    [Fact]
    public async Task What_a_client_sent_before_it_left_is_passed_on()
    {
        var (ours, conmons) = await PairAsync();
        using (ours)
        using (conmons)
        {
            var end = AttachPump.RunAsync(ours, new MemoryStream("its last words"u8.ToArray()), new() { Stdin = true, Stdout = true }, Task.CompletedTask, Cancellation);
            var buffer = new byte[100];
            Assert.Equal("its last words", Encoding.ASCII.GetString(buffer, 0, await conmons.ReceiveAsync(buffer, Cancellation)));
            Assert.Equal(AttachEnd.ClientLeft, await end.WaitAsync(TimeSpan.FromSeconds(10), Cancellation));
        }
    }

    private static async Task<(Socket Ours, Socket Conmons)> PairAsync()
    {
        var folder = Directory.CreateTempSubdirectory("berth-attach-");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(folder.FullName + "/attach"));
        listener.Listen();
        var ours = AttachSocket.Connect(folder.FullName);
        var conmons = await listener.AcceptAsync(Cancellation);
        folder.Delete(recursive: true);
        return (ours, conmons);
    }

    private sealed class GoneStream : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("The client has closed the connection.");
    }
}
