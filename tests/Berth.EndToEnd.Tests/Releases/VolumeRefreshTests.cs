using System.Collections.Concurrent;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary>Static files in a volume that one image fills and a web server, which is not replaced, serves: <c>x-berth.refresh</c>.</summary>
[Trait("Speed", "slow")]
public sealed class VolumeRefreshTests(SmallSite site) : IClassFixture<SmallSite>
{
    [Fact]
    public async Task Readers_find_each_file_whole_and_what_is_not_the_images_stays()
    {
        var pages = new PagesProject(site.Daemon, "pages");
        await pages.DeployAsync(1, "index.html", "old.css", "folder/a.js");
        Assert.Equal("1", await pages.PageAsync());
        var server = await pages.ServerAsync();
        (await pages.Site.RunAsync("exec", "assets", "sh", "-c", "echo mine >/static/uploaded; echo theirs >/static/folder/uploaded")).EnsureSuccess();

        using var ending = new CancellationTokenSource();
        var mixed = new ConcurrentQueue<string>();
        var reading = ReadAsync(pages, mixed, ending.Token);
        await pages.DeployAsync(2, "index.html", "new.css", "folder/b.js");
        Assert.Equal("2", await pages.PageAsync());
        Assert.Equal("folder/a.js folder/b.js folder/uploaded index.html new.css old.css uploaded", await pages.FilesAsync()); // what the last pages ask for is there still
        await pages.DeployAsync(3, "index.html", "folder/c.js");
        Assert.Equal("folder/b.js folder/c.js folder/uploaded index.html new.css uploaded", await pages.FilesAsync());
        await pages.DeployAsync(4, "index.html");
        Assert.Equal("folder/c.js folder/uploaded index.html uploaded", await pages.FilesAsync());
        await ending.CancelAsync();
        Assert.True(await reading > 20, "too few pages were read to tell");
        Assert.Empty(mixed);
        Assert.Equal(server, await pages.ServerAsync()); // the server was left alone all the time

        (await pages.Site.RunAsync("rollback")).EnsureSuccess();
        Assert.Equal("3", await pages.PageAsync());
        Assert.Equal("folder/c.js folder/uploaded index.html uploaded", await pages.FilesAsync());
        Assert.Equal("mine", (await pages.Site.RunAsync("exec", "assets", "cat", "/static/uploaded")).EnsureSuccess().Output.Trim());
        Assert.False(Directory.Exists(pages.WorkFolder));
    }

    [Fact]
    public async Task A_release_that_fails_gives_the_old_files_back()
    {
        var pages = new PagesProject(site.Daemon, "bad-pages");
        await pages.DeployAsync(1, "index.html");
        await pages.BuildAsync(2, "index.html", "more.css");
        await pages.WriteAsync("exit 3");
        var up = await pages.UpAsync();
        Assert.Equal(1, up.ExitCode);
        Assert.Contains("Volume bad-pages_static  Refreshed", up.Error, StringComparison.Ordinal);
        Assert.True(up.Error.Contains("release 1 serves", StringComparison.Ordinal), up.Error);
        Assert.Equal("1", await pages.PageAsync());
    }

    [Fact]
    public async Task What_stands_in_the_way_is_named_and_nothing_changes()
    {
        var pages = new PagesProject(site.Daemon, "blocked");
        await pages.DeployAsync(1, "index.html");
        (await pages.Site.RunAsync("exec", "assets", "mkdir", "/static/app.css")).EnsureSuccess();
        await pages.BuildAsync(2, "index.html", "app.css");
        var up = await pages.UpAsync();
        Assert.Equal(1, up.ExitCode);
        Assert.Contains("volume 'blocked_static' cannot be refreshed: 'app.css' is a file in the image and a directory in the volume", up.Error, StringComparison.Ordinal);
        Assert.Equal("1", await pages.PageAsync());
        Assert.Equal(["2 failed", "1 done"], await pages.Site.ReleasesAsync());
    }

    /// <summary>Reads the page again and again; one that is not all of one release is told. Returns how often.</summary>
    private static async Task<int> ReadAsync(PagesProject pages, ConcurrentQueue<string> mixed, CancellationToken ending)
    {
        var count = 0;
        while (!ending.IsCancellationRequested)
        {
            if (await pages.PageAsync() is { Length: > 1 } wrong)
            {
                mixed.Enqueue(wrong);
            }

            count++;
        }

        return count;
    }
}
