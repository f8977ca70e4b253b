using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Berth.Linux.Namespaces;
using Berth.Testing;

namespace Berth.EndToEnd.Tests;

/// <summary>What clients see while <c>berth up</c> replaces the only container of a service stop-first.</summary>
public sealed class ReplacementTests
{
    [Fact]
    public async Task Nobody_is_refused_while_the_only_container_of_a_service_is_replaced()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        var folder = Directory.CreateDirectory(daemon.Folder + "/site").FullName;
        var port = Ports.Free();
        await WriteProjectAsync(folder, port, release: 1, cancellationToken);
        await UpAsync(daemon, folder, cancellationToken);
        var (clientNamespace, address) = await ServiceAddressAsync(daemon, cancellationToken);

        await UntilListeningAsync(clientNamespace, new(address, 8080), cancellationToken);

        using var ending = new CancellationTokenSource();
        var seen = new ConcurrentBag<Visit>();
        var visitors = Task.WhenAll(
            VisitAsync("service", () => SocketInsideAsync(clientNamespace), new(address, 8080), seen, ending.Token),
            VisitAsync("port", () => Task.FromResult(new TcpClient(AddressFamily.InterNetwork)), new(IPAddress.Loopback, port), seen, ending.Token));
        await WriteProjectAsync(folder, port, release: 2, cancellationToken);
        await UpAsync(daemon, folder, cancellationToken);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        while (new[] { "service", "port" }.Any(way => seen.All(visit => visit.Way != way || visit.Answer != "2")))
        {
            Assert.False(
                patience.IsCancellationRequested,
                "the new container did not serve both ways within 15 s; seen: " + string.Join(", ", seen.GroupBy(visit => (visit.Way, visit.Answer, visit.Error)).Select(group => $"{group.Key} {group.Count()}")));
            await Task.Delay(50, cancellationToken);
        }

        await ending.CancelAsync();
        await visitors;
        foreach (var way in new[] { "service", "port" })
        {
            var visits = seen.Where(visit => visit.Way == way).ToList();
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{way}: {visits.Count} visits, longest wait {visits.Max(visit => visit.Connecting.TotalSeconds):0.00} s, connected then cut off: {visits.Count(visit => visit.Answer.Length == 0)}");
            Assert.DoesNotContain(visits, visit => visit.Error == SocketError.ConnectionRefused);
            Assert.Contains(visits, visit => visit.Answer == "1");
            Assert.Contains(visits, visit => visit.Connecting > TimeSpan.FromMilliseconds(500)); // somebody did have to wait
            Assert.All(visits, visit => Assert.InRange(visit.Connecting.TotalSeconds, 0, 10));
            Assert.InRange(visits.Count(visit => visit.Answer.Length == 0), 0, 1); // the one that the old container was serving when it was killed
        }
    }

    private static async Task UpAsync(TestDaemon daemon, string folder, CancellationToken cancellationToken) =>
        (await daemon.Berth(folder, "up", "-d").RunAsync(cancellationToken)).EnsureSuccess();

    // It serves until it is killed, and the next one needs a moment before it listens, as programs do.
    private static async Task WriteProjectAsync(string folder, int port, int release, CancellationToken cancellationToken)
    {
        File.Copy("/usr/bin/busybox", folder + "/busybox", overwrite: true);
        await File.WriteAllTextAsync(
            folder + "/Dockerfile",
            """
            FROM scratch
            COPY --chmod=755 busybox /bin/busybox
            RUN ["/bin/busybox", "--install", "-s", "/bin"]
            """, cancellationToken);
        await File.WriteAllTextAsync(
            folder + "/compose.yaml",
            $$"""
            name: site
            services:
              web:
                build: .
                environment:
                  RELEASE: "{{release}}"
                command: ["sh", "-c", "mkdir /www; printf $$RELEASE >/www/index.html; sleep 0.7; exec httpd -f -p 8080 -h /www"]
                stop_grace_period: 1s
                x-berth: {roll: stop-first}
                ports: ["{{port}}:8080"]
              client:
                build: .
                command: ["sleep", "1000"]
                stop_grace_period: 0s
            """, cancellationToken);
    }

    private static async Task<(string Namespace, IPAddress Address)> ServiceAddressAsync(TestDaemon daemon, CancellationToken cancellationToken)
    {
        await DockerCli.PrepareAsync(cancellationToken);
        var id = (await daemon.Docker.Docker("inspect", "--format", "{{.Id}}", "site-client-1").RunAsync(cancellationToken)).EnsureSuccess().Output.Trim();
        var lookup = (await daemon.Docker.Docker("exec", "site-client-1", "nslookup", "web").RunAsync(cancellationToken)).Output;
        var address = Regex.Matches(lookup, @"Address(?: 1)?: *(\d+\.\d+\.\d+\.\d+)").Select(match => match.Groups[1].Value).Last(value => !value.StartsWith("127.", StringComparison.Ordinal));
        return ($"{daemon.ExecRoot}/netns/{id}", IPAddress.Parse(address));
    }

    private static async Task UntilListeningAsync(string clientNamespace, IPEndPoint destination, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            using var client = await SocketInsideAsync(clientNamespace);
            try
            {
                await client.ConnectAsync(destination, cancellationToken);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(50, patience.Token);
            }
        }
    }

    private static async Task<TcpClient> SocketInsideAsync(string path)
    {
        TcpClient? client = null;
        await NetworkNamespace.RunAsync(path, () => client = new TcpClient(AddressFamily.InterNetwork));
        return client!;
    }

    // One visit after another: each a connection of its own.
    private static async Task VisitAsync(string way, Func<Task<TcpClient>> make, IPEndPoint destination, ConcurrentBag<Visit> seen, CancellationToken ending)
    {
        while (!ending.IsCancellationRequested)
        {
            using var client = await make();
            var connecting = Stopwatch.StartNew();
            try
            {
                await client.ConnectAsync(destination, CancellationToken.None);
            }
            catch (SocketException exception)
            {
                seen.Add(new(way, connecting.Elapsed, exception.SocketErrorCode, ""));
                continue;
            }

            connecting.Stop();
            seen.Add(new(way, connecting.Elapsed, SocketError.Success, await AskAsync(client)));
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private static async Task<string> AskAsync(TcpClient client)
    {
        try
        {
            await client.Client.SendAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
            using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
            var answer = await reader.ReadToEndAsync();
            return answer.Length > 0 ? answer[^1].ToString(CultureInfo.InvariantCulture) : "";
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            return ""; // cut off
        }
    }

    private sealed record Visit(string Way, TimeSpan Connecting, SocketError Error, string Answer);
}
