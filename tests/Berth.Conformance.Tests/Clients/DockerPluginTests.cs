using Berth.Testing;

namespace Berth.Conformance.Tests.Clients;

/// <summary>Berth's command line as Docker's plugin: <c>docker compose</c> is Berth's.</summary>
[Trait("Speed", "slow")]
public sealed class DockerPluginTests(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Fact]
    public async Task Docker_compose_is_Berths_where_it_is_linked_as_a_plugin()
    {
        var config = Directory.CreateDirectory(docker.Daemon.Folder + "/plugins").FullName;
        Directory.CreateDirectory(config + "/cli-plugins");
        File.CreateSymbolicLink(config + "/cli-plugins/docker-compose", Checkout.Program("Berth.Cli", "berth-cli"));
        var folder = Directory.CreateDirectory(docker.Daemon.Folder + "/plugged").FullName;
        await File.WriteAllTextAsync(folder + "/compose.yaml", "services: {web: {image: box, command: sleep 1000, init: true, stop_grace_period: 1s}}\n", TestContext.Current.CancellationToken);
        var client = new DockerCli(docker.Daemon.Socket, config);
        async Task<CommandResult> RunAsync(params string[] words) => await (client.Docker(words) with { WorkingDirectory = folder }).RunAsync(TestContext.Current.CancellationToken);

        Assert.Matches(@"^Berth Compose version \d", (await RunAsync("compose", "version")).EnsureSuccess().Output);
        Assert.Contains("Berth Compose", (await RunAsync("--help")).EnsureSuccess().Output, StringComparison.Ordinal);
        (await RunAsync("compose", "up", "-d")).EnsureSuccess();
        Assert.Contains("plugged-web-1", (await RunAsync("compose", "-f", "compose.yaml", "ps")).EnsureSuccess().Output, StringComparison.Ordinal);
        Assert.Contains("plugged: nothing to do", (await RunAsync("compose", "plan")).EnsureSuccess().Output, StringComparison.Ordinal); // what only Berth's has
        var unknown = await RunAsync("compose", "nonsense");
        Assert.Equal((1, true), (unknown.ExitCode, unknown.Error.Contains("'nonsense' is not a docker compose verb", StringComparison.Ordinal)));
        (await RunAsync("compose", "down")).EnsureSuccess();
        Assert.Equal("", (await RunAsync("ps", "-aq", "--filter", "label=com.docker.compose.project=plugged")).EnsureSuccess().Output);
    }
}
