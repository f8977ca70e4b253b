using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Berth.Linux.Namespaces;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Faults;

/// <summary>An upgrade of both programs while they serve: the daemon is started from another build, and has the data plane replaced by its own.</summary>
[Collection(AloneCollection.Name)]
public sealed class SuccessionTests
{
    private const int Servers = 50;
    private const int Rounds = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20); // with one answer

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Nothing_is_lost_while_both_are_replaced_before_fifty_containers()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        await BoxImage.BuildAsync(daemon, cancellationToken);
        using (var made = await daemon.Api.PostAsJsonAsync("networks/create", new { Name = "net" }, cancellationToken))
        {
            made.EnsureSuccessStatusCode();
        }

        var servers = new ConcurrentBag<(string Id, int Port)>();
        await Parallel.ForAsync(0, Servers, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = cancellationToken },
            async (number, token) => servers.Add(await ServeAsync(daemon, $"echo{number}", token)));
        await Task.WhenAll(servers.Select(server => UntilItAnswersAsync(server.Port, cancellationToken)));

        using var ending = new CancellationTokenSource();
        var seen = new Seen();
        var visitors = servers.Select(server => KeepAsync(IPAddress.IPv6Loopback, server.Port, seen, ending.Token))
            .Concat(servers.Take(10).Select(server => KeepAsync(IPAddress.Loopback, server.Port, seen, ending.Token)))
            .Concat(servers.Take(4).Select(server => VisitAsync(IPAddress.IPv6Loopback, server.Port, seen, ending.Token)))
            .Concat(servers.Take(4).Select(server => VisitAsync(IPAddress.Loopback, server.Port, seen, ending.Token)))
            .Concat(servers.Take(4).Select(server => AskNamesAsync($"{daemon.ExecRoot}/netns/{server.Id}", seen, ending.Token)))
            .ToList();
        var planes = new HashSet<string> { await PlaneAsync(daemon) };
        for (var round = 0; round < Rounds; round++)
        {
            await seen.GrowAsync(cancellationToken);
            daemon.Build = await CopyOfTheBuildAsync(daemon, round, cancellationToken);
            if (round == 1)
            {
                await daemon.KillAsync();
            }

            await daemon.RestartAsync(cancellationToken);
            Assert.True(planes.Add(await PlaneAsync(daemon)), $"the data plane of round {round} is one from before: {File.ReadAllText(daemon.LogPath)}");
        }

        await seen.GrowAsync(cancellationToken);
        await ending.CancelAsync();
        await Task.WhenAll(visitors);
        TestContext.Current.TestOutputHelper?.WriteLine($"answered on kept connections {seen.Kept}, on fresh ones {seen.Fresh}, names {seen.Names}");
        Assert.Empty(seen.Failures);

        // With the connections that they relayed the earlier ones end by themselves.
        using var patience = new CancellationTokenSource(Patience);
        while (planes.Count(plane => Directory.Exists("/proc/" + plane)) > 1)
        {
            await Task.Delay(50, patience.Token);
        }
    }

    private static async Task<(string Id, int Port)> ServeAsync(TestDaemon daemon, string name, CancellationToken cancellationToken)
    {
        var port = Ports.Free();
        (await daemon.Berth("/", "docker", "run", "-d", "--name", name, "--network", "net", "-p", $"{port}:7777", "box", "nc", "-ll", "-p", "7777", "-e", "cat")
            .RunAsync(cancellationToken)).EnsureSuccess();
        var inspected = await daemon.Api.GetFromJsonAsync<System.Text.Json.Nodes.JsonObject>($"containers/{name}/json", cancellationToken);
        return ((string)inspected!["Id"]!, port);
    }

    private static async Task UntilItAnswersAsync(int port, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                using var client = new TcpClient(AddressFamily.InterNetworkV6);
                await client.ConnectAsync(IPAddress.IPv6Loopback, port, patience.Token);
                await EchoAsync(client.GetStream(), 0);
                return;
            }
            catch (Exception exception) when (exception is IOException or SocketException)
            {
                await Task.Delay(50, cancellationToken); // nc does not listen yet
            }
        }
    }

    private static async Task<string> CopyOfTheBuildAsync(TestDaemon daemon, int number, CancellationToken cancellationToken)
    {
        var copy = $"{daemon.Folder}/build{number}";
        (await new Command("cp", "-a", Path.GetDirectoryName(Checkout.Program("Berth.Daemon", "berthd"))!, copy).RunAsync(cancellationToken)).EnsureSuccess();
        return copy;
    }

    private static async Task<string> PlaneAsync(TestDaemon daemon) => (await File.ReadAllTextAsync(daemon.ExecRoot + "/edge/edge.pid")).Split(' ')[0];

    // One connection over all of it.
    private static async Task KeepAsync(IPAddress address, int port, Seen seen, CancellationToken ending)
    {
        try
        {
            using var client = new TcpClient(address.AddressFamily);
            await client.ConnectAsync(address, port, CancellationToken.None);
            var stream = client.GetStream();
            for (var number = 0; !ending.IsCancellationRequested; number++)
            {
                await EchoAsync(stream, number);
                Interlocked.Increment(ref seen.Kept);
                await Task.Delay(20, CancellationToken.None);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or TimeoutException)
        {
            seen.Failures.Add($"kept, {address}: {exception.Message}");
        }
    }

    private static async Task VisitAsync(IPAddress address, int port, Seen seen, CancellationToken ending)
    {
        while (!ending.IsCancellationRequested)
        {
            try
            {
                using var client = new TcpClient(address.AddressFamily);
                await client.ConnectAsync(address, port, CancellationToken.None);
                await EchoAsync(client.GetStream(), 7);
                Interlocked.Increment(ref seen.Fresh);
            }
            catch (Exception exception) when (exception is IOException or SocketException or TimeoutException)
            {
                seen.Failures.Add($"fresh, {address}: {exception.Message}");
            }
        }
    }

    // RFC 1035, section 4: one question for the address of a neighbour, and an answer with one record.
    private static async Task AskNamesAsync(string path, Seen seen, CancellationToken ending)
    {
        UdpClient? client = null;
        await NetworkNamespace.RunAsync(path, () => client = new UdpClient("127.0.0.11", 53));
        using (client)
        {
            for (ushort number = 1; !ending.IsCancellationRequested; number++)
            {
                byte[] question = [(byte)(number >> 8), (byte)number, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 6, .. "echo49"u8, 0, 0, 1, 0, 1];
                await client!.SendAsync(question, CancellationToken.None);
                try
                {
                    var answer = (await client.ReceiveAsync(CancellationToken.None).AsTask().WaitAsync(Patience, CancellationToken.None)).Buffer;
                    if (answer[0] != question[0] || answer[1] != question[1] || answer[7] != 1)
                    {
                        seen.Failures.Add($"name: {Convert.ToHexString(answer)}");
                    }

                    Interlocked.Increment(ref seen.Names);
                }
                catch (Exception exception) when (exception is SocketException or TimeoutException)
                {
                    seen.Failures.Add($"name: {exception.Message}");
                    return;
                }

                await Task.Delay(5, CancellationToken.None);
            }
        }
    }

    private static async Task EchoAsync(NetworkStream stream, int number)
    {
        var line = Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture) + "\n");
        await stream.WriteAsync(line);
        var answer = new byte[line.Length];
        await stream.ReadExactlyAsync(answer).AsTask().WaitAsync(Patience);
        if (!answer.AsSpan().SequenceEqual(line))
        {
            throw new IOException($"'{Encoding.ASCII.GetString(answer)}' came back for {number}");
        }
    }

    private sealed class Seen
    {
        internal readonly ConcurrentBag<string> Failures = [];
        internal int Kept, Fresh, Names;

        // Returns when each kind of visitor has been answered some more, or one has failed.
        internal async Task GrowAsync(CancellationToken cancellationToken)
        {
            var (kept, fresh, names) = (Kept, Fresh, Names);
            while (Failures.IsEmpty && (Kept < kept + (2 * Servers) || Fresh < fresh + 50 || Names < names + 50))
            {
                await Task.Delay(50, cancellationToken);
            }
        }
    }
}
