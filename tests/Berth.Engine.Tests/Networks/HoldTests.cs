using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Berth.Engine.Containers;
using Berth.Engine.Networks;
using Berth.Engine.Tests.Containers;
using Berth.Linux.Namespaces;

namespace Berth.Engine.Tests.Networks;

public sealed class HoldTests(TestEngine engine) : IClassFixture<TestEngine>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);

    [Fact]
    public async Task A_connection_to_a_service_waits_until_the_new_replica_listens()
    {
        await engine.Host.Networks.CreateAsync(new NetworkConfig { Name = "hold" });
        var client = await JoinAsync("hold-client", "hold");
        var first = await JoinAsync("hold-first", "hold", "web");
        var address = IPAddress.Parse(engine.Host.Networks.Resolve("hold").ServiceAddresses["test/web"]);
        await engine.Host.Containers.HoldConnectionsAsync(first, TimeSpan.FromSeconds(10));

        // The old one runs but listens no more: its own refusal is kept back.
        var early = await ConnectAsync(client, address);
        await engine.Host.Containers.RemoveAsync(first, force: true, withAnonymousVolumes: false);
        var late = await ConnectAsync(client, address);
        var second = await JoinAsync("hold-second", "hold", "web");
        var later = await ConnectAsync(client, address); // the new one does not listen yet
        Assert.False(early.IsCompleted || late.IsCompleted || later.IsCompleted);
        using var listener = await InsideAsync(second, () => Listen(8080));
        foreach (var connecting in new[] { early, late, later })
        {
            using var connected = await connecting.WaitAsync(Patience);
        }
    }

    [Fact]
    public async Task A_hold_ends_by_itself_and_then_connections_are_refused_again()
    {
        await engine.Host.Networks.CreateAsync(new NetworkConfig { Name = "over" });
        var client = await JoinAsync("over-client", "over");
        var first = await JoinAsync("over-first", "over", "gone");
        var address = IPAddress.Parse(engine.Host.Networks.Resolve("over").ServiceAddresses["test/gone"]);
        await engine.Host.Containers.HoldConnectionsAsync(first, TimeSpan.FromMilliseconds(600));
        await engine.Host.Containers.RemoveAsync(first, force: true, withAnonymousVolumes: false);
        var waited = Stopwatch.StartNew();
        var refused = await Assert.ThrowsAsync<SocketException>(async () => await (await ConnectAsync(client, address)).WaitAsync(Patience));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        Assert.InRange(waited.Elapsed.TotalSeconds, 0.9, 4); // TCP asks again after a second
        waited.Restart();
        await Assert.ThrowsAsync<SocketException>(async () => await (await ConnectAsync(client, address)).WaitAsync(Patience));
        Assert.InRange(waited.Elapsed.TotalSeconds, 0, 0.5);
    }

    [Fact]
    public async Task A_connection_to_a_published_port_waits_until_the_new_container_listens()
    {
        int port;
        using (var free = Listen(0))
        {
            port = ((IPEndPoint)free.LocalEndpoint).Port;
        }

        var first = await JoinAsync("port-first", "bridge", null, port);
        await engine.Host.Containers.HoldConnectionsAsync(first, TimeSpan.FromSeconds(10));
        var early = ConnectAsync(port);
        await engine.Host.Containers.RemoveAsync(first, force: true, withAnonymousVolumes: false);
        var late = ConnectAsync(port);
        await Task.WhenAny(early, late, Task.Delay(300));
        Assert.False(early.IsCompleted || late.IsCompleted);
        await engine.Host.Containers.HoldConnectionsAsync(first, TimeSpan.FromSeconds(10));
        var second = await JoinAsync("port-second", "bridge", null, port);
        using var listener = await InsideAsync(second, () => Listen(8080));
        foreach (var connecting in new[] { early, late })
        {
            using var connected = await connecting.WaitAsync(Patience);
        }
    }

    private static async Task<TcpClient> ConnectAsync(int port)
    {
        var client = new TcpClient(AddressFamily.InterNetwork);
        await client.ConnectAsync(IPAddress.Loopback, port);
        return client;
    }

    private static TcpListener Listen(int port)
    {
        var listener = new TcpListener(IPAddress.Any, port);
        listener.Start();
        return listener;
    }

    /// <summary>Begins to connect from inside a container and returns the attempt.</summary>
    private async Task<Task<TcpClient>> ConnectAsync(Container container, IPAddress address)
    {
        var client = await InsideAsync(container, () => new TcpClient(AddressFamily.InterNetwork));
        return ConnectAsync();

        async Task<TcpClient> ConnectAsync()
        {
            await client.ConnectAsync(address, 8080);
            return client;
        }
    }

    private async Task<T> InsideAsync<T>(Container container, Func<T> make)
    {
        T? made = default;
        await NetworkNamespace.RunAsync($"{engine.Options.ExecRoot}/netns/{container.Id}", () => made = make());
        return made!;
    }

    private Task<Container> JoinAsync(string name, string network, string? service = null, int? port = null) => engine.RunAsync(
        "sleep 1000",
        config => service is null ? config : config with
        {
            Labels = new()
            {
                ["com.docker.compose.project"] = "test", ["com.docker.compose.service"] = service, ["com.docker.compose.container-number"] = "1", ["com.docker.compose.oneoff"] = "False",
            },
        },
        host => host with
        {
            NetworkMode = network,
            PortBindings = port is null ? null : new() { ["8080/tcp"] = [new() { HostPort = port.Value.ToString(CultureInfo.InvariantCulture) }] },
        },
        name);
}
