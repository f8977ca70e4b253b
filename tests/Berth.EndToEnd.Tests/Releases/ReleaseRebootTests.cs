using System.Globalization;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary>The machine is restarted during a release: one release serves afterwards, by itself.</summary>
[Collection(AloneCollection.Name)]
[Trait("Speed", "slow")]
public sealed class ReleaseRebootTests
{
    private const int Sampled = 4;

    [Fact]
    public async Task During_the_watch_no_old_version_comes_back()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await SmallSite.StartAsync(cancellationToken);
        var project = new SmallProject(daemon, "site");
        await project.WriteAsync(1);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        await project.WriteAsync(2);
        (await project.RunAsync("up", "-d")).EnsureSuccess();
        Assert.Equal(["2 watched", "1 done"], await project.ReleasesAsync());
        await daemon.LosePowerAsync();
        await daemon.RestartAsync(cancellationToken);
        await project.UntilSettledAsync("restarted", "watched");
        Assert.Equal(["2 done", "1 done"], await project.ReleasesAsync());
        Assert.Equal("site-web-1", await project.ContainersAsync());
        (await project.RunAsync("start")).EnsureSuccess();
        Assert.Equal("2", await project.UntilAnswersAsync()); // its program may not listen yet
    }

    [Theory]
    [InlineData("x-berth: {roll: stop-first}", "up", "-d", "--no-watch")]
    [InlineData("", "rollback", "--no-watch")]
    [Trait("Speed", "long")]
    public Task In_the_middle_of_others_too(string keys, params string[] verb) => LosePowerInTheMiddleAsync(keys, verb);

    [Fact]
    [Trait("Speed", "slow")]
    public Task In_its_middle_it_ends_in_one_release() => LosePowerInTheMiddleAsync("", ["up", "-d", "--no-watch"]);

    private static async Task LosePowerInTheMiddleAsync(string keys, string[] verb)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await SmallSite.StartAsync(cancellationToken);
        var project = new SmallProject(daemon, "site");
        var release = 1;
        keys = "restart: always\n" + keys;
        await project.WriteAsync(release, keys: keys);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        var places = 0;
        for (var sample = 0; sample <= Sampled; sample++)
        {
            await project.WriteAsync(++release, keys: keys);
            if (verb[0] == "rollback")
            {
                (await project.RunAsync("up", "-d", "--watch", "10m")).EnsureSuccess();
            }

            await daemon.PlanFaultAsync(sample == 0 ? "record" : (sample * places / (Sampled + 1)).ToString(CultureInfo.InvariantCulture));
            await project.RunAsync(verb);
            var passed = await daemon.EndFaultPlanAsync();
            var what = $"restarted at place {passed.Count} of {places} ({string.Join(", ", passed)})";
            if (sample == 0)
            {
                places = passed.Count;
                continue;
            }

            Assert.Equal(sample * places / (Sampled + 1), passed.Count);
            await daemon.LosePowerAsync();
            await daemon.RestartAsync(cancellationToken);
            await project.UntilSettledAsync(what);
            await project.UntilSettledAsync(what, "going back");
            var expected = await project.ServingAsync();
            var served = await project.AnswerAsync();
            Assert.True(served == expected, $"{what}: release {expected} should serve instead of {served}; the ledger says\n{(await project.RunAsync("releases")).Output}");
            (await project.RunAsync("up", "-d", "--no-watch", "--force-recreate")).EnsureSuccess(); // ends a watch that goes on
            Assert.Equal($"{release}", await project.AnswerAsync());
            Assert.Equal("site-web-1", await project.ContainersAsync());
        }
    }

    /// <param name="place">The last of them, after which the machine is restarted: the new copy serves, and the old one is there, or about to be removed.</param>
    [Theory]
    [InlineData("", "container.end.deleted")]
    [InlineData("x-berth: {roll: stop-first}", "container.end.deleted")]
    [Trait("Speed", "long")]
    public Task Nor_does_it_at_other_places(string keys, string place) => StartsOnlyOnceAsync(keys, place);

    [Fact]
    [Trait("Speed", "slow")]
    public Task A_new_version_that_does_not_start_a_second_time_gives_way_to_the_old_one() => StartsOnlyOnceAsync("", "container.switch.committed");

    private static async Task StartsOnlyOnceAsync(string keys, string place)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await SmallSite.StartAsync(cancellationToken);
        var project = new SmallProject(daemon, "site");
        await project.WriteAsync(1, keys: keys);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        await project.WriteAsync(2, keys: keys);
        await daemon.PlanFaultAsync("record");
        (await project.RunAsync("up", "-d", "--no-watch")).EnsureSuccess();
        var points = await daemon.EndFaultPlanAsync();
        await project.WriteAsync(3, "test ! -e started || exit 3; touch started; printf $RELEASE >index.html; exec httpd -f -p 8080 -h .", keys);
        await daemon.PlanFaultAsync((points.ToList().LastIndexOf(place) + 1).ToString(CultureInfo.InvariantCulture));
        await project.RunAsync("up", "-d", "--no-watch");
        Assert.Equal(place, (await daemon.EndFaultPlanAsync())[^1]);
        await daemon.LosePowerAsync();
        await daemon.RestartAsync(cancellationToken);
        await project.UntilSettledAsync("restarted");
        await project.UntilSettledAsync("restarted", "going back");
        Assert.Equal(["3 failed", "2 done", "1 done"], await project.ReleasesAsync());
        Assert.Equal("2", await project.AnswerAsync());
        Assert.Equal("site-web-1", await project.ContainersAsync());
    }
}
