using Berth.Testing;

namespace Berth.EndToEnd.Tests;

/// <summary>A test's own daemon must neither disturb nor leave anything.</summary>
public sealed class TestDaemonTests
{
    [Fact]
    public async Task Two_daemons_live_side_by_side_survive_a_kill_and_leave_nothing()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var before = await HostState.CaptureAsync();
        string[] mine;
        await using (var first = await TestDaemon.StartAsync(cancellationToken))
        await using (var second = await TestDaemon.StartAsync(cancellationToken))
        {
            Assert.NotEqual(first.Folder, second.Folder);
            mine = [first.Folder, first.NftTable, first.CgroupParent, second.Folder, second.NftTable, second.CgroupParent];
            await first.KillAsync();
            await first.RestartAsync(cancellationToken);
            Assert.Equal("OK", await first.Api.GetStringAsync("_ping", cancellationToken));
            Assert.Equal("OK", await second.Api.GetStringAsync("_ping", cancellationToken));
        }

        bool IsMine(string thing) => mine.Any(name => thing.Contains(name, StringComparison.Ordinal));
        Assert.Empty(await HostState.LeftSinceAsync(before, IsMine, TimeSpan.FromSeconds(5)));
        Assert.All(mine.Where(name => name.StartsWith('/')), name => Assert.False(Directory.Exists(name)));
    }
}
