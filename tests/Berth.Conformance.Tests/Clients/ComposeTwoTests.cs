using System.Text.Json.Nodes;

namespace Berth.Conformance.Tests.Clients;

/// <summary>Docker Compose 2, with the classic builder, as it has no other on an engine without BuildKit.</summary>
[Trait("Speed", "slow")]
public sealed class ComposeTwoTests(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Fact]
    public async Task Build_up_wait_and_down_leave_nothing()
    {
        var project = Project("twolife");
        var built = (await project.RunAsync("build")).EnsureSuccess();
        Assert.Contains("Successfully tagged twolife-client:latest", built.Output + built.Error, StringComparison.Ordinal);
        var up = (await project.RunAsync("up", "--wait")).EnsureSuccess();
        Assert.Contains("Container twolife-web-1  Healthy", up.Error, StringComparison.Ordinal);
        Assert.Equal("hello from a file\n", await project.FetchAsync()); // it waited

        var listed = Lines(await project.OutputAsync("ps", "--format", "json"));
        var web = Assert.Single(listed, one => (string?)one["Service"] == "web");
        Assert.Equal(("twolife-web-1", "running", "healthy"), ((string?)web["Name"], (string?)web["State"], (string?)web["Health"]));
        Assert.Equal(80, (int)Assert.Single(web["Publishers"]!.AsArray())!["TargetPort"]!);
        Assert.Contains("client-1  | built for you", await project.OutputAsync("logs", "--no-color", "client"), StringComparison.Ordinal);
        Assert.Contains("web-1  | serving", await project.OutputAsync("logs", "--no-color", "--tail", "50", "web"), StringComparison.Ordinal);
        Assert.Equal(3, (await project.RunAsync("exec", "-T", "web", "sh", "-c", "exit 3")).ExitCode);
        Assert.Contains("httpd -f", await project.OutputAsync("top", "web"), StringComparison.Ordinal);
        Assert.Contains("twolife-client", await project.OutputAsync("images"), StringComparison.Ordinal);
        Assert.Contains("\"twolife\"", await project.OutputAsync("ls", "--format", "json"), StringComparison.Ordinal);

        await project.OutputAsync("down", "-v", "--rmi", "local");
        Assert.Equal("", await project.LeftAsync());
        Assert.Equal(0, (await docker.DockerAsync("image", "inspect", "box")).ExitCode);
    }

    [Fact]
    public async Task A_change_replaces_one_service_and_its_volume_stays()
    {
        var project = Project("twochange");
        await project.OutputAsync("up", "-d");
        await project.UntilServedAsync("hello from a file\n");
        await project.OutputAsync("exec", "-T", "web", "sh", "-c", "echo kept >/www/kept");
        var (web, client) = (await project.ContainersAsync("web"), await project.ContainersAsync("client"));
        await project.OutputAsync("up", "-d");
        Assert.Equal(web, await project.ContainersAsync("web"));

        project.Variables["GREETING"] = "bye";
        Assert.Contains("Container twochange-web-1  Recreated", (await project.RunAsync("up", "-d", "--no-deps", "web")).EnsureSuccess().Error, StringComparison.Ordinal);
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
    public async Task Services_are_scaled_restarted_copied_to_watched_and_run_once()
    {
        var project = Project("twoscale");
        var started = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        await project.OutputAsync("up", "-d", "--wait", "--scale", "web=3");
        Assert.Equal(3, (await project.ContainersAsync("web")).Length);
        await project.OutputAsync("scale", "web=1");
        Assert.Single(await project.ContainersAsync("web"));
        await project.OutputAsync("restart", "web");
        await project.UntilServedAsync("hello from a file\n");

        await File.WriteAllTextAsync(project.Folder + "/sent", "sent\n");
        await project.OutputAsync("cp", "sent", "web:/www/sent");
        Assert.Equal("sent\n", await project.FetchAsync("http://web/sent"));
        await project.OutputAsync("cp", "client:/who", "received");
        Assert.Equal("built for you\n", await File.ReadAllTextAsync(project.Folder + "/received"));
        Assert.Equal("hello from a file\n", await project.OutputAsync("run", "--rm", "-T", "client", "wget", "-q", "-O", "-", "http://site/index.html"));
        Assert.Equal(5, (await project.RunAsync("run", "--rm", "-T", "--no-deps", "client", "sh", "-c", "exit 5")).ExitCode);

        await project.OutputAsync("pause", "web");
        Assert.Equal("paused", (string?)Assert.Single(Lines(await project.OutputAsync("ps", "--format", "json", "web")))["State"]);
        await project.OutputAsync("unpause", "web");
        await project.OutputAsync("stop", "client");
        Assert.Equal("exited", (string?)Assert.Single(Lines(await project.OutputAsync("ps", "-a", "--format", "json", "client")))["State"]);
        await project.OutputAsync("start", "client");
        await project.UntilServedAsync("hello from a file\n");

        var events = Lines((await project.RunAsync("events", "--json", "--since", $"{started}", "--until", $"{TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 1}")).Output); // it ends with EOF
        Assert.Equal(["create", "start", "stop", "start"], Actions(events, "client").Where(action => action is "create" or "start" or "stop"));
        Assert.Contains(events, one => (string?)one["service"] == "web" && (string?)one["action"] == "pause"); // of whichever of the three was left
        await project.OutputAsync("down", "-v");
        Assert.Equal("", await project.LeftAsync());
    }

    [Fact]
    public async Task Berth_carries_on_what_it_has_made()
    {
        var project = Project("twokept");
        await project.OutputAsync("up", "-d", "--wait");
        await project.IsCarriedOnAsync();
    }

    private static IEnumerable<string?> Actions(IEnumerable<JsonNode> events, string service) =>
        events.Where(one => (string?)one["service"] == service && ((string?)one["attributes"]?["name"])?.EndsWith("-1", StringComparison.Ordinal) == true).Select(one => (string?)one["action"]);

    private static List<JsonNode> Lines(string output) => [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];

    private ComposeProject Project(string name) => new(docker, name, (folder, arguments) => docker.Daemon.Docker.Compose(folder, arguments));
}
