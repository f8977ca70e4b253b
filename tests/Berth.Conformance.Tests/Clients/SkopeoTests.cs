using System.Text.Json.Nodes;
using Berth.Testing;

namespace Berth.Conformance.Tests.Clients;

/// <summary>
/// skopeo, which copies images between engines, registries and folders. The one of Debian 13, unpacked with the C library that it needs: that of Debian 12 speaks version 1.22 of the
/// API alone, which Docker has refused since release 25.
/// </summary>
[Trait("Speed", "slow")]
public sealed class SkopeoTests(DockerFixture docker) : IClassFixture<DockerFixture>, IAsyncLifetime
{
    private static readonly string s_folder = Checkout.Artifacts + "/peers/skopeo";
    private static readonly string[] s_packages = ["skopeo", "libc6", "libgpgme11t64", "libassuan9", "libgpg-error0", "libsqlite3-0"];

    private string Host => "unix://" + docker.Daemon.Socket;

    public async ValueTask InitializeAsync()
    {
        var unpack = new Command(Checkout.Root + "/tests/tools/modern-docker.sh", [s_folder, .. s_packages])
        {
            Environment = new Dictionary<string, string?> { ["SUITE"] = "trixie" }, Timeout = TimeSpan.FromMinutes(5),
        };
        (await unpack.RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess();
    }

    [Fact]
    public async Task Inspect_tells_the_image_of_the_engine()
    {
        await docker.DockerWithInputAsync("FROM box\nENV A=b\nLABEL l=v\nCMD echo looked-at\n", "build", "-q", "-t", "looked-at:v1", "-");
        var told = JsonNode.Parse(await OutputAsync("inspect", "--daemon-host", Host, "docker-daemon:looked-at:v1"))!;
        Assert.Equal("v", (string?)told["Labels"]!["l"]);
        Assert.Contains("A=b", told["Env"]!.AsArray().Select(one => (string?)one));
        Assert.Equal("linux", (string?)told["Os"]);
        var config = JsonNode.Parse(await OutputAsync("inspect", "--config", "--daemon-host", Host, "docker-daemon:looked-at:v1"))!;
        Assert.Equal("echo looked-at", (string?)config["config"]!["Cmd"]![2]);
        var missing = await SkopeoAsync("inspect", "--daemon-host", Host, "docker-daemon:nothing:here");
        Assert.NotEqual(0, missing.ExitCode);
        Assert.Contains("No such image: nothing:here", missing.Error + missing.Output, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("oci:{0}/oci:v1")]
    [InlineData("dir:{0}/dir")]
    [InlineData("docker-archive:{0}/archive.tar:from-engine:v1")]
    [InlineData("oci-archive:{0}/oci.tar:v1")]
    public async Task An_image_goes_out_and_comes_back_and_runs(string form)
    {
        var folder = Directory.CreateDirectory($"{docker.Daemon.Folder}/{form.Split(':')[0]}").FullName;
        var place = string.Format(System.Globalization.CultureInfo.InvariantCulture, form, folder);
        await docker.DockerWithInputAsync("FROM box\nRUN echo carried >/desk/file\nCMD cat /desk/file\n", "build", "-q", "-t", "from-engine:v1", "-");
        await OutputAsync("copy", "--src-daemon-host", Host, "docker-daemon:from-engine:v1", place);
        Assert.NotEmpty(Directory.GetFileSystemEntries(folder));
        await docker.OutputAsync("rmi", "from-engine:v1");
        await OutputAsync("copy", "--dest-daemon-host", Host, place, "docker-daemon:back-again:v1");
        Assert.Equal("carried\n", await docker.OutputAsync("run", "--rm", "back-again:v1"));
        await docker.OutputAsync("rmi", "back-again:v1");
    }

    [Fact]
    public async Task An_image_goes_to_a_registry_and_the_engine_pulls_it()
    {
        await using var registry = await RegistryProcess.StartAsync();
        var name = $"127.0.0.1:{registry.Port}/carried:v1";
        await docker.DockerWithInputAsync("FROM box\nRUN echo published >/desk/file\nCMD cat /desk/file\n", "build", "-q", "-t", "published:v1", "-");
        await OutputAsync("copy", "--dest-tls-verify=false", "--src-daemon-host", Host, "docker-daemon:published:v1", "docker://" + name);
        var told = JsonNode.Parse(await docker.Daemon.Api.GetStringAsync($"/distribution/{name}/json", TestContext.Current.CancellationToken))!;
        await docker.OutputAsync("pull", name);
        Assert.EndsWith((string)told["Descriptor"]!["digest"]!, (await docker.OutputAsync("inspect", "-f", "{{index .RepoDigests 0}}", name)).Trim(), StringComparison.Ordinal);
        Assert.Equal("published\n", await docker.OutputAsync("run", "--rm", name));
        await OutputAsync("copy", "--src-tls-verify=false", "--dest-daemon-host", Host, "docker://" + name, "docker-daemon:mirrored:v2");
        Assert.Equal("published\n", await docker.OutputAsync("run", "--rm", "mirrored:v2"));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<string> OutputAsync(params string[] arguments) => (await SkopeoAsync(arguments)).EnsureSuccess().Output;

    private async Task<CommandResult> SkopeoAsync(params string[] arguments) => await new Command(
        s_folder + "/usr/lib64/ld-linux-x86-64.so.2", ["--library-path", s_folder + "/usr/lib/x86_64-linux-gnu", s_folder + "/usr/bin/skopeo", "--insecure-policy", .. arguments])
        { Environment = docker.Daemon.Docker.Docker().Environment }.RunAsync(TestContext.Current.CancellationToken);
}
