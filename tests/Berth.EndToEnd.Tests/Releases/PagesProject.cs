using Berth.Testing;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary>A project whose web server serves, from a shared volume, what the image of another service holds; each page of a release is its digit again and again.</summary>
internal sealed class PagesProject(TestDaemon daemon, string name)
{
    internal const int PageBytes = 200_000;

    private readonly SmallProject _project = new(daemon, name);

    public SmallProject Site => _project;

    /// <summary>What a refresh works with; gone when none is under way.</summary>
    public string WorkFolder => $"{daemon.DataRoot}/volumes/{name}_static/refresh";

    public async Task DeployAsync(int release, params string[] files)
    {
        await BuildAsync(release, files);
        await WriteAsync("exec sleep 1000");
        (await UpAsync()).EnsureSuccess();
    }

    public Task<CommandResult> UpAsync() => _project.RunAsync("up", "-d", "--wait", "--no-watch");

    public async Task BuildAsync(int release, params string[] files)
    {
        var folder = $"{daemon.Folder}/{name}-{release}";
        foreach (var file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName($"{folder}/static/{file}")!);
            await File.WriteAllTextAsync($"{folder}/static/{file}", new string((char)('0' + release), PageBytes));
        }

        await File.WriteAllTextAsync(folder + "/Dockerfile", "FROM box\nCOPY static /static\n");
        (await daemon.Berth(folder, "build", "-t", name + "-assets", ".").RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess();
    }

    /// <param name="command">What the service with the files does; it is ready while its page is there.</param>
    public Task WriteAsync(string command) => _project.WriteAsync(
        1, "exec httpd -f -p 8080 -h /static", "volumes: ['static:/static:ro']\ndepends_on: [assets]",
        $"""
          assets:
            image: {name}-assets
            command: [sh, -c, "{command}"]
            stop_grace_period: 0s
            volumes: ["static:/static"]
            healthcheck: {"{test: [CMD, test, -e, /static/index.html], interval: 200ms}"}
            x-berth: {"{refresh: [static]}"}
        volumes:
          static:
        """);

    /// <summary>The page that is served.</summary>
    /// <returns>The release that it is of; or what is wrong with it, when it is not one page of one release.</returns>
    public async Task<string> PageAsync()
    {
        var page = await _project.AnswerAsync();
        return page.Length == PageBytes && page.Distinct().Count() == 1 ? page[..1] : $"{page.Length} bytes of {string.Join(", ", page.Distinct())}";
    }

    /// <summary>Paths of the volume's files, in order.</summary>
    public async Task<string> FilesAsync() =>
        string.Join(' ', (await _project.RunAsync("exec", "assets", "sh", "-c", "cd /static; find . -type f")).EnsureSuccess().Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Trim()[2..]).Order(StringComparer.Ordinal));

    /// <summary>The id of the web server's container.</summary>
    public async Task<string> ServerAsync() =>
        (await daemon.Docker.Docker("inspect", "-f", "{{.Id}}", _project.ContainerName).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess().Output;
}
