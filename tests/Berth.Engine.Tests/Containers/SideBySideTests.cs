using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Linux.Mounts;

namespace Berth.Engine.Tests.Containers;

/// <summary>Requests about one thing that come at the same time: one of them wins, and what is left agrees with it.</summary>
public sealed class SideBySideTests(TestEngine engine) : IClassFixture<TestEngine>
{
    [Fact]
    public async Task A_container_that_is_removed_while_others_start_it_stays_away()
    {
        var removed = new List<string>();
        for (var round = 0; round < 8; round++)
        {
            var container = await engine.CreateAsync(["sleep", "1000"]);
            removed.Add(container.Id);
            var others = Enumerable.Range(0, 3).Select(_ => ErrorOfAsync(() => engine.Host.Containers.StartAsync(container))).ToList();
            await engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: true);
            Assert.All(await Task.WhenAll(others), kind => Assert.True(kind is null or ErrorKind.NotFound or ErrorKind.NotModified or ErrorKind.Conflict, $"{kind}"));
        }

        await engine.RestartAsync();
        Assert.Empty(engine.Host.Containers.All.Select(container => container.Id).Intersect(removed));
        Assert.DoesNotContain(MountTable.MountPoints(), point => removed.Any(id => point.Contains(id, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Whoever_pauses_a_container_that_ends_is_told_that_it_does_not_run()
    {
        for (var round = 0; round < 10; round++)
        {
            var container = await engine.RunAsync("sleep 1000");
            var kill = engine.Host.Containers.KillAsync(container, "KILL");
            var kind = await ErrorOfAsync(() => engine.Host.Containers.PauseAsync(container, pause: true));
            Assert.True(kind is null or ErrorKind.Conflict, $"{kind}");
            await kill;
            await container.WaitAsync(WaitCondition.NotRunning).WaitAsync(TimeSpan.FromSeconds(30));
            await engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: true);
        }
    }

    [Fact]
    public async Task A_volume_that_is_made_and_removed_at_once_is_there_with_its_folder_or_not_at_all()
    {
        var volumes = engine.Host.Volumes;
        await Task.WhenAll(Enumerable.Range(0, 40).Select(turn => turn % 2 == 0
            ? volumes.CreateAsync("busy", "local", null, null)
            : volumes.RemoveAsync("busy", force: true, () => engine.Host.Containers.All)));
        await AgreeAsync();
        await engine.Host.Volumes.CreateAsync("busy", "local", null, null);
        Assert.True(await AgreeAsync());
    }

    private async Task<bool> AgreeAsync()
    {
        var isThere = engine.Host.Volumes.Find("busy") is not null;
        Assert.Equal(isThere, Directory.Exists(engine.Host.Volumes.DataPath("busy")));
        await engine.RestartAsync();
        Assert.Equal(isThere, engine.Host.Volumes.Find("busy") is not null);
        return isThere;
    }

    private static async Task<ErrorKind?> ErrorOfAsync(Func<Task> act)
    {
        try
        {
            await Task.Run(act);
            return null;
        }
        catch (BerthException exception)
        {
            return exception.Kind;
        }
    }
}
