using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Testing;

namespace Berth.Conformance.Tests;

/// <summary>The API over TCP: with mutual TLS for the real <c>docker</c> and for <c>berth</c>, and for nobody else; and never for browsers.</summary>
[Trait("Speed", "slow")]
public sealed class RemoteApiTests : IAsyncLifetime
{
    private const string ForServers = "1.3.6.1.5.5.7.3.1"; // RFC 5280, 4.2.1.12
    private const string ForClients = "1.3.6.1.5.5.7.3.2";
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-tls-").FullName;
    private readonly int _port = Ports.Free();
    private TestDaemon _daemon = null!;

    private static CancellationToken Ending => TestContext.Current.CancellationToken;

    private string Address => string.Create(CultureInfo.InvariantCulture, $"tcp://127.0.0.1:{_port}");

    public async ValueTask InitializeAsync()
    {
        using var authority = Authority("Berth test authority");
        using var other = Authority("Somebody else's authority");
        await File.WriteAllTextAsync(_folder + "/authority.pem", authority.ExportCertificatePem());
        await WriteAsync("server", authority, authority, ForServers);
        await WriteAsync("client", authority, authority, ForClients);
        await WriteAsync("misused", authority, authority, ForServers);
        await WriteAsync("stranger", other, authority, ForClients);
        _daemon = await TestDaemon.StartAsync(
            ["-H", Address, "--tlsverify", "--tlscacert", _folder + "/authority.pem", "--tlscert", _folder + "/server/cert.pem", "--tlskey", _folder + "/server/key.pem"], Ending);
        await DockerCli.PrepareAsync(Ending);
        await BoxImage.BuildAsync(_daemon, Ending);
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Docker_and_berth_work_with_a_certificate_of_the_authority()
    {
        Assert.Equal("there\n", (await Docker("client", "run", "--rm", "box", "echo", "there")).EnsureSuccess().Output);
        Assert.Equal("there\n", (await Berth("client", "run", "--rm", "box", "echo", "there")).EnsureSuccess().Output);

        // The end of the input arrives, and output goes on after it.
        string[] cat = ["run", "-i", "--rm", "box", "sh", "-c", "cat; sleep 0.2; echo tail"];
        Assert.Equal("input\ntail\n", (await (DockerCommand("client", cat) with { Input = "input\n" }).RunAsync(Ending)).EnsureSuccess().Output);
        Assert.Equal("input\ntail\n", (await (BerthCommand("client", cat) with { Input = "input\n" }).RunAsync(Ending)).EnsureSuccess().Output);
        var text = string.Concat(Enumerable.Repeat("0123456789abcdef\n", 60_000)); // 1 MB there and back
        Assert.Equal(text, (await (BerthCommand("client", ["run", "-i", "--rm", "box", "cat"]) with { Input = text }).RunAsync(Ending)).EnsureSuccess().Output);
    }

    [Theory]
    [InlineData("stranger")]
    [InlineData("misused")]
    public async Task Nobody_else_is_served(string who)
    {
        Assert.NotEqual(0, (await Docker(who, "version")).ExitCode);
        var berth = await Berth(who, "version");
        Assert.Equal(1, berth.ExitCode);
        Assert.Contains(Address, berth.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_TLS_or_without_a_certificate_nothing_is_answered()
    {
        using var client = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = static (_, _, _, _) => true });
        foreach (var scheme in new[] { "http", "https" })
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"{scheme}://127.0.0.1:{_port}/version")), Ending));
        }

        var wrong = await (BerthCommand("client", ["version"]) with { Environment = Environment("missing") }).RunAsync(Ending);
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains($"{_folder}/missing (ca.pem, cert.pem, key.pem)", wrong.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Origin", "http://localhost:8000")]
    [InlineData("Origin", "null")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    public async Task A_request_of_a_browser_is_refused(string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "volumes/create");
        request.Headers.Add(header, value);
        using var answer = await _daemon.Api.SendAsync(request, Ending);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains($"has the header {header}", await answer.Content.ReadAsStringAsync(Ending), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_does_not_come_is_not_waited_for_for_ever()
    {
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(_daemon.Socket), Ending);
        await client.SendAsync("POST /volumes/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"u8.ToArray(), Ending);
        var answer = new byte[1000];
        var length = await client.ReceiveAsync(answer, SocketFlags.None, Ending).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Ending);
        Assert.StartsWith("HTTP/1.1 408", System.Text.Encoding.ASCII.GetString(answer, 0, length), StringComparison.Ordinal);
    }

    private Task<CommandResult> Docker(string who, params string[] arguments) => DockerCommand(who, arguments).RunAsync(Ending);

    private Command DockerCommand(string who, string[] arguments) => _daemon.Docker.Docker(arguments) with { Environment = Environment(who) };

    private Task<CommandResult> Berth(string who, params string[] arguments) => BerthCommand(who, arguments).RunAsync(Ending);

    private Command BerthCommand(string who, string[] arguments) => _daemon.Berth("/", arguments) with { Environment = Environment(who) };

    private Dictionary<string, string?> Environment(string who) => new()
    {
        ["DOCKER_HOST"] = Address, ["BERTH_HOST"] = null, ["DOCKER_TLS_VERIFY"] = "1", ["DOCKER_CERT_PATH"] = $"{_folder}/{who}", ["DOCKER_CONFIG"] = _folder, ["DOCKER_BUILDKIT"] = "0",
    };

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    // As Docker's command line wants it: ca.pem says whom it trusts, cert.pem and key.pem who it is.
    private async Task WriteAsync(string who, X509Certificate2 signer, X509Certificate2 trusted, string purpose)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + who, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new(purpose)], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(signer, signer.NotBefore, signer.NotAfter, RandomNumberGenerator.GetBytes(8));
        var folder = Directory.CreateDirectory($"{_folder}/{who}").FullName;
        await File.WriteAllTextAsync(folder + "/ca.pem", trusted.ExportCertificatePem());
        await File.WriteAllTextAsync(folder + "/cert.pem", certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(folder + "/key.pem", key.ExportPkcs8PrivateKeyPem());
    }
}
