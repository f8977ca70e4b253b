using System.Globalization;
using System.Net;
using System.Text;
using Berth.Testing;
using FsCheck;
using FsCheck.Fluent;

namespace Berth.Fuzz.Tests;

/// <summary>Any request to a daemon is answered, soon and not with a 500, and the daemon lives on.</summary>
public sealed class EndpointTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Reading = TimeSpan.FromMilliseconds(200); // of answers that go on for as long as they are listened to

    // They ask registries, or wait for what happens by design; builds and archives have their own.
    private static readonly string[] s_leftOut = ["/images/create", "/images/search", "/push", "/distribution/", "/auth", "/events", "/attach", "/wait", "/build", "/session", "/plugins", "/swarm"];
    private static readonly string[] s_values =
    [
        "1", "0", "true", "", "-1", "99999999999999999999", "1.5", "null", "all", "KILL", "SIGTERM", "2026-01-02T03:04:05Z", "10s", "{}", "[]", "{\"name\":[\"a\"]}", "{\"label\":{\"a=b\":true}}", "{\"until\":[\"x\"]}",
        "{\"", "/", "/..", "../../etc/passwd", "/desk", "a\0b", "\ud83d\ude00", "%zz", "a b", "box", "box:latest", "victim", "net", "vol", "sha256:" + "0123456789abcdef", "linux/amd64", "'; rm -rf /", "\r\nX: y",
    ];

    private static readonly string[] s_parameters =
    [
        "all", "limit", "size", "filters", "name", "platform", "force", "v", "link", "t", "signal", "follow", "stdout", "stderr", "since", "until", "timestamps", "tail", "details", "stream", "one-shot", "ps_args", "h", "w", "path",
        "noOverwriteDirNonDir", "copyUIDGID", "repo", "tag", "comment", "author", "pause", "changes", "container", "names", "quiet", "noprune", "type", "verbose", "scope", "digests", "shared-size", "manifests", "fromSrc",
    ];

    private static readonly string[] s_bodies =
    [
        "", "{}", "null", "[]", "{\"Cmd\":[\"true\"],\"AttachStdout\":true}", "{\"Image\":\"box\",\"Cmd\":[\"true\"],\"HostConfig\":{\"Binds\":[\"vol:/data\"],\"NetworkMode\":\"net\",\"Memory\":67108864}}",
        "{\"Name\":\"made\",\"Driver\":\"bridge\",\"IPAM\":{\"Config\":[{\"Subnet\":\"10.99.0.0/24\"}]},\"Options\":{\"a\":\"b\"}}", "{\"Container\":\"victim\",\"EndpointConfig\":{\"Aliases\":[\"a\"],\"IPAMConfig\":{\"IPv4Address\":\"10.99.0.5\"}}}",
        "{\"Name\":\"vol2\",\"DriverOpts\":{\"type\":\"tmpfs\",\"device\":\"tmpfs\",\"o\":\"size=1m\"}}", "{\"Memory\":67108864,\"RestartPolicy\":{\"Name\":\"always\"}}", "{\"Detach\":true}",
    ];

    private static readonly string[] s_tokens = ["{", "}", "[", "]", "null", "true", "\"", "\\u0000", "-1", "1e999", ",", ":", "\"Image\":\"box\"", "\"HostConfig\":{", "\"Name\":", "/", "..", "99999999999"];
    private TestDaemon _daemon = null!;

    private static CancellationToken Ending => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _daemon = await TestDaemon.StartAsync(["--no-bootstrap"], Ending);
        await BoxImage.BuildAsync(_daemon, Ending);
        foreach (var arguments in new[] { new[] { "network", "create", "net" }, ["volume", "create", "vol"], ["create", "--name", "victim", "box", "sleep", "1000"] })
        {
            (await _daemon.Berth("/", ["docker", .. arguments]).RunAsync(Ending)).EnsureSuccess();
        }
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    [Trait("Speed", "slow")]
    public Task Three_thousand_requests() => CheckAsync(3_000, ParserTests.Known);

    [Fact]
    [Trait("Speed", "long")]
    public Task A_hundred_thousand_requests() => CheckAsync(100_000, Config.QuickThrowOnFailure);

    private async Task CheckAsync(int cases, Config config)
    {
        var process = _daemon.ProcessId;
        var endpoints = Endpoints();
        Assert.InRange(endpoints.Count, 50, 200);
        var property = Prop.ForAll(Mutant.Of([.. s_bodies.Select(Encoding.UTF8.GetBytes)], s_tokens), ArbMap.Default.ArbFor<int>(), (body, choice) =>
        {
            AskAsync(endpoints, body.Bytes(), new Random(choice)).GetAwaiter().GetResult();
            return true;
        });
        await Task.Run(() => property.Check(config.WithMaxTest(cases)), Ending);
        Assert.Equal(process, _daemon.ProcessId);
        Assert.False(_daemon.HasEnded);
        Assert.DoesNotContain("failed unexpectedly", await File.ReadAllTextAsync(_daemon.LogPath, Ending), StringComparison.Ordinal);
    }

    private async Task AskAsync(IReadOnlyList<(string Method, string Path)> endpoints, byte[] body, Random random)
    {
        var (method, path) = endpoints[random.Next(endpoints.Count)];
        var target = new StringBuilder();
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            target.Append('/').Append(part[0] == '{' ? Uri.EscapeDataString(random.Next(2) == 0 ? Named(path) : s_values[random.Next(s_values.Length)]) : part);
        }

        for (var count = random.Next(4); count > 0; count--)
        {
            target.Append(target.ToString().Contains('?', StringComparison.Ordinal) ? '&' : '?').Append(s_parameters[random.Next(s_parameters.Length)]).Append('=').Append(Uri.EscapeDataString(s_values[random.Next(s_values.Length)]));
        }

        using var request = new HttpRequestMessage(new(method), (random.Next(4) == 0 ? "/v1." + random.Next(20, 60).ToString(CultureInfo.InvariantCulture) : "") + target);
        if (method is "POST" or "PUT")
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new(random.Next(8) == 0 ? "text/plain" : method == "PUT" ? "application/x-tar" : "application/json");
        }

        using var patience = new CancellationTokenSource(Patience);
        HttpResponseMessage answer;
        try
        {
            answer = await _daemon.Api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        }
        catch (HttpRequestException exception) when (exception.InnerException is IOException && request.Content is not null)
        {
            using var alive = await _daemon.Api.GetAsync("_ping", patience.Token); // what is no HTTP, such as a path with a zero byte, is refused before the body was read
            Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
            return;
        }
        catch (Exception exception) when (exception is OperationCanceledException or HttpRequestException)
        {
            throw new InvalidOperationException($"{request.Method} {request.RequestUri} was not answered: {exception.Message}", exception);
        }

        using (answer)
        {
            var text = await BeginningAsync(answer);
            Assert.True(answer.StatusCode != HttpStatusCode.InternalServerError || text.Contains("port is already allocated", StringComparison.Ordinal), $"{request.Method} {request.RequestUri}: {text}");
        }
    }

    private static async Task<string> BeginningAsync(HttpResponseMessage answer)
    {
        using var patience = new CancellationTokenSource(Reading);
        var buffer = new byte[4096];
        try
        {
            await using var stream = await answer.Content.ReadAsStreamAsync(patience.Token);
            return Encoding.UTF8.GetString(buffer, 0, await stream.ReadAsync(buffer, patience.Token));
        }
        catch (OperationCanceledException)
        {
            return ""; // it goes on
        }
    }

    private static string Named(string path) => path.Split('/')[1] switch { "images" => "box", "networks" => "net", "volumes" => "vol", _ => "victim" };

    private static List<(string Method, string Path)> Endpoints() =>
    [
        .. File.ReadLines(Checkout.Root + "/docs/reference/docker-api.txt").Select(line => line.Split(" :: ")[0].Split(' '))
            .Where(words => words is ["GET" or "POST" or "PUT" or "DELETE" or "HEAD", ['/', ..]] && !s_leftOut.Any(left => words[1].Contains(left, StringComparison.Ordinal)))
            .Select(words => (words[0], words[1])),
    ];
}
