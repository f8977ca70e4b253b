using System.Text.Json.Nodes;

namespace Berth.EndToEnd.Tests.Projects;

/// <summary>Verbs and options that look, or make, without starting.</summary>
[Trait("Speed", "slow")]
public sealed class DryRunTests() : ProjectTests("desk")
{
    private const string File = """
        services:
          web: {image: box, command: sleep 1000, init: true, stop_grace_period: 1s, volumes: [/kept, 'pages:/www'], environment: {TEXT: "${TEXT-none}"}}
          tool: {image: "tool:1", build: {context: .}, command: sleep 1000, init: true, stop_grace_period: 1s, depends_on: [web]}
        volumes: {pages: }
        """;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await WriteAsync("compose.yaml", File);
        await WriteAsync("Dockerfile", "FROM box\n");
        await WriteAsync(".env", "TEXT=written\n");
    }

    [Fact]
    public async Task A_dry_run_says_what_would_be_done_and_does_nothing()
    {
        var up = await BerthAsync("up", "-d", "--dry-run");
        Assert.Contains("nothing is done; it would be: 1 image to build", up, StringComparison.Ordinal);
        Assert.Contains("+ create container desk-web-1", up, StringComparison.Ordinal);
        Assert.Contains("build image tool:1 (service tool)", await BerthAsync("--dry-run", "build"), StringComparison.Ordinal);
        Assert.Contains("pull image box (service web)", await BerthAsync("compose", "--dry-run", "pull"), StringComparison.Ordinal);
        Assert.Equal("", await BerthAsync("ps", "-aq"));

        await BerthAsync("up", "-d");
        var running = await BerthAsync("ps", "-q");
        Assert.Contains("stop container desk-tool-1 (it is running)", await BerthAsync("stop", "--dry-run"), StringComparison.Ordinal);
        Assert.Contains("restart container desk-web-1", await BerthAsync("restart", "--dry-run", "web"), StringComparison.Ordinal);
        Assert.Contains("Nothing would be done.", await BerthAsync("compose", "rm", "--dry-run"), StringComparison.Ordinal);
        Assert.Contains("remove container desk-web-1 (it is running)", await BerthAsync("compose", "rm", "-s", "--dry-run"), StringComparison.Ordinal);
        Assert.Contains("create container desk-web-2", await BerthAsync("scale", "--dry-run", "web=2"), StringComparison.Ordinal);
        var down = await BerthAsync("down", "-v", "--dry-run");
        Assert.Contains("- remove volume desk_pages", down, StringComparison.Ordinal);
        Assert.Contains("data: what is in it is lost", down, StringComparison.Ordinal);
        Assert.Contains("nobody knows what 'exec' would do without doing it", (await RunAsync("compose", "exec", "--dry-run", "web", "true")).Error, StringComparison.Ordinal);
        Assert.Contains("--dry-run is for verbs of a project", (await RunAsync("--dry-run", "rmi", "box")).Error, StringComparison.Ordinal);
        Assert.Contains("--dry-run is for verbs of a project", (await RunAsync("--dry-run", "docker", "rm", "-f", "desk-web-1")).Error, StringComparison.Ordinal);
        Assert.Equal(running, await BerthAsync("ps", "-q"));
        Assert.Equal("desk_pages", await BerthAsync("compose", "volumes", "-q"));
    }

    [Fact]
    public async Task Create_makes_what_start_starts()
    {
        await BerthAsync("compose", "create");
        Assert.Equal(["created", "created"], (await BerthAsync("ps", "-a", "--format", "json")).Split('\n').Select(line => JsonNode.Parse(line)!["State"]!.GetValue<string>()));
        await BerthAsync("start");
        Assert.Equal(2, (await BerthAsync("ps", "-q")).Split('\n').Length);
    }

    [Fact]
    public async Task New_containers_keep_anonymous_volumes_unless_they_are_to_be_new()
    {
        await BerthAsync("up", "-d", "--quiet-pull", "-y", "web");
        await InAsync("web", "touch /kept/file");
        await BerthAsync("up", "-d", "--force-recreate", "web");
        Assert.Equal("file", await InAsync("web", "ls /kept"));
        await BerthAsync("up", "-d", "--force-recreate", "-V", "web");
        Assert.Equal("", await InAsync("web", "ls /kept"));
    }

    [Fact]
    public async Task A_service_that_is_killed_because_a_shell_keeps_its_signal_is_told_so()
    {
        await WriteAsync("compose.yaml", """
            services:
              shell: {image: box, command: "sh -c 'sleep 1000; true'", stop_grace_period: 1s}
              listed: {image: box, command: "sh -c 'exec sleep 1000'", stop_grace_period: 1s, stop_signal: KILL}
            """);
        await BerthAsync("up", "-d");
        var stop = (await RunAsync("stop")).EnsureSuccess().Error;
        Assert.Contains("was killed after 1 s: its first process is a shell (sh), which passes no signal on. Put 'exec' before", stop, StringComparison.Ordinal);
        Assert.Single(stop.Split("which passes no signal on").Skip(1));
    }

    [Fact]
    public async Task Config_shows_one_side_of_a_project_at_a_time()
    {
        Assert.Equal("tool\nweb", string.Join('\n', (await BerthAsync("config", "--services")).Split('\n').Order(StringComparer.Ordinal)));
        Assert.Equal("pages", await BerthAsync("config", "--volumes"));
        Assert.Equal("default", await BerthAsync("config", "--networks"));
        Assert.Contains("TEXT=written", (await BerthAsync("config", "--environment")).Split('\n'));
        var hashes = await BerthAsync("config", "--hash", "*");
        Assert.Matches("^tool [0-9a-f]{64}\nweb [0-9a-f]{64}$", hashes);
        Assert.Equal(hashes.Split('\n')[1], await BerthAsync("config", "--hash", "web"));
        Assert.Contains("TEXT: \"${TEXT-none}\"", await BerthAsync("config", "--no-interpolate"), StringComparison.Ordinal);
        Assert.Contains("TEXT: written", await BerthAsync("config"), StringComparison.Ordinal);
        var one = JsonNode.Parse(await BerthAsync("config", "--format", "json", "web"))!;
        Assert.Equal(["web"], one["services"]!.AsObject().Select(pair => pair.Key));
        await BerthAsync("config", "-o", "out.yaml", "tool");
        Assert.Contains("  tool:", await System.IO.File.ReadAllTextAsync(Folder + "/out.yaml", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Contains("no such service: nobody", (await RunAsync("config", "nobody")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_are_those_of_the_project()
    {
        await BerthAsync("up", "-d", "web");
        await BerthAsync("docker", "run", "--rm", "--name", "stranger", "box", "true");
        var events = (await BerthAsync("compose", "events", "--json", "--since", "1h", "--until", "0s")).Split('\n').Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Contains(events, one => (string?)one["action"] == "start" && (string?)one["service"] == "web");
        Assert.DoesNotContain(events, one => one.ToJsonString().Contains("stranger", StringComparison.Ordinal));
        Assert.Matches(@"^\d{4}-\d\d-\d\d .* container create [0-9a-f]{64} \(", (await BerthAsync("compose", "events", "--since", "1h", "--until", "0s", "web")).Split('\n')[0]);
        Assert.Matches(@"^Berth Compose version \d+\.\d+\.\d+$", await BerthAsync("compose", "version"));
    }

    [Fact]
    public async Task Push_sends_what_is_built()
    {
        await using var registry = await Berth.Testing.RegistryProcess.StartAsync();
        await ReplaceAsync("compose.yaml", "tool:1", $"127.0.0.1:{registry.Port}/team/tool:1");
        await BerthAsync("build");
        await BerthAsync("compose", "push");
        await BerthAsync("docker", "rmi", $"127.0.0.1:{registry.Port}/team/tool:1");
        await BerthAsync("docker", "pull", $"127.0.0.1:{registry.Port}/team/tool:1");
        await ReplaceAsync("compose.yaml", $"image: \"127.0.0.1:{registry.Port}/team/tool:1\", ", "");
        Assert.Contains("service \"tool\" has no 'image'", (await RunAsync("compose", "push", "tool")).Error, StringComparison.Ordinal);
    }
}
