using System.Net;
using System.Net.Sockets;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Engine.Networks;
using Berth.Engine.Tests.Containers;
using Berth.Linux;
using Berth.Linux.Namespaces;
using Berth.Linux.Netlink;
using Berth.Testing;

namespace Berth.Engine.Tests.Networks;

public sealed class NetworkTests(TestEngine engine) : IClassFixture<TestEngine>
{
    [Fact]
    public async Task Names_of_one_network_are_answered_and_those_of_another_are_not()
    {
        await NetworkAsync("names-a");
        await NetworkAsync("names-b");
        var server = await ServeAsync("names-server", "names-a");
        var near = await JoinAsync("names-near", "names-a");
        var far = await JoinAsync("names-far", "names-b");
        Assert.Contains(AddressOf(server), (await engine.ExecAsync(near, "nslookup", "names-server")).Output, StringComparison.Ordinal);
        Assert.DoesNotContain(AddressOf(server), (await engine.ExecAsync(far, "nslookup", "names-server")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Containers_on_different_networks_cannot_reach_one_another()
    {
        await NetworkAsync("wall-a");
        await NetworkAsync("wall-b");
        var server = await ServeAsync("wall-server", "wall-a");
        var near = await JoinAsync("wall-near", "wall-a");
        var far = await JoinAsync("wall-far", "wall-b");
        Assert.Equal("wall-server", await GetAsync(near, AddressOf(server)));
        Assert.NotEqual(0, (await engine.ExecAsync(far, "timeout", "5", "wget", "-qO-", $"http://{AddressOf(server)}:8080/")).ExitCode);
    }

    [Fact]
    public async Task A_service_keeps_its_address_when_its_container_is_replaced()
    {
        await NetworkAsync("vip");
        var first = await ServeAsync("first", "vip", Service("web"));
        var client = await JoinAsync("vip-client", "vip");
        var address = ServiceAddress("vip", "web");
        Assert.Contains(address, (await engine.ExecAsync(client, "nslookup", "web")).Output, StringComparison.Ordinal);
        Assert.Equal("first", await GetAsync(client, address));
        await engine.Host.Containers.RemoveAsync(first, force: true, withAnonymousVolumes: false);
        Assert.Contains("refused", (await engine.ExecAsync(client, "timeout", "5", "wget", "-qO-", $"http://{address}:8080/")).Output, StringComparison.Ordinal);
        await ServeAsync("second", "vip", Service("web"));
        Assert.Equal(address, ServiceAddress("vip", "web"));
        Assert.Equal("second", await GetAsync(client, address));
    }

    [Fact]
    public async Task A_published_port_answers_on_ipv4_and_ipv6_loopback_and_is_shown_as_taken()
    {
        var port = Ports.Free();
        var server = await ServeAsync("published", "bridge", null, new() { ["8080/tcp"] = [new() { HostPort = port.ToString(System.Globalization.CultureInfo.InvariantCulture) }] });
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        Assert.Equal("published\n", await client.GetStringAsync($"http://127.0.0.1:{port}/"));
        Assert.Equal("published\n", await client.GetStringAsync($"http://[::1]:{port}/"));
        var rival = await engine.CreateAsync(
            ["true"], host: host => host with { NetworkMode = "bridge", PortBindings = new() { ["80/tcp"] = [new() { HostPort = $"{port}" }] } });
        var exception = await Assert.ThrowsAsync<BerthException>(() => engine.Host.Containers.StartAsync(rival));
        Assert.Contains("in use by container \"published\"", exception.Message, StringComparison.Ordinal);
        await engine.Host.Containers.RemoveAsync(server, force: true, withAnonymousVolumes: false);
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync($"http://127.0.0.1:{port}/"));
    }

    [Fact]
    public async Task A_port_that_another_program_holds_is_refused_with_its_name()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var port = ((IPEndPoint)holder.LocalEndpoint).Port;
        var container = await engine.CreateAsync(
            ["true"], host: host => host with { NetworkMode = "bridge", PortBindings = new() { ["80/tcp"] = [new() { HostPort = $"{port}" }] } });
        var exception = await Assert.ThrowsAsync<BerthException>(() => engine.Host.Containers.StartAsync(container));
        Assert.Contains($"(pid {Environment.ProcessId})", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_internal_network_has_no_way_out()
    {
        await engine.Host.Networks.CreateAsync(new NetworkConfig { Name = "inner", Internal = true });
        var container = await JoinAsync("inside", "inner");
        var (_, output) = await engine.ExecAsync(container, "cat", "/proc/net/route");
        Assert.DoesNotContain("\t00000000\t", output.Split('\n').Skip(1).Select(line => line.Length > 8 ? line[4..14] : "").FirstOrDefault() ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_ipv6_containers_of_one_network_and_published_ports_are_reached_and_other_networks_are_not()
    {
        var network = await engine.Host.Networks.CreateAsync(new NetworkConfig { Name = "six", EnableIpv6 = true });
        var other = await engine.Host.Networks.CreateAsync(new NetworkConfig { Name = "six-other", EnableIpv4 = false, EnableIpv6 = true });
        Assert.StartsWith("fd", network.Ipv6!.Subnet, StringComparison.Ordinal);
        var port = Ports.Free();
        var server = await JoinAsync("six-server", "six", null, new() { ["8080/tcp"] = [new() { HostPort = $"{port}" }] });
        var near = await JoinAsync("six-near", "six");
        var far = await JoinAsync("six-far", "six-other");
        var address = IPAddress.Parse(server.Record.Endpoints[0].Address6);
        using var listener = await SocketInsideAsync(server, () =>
        {
            var listening = new TcpListener(IPAddress.IPv6Any, 8080);
            listening.Start();
            return listening;
        });
        Assert.Contains(address.ToString(), (await engine.ExecAsync(near, "nslookup", "six-server")).Output, StringComparison.Ordinal);
        Assert.Equal(address, await AcceptedAsync(listener, near, new(address, 8080)));
        Assert.Equal(address, await AcceptedAsync(listener, null, new(IPAddress.Parse(other.Ipv6!.Gateway), port))); // an address of this host
        for (var connection = 0; connection < 4; connection++) // of its two addresses, the program listens on this one only
        {
            Assert.Equal(address, await AcceptedAsync(listener, null, new(IPAddress.IPv6Loopback, port)));
        }

        await Assert.ThrowsAnyAsync<Exception>(() => AcceptedAsync(listener, far, new(address, 8080)));
        Assert.Equal("", far.Record.Endpoints[0].Address);
    }

    [Fact]
    public async Task A_container_that_ran_does_not_start_on_another_network_of_the_same_name()
    {
        await NetworkAsync("again");
        var container = await JoinAsync("again", "again");
        await engine.Host.Containers.KillAsync(container, "KILL");
        await container.WaitAsync(WaitCondition.NotRunning);
        await engine.Host.Networks.RemoveAsync("again", () => engine.Host.Containers.All);
        await NetworkAsync("again");
        var exception = await Assert.ThrowsAsync<BerthException>(() => engine.Host.Containers.StartAsync(container));
        Assert.StartsWith("failed to set up container networking: network ", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_network_that_is_removed_while_a_container_joins_it_is_refused_or_leaves_no_bridge(bool starts)
    {
        var refused = 0;
        for (var round = 0; round < 20; round++)
        {
            var network = await engine.Host.Networks.CreateAsync(new NetworkConfig { Name = $"passing-{round}" });
            var container = await engine.CreateAsync(["sleep", "1000"], host: host => host with { NetworkMode = starts ? network.Name : "bridge" });
            if (!starts)
            {
                await engine.Host.Containers.StartAsync(container);
            }

            var joining = starts ? engine.Host.Containers.StartAsync(container) : engine.Host.Containers.ConnectAsync(container, network, new());
            await Task.Delay(starts ? round * 4 : round / 2); // at another point of it each time
            var removing = engine.Host.Networks.RemoveAsync(network.Id, () => engine.Host.Containers.All);
            await Task.WhenAll(joining.ContinueWith(static _ => { }, TaskScheduler.Default), removing.ContinueWith(static _ => { }, TaskScheduler.Default));
            Assert.True(joining.IsCompletedSuccessfully != removing.IsCompletedSuccessfully, $"{joining.Exception} {removing.Exception}");
            Assert.Equal(joining.IsCompletedSuccessfully, Directory.Exists("/sys/class/net/" + network.Bridge));
            await engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
            if (joining.IsCompletedSuccessfully)
            {
                refused++;
                Assert.Contains($"network {network.Name} has active endpoints (name:\"{container.Name}\" id:\"", removing.Exception!.InnerException!.Message, StringComparison.Ordinal);
                await engine.Host.Networks.RemoveAsync(network.Id, () => engine.Host.Containers.All);
            }
            else
            {
                Assert.Contains("not found", joining.Exception!.InnerException!.Message, StringComparison.Ordinal);
            }
        }

        Assert.InRange(refused, 1, 20);
    }

    [Fact]
    public async Task Names_and_ports_are_served_on_after_the_data_plane_was_killed()
    {
        await NetworkAsync("phoenix");
        var server = await ServeAsync("phoenix-server", "phoenix");
        var client = await JoinAsync("phoenix-client", "phoenix");
        var pid = EdgePid();
        System.Diagnostics.Process.GetProcessById(pid).Kill();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!(await engine.ExecAsync(client, "nslookup", "phoenix-server")).Output.Contains(AddressOf(server), StringComparison.Ordinal)
            || EdgePid() == pid) // it answers before it says who it is
        {
            await Task.Delay(100, timeout.Token);
        }
    }

    [Fact]
    public async Task Containers_start_at_the_moment_at_which_the_data_plane_is_killed()
    {
        await NetworkAsync("moment");
        for (var i = 0; i < 5; i++)
        {
            using var edge = System.Diagnostics.Process.GetProcessById(EdgePid());
            edge.Kill();
            var container = await JoinAsync($"moment-{i}", "moment");
            Assert.Contains(AddressOf(container), (await engine.ExecAsync(container, "nslookup", $"moment-{i}")).Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_udp_client_is_led_on_when_the_replica_that_answered_it_was_replaced()
    {
        await NetworkAsync("udp");
        var inside = await JoinAsync("udp-client", "udp");
        var first = await JoinAsync("udp-first", "udp", Service("clock"));
        using var firstServer = await AnswerDatagramsAsync(first, "first");
        using var client = await SocketInsideAsync(inside, () => new UdpClient(ServiceAddress("udp", "clock"), 7000)); // one source port for all
        Assert.Equal("first", await AskAsync(client));
        var second = await JoinAsync("udp-second", "udp", Service("clock"));
        using var secondServer = await AnswerDatagramsAsync(second, "second");
        await engine.Host.Containers.RemoveAsync(first, force: true, withAnonymousVolumes: false);
        Assert.Equal("second", await AskAsync(client));
    }

    [Fact]
    public async Task A_udp_client_of_a_published_port_is_led_on_also_when_it_kept_asking_meanwhile()
    {
        var port = Ports.Free();
        var published = new SortedDictionary<string, IReadOnlyList<PortBinding>?> { ["7000/udp"] = [new() { HostPort = $"{port}" }] };
        using var client = new UdpClient("127.0.0.1", port);
        var first = await JoinAsync("clock-first", "bridge", null, published);
        using var firstServer = await AnswerDatagramsAsync(first, "first");
        Assert.Equal("first", await AskAsync(client));
        await engine.Host.Containers.RemoveAsync(first, force: true, withAnonymousVolumes: false);
        var refused = await Assert.ThrowsAsync<SocketException>(() => AskAsync(client));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        var second = await JoinAsync("clock-second", "bridge", null, published);
        using var secondServer = await AnswerDatagramsAsync(second, "second");
        Assert.Equal("second", await AskAsync(client));
    }

    [Fact]
    public async Task A_container_that_leaves_a_network_is_forgotten_by_those_who_sent_it_datagrams()
    {
        var network = await NetworkAsync("leave");
        var inside = await JoinAsync("leave-client", "leave");
        var first = await JoinAsync("leave-first", "leave", Service("clock"));
        using var firstServer = await AnswerDatagramsAsync(first, "first");
        using var client = await SocketInsideAsync(inside, () => new UdpClient(ServiceAddress("leave", "clock"), 7000));
        Assert.Equal("first", await AskAsync(client));
        var second = await JoinAsync("leave-second", "leave", Service("clock"));
        using var secondServer = await AnswerDatagramsAsync(second, "second");
        await engine.Host.Containers.DisconnectAsync(first, network);
        Assert.Equal("second", await AskAsync(client));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_idle_connection_to_a_container_that_vanished_ends_at_once(bool viaServiceAddress)
    {
        var name = viaServiceAddress ? "vanish-service" : "vanish-direct";
        await NetworkAsync(name);
        var inside = await JoinAsync(name + "-client", name);
        var server = await JoinAsync(name + "-server", name, Service("web"));
        using var listener = await SocketInsideAsync(server, () => Listen(8080));
        using var client = await SocketInsideAsync(inside, () => new TcpClient(viaServiceAddress ? ServiceAddress(name, "web") : AddressOf(server), 8080));
        using var accepted = await listener.AcceptSocketAsync();
        var receiving = client.Client.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(5));

        // This process still has the server's sockets open, so nothing says goodbye when the container goes.
        await engine.Host.Containers.KillAsync(server, "KILL");
        var ended = await Assert.ThrowsAsync<SocketException>(async () => await SkipIfUndestroyableAsync(receiving));
        Assert.Equal(SocketError.ConnectionAborted, ended.SocketErrorCode);
    }

    [Fact]
    public async Task An_idle_connection_from_the_host_through_a_published_port_ends_with_its_container()
    {
        var port = Ports.Free();
        var server = await JoinAsync("vanish-published", "bridge", null, new() { ["8080/tcp"] = [new() { HostPort = $"{port}" }] });
        var other = await JoinAsync("vanish-stays", "bridge");
        using var listener = await SocketInsideAsync(server, () => Listen(8080));
        using var otherListener = await SocketInsideAsync(other, () => Listen(8080));
        using var client = new TcpClient("127.0.0.1", port);
        using var bystander = new TcpClient(AddressOf(other), 8080);
        using var accepted = await listener.AcceptSocketAsync();
        using var otherAccepted = await otherListener.AcceptSocketAsync();
        Assert.Equal(AddressOf(server), ((IPEndPoint)accepted.LocalEndPoint!).Address.ToString()); // led there by the rules
        var receiving = client.Client.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(5));
        await engine.Host.Containers.KillAsync(server, "KILL");
        var ended = await Assert.ThrowsAsync<SocketException>(async () => await SkipIfUndestroyableAsync(receiving));
        Assert.Equal(SocketError.ConnectionAborted, ended.SocketErrorCode);
        await otherAccepted.SendAsync("on"u8.ToArray());
        Assert.Equal(2, await bystander.Client.ReceiveAsync(new byte[2]).WaitAsync(TimeSpan.FromSeconds(5)));
    }

    private static Dictionary<string, string> Service(string name) => new()
    {
        ["com.docker.compose.project"] = "test", ["com.docker.compose.service"] = name, ["com.docker.compose.container-number"] = "1", ["com.docker.compose.oneoff"] = "False",
    };

    private int EdgePid() => int.Parse(File.ReadAllText(engine.Options.ExecRoot + "/edge/edge.pid").Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);

    private static string AddressOf(Container container) => container.Record.Endpoints[0].Address;

    private string ServiceAddress(string network, string service) => engine.Host.Networks.Resolve(network).ServiceAddresses[$"test/{service}"];

    private Task<NetworkRecord> NetworkAsync(string name) => engine.Host.Networks.CreateAsync(new NetworkConfig { Name = name });

    private Task<Container> JoinAsync(
        string name, string network, Dictionary<string, string>? labels = null, SortedDictionary<string, IReadOnlyList<PortBinding>?>? ports = null) => engine.RunAsync(
        "sleep 1000", config => config with { Labels = labels is null ? null : new(labels) }, host => host with { NetworkMode = network, PortBindings = ports }, name);

    private async Task<Container> ServeAsync(
        string name, string network, Dictionary<string, string>? labels = null, SortedDictionary<string, IReadOnlyList<PortBinding>?>? ports = null)
    {
        var container = await engine.RunAsync(
            "mkdir -p /www; echo $NAME > /www/index.html; httpd -p 8080 -h /www; echo ready; sleep 1000",
            config => config with { Env = ["NAME=" + name], Labels = labels is null ? null : new(labels) }, host => host with { NetworkMode = network, PortBindings = ports }, name);
        await UntilReadyAsync(container);
        return container;
    }

    private async Task UntilReadyAsync(Container container)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await foreach (var line in engine.Host.Containers.Logs(container).ReadAsync(new() { Stdout = true, Stderr = true, Follow = true }, timeout.Token))
        {
            if (line.Text.Span.SequenceEqual("ready"u8))
            {
                break;
            }
        }
    }

    private async Task<string> GetAsync(Container client, string address) =>
        (await engine.ExecAsync(client, "timeout", "5", "wget", "-qO-", $"http://{address}:8080/")).Output.Trim();

    /// <summary>A socket of this process in a container's network namespace: it stays there.</summary>
    private async Task<T> SocketInsideAsync<T>(Container container, Func<T> make)
    {
        T? made = default;
        await NetworkNamespace.RunAsync($"{engine.Options.ExecRoot}/netns/{container.Id}", () => made = make());
        return made!;
    }

    /// <summary>Connects, from a container or from this host, and returns the address that the server was reached at; within 2 s.</summary>
    private async Task<IPAddress> AcceptedAsync(TcpListener listener, Container? from, IPEndPoint to)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        Socket Make() => new(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        using var client = from is null ? Make() : await SocketInsideAsync(from, Make);
        await client.ConnectAsync(to, timeout.Token);
        using var accepted = await listener.AcceptSocketAsync(timeout.Token);
        return ((IPEndPoint)accepted.LocalEndPoint!).Address;
    }

    private static TcpListener Listen(int port)
    {
        var listener = new TcpListener(IPAddress.Any, port);
        listener.Start();
        return listener;
    }

    private static async Task<int> SkipIfUndestroyableAsync(Task<int> receiving)
    {
        try
        {
            return await receiving;
        }
        catch (TimeoutException) when (!CanDestroySockets())
        {
            Assert.Skip("this kernel cannot destroy sockets (CONFIG_INET_DIAG_DESTROY)");
            return 0;
        }
    }

    private static bool CanDestroySockets()
    {
        using var listener = Listen(0);
        using var client = new TcpClient("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port);
        using var sockets = new TcpSockets();
        try
        {
            return sockets.Destroy(sockets.FindOpen((local, _) => local.Equals(client.Client.LocalEndPoint)).Single());
        }
        catch (LinuxException exception) when (exception.Errno == Errno.ENOTSUP)
        {
            return false;
        }
    }

    /// <summary>Answers each datagram at port 7000 inside the container until disposed.</summary>
    private async Task<UdpClient> AnswerDatagramsAsync(Container container, string answer)
    {
        var server = await SocketInsideAsync(container, () => new UdpClient(7000));
        _ = AnswerAsync();
        return server;

        async Task AnswerAsync()
        {
            try
            {
                while (true)
                {
                    var question = await server.ReceiveAsync();
                    await server.SendAsync(System.Text.Encoding.UTF8.GetBytes(answer), question.RemoteEndPoint);
                }
            }
            catch (Exception exception) when (exception is ObjectDisposedException or SocketException)
            {
                return; // the test is over, or its container left the network
            }
        }
    }

    /// <summary>Asks until there is an answer, as any datagram client does, for at most 5 s.</summary>
    private static async Task<string> AskAsync(UdpClient client)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        var answer = client.ReceiveAsync(timeout.Token).AsTask();
        while (true)
        {
            await client.SendAsync("what"u8.ToArray(), timeout.Token);
            if (await Task.WhenAny(answer, Task.Delay(100, timeout.Token)) == answer)
            {
                return System.Text.Encoding.UTF8.GetString((await answer).Buffer);
            }

            timeout.Token.ThrowIfCancellationRequested();
        }
    }
}
