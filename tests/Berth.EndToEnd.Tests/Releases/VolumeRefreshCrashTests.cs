namespace Berth.EndToEnd.Tests.Releases;

/// <summary>The daemon is killed while it brings the files of an image into a volume, between any two of its steps there: the page stays whole, and the next daemon ends the release.</summary>
[Collection(AloneCollection.Name)]
[Trait("Speed", "slow")]
public sealed class VolumeRefreshCrashTests
{
    private static readonly string[][] Files = [["index.html", "old.css", "folder/a.js"], ["index.html", "new.css", "folder/b.js"]];

    [Fact]
    public async Task At_every_place_of_a_refresh_the_release_ends_and_its_page_is_whole()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await SmallSite.StartAsync(cancellationToken);
        var pages = new PagesProject(daemon, "pages");
        var release = 1;
        await pages.DeployAsync(release, Files[1]);
        await pages.BuildAsync(++release, Files[0]);
        await daemon.PlanFaultAsync("record");
        (await pages.UpAsync()).EnsureSuccess();
        var points = await daemon.EndFaultPlanAsync();
        var server = await pages.ServerAsync();

        // By name, as checks of health come in between: all is copied; each of the three files is moved; and what comes after that.
        int[] moves = [.. Enumerable.Range(0, points.Count).Where(index => points[index].StartsWith("volume.refresh.", StringComparison.Ordinal))];
        Assert.Equal(4, moves.Length);
        var after = Enumerable.Range(moves[^1] + 1, points.Count - moves[^1] - 1).First(index => !points[index].StartsWith("exec.", StringComparison.Ordinal));
        foreach (var index in moves.Append(after))
        {
            var place = $"{points[index]} {points.Take(index + 1).Count(point => point == points[index])}";
            await pages.BuildAsync(++release, Files[release % 2]);
            await daemon.PlanFaultAsync(place);
            Assert.NotEqual(0, (await pages.UpAsync()).ExitCode);
            Assert.Equal(points[index], (await daemon.EndFaultPlanAsync())[^1]);
            var what = $"killed at {place}";
            var meanwhile = await pages.PageAsync(); // with no daemon there
            Assert.True(meanwhile.Length == 1, $"{what}: {meanwhile}");

            await daemon.RestartAsync(cancellationToken);
            await pages.Site.UntilSettledAsync(what);
            Assert.Equal($"{release} done", (await pages.Site.ReleasesAsync())[0]);
            Assert.Equal($"{release}", await pages.PageAsync());
            Assert.Superset(Files[release % 2].ToHashSet(), (await pages.FilesAsync()).Split(' ').ToHashSet());
            Assert.False(Directory.Exists(pages.WorkFolder), what);
            Assert.Equal(server, await pages.ServerAsync());
        }
    }
}
