using System.Net;
using System.Net.Sockets;
using System.Text;
using Berth.Oci.Images;
using Berth.Oci.Registry;

namespace Berth.Oci.Tests.Registry;

/// <summary>Against a registry of the test's own that answers what a hostile or protected one would.</summary>
public sealed class RegistryClientTests : IDisposable
{
    private readonly HttpListener _listener;
    private readonly int _port;
    private readonly RegistryClient _client = new(new() { RetryDelay = TimeSpan.FromMilliseconds(1), Attempts = 2 }, TimeProvider.System);

    public RegistryClientTests() => (_listener, _port) = Listen();

    // Between asking for a free port and taking it another test may have taken it: then another one is asked for.
    private static (HttpListener Listener, int Port) Listen()
    {
        for (var attempt = 1; ; attempt++)
        {
            var (listener, port) = (new HttpListener(), FreePort());
            listener.Prefixes.Add($"http://127.0.0.1:{port}/");
            try
            {
                listener.Start();
                return (listener, port);
            }
            catch (HttpListenerException) when (attempt < 10)
            {
                listener.Close();
            }
        }
    }

    private ImageReference Name => ImageReference.Parse($"127.0.0.1:{_port}/team/app:1");

    public void Dispose()
    {
        _listener.Close();
        _client.Dispose();
    }

    [Fact]
    public async Task A_bearer_challenge_is_answered_with_the_credentials_and_the_index_followed()
    {
        var (config, manifest, index) = Image();
        var asked = new List<string>();
        Serve(context =>
        {
            var (path, authorization) = (context.Request.Url!.PathAndQuery, context.Request.Headers["Authorization"]);
            asked.Add($"{path} {authorization}");
            if (path.StartsWith("/token", StringComparison.Ordinal))
            {
                return authorization == "Basic " + Convert.ToBase64String("me:secret"u8) ? (200, "{\"token\":\"t0ken\"}"u8.ToArray(), null) : (401, [], null);
            }

            if (authorization != "Bearer t0ken")
            {
                context.Response.Headers["WWW-Authenticate"] = $"Bearer realm=\"http://127.0.0.1:{_port}/token\",service=\"a, b\",scope=\"x\"";
                return (401, [], null);
            }

            return path switch
            {
                "/v2/team/app/manifests/1" => (200, index, MediaTypes.OciIndex),
                _ when path.EndsWith(Digest.Of(manifest).Value, StringComparison.Ordinal) => (200, manifest, MediaTypes.OciManifest),
                _ when path.EndsWith(Digest.Of(config).Value, StringComparison.Ordinal) => (200, config, null),
                _ => (404, [], null),
            };
        });
        var remote = await _client.ResolveAsync(Name, Platform.Parse("linux/arm64"), new() { Username = "me", Password = "secret" }, default);
        Assert.Equal((Digest.Of(index), "arm64"), (remote.Digest, remote.Config.Architecture));
        Assert.Contains(asked, line => line.StartsWith("/token?scope=repository%3Ateam%2Fapp%3Apull&service=a%2C%20b ", StringComparison.Ordinal));
        Assert.Single(asked, line => line.StartsWith("/token", StringComparison.Ordinal));
        var failure = await Assert.ThrowsAsync<RegistryException>(() => _client.ResolveAsync(Name, Platform.Parse("linux/s390x"), new() { Username = "me", Password = "secret" }, default));
        Assert.Contains("not for linux/s390x; it has linux/arm64", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_of_another_digest_is_refused()
    {
        var (_, manifest, _) = Image();
        Serve(_ => (200, manifest, MediaTypes.OciManifest));
        var failure = await Assert.ThrowsAsync<RegistryException>(() => _client.ResolveAsync(Name.WithDigest(Digest.Of("other"u8)), Platform.Host, null, default));
        Assert.Equal(RegistryFailure.Invalid, failure.Failure);
        Assert.Contains("with a manifest whose digest is", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_without_end_is_refused()
    {
        Serve(_ => (200, new byte[5 << 20], MediaTypes.OciManifest));
        var failure = await Assert.ThrowsAsync<RegistryException>(() => _client.ResolveAsync(Name, Platform.Host, null, default));
        Assert.Contains("more than 4096 KiB", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("not json")]
    [InlineData("{\"schemaVersion\":1,\"fsLayers\":[]}")]
    public async Task What_is_no_image_is_refused(string manifest)
    {
        Serve(_ => (200, Encoding.UTF8.GetBytes(manifest), "application/json"));
        Assert.Equal(RegistryFailure.Invalid, (await Assert.ThrowsAsync<RegistryException>(() => _client.ResolveAsync(Name, Platform.Host, null, default))).Failure);
    }

    [Fact]
    public async Task Wrong_credentials_are_told_from_a_missing_image()
    {
        Serve(context =>
        {
            context.Response.Headers["WWW-Authenticate"] = "Basic realm=\"x\"";
            return (401, [], null);
        });
        Assert.Equal(
            RegistryFailure.Denied,
            (await Assert.ThrowsAsync<RegistryException>(() => _client.ResolveAsync(Name, Platform.Host, new() { Username = "a", Password = "b" }, default))).Failure);
    }

    [Fact]
    public async Task Tags_come_in_as_many_pages_as_the_registry_makes_of_them()
    {
        var asked = new List<string>();
        Serve(context =>
        {
            asked.Add(context.Request.Url!.Query);
            var page = context.Request.QueryString["last"] switch { null => "\"a\",\"b\"", "b" => "\"c\",\"d\"", _ => "\"e\"" };
            if (page.Length > 3)
            {
                context.Response.Headers["Link"] = "</v2/team/app/tags/list?next>; rel=\"next\"";
            }

            return (200, Encoding.UTF8.GetBytes($"{{\"name\":\"team/app\",\"tags\":[{page}]}}"), "application/json");
        });
        Assert.Equal(["a", "b", "c", "d", "e"], await _client.TagsAsync(Name, null, default));
        Assert.Equal(["?n=1000", "?n=1000&last=b", "?n=1000&last=d"], asked);
    }

    [Theory]
    [InlineData(true)] // always more
    [InlineData(false)] // always the same, which is the end
    public async Task Tags_without_end_end(bool differ)
    {
        var number = 0;
        Serve(context =>
        {
            context.Response.Headers["Link"] = "<more>; rel=\"next\"";
            return (200, Encoding.UTF8.GetBytes($"{{\"tags\":[{string.Join(',', Enumerable.Range(0, 1000).Select(i => $"\"{(differ ? number++ : i)}\""))}]}}"), "application/json");
        });
        if (differ)
        {
            Assert.Contains("has more than", (await Assert.ThrowsAsync<RegistryException>(() => _client.TagsAsync(Name, null, default))).Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(1000, (await _client.TagsAsync(Name, null, default)).Count);
        }
    }

    private static (byte[] Config, byte[] Manifest, byte[] Index) Image()
    {
        var config = OciJson.Write(new ImageConfig { Architecture = "arm64", Os = "linux", RootFs = new() { DiffIds = [] } });
        var manifest = OciJson.Write(new Manifest
        {
            MediaType = MediaTypes.OciManifest, Config = new() { MediaType = MediaTypes.OciConfig, Digest = Digest.Of(config), Size = config.Length }, Layers = [],
        });
        var index = OciJson.Write(new ImageIndex
        {
            MediaType = MediaTypes.OciIndex,
            Manifests =
            [
                new() { MediaType = MediaTypes.OciManifest, Digest = Digest.Of(manifest), Size = manifest.Length, Platform = Platform.Parse("linux/arm64") },
            ],
        });
        return (config, manifest, index);
    }

    private void Serve(Func<HttpListenerContext, (int Status, byte[] Body, string? Type)> answer) => _ = Task.Run(async () =>
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                return; // the test is over
            }

            var (status, body, type) = answer(context);
            context.Response.StatusCode = status;
            context.Response.ContentType = type;
            context.Response.ContentLength64 = body.Length;
            try
            {
                await context.Response.OutputStream.WriteAsync(body);
                context.Response.Close();
            }
            catch (HttpListenerException)
            {
                context.Response.Abort(); // the client had seen enough, as one of the tests expects
            }
        }
    });

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
