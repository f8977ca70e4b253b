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
        Assert.Equal(["desk-job-1 box", "desk-web-1 box"], images.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).Select(one => $"{one["ContainerName"]} {one["Repository"]}").Order(StringComparer.Ordinal));
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
}
