using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Berth.Engine.Containers;
using Berth.Engine.Tests.Containers;
using Berth.Linux.Namespaces;
using Berth.Linux.Nftables;

namespace Berth.Engine.Tests.Networks;

/// <summary>An engine for each test: what one did makes the guard wait longer in the next.</summary>
public sealed class RulesGuardTests : IAsyncLifetime
{
    private readonly TestEngine _engine = new();

    private NftTable Own => new("inet", _engine.Options.Name);

    [Fact]
    public async Task A_published_port_answers_again_within_two_seconds_after_another_tool_deleted_the_table()
    {
        var (container, port) = await PublishAsync("deleted");
        using var server = await SocketInsideAsync(container);
        Assert.True(await IsAnsweredAsync(server, port, TimeSpan.FromSeconds(5)));
        Nft.Run($"delete table inet {_engine.Options.Name}\n");
        Assert.True(await IsAnsweredAsync(server, port, TimeSpan.FromSeconds(2)));
        await _engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
    }

    [Fact]
    public async Task A_rule_that_another_tool_put_into_the_table_is_gone_again()
    {
        var (container, port) = await PublishAsync("edited");
        using var server = await SocketInsideAsync(container);
        Nft.Run($"insert rule inet {_engine.Options.Name} output udp dport {port} drop\n");
        Assert.True(await IsAnsweredAsync(server, port, TimeSpan.FromSeconds(2)));
        Assert.DoesNotContain("drop", Nft.Query($"list chain inet {_engine.Options.Name} output"), StringComparison.Ordinal);
        await _engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
    }

    [Fact]
    public async Task Own_changes_set_nothing_off()
    {
        var (container, _) = await PublishAsync("own");
        using var monitor = new NftMonitor(table => table == Own);
        var (second, _) = await PublishAsync("own-second"); // one change
        await _engine.Host.Containers.RemoveAsync(second, force: true, withAnonymousVolumes: false); // and one more
        var changes = await CountAsync(monitor, TimeSpan.FromSeconds(1));
        Assert.InRange(changes, 2, 3); // three if somebody else's change came between and the guard looked after it
        await _engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
    }

    [Fact]
    public async Task Two_who_disagree_do_not_fill_the_machine()
    {
        var (container, port) = await PublishAsync("storm");
        using var server = await SocketInsideAsync(container);
        var restored = 0;
        using (var monitor = new NftMonitor(table => table == Own))
        using (var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(4)))
        {
            Nft.Run($"table inet {_engine.Options.Name}\ndelete table inet {_engine.Options.Name}\n");
            while (await NextAsync(monitor, timeout.Token))
            {
                if (Nft.Query("list tables inet").Contains($"table inet {_engine.Options.Name}\n", StringComparison.Ordinal))
                {
                    restored++;
                    Nft.Run($"delete table inet {_engine.Options.Name}\n");
                }
            }
        }

        Assert.InRange(restored, 2, 7); // after 0.1, 0.2, 0.4, 0.8, 1.6 s and so on
        Assert.True(await IsAnsweredAsync(server, port, TimeSpan.FromSeconds(10)));
        await _engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
    }

    public ValueTask InitializeAsync() => _engine.InitializeAsync();

    public ValueTask DisposeAsync() => _engine.DisposeAsync();

    private static async Task<bool> NextAsync(NftMonitor monitor, CancellationToken cancellationToken)
    {
        try
        {
            return await monitor.Changes.WaitToReadAsync(cancellationToken) && monitor.Changes.TryRead(out _);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static async Task<int> CountAsync(NftMonitor monitor, TimeSpan duration)
    {
        using var timeout = new CancellationTokenSource(duration);
        var count = 0;
        while (await NextAsync(monitor, timeout.Token))
        {
            count++;
        }

        return count;
    }

    // UDP: what is published there reaches the container by the rules alone, where TCP would be relayed by the data plane too.
    private async Task<(Container Container, int Port)> PublishAsync(string name)
    {
        using var free = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)free.Client.LocalEndPoint!).Port;
        free.Close();
        var container = await _engine.RunAsync(
            "sleep 1000", host: host => host with { NetworkMode = "bridge", PortBindings = new() { ["7000/udp"] = [new() { HostPort = $"{port}" }] } }, name: name);
        return (container, port);
    }

    private async Task<UdpClient> SocketInsideAsync(Container container)
    {
        UdpClient? made = null;
        await NetworkNamespace.RunAsync($"{_engine.Options.ExecRoot}/netns/{container.Id}", () => made = new UdpClient(7000));
        return made!;
    }

    // One client with one source port that asks every 50 ms.
    private static async Task<bool> IsAnsweredAsync(UdpClient server, int port, TimeSpan patience)
    {
        using var client = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var asked = Stopwatch.StartNew();
        while (asked.Elapsed < patience)
        {
            using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
            try
            {
                await client.SendAsync("what"u8.ToArray(), new IPEndPoint(IPAddress.Loopback, port), timeout.Token);
                await server.ReceiveAsync(timeout.Token);
                return true;
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                continue; // it was refused or dropped
            }
        }

        return false;
    }
}
