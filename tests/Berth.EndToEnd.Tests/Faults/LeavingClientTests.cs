using System.Collections.Concurrent;
using System.Formats.Tar;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Faults;

/// <summary>A client that goes away in the middle of anything is noticed: what only it wanted ends, what it set going is finished, and nothing is left.</summary>
[Trait("Speed", "slow")]
public sealed class LeavingClientTests : IAsyncLifetime
{
    private readonly TcpListener _silent = new(IPAddress.Loopback, 0); // accepts, and never answers
    private TestDaemon _daemon = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Registry => $"127.0.0.1:{((IPEndPoint)_silent.LocalEndpoint).Port}";

    public async ValueTask InitializeAsync()
    {
        _silent.Start();
        _daemon = await TestDaemon.StartAsync(Cancellation);
        await BoxImage.BuildAsync(_daemon, Cancellation);
        foreach (var arguments in new[]
        {
            new[] { "run", "-d", "--name", "busy", "--init", "-i", "box", "sh", "-c", "while :; do echo line; sleep 0.02; done" },
            ["run", "-d", "--name", "stubborn", "box", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"],
            ["run", "-d", "--name", "silent", "-i", "box", "cat"],
            ["create", "--name", "waiting", "box", "true"],
            ["tag", "box", $"{Registry}/box"],
        })
        {
            (await _daemon.Berth("/", ["docker", .. arguments]).RunAsync(Cancellation)).EnsureSuccess();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _silent.Dispose();
        await _daemon.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_is_left_of_what_it_asked()
    {
        var visits = Visits();
        foreach (var visit in visits)
        {
            await LeaveAsync(visit); // the first time makes what stays for the daemon's life
        }

        var left = await Leftovers.SinceAsync(_daemon);
        var open = await OpenAsync(most: null);
        foreach (var visit in visits)
        {
            await LeaveAsync(visit);
            var now = await OpenAsync(most: open.Count);
            Assert.True(now.Count <= open.Count, $"{visit.Name}: {now.Count} open instead of {open.Count}:\n{string.Join('\n', now.Order())}\nbefore:\n{string.Join('\n', open.Order())}");
            var found = await left.FindAsync();
            Assert.True(found.Count == 0, $"{visit.Name}: left\n{string.Join('\n', found)}");
            Assert.Equal("running", await StatusAsync("busy"));
        }
    }

    [Fact]
    public async Task What_it_set_going_is_finished()
    {
        await LeaveAsync(new("stop", "POST /containers/stubborn/stop?t=1"));
        using var ended = await _daemon.Api.PostAsync("containers/stubborn/wait", null, Cancellation);
        ended.EnsureSuccessStatusCode();
        Assert.Equal("exited", await StatusAsync("stubborn"));

        await LeaveAsync(new("start", "POST /containers/stubborn/start"));
        Assert.True(await BecomesAsync(async () => await StatusAsync("stubborn") == "running"));
    }

    [Fact]
    [Trait("Speed", "long")]
    public async Task Whoever_is_asked_on_its_behalf_is_left_too()
    {
        var asked = new ConcurrentBag<Task>(); // until the daemon leaves
        var before = 0;
        _ = Task.Run(async () =>
        {
            while (true)
            {
                asked.Add(EndsAsync(await _silent.AcceptTcpClientAsync(Cancellation))); // until the listener is disposed of
            }
        }, Cancellation);
        foreach (var request in new[]
        {
            $"POST /images/create?fromImage={Registry}/box&tag=latest", $"POST /images/{Registry}/box/push", $"GET /distribution/{Registry}/box/json", $"GET /images/search?term={Registry}/box",
            $"POST /images/create?fromSrc=http://{Registry}/archive.tar", $"POST /build?remote=http://{Registry}/archive.tar",
        })
        {
            using var client = await ConnectAsync();
            await SendAsync(client, request, [], 0);
            Assert.True(await BecomesAsync(() => Task.FromResult(asked.Count > before)), $"{request}: nobody was asked");
            client.Dispose();
            var ended = Task.WhenAll(asked);
            Assert.True(await Task.WhenAny(ended, Task.Delay(TimeSpan.FromSeconds(60), Cancellation)) == ended, $"{request}: somebody is still being asked");
            before = asked.Count;
        }
    }

    private IReadOnlyList<Visit> Visits()
    {
        var context = Tar(("Dockerfile", "FROM box\nRUN echo begun && sleep 1000\n"));
        return
        [
            new("attach", "POST /containers/busy/attach?stream=1&stdin=1&stdout=1&stderr=1") { Until = "line", Head = "Upgrade: tcp\r\nConnection: Upgrade\r\n" },
            new("attach to one that is silent", "POST /containers/silent/attach?stream=1&stdin=1&stdout=1&stderr=1") { Until = "UPGRADED", Head = "Upgrade: tcp\r\nConnection: Upgrade\r\n" },
            new("attach to one that does not run", "POST /containers/waiting/attach?stream=1&stdout=1") { Until = "UPGRADED", Head = "Upgrade: tcp\r\nConnection: Upgrade\r\n" },
            new("logs", "GET /containers/busy/logs?follow=1&stdout=1") { Until = "line" },
            new("stats", "GET /containers/busy/stats") { Until = "cpu_stats" },
            new("events", "GET /events") { Until = "HTTP/1.1 200" },
            new("wait", "POST /containers/busy/wait?condition=next-exit") { Until = "HTTP/1.1 200" },
            new("exec", "") { Until = "ready", Prepare = CreateExecAsync, Body = Encoding.UTF8.GetBytes("{}"), Head = "Content-Type: application/json\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n" },
            new("build", "POST /build?nocache=1") { Body = context, Until = "begun" },
            new("half a build context", "POST /build") { Body = context[..700], Length = context.Length },
            new("half a config", "POST /containers/create") { Body = Encoding.UTF8.GetBytes("{\"Image\":\"bo"), Length = 1000, Head = "Content-Type: application/json\r\n" },
            new("half an image archive", "POST /images/load") { Body = context[..700], Length = 100_000 },
            new("half an import", "POST /images/create?fromSrc=-&repo=never") { Body = context[..700], Length = 100_000 },
            new("half an archive for a container", "PUT /containers/busy/archive?path=/desk") { Body = context[..700], Length = 100_000 },
            new("save", "GET /images/box/get") { Until = "HTTP/1.1 200" },
            new("export", "GET /containers/busy/export") { Until = "HTTP/1.1 200" },
            new("archive", "GET /containers/busy/archive?path=/bin") { Until = "HTTP/1.1 200" },
            new("commit", "POST /commit?container=busy&repo=made"),
            new("head only", "POST /containers/create HTTP/1.1\r\nContent-Len") { IsTorn = true },
        ];
    }

    private async Task<string> CreateExecAsync()
    {
        using var created = await _daemon.Api.PostAsJsonAsync("containers/busy/exec", new { AttachStdin = true, AttachStdout = true, Cmd = new[] { "sh", "-c", "echo ready; cat" } }, Cancellation);
        return $"POST /exec/{(await created.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!["Id"]}/start";
    }

    private async Task LeaveAsync(Visit visit)
    {
        var request = visit.Prepare is { } prepare ? await prepare() : visit.Request;
        using var client = await ConnectAsync();
        if (visit.IsTorn)
        {
            await client.SendAsync(Encoding.ASCII.GetBytes(request), Cancellation);
            return;
        }

        await SendAsync(client, request, visit.Body, visit.Length ?? visit.Body.Length, visit.Head);
        var seen = new StringBuilder();
        var buffer = new byte[1024];
        while (visit.Until is { } words && !seen.ToString().Contains(words, StringComparison.Ordinal))
        {
            var read = await client.ReceiveAsync(buffer, Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
            Assert.True(read > 0, $"{visit.Name}: ended with {seen}");
            seen.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }
    }

    private async Task<Socket> ConnectAsync()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(_daemon.Socket), Cancellation);
        return client;
    }

    private static async Task SendAsync(Socket client, string request, byte[] body, int length, string head = "")
    {
        await client.SendAsync(Encoding.ASCII.GetBytes($"{request} HTTP/1.1\r\nHost: engine\r\nContent-Length: {length}\r\n{head}\r\n"), Cancellation);
        await client.SendAsync(body, Cancellation);
    }

    private static async Task EndsAsync(TcpClient asked)
    {
        using var one = asked;
        var buffer = new byte[4096];
        try
        {
            while (await asked.GetStream().ReadAsync(buffer, Cancellation) > 0)
            {
            }
        }
        catch (IOException)
        {
            return; // it was reset
        }
    }

    private async Task<string> StatusAsync(string container) =>
        (await _daemon.Api.GetFromJsonAsync<JsonNode>($"containers/{container}/json", Cancellation))!["State"]!["Status"]!.GetValue<string>();

    // What the daemon has open beside its files of code: sockets, pipes, files, processes. Waits for what goes a little later.
    private async Task<IReadOnlyList<string>> OpenAsync(int? most)
    {
        IReadOnlyList<string> open = [];
        await BecomesAsync(() =>
        {
            open = [.. Directory.EnumerateFiles($"/proc/{_daemon.ProcessId}/fd").Select(path => new FileInfo(path).LinkTarget ?? "").Where(target => target.Length > 0 && !target.EndsWith(".dll", StringComparison.Ordinal) && !target.EndsWith(".pdb", StringComparison.Ordinal))];
            return Task.FromResult(most is null || open.Count <= most);
        });
        return open;
    }

    // Nobody tells when a descriptor is closed or a status changes.
    private static async Task<bool> BecomesAsync(Func<Task<bool>> condition)
    {
        for (var patience = 200; !await condition(); patience--)
        {
            if (patience == 0)
            {
                return false;
            }

            await Task.Delay(50, Cancellation);
        }

        return true;
    }

    private static byte[] Tar(params (string Name, string Text)[] files)
    {
        using var bytes = new MemoryStream();
        using (var writer = new TarWriter(bytes, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, text) in files)
            {
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)) });
            }
        }

        return bytes.ToArray();
    }

    /// <summary>What a client asks, and how far it stays.</summary>
    /// <param name="Request">Method and address.</param>
    private sealed record Visit(string Name, string Request)
    {
        /// <summary>It leaves once it has read these words; null: at once.</summary>
        public string? Until { get; init; }

        public byte[] Body { get; init; } = [];

        /// <summary>The length that it announces, if the body is only a part.</summary>
        public int? Length { get; init; }

        /// <summary>Further lines of the head.</summary>
        public string Head { get; init; } = "";

        /// <summary>The request is sent as it is, torn off in its head.</summary>
        public bool IsTorn { get; init; }

        /// <summary>Makes the request.</summary>
        public Func<Task<string>>? Prepare { get; init; }
    }
}
