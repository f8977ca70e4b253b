using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Berth.Engine.Containers;
using Berth.Engine.Tests.Containers;
using Berth.Linux.Namespaces;
using Berth.Linux.Nftables;
using Berth.Testing;

namespace Berth.Engine.Tests.Networks;

/// <summary>What another machine on the host's network sees: a network namespace with a link of its own to the host stands for it.</summary>
public sealed class OtherMachineTests(TestEngine engine) : IClassFixture<TestEngine>, IAsyncLifetime
{
    private const int ServicePort = 7000;
    private readonly string _link = "om" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3));
    private readonly string _subnet = $"198.18.{RandomNumberGenerator.GetInt32(256)}.{RandomNumberGenerator.GetInt32(64) * 4}"; // RFC 2544: for tests
    private int _port;
    private Container _container = null!;
    private TcpListener _inside = null!;

    private string Machine => engine.Root + "/machine";

    private IPAddress HostAddress => Address(1);

    private IPAddress MachineAddress => Address(2);

    public async ValueTask InitializeAsync()
    {
        await NetworkNamespace.CreateAsync(Machine, () => { });
        await IpAsync($"link add eth0 type veth peer name {_link} netns {Environment.ProcessId}", inside: true);
        await IpAsync($"addr add {HostAddress}/30 dev {_link}");
        await IpAsync($"link set {_link} up");
        await IpAsync($"addr add {MachineAddress}/30 dev eth0", inside: true);
        await IpAsync("link set eth0 up", inside: true);
        await IpAsync($"route add default via {HostAddress}", inside: true);
        _port = Ports.Free();
        _container = await engine.RunAsync(
            "sleep 1000", host: host => host with { NetworkMode = "bridge", PortBindings = new() { [$"{ServicePort}/tcp"] = [new() { HostPort = $"{_port}" }] } });
        await NetworkNamespace.RunAsync($"{engine.Options.ExecRoot}/netns/{_container.Id}", () => (_inside = new TcpListener(IPAddress.Any, ServicePort)).Start());
    }

    [Fact]
    public async Task A_published_port_answers_it_and_the_program_sees_its_address()
    {
        using var client = await ConnectAsync(Machine, HostAddress, _port);
        using var accepted = await _inside.AcceptSocketAsync(TestContext.Current.CancellationToken);
        Assert.Equal(MachineAddress, ((IPEndPoint)accepted.RemoteEndPoint!).Address);
    }

    [Fact]
    public async Task A_containers_own_address_is_closed_to_it()
    {
        var address = IPAddress.Parse(_container.Record.Endpoints[0].Address);
        await Assert.ThrowsAsync<OperationCanceledException>(() => ConnectAsync(Machine, address, ServicePort)); // dropped, not refused
        using var fromHere = new TcpClient();
        await fromHere.ConnectAsync(address, ServicePort, TestContext.Current.CancellationToken); // so it was not for want of a program
    }

    /// <summary>CVE-2025-54388: ports that were published on this host alone, after a firewall was loaded anew.</summary>
    [Fact]
    public async Task What_is_published_on_localhost_is_closed_to_it_also_after_another_tool_deleted_the_rules()
    {
        var port = Ports.Free();
        var container = await engine.RunAsync(
            "sleep 1000", host: host => host with { NetworkMode = "bridge", PortBindings = new() { [$"{ServicePort}/tcp"] = [new() { HostIp = "127.0.0.1", HostPort = $"{port}" }] } });
        TcpListener? inside = null;
        await NetworkNamespace.RunAsync($"{engine.Options.ExecRoot}/netns/{container.Id}", () => (inside = new TcpListener(IPAddress.Any, ServicePort)).Start());
        await IpAsync($"route add {container.Record.Endpoints[0].Address}/32 via {HostAddress}", inside: true);
        Nft.Run($"delete table inet {engine.Options.Name}\n");
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5)))
        {
            while (!Nft.Query("list tables inet").Contains($"table inet {engine.Options.Name}\n", StringComparison.Ordinal))
            {
                await Task.Delay(20, patience.Token);
            }
        }

        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(Machine, HostAddress, port));
        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(Machine, IPAddress.Parse(container.Record.Endpoints[0].Address), ServicePort));
        using var fromHere = new TcpClient();
        await fromHere.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        inside!.Dispose();
        await engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
    }

    [Fact]
    public async Task A_container_reaches_it_by_the_hosts_address()
    {
        TcpListener? server = null;
        await NetworkNamespace.RunAsync(Machine, () => (server = new TcpListener(IPAddress.Any, 9000)).Start());
        using (server)
        using (var client = await ConnectAsync($"{engine.Options.ExecRoot}/netns/{_container.Id}", MachineAddress, 9000))
        using (var accepted = await server!.AcceptSocketAsync(TestContext.Current.CancellationToken))
        {
            Assert.Equal(HostAddress, ((IPEndPoint)accepted.RemoteEndPoint!).Address);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _inside.Dispose();
        await engine.Host.Containers.RemoveAsync(_container, force: true, withAnonymousVolumes: true);
        await IpAsync($"link delete {_link}");
        NetworkNamespace.Delete(Machine);
    }

    // A socket belongs to the namespace in which it was made.
    private static async Task<Socket> ConnectAsync(string from, IPAddress address, int port)
    {
        Socket? socket = null;
        await NetworkNamespace.RunAsync(from, () => socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            await socket!.ConnectAsync(address, port, patience.Token);
            return socket;
        }
        catch
        {
            socket!.Dispose();
            throw;
        }
    }

    private IPAddress Address(int number)
    {
        var parts = _subnet.Split('.');
        return IPAddress.Parse($"{parts[0]}.{parts[1]}.{parts[2]}.{int.Parse(parts[3], System.Globalization.CultureInfo.InvariantCulture) + number}");
    }

    private async Task IpAsync(string words, bool inside = false) =>
        (await (inside ? new Command("nsenter", ["--net=" + Machine, "ip", .. words.Split(' ')]) : new Command("ip", words.Split(' '))).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess();
}
