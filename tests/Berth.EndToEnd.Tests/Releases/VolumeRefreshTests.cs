using System.Collections.Concurrent;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary>Static files in a volume that one image fills and a web server, which is not replaced, serves: <c>x-berth.refresh</c>.</summary>
public sealed class VolumeRefreshTests(SmallSite site) : IClassFixture<SmallSite>
{
    private const int PageBytes = 200_000;

    [Fact]
    public async Task Readers_find_each_file_whole_and_what_is_not_the_images_stays()
    {
        var project = new SmallProject(site.Daemon, "pages");
        await DeployAsync(project, 1, "index.html", "old.css", "folder/a.js");
        Assert.Equal("1", (await project.AnswerAsync())[..1]);
        var server = await IdAsync(project);
        (await project.RunAsync("exec", "assets", "sh", "-c", "echo mine >/static/uploaded; echo theirs >/static/folder/uploaded")).EnsureSuccess();

        using var ending = new CancellationTokenSource();
        var mixed = new ConcurrentQueue<string>();
        var reading = ReadAsync(project, mixed, ending.Token);
        await DeployAsync(project, 2, "index.html", "new.css", "folder/b.js");
        Assert.Equal("2", (await project.AnswerAsync())[..1]);
        Assert.Equal("folder/a.js folder/b.js folder/uploaded index.html new.css old.css uploaded", await FilesAsync(project)); // what the last pages ask for is there still
        await DeployAsync(project, 3, "index.html", "folder/c.js");
        Assert.Equal("folder/b.js folder/c.js folder/uploaded index.html new.css uploaded", await FilesAsync(project));
        await DeployAsync(project, 4, "index.html");
        Assert.Equal("folder/c.js folder/uploaded index.html uploaded", await FilesAsync(project));
        await ending.CancelAsync();
        Assert.True(await reading > 20, "too few pages were read to tell");
        Assert.Empty(mixed);
        Assert.Equal(server, await IdAsync(project)); // the server was left alone all the time

        (await project.RunAsync("rollback")).EnsureSuccess();
        Assert.Equal("3", (await project.AnswerAsync())[..1]);
        Assert.Equal("folder/c.js folder/uploaded index.html uploaded", await FilesAsync(project));
        Assert.Equal("mine", (await project.RunAsync("exec", "assets", "cat", "/static/uploaded")).EnsureSuccess().Output.Trim());
        Assert.False(Directory.Exists($"{site.Daemon.DataRoot}/volumes/pages_static/refresh"));
    }

    [Fact]
    public async Task A_release_that_fails_gives_the_old_files_back()
    {
        var project = new SmallProject(site.Daemon, "bad-pages");
        await DeployAsync(project, 1, "index.html");
        await BuildAsync(project, 2, "index.html", "more.css");
        await WriteAsync(project, "exit 3");
        var up = await project.RunAsync("up", "-d");
        Assert.Equal(1, up.ExitCode);
        Assert.Contains("Volume bad-pages_static  Refreshed", up.Error, StringComparison.Ordinal);
        Assert.Contains("release 1 serves", up.Error, StringComparison.Ordinal);
        Assert.Equal("1", (await project.AnswerAsync())[..1]);
    }

    [Fact]
    public async Task What_stands_in_the_way_is_named_and_nothing_changes()
    {
        var project = new SmallProject(site.Daemon, "blocked");
        await DeployAsync(project, 1, "index.html");
        (await project.RunAsync("exec", "assets", "mkdir", "/static/app.css")).EnsureSuccess();
        await BuildAsync(project, 2, "index.html", "app.css");
        await WriteAsync(project, "exec sleep 1000");
        var up = await project.RunAsync("up", "-d");
        Assert.Equal(1, up.ExitCode);
        Assert.Contains("volume 'blocked_static' cannot be refreshed: 'app.css' is a file in the image and a directory in the volume", up.Error, StringComparison.Ordinal);
        Assert.Equal("1", (await project.AnswerAsync())[..1]);
        Assert.Equal(["2 failed", "1 done"], await project.ReleasesAsync());
    }

    private async Task DeployAsync(SmallProject project, int release, params string[] files)
    {
        await BuildAsync(project, release, files);
        await WriteAsync(project, "exec sleep 1000");
        (await project.RunAsync("up", "-d", "--wait", "--no-watch")).EnsureSuccess();
    }

    private async Task BuildAsync(SmallProject project, int release, params string[] files)
    {
        var folder = $"{site.Daemon.Folder}/{project.ContainerName}-{release}";
        foreach (var file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName($"{folder}/static/{file}")!);
            await File.WriteAllTextAsync($"{folder}/static/{file}", new string((char)('0' + release), PageBytes));
        }

        await File.WriteAllTextAsync(folder + "/Dockerfile", "FROM box\nCOPY static /static\n");
        (await site.Daemon.Berth(folder, "build", "-t", project.ContainerName + "-assets", ".").RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess();
    }

    private static Task WriteAsync(SmallProject project, string command) => project.WriteAsync(
        1, "exec httpd -f -p 8080 -h /static", "volumes: ['static:/static:ro']\ndepends_on: [assets]",
        $"""
          assets:
            image: {project.ContainerName}-assets
            command: [sh, -c, "{command}"]
            stop_grace_period: 0s
            volumes: ["static:/static"]
            healthcheck: {"{test: [CMD, test, -e, /static/index.html], interval: 200ms}"}
            x-berth: {"{refresh: [static]}"}
        volumes:
          static:
        """);

    private async Task<string> IdAsync(SmallProject project) =>
        (await site.Daemon.Docker.Docker("inspect", "-f", "{{.Id}}", project.ContainerName).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess().Output;

    private static async Task<string> FilesAsync(SmallProject project) =>
        string.Join(' ', (await project.RunAsync("exec", "assets", "sh", "-c", "cd /static; find . -type f")).EnsureSuccess().Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Trim()[2..]).Order(StringComparer.Ordinal));

    /// <summary>Reads the page again and again; one that is not all of one release is told. Returns how often.</summary>
    private static async Task<int> ReadAsync(SmallProject project, ConcurrentQueue<string> mixed, CancellationToken ending)
    {
        var count = 0;
        while (!ending.IsCancellationRequested)
        {
            var page = await project.AnswerAsync();
            if (page.Length != PageBytes || page.Distinct().Count() != 1)
            {
                mixed.Enqueue($"{page.Length} bytes of {string.Join(", ", page.Distinct())}");
            }

            count++;
        }

        return count;
    }
}
