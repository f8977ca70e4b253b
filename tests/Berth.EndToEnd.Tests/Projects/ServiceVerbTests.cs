using System.Text.Json.Nodes;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Projects;

/// <summary>Compose's verbs that do with a service what Docker's do with a container.</summary>
public sealed class ServiceVerbTests() : ProjectTests("desk")
{
    [Fact]
    [Trait("Speed", "slow")]
    public async Task They_find_the_containers_of_services()
    {
        var port = Ports.Free();
        await WriteAsync("compose.yaml", $$"""
            services:
              web:
                image: box
                command: sh -c 'echo served >/www/index.html; exec httpd -f -p 80 -h /www'
                init: true
                stop_grace_period: 1s
                ports: ['127.0.0.1:{{port}}:80']
                volumes: ['pages:/www']
              job: {image: box, command: sh -c 'sleep 2; exit 3'}
            volumes: {pages: }
            """);
        await BerthAsync("up", "-d");
        var waited = await RunAsync("compose", "wait", "job");
        Assert.Equal((3, "container \"desk-job-1\" exited with status code 3\n"), (waited.ExitCode, waited.Output));
        Assert.Equal($"127.0.0.1:{port}", await BerthAsync("compose", "port", "web", "80"));
        Assert.Contains("no port 81/tcp for container desk-web-1", (await RunAsync("compose", "port", "web", "81")).Error, StringComparison.Ordinal);
        Assert.Contains("httpd -f -p 80", await BerthAsync("compose", "top", "web"), StringComparison.Ordinal);
        Assert.Contains("desk-web-1", await BerthAsync("compose", "stats", "--no-stream"), StringComparison.Ordinal);
        Assert.Contains("desk_pages", await BerthAsync("compose", "volumes"), StringComparison.Ordinal);
        Assert.Equal("desk_pages", await BerthAsync("compose", "volumes", "-q"));

        await BerthAsync("compose", "cp", "web:/www/index.html", "page");
        Assert.Equal("served\n", await File.ReadAllTextAsync(Folder + "/page", TestContext.Current.CancellationToken));
        await WriteAsync("page", "sent\n");
        await BerthAsync("cp", "page", "web:/www/page"); // the joined vocabulary finds the service, too
        Assert.Equal("sent", await InAsync("web", "cat /www/page"));
        await BerthAsync("compose", "export", "-o", "files.tar", "web");
        Assert.True(new FileInfo(Folder + "/files.tar").Length > 1_000_000);
        await BerthAsync("compose", "commit", "web", "desk-kept:1");
        Assert.Contains("desk-kept", await BerthAsync("docker", "images"), StringComparison.Ordinal);

        var images = await RunAsync("images", "--format", "json");
        Assert.Equal(["desk-job-1 box", "desk-web-1 box"], JsonNode.Parse(images.Output)!.AsArray().Select(one => one!).Select(one => $"{one["ContainerName"]} {one["Repository"]}").Order(StringComparer.Ordinal));
        Assert.Contains("'berth images --all-projects' shows everything", images.Error, StringComparison.Ordinal);
        Assert.Contains("desk-kept", await BerthAsync("images", "--all-projects"), StringComparison.Ordinal);

        Assert.Equal(1, (await RunAsync("compose", "top", "nobody")).ExitCode);
        await BerthAsync("compose", "scale", "job=2");
        Assert.Equal(2, (await BerthAsync("compose", "ps", "-aq", "job")).Split('\n').Length);
        Assert.StartsWith("desk", (await BerthAsync("compose", "ls")).Split('\n')[1], StringComparison.Ordinal);
        Assert.Contains("running(", await BerthAsync("compose", "ls"), StringComparison.Ordinal);
        await BerthAsync("compose", "stop");
        Assert.Equal("", await BerthAsync("compose", "ls", "-q"));
        Assert.Equal("desk", await BerthAsync("compose", "ls", "-aq"));
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Their_options_choose_what_is_shown_and_what_is_done()
    {
        await WriteAsync("made/Dockerfile", "FROM box\nRUN echo built\n");
        await WriteAsync("more.env", "# a remark\nFROM_FILE=a b\n");
        await WriteAsync("compose.yaml", """
            services:
              web: {image: box, command: sh -c 'echo I am $$HOSTNAME; sleep 1000', init: true, stop_grace_period: 1s, scale: 2}
              app: {image: box, command: sleep 1000, init: true, stop_grace_period: 1s, depends_on: {web: {condition: service_started, restart: true}}}
              job: {image: box, command: 'true'}
              made: {build: made, image: desk-made, command: 'true', depends_on: [web], profiles: [tools]}
            """);
        await BerthAsync("up", "-d");
        await BerthAsync("compose", "wait", "job");

        // ps and logs
        Assert.Equal("desk-job-1", await BerthAsync("compose", "ps", "--status", "exited", "--format", "{{.Name}}"));
        Assert.Equal("desk-app-1\ndesk-web-1\ndesk-web-2", await BerthAsync("compose", "ps", "--filter", "status=running", "--format", "{{.Name}}"));
        Assert.Contains("'ended' is no state; there are created, running", (await RunAsync("compose", "ps", "--status", "ended")).Error, StringComparison.Ordinal);
        Assert.Contains("'berth docker ps' has Docker's filters", (await RunAsync("ps", "--filter", "name=web")).Error, StringComparison.Ordinal);
        var first = await BerthAsync("compose", "logs", "--index", "1", "--no-log-prefix", "web");
        Assert.StartsWith("I am ", first, StringComparison.Ordinal);
        Assert.NotEqual(first, await BerthAsync("compose", "logs", "--index", "2", "--no-log-prefix", "web"));
        Assert.Contains("service \"web\" has no container #3", (await RunAsync("compose", "logs", "--index", "3", "web")).Error, StringComparison.Ordinal);
        Assert.Contains("\e[", await BerthAsync("compose", "--ansi", "always", "logs", "web"), StringComparison.Ordinal);

        // restart, and who is restarted with it
        var (web, app) = (await StartedAsync("web"), await StartedAsync("app"));
        await BerthAsync("compose", "restart", "--no-deps", "web");
        Assert.Equal(app, await StartedAsync("app"));
        Assert.NotEqual(web, await StartedAsync("web"));
        await BerthAsync("compose", "restart", "web");
        Assert.NotEqual(app, await StartedAsync("app"));

        // run
        var ran = await RunAsync("compose", "run", "-q", "--rm", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--env-from-file", "more.env", "-e", "OWN=1", "job", "sh", "-c", "grep CapEff /proc/self/status; echo $FROM_FILE $OWN");
        Assert.Equal(("CapEff:\t0000000000001000\na b 1\n", ""), (ran.Output, ran.Error));

        // Progress as it is asked for.
        Assert.Equal("", (await RunAsync("compose", "--progress", "quiet", "restart", "app")).Error);
        Assert.Contains(" Container desk-app-1  Restarting\n", (await RunAsync("compose", "--progress", "plain", "restart", "app")).Error, StringComparison.Ordinal);
        Assert.All((await RunAsync("compose", "--progress", "json", "restart", "app")).Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.NotNull(JsonNode.Parse(line)));
        Assert.Contains("\e[", (await RunAsync("compose", "--progress", "tty", "restart", "app")).Error, StringComparison.Ordinal);
        Assert.Contains("--progress fast: it is one of auto, tty, plain, json, quiet", (await RunAsync("compose", "--progress", "fast", "ps")).Error, StringComparison.Ordinal);

        // pull and build
        Assert.Equal(0, (await RunAsync("compose", "pull", "--policy", "missing")).ExitCode);
        var pulled = await RunAsync("compose", "pull", "--ignore-pull-failures", "web");
        Assert.Equal(0, pulled.ExitCode);
        Assert.Contains("One image cannot be had", pulled.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, (await RunAsync("compose", "pull", "web")).ExitCode);
        Assert.Equal("", (await RunAsync("compose", "--profile", "tools", "build", "-q", "--with-dependencies", "made")).Error);
        Assert.DoesNotContain("built", (await RunAsync("compose", "--profile", "tools", "up", "-d", "--build", "--force-recreate", "--quiet-build", "made")).Error, StringComparison.Ordinal);

        // What the files have not.
        await ReplaceAsync("compose.yaml", "  app: {", "  other: {");
        Assert.Equal("desk-web-1\ndesk-web-2", await BerthAsync("compose", "ps", "--orphans=false", "--format", "{{.Name}}"));

        Task<string> StartedAsync(string service) => BerthAsync("docker", "inspect", "--format", "{{.State.StartedAt}}", $"desk-{service}-1");
    }

    [Fact]
    public async Task The_variables_that_the_files_name_are_listed_whether_they_have_a_value_or_not()
    {
        await WriteAsync("compose.yaml", "services: {web: {image: '${IMAGE:?say which}', command: ['$PLAIN', '${TAG:-1-${MINOR-0}}', '${DEBUG:+--debug}', '$$NOT']}}\n");
        Assert.Equal(
            ["NAME REQUIRED DEFAULT VALUE ALTERNATE VALUE", "DEBUG false --debug", "IMAGE true", "MINOR false 0", "PLAIN false", "TAG false 1-${MINOR-0}"],
            (await BerthAsync("compose", "config", "--variables")).Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries))));
        var tag = JsonNode.Parse(await BerthAsync("compose", "config", "--variables", "--format", "json"))!["TAG"]!;
        Assert.Equal(("1-${MINOR-0}", false), ((string?)tag["DefaultValue"], (bool)tag["Required"]!));
        await WriteAsync("compose.yaml", "services: {web: {image: '${IMAGE'}}\n");
        Assert.Contains("compose.yaml:1:25: ", (await RunAsync("compose", "config", "--variables")).Error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task What_needs_a_registry_is_fetched_pinned_and_sent()
    {
        await using var registry = await RegistryProcess.StartAsync();
        var (host, cancellationToken) = ($"127.0.0.1:{registry.Port}", TestContext.Current.CancellationToken);
        await WriteAsync("made/Dockerfile", $"FROM {host}/base\nRUN echo made >/made\n");
        await WriteAsync("compose.yaml", $$"""
            services:
              web: {image: '{{host}}/site', command: cat /which}
              made: {build: made, image: '{{host}}/made:1'}
            """);
        foreach (var what in new[] { "one", "two", "three" })
        {
            await WriteAsync("Dockerfile", $"FROM box\nRUN echo {what} >/which\n");
            await BerthAsync("docker", "build", "-q", "-t", "local:" + what, ".");
        }

        await PublishAsync("one", "site");
        await BerthAsync("docker", "rmi", host + "/site");
        await BerthAsync("compose", "pull", "web");
        Assert.Equal("one", await BerthAsync("compose", "run", "--rm", "web"));
        await PublishAsync("two", "site");
        await BerthAsync("docker", "tag", "local:one", host + "/site"); // the older one is here
        await BerthAsync("compose", "pull", "--policy", "missing", "web");
        Assert.Equal("one", await BerthAsync("compose", "run", "--rm", "web"));

        // The digest is the registry's.
        var digest = System.Text.RegularExpressions.Regex.Match(await BerthAsync("compose", "config", "--resolve-image-digests", "web"), $"image: \"{host}/site:latest@(sha256:[0-9a-f]{{64}})\"").Groups[1].Value;
        await BerthAsync("compose", "config", "--lock-image-digests", "-o", "locked.yaml", "web");
        Assert.Equal($"name: desk\nservices:\n  web:\n    image: \"{host}/site:latest@{digest}\"\n", await File.ReadAllTextAsync(Folder + "/locked.yaml", cancellationToken));
        Assert.Equal("two", await BerthAsync("compose", "-f", "compose.yaml", "-f", "locked.yaml", "run", "--rm", "web"));
        await BerthAsync("compose", "pull", "web");
        Assert.Equal("two", await BerthAsync("compose", "run", "--rm", "web"));

        // A build on the base that is here, sent; and one on a newer base.
        await PublishAsync("three", "base");
        await BerthAsync("docker", "tag", "local:two", host + "/base");
        Assert.Equal("", (await RunAsync("compose", "build", "-q", "--push", "made")).Output);
        Assert.Equal("two", await BerthAsync("compose", "run", "--rm", "made", "cat", "/which"));
        await BerthAsync("compose", "build", "--pull", "made");
        Assert.Equal("three", await BerthAsync("compose", "run", "--rm", "made", "cat", "/which"));
        await BerthAsync("docker", "pull", "-q", host + "/made:1");
        Assert.Equal("two", await BerthAsync("compose", "run", "--rm", "made", "cat", "/which"));

        async Task PublishAsync(string what, string name)
        {
            await BerthAsync("docker", "tag", "local:" + what, $"{host}/{name}");
            await BerthAsync("docker", "push", "-q", $"{host}/{name}");
        }
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task A_build_says_what_it_does_not_make()
    {
        await WriteAsync("compose.yaml", "services: {made: {build: {context: ., dockerfile_inline: \"FROM box\\nRUN dd if=/dev/zero of=/dev/null bs=64M count=1\\n\"}}}");
        await BerthAsync("compose", "build", "-q", "--provenance=false", "--sbom=false", "--builder", "default");
        Assert.Contains("--provenance: no attestation is made of an image", (await RunAsync("compose", "build", "--provenance", "mode=max")).Error, StringComparison.Ordinal);
        Assert.Contains("--sbom: no attestation is made of an image", (await RunAsync("compose", "build", "--sbom", "true")).Error, StringComparison.Ordinal);
        Assert.Contains("no builder \"remote\" found", (await RunAsync("compose", "build", "--builder", "remote")).Error, StringComparison.Ordinal);
        Assert.NotEqual(0, (await RunAsync("compose", "build", "--no-cache", "--memory", "16m")).ExitCode); // dd has all of it in memory
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Names_of_Docker_Compose_1_stay_when_a_release_comes_back()
    {
        await WriteAsync("compose.yaml", "services: {web: {image: box, command: sleep 1000, init: true, stop_grace_period: 1s, scale: 2}}");
        await BerthAsync("compose", "--compatibility", "up", "-d");
        Assert.Equal("desk_web_1\ndesk_web_2", await BerthAsync("compose", "ps", "--format", "{{.Name}}"));
        await ReplaceAsync("compose.yaml", "scale: 2", "scale: 1");
        await BerthAsync("compose", "--compatibility", "up", "-d");
        Assert.Equal("desk_web_1", await BerthAsync("compose", "ps", "--format", "{{.Name}}"));
        await BerthAsync("rollback");
        Assert.Equal("desk_web_1\ndesk_web_2", await BerthAsync("compose", "ps", "--format", "{{.Name}}"));
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task A_file_from_standard_input_is_there_for_all_that_a_verb_asks()
    {
        const string file = "name: desk\nservices: {web: {image: box, command: sleep 1000, init: true, stop_grace_period: 1s}}\n";
        async Task<CommandResult> AskAsync(params string[] words) => await (Daemon.Berth(Folder, ["compose", "-f", "-", .. words]) with { Input = file }).RunAsync(TestContext.Current.CancellationToken);
        (await AskAsync("up", "-d")).EnsureSuccess();
        Assert.Equal("Going to remove desk-web-1\n", (await AskAsync("rm", "-f", "-s")).EnsureSuccess().Output);
        Assert.Equal("", (await AskAsync("ps", "-aq")).EnsureSuccess().Output);
    }
}
