using Berth.Testing;

namespace Berth.Conformance.Tests.Clients;

/// <summary>Docker Compose 1.29, the one in Python that Debian 12 has.</summary>
[Trait("Speed", "slow")]
public sealed class ComposeOneTests(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Fact]
    public async Task Up_builds_and_starts_all_and_down_leaves_nothing()
    {
        var project = Project("onelife");
        var up = (await project.RunAsync("up", "-d")).EnsureSuccess();
        Assert.Contains("Creating network \"onelife_inner\"", up.Error, StringComparison.Ordinal);
        Assert.Contains("Step 3/3 : RUN echo", up.Output + up.Error, StringComparison.Ordinal);
        await project.UntilServedAsync("hello from a file\n");

        var listed = await project.OutputAsync("ps");
        Assert.Matches("onelife_web_1 .* Up .*127.0.0.1:[0-9]+->80/tcp", listed);
        Assert.Matches("onelife_client_1 .* Up ", listed);
        Assert.Contains("client_1  | built for you", await project.OutputAsync("logs", "--no-color", "client"), StringComparison.Ordinal);
        Assert.Contains("web_1     | serving", await project.OutputAsync("logs", "--no-color", "--tail", "50"), StringComparison.Ordinal);
        Assert.Equal(3, (await project.RunAsync("exec", "-T", "web", "sh", "-c", "exit 3")).ExitCode);
        Assert.StartsWith("127.0.0.1:", await project.OutputAsync("port", "web", "80"), StringComparison.Ordinal);
        Assert.Contains("httpd -f", await project.OutputAsync("top", "web"), StringComparison.Ordinal);
        Assert.Contains("onelife_client", await project.OutputAsync("images"), StringComparison.Ordinal);

        await project.OutputAsync("down", "-v", "--rmi", "local");
        Assert.Equal("", await project.LeftAsync());
        Assert.NotEqual(0, (await docker.DockerAsync("image", "inspect", "onelife_client")).ExitCode);
        Assert.Equal(0, (await docker.DockerAsync("image", "inspect", "box")).ExitCode);
    }

    [Fact]
    public async Task Berth_carries_on_what_it_has_made()
    {
        var project = Project("onekept");
        await project.OutputAsync("up", "-d");
        await project.UntilServedAsync("hello from a file\n");
        await project.IsCarriedOnAsync();
    }

    [Fact]
    public async Task A_change_replaces_one_service_and_its_volume_stays()
    {
        var project = Project("onechange");
        await project.OutputAsync("up", "-d");
        await project.UntilServedAsync("hello from a file\n");
        await project.OutputAsync("exec", "-T", "web", "sh", "-c", "echo kept >/www/kept");
        var (web, client) = (await project.ContainersAsync("web"), await project.ContainersAsync("client"));
        Assert.Contains("up-to-date", (await project.RunAsync("up", "-d")).EnsureSuccess().Error, StringComparison.Ordinal);
        Assert.Equal(web, await project.ContainersAsync("web"));

        project.Variables["GREETING"] = "bye";
        Assert.Contains("Recreating onechange_web_1", (await project.RunAsync("up", "-d")).EnsureSuccess().Error, StringComparison.Ordinal);
        await project.UntilServedAsync("bye from a file\n");
        Assert.NotEqual(web, await project.ContainersAsync("web"));
        Assert.Equal(client, await project.ContainersAsync("client"));
        Assert.Equal("kept\n", await project.FetchAsync("http://web/kept"));

        project.Variables["WHO"] = "another";
        await project.OutputAsync("up", "-d", "--build", "client");
        Assert.Equal("built for another\n", await project.OutputAsync("exec", "-T", "client", "cat", "/who"));
        await project.OutputAsync("down", "-v");
        Assert.Equal("", await project.LeftAsync());
    }

    [Fact]
    public async Task Services_are_scaled_restarted_paused_stopped_and_run_once()
    {
        var project = Project("onescale");
        await project.OutputAsync("up", "-d", "--scale", "web=3");
        var copies = await project.ContainersAsync("web");
        Assert.Equal(3, copies.Length);
        await project.UntilServedAsync("hello from a file\n");
        await project.OutputAsync("up", "-d", "--scale", "web=1");
        Assert.Single(await project.ContainersAsync("web"));

        var before = await StartedAsync(project);
        await project.OutputAsync("restart", "web");
        Assert.NotEqual(before, await StartedAsync(project));
        await project.UntilServedAsync("hello from a file\n");
        await project.OutputAsync("pause", "web");
        Assert.Contains("Paused", await project.OutputAsync("ps", "web"), StringComparison.Ordinal);
        await project.OutputAsync("unpause", "web");
        await project.OutputAsync("stop");
        Assert.Matches("onescale_web_1 .* Exit ", await project.OutputAsync("ps"));
        await project.OutputAsync("start");
        await project.UntilServedAsync("hello from a file\n");

        Assert.Equal("hello from a file\n", await project.OutputAsync("run", "--rm", "-T", "--no-deps", "client", "wget", "-q", "-O", "-", "http://web/index.html"));
        await project.OutputAsync("kill", "-s", "KILL", "client");
        await project.OutputAsync("rm", "-f", "client");
        Assert.Empty(await project.ContainersAsync("client"));
        await project.OutputAsync("down", "-v");
        Assert.Equal("", await project.LeftAsync());
    }

    private async Task<string> StartedAsync(ComposeProject project) => await docker.OutputAsync("inspect", "-f", "{{.State.StartedAt}}", (await project.ContainersAsync("web"))[0]);

    private ComposeProject Project(string name) => new(docker, name, (folder, arguments) => new Command("/usr/bin/docker-compose", arguments)
    {
        // It reads a field of images that Docker shows to versions below 1.45 alone.
        WorkingDirectory = folder, Environment = new Dictionary<string, string?>(docker.Daemon.Docker.Docker().Environment) { ["COMPOSE_API_VERSION"] = "1.41" },
    });
}
