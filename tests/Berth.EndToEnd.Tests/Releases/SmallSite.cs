using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary>A daemon on which small projects are released: an image of this host's busybox, without a package to fetch.</summary>
public sealed class SmallSite : IAsyncLifetime
{
    private TestDaemon? _daemon;

    public TestDaemon Daemon => _daemon ?? throw new InvalidOperationException("the daemon is not up");

    public async ValueTask InitializeAsync() => _daemon = await StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            await _daemon.DisposeAsync();
        }
    }

    public static async Task<TestDaemon> StartAsync(CancellationToken cancellationToken)
    {
        await DockerCli.PrepareAsync(cancellationToken);
        var daemon = await TestDaemon.StartAsync(cancellationToken);
        await BoxImage.BuildAsync(daemon, cancellationToken);
        return daemon;
    }
}

/// <summary>One project: a service <c>web</c> that tells its release, with whatever keys a test adds.</summary>
internal sealed class SmallProject(TestDaemon daemon, string name)
{
    private readonly string _folder = Directory.CreateDirectory($"{daemon.Folder}/{name}").FullName;

    public int Port { get; set; } = Ports.Free();

    public string ContainerName => $"{name}-web-1";

    /// <param name="command">What it does; null serves the release's number.</param>
    /// <param name="keys">Further lines of the service, without indentation.</param>
    /// <param name="rest">Further services, with theirs.</param>
    public Task WriteAsync(int release, string? command = null, string keys = "", string rest = "", string image = "box") => File.WriteAllTextAsync(
        _folder + "/compose.yaml",
        $"""
        name: {name}
        services:
          web:
            image: {image}
            environment:
              RELEASE: "{release}"
            stop_grace_period: 1s
            ports: ["{Port}:8080"]
            command: ["sh", "-c", {JsonSerializer.Serialize((command ?? "printf $RELEASE >index.html; exec httpd -f -p 8080 -h .").Replace("$", "$$", StringComparison.Ordinal))}]
        {string.Join('\n', keys.Split('\n').Select(line => "    " + line))}
        {rest}
        """);

    public Task<CommandResult> RunAsync(params string[] verb) => Command(verb).RunAsync(TestContext.Current.CancellationToken);

    public Command Command(params string[] verb) => daemon.Berth(_folder, verb);

    /// <summary>The release that answers at the published port.</summary>
    public async Task<string> AnswerAsync()
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(15) };
        return await client.GetStringAsync(new Uri($"http://127.0.0.1:{Port}/"), TestContext.Current.CancellationToken);
    }

    /// <summary>As <see cref="AnswerAsync"/>, once somebody listens there.</summary>
    public async Task<string> UntilAnswersAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        while (true)
        {
            try
            {
                return await AnswerAsync();
            }
            catch (HttpRequestException) when (!patience.IsCancellationRequested)
            {
                await Task.Delay(50, CancellationToken.None);
            }
        }
    }

    /// <summary>Names of the project's containers, all of them.</summary>
    public async Task<string> ContainersAsync() =>
        string.Join(' ', (await daemon.Docker.Docker("ps", "-a", "--filter", $"label=com.docker.compose.project={name}", "--format", "{{.Names}}").RunAsync(TestContext.Current.CancellationToken))
            .EnsureSuccess().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));

    /// <summary>Releases as <c>number status</c>, newest first.</summary>
    public async Task<IReadOnlyList<string>> ReleasesAsync() =>
        (await RunAsync("releases", "--format", "{{.Release}} {{.Status}}")).EnsureSuccess().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The release that serves by the ledger's word, as <see cref="WriteAsync"/> numbered it.</summary>
    public async Task<string> ServingAsync()
    {
        var newest = (await ReleasesAsync()).First(line => line.EndsWith(" done", StringComparison.Ordinal) || line.EndsWith(" watched", StringComparison.Ordinal)).Split(' ')[0];
        using var shown = JsonDocument.Parse((await RunAsync("release", "show", newest, "--format", "json")).EnsureSuccess().Output);
        return shown.RootElement.GetProperty("model").GetProperty("services").GetProperty("web").GetProperty("environment").GetProperty("RELEASE").GetString()!;
    }

    /// <summary>Returns once the newest release is no longer what it is.</summary>
    /// <param name="what">What was done before, for the message.</param>
    public async Task UntilSettledAsync(string what, string status = "running")
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await ReleasesAsync())[0].EndsWith(" " + status, StringComparison.Ordinal))
        {
            Assert.False(patience.IsCancellationRequested, $"{what}: the next daemon did not end the release within 30 s");
            await Task.Delay(50, CancellationToken.None);
        }
    }

    /// <summary>Fresh connections, one after the other: somebody answers each, whether a daemon lives or not.</summary>
    public async Task VisitAsync(ConcurrentQueue<string> failures, CancellationToken ending)
    {
        while (!ending.IsCancellationRequested)
        {
            try
            {
                using var client = new TcpClient(AddressFamily.InterNetwork);
                await client.ConnectAsync("127.0.0.1", Port, CancellationToken.None);
                await client.Client.SendAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
                using var reader = new StreamReader(client.GetStream());
                var answer = await reader.ReadToEndAsync(CancellationToken.None);
                if (!answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) && !answer.StartsWith("HTTP/1.0 200", StringComparison.Ordinal))
                {
                    failures.Enqueue(answer);
                }
            }
            catch (Exception exception) when (exception is SocketException or IOException)
            {
                failures.Enqueue($"{exception.Message} at {TimeProvider.System.GetUtcNow():HH:mm:ss.fff}");
            }

            await Task.Delay(10, CancellationToken.None);
        }
    }
}
