using System.Text;
using Berth.Engine.State;
using Berth.Releases.Ledger;

namespace Berth.Releases.Tests.Ledger;

public sealed class ReleaseLedgerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-").FullName;

    [Fact]
    public async Task What_was_written_is_there_after_a_restart()
    {
        await using (var ledger = Open())
        {
            await BeginAsync(ledger, "site", "one");
            var second = await BeginAsync(ledger, "site", "two");
            await ledger.PutAsync(second with { Status = ReleaseStatus.Done, Reason = "none" });
            await BeginAsync(ledger, "other", "three");
        }

        await using var again = Open();
        Assert.Equal([(2, ReleaseStatus.Done), (1, ReleaseStatus.Running)], again.Of("site").Select(release => (release.Number, release.Status)));
        Assert.Equal("two", Held(again, "site", 2));
        Assert.Equal("one", Held(again, "site", 1));
        Assert.Equal("three", Held(again, "other", 1));
        Assert.Null(again.Find("site", 3));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder + "/releases.db"));
    }

    [Fact]
    public async Task The_oldest_are_forgotten_with_what_only_they_held()
    {
        await using var ledger = Open();
        var first = await EndAsync(ledger, await BeginAsync(ledger, "site", "only the first"));
        var running = await BeginAsync(ledger, "site", "not done");
        var third = await EndAsync(ledger, await BeginAsync(ledger, "site", "still used"));
        for (var number = 4; number <= 503; number++)
        {
            await EndAsync(ledger, await BeginAsync(ledger, "site", "still used"));
        }

        Assert.Equal([running.Number, .. Enumerable.Range(4, 500)], ledger.Of("site").Select(release => release.Number).Reverse()); // one under way is never forgotten
        Assert.Empty(ledger.FilesOf(first));
        Assert.Equal("not done", Held(ledger, "site", running.Number));
        Assert.Equal("still used", Encoding.UTF8.GetString(ledger.FilesOf(third)["config/page"]));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private ReleaseLedger Open() => ReleaseLedger.Open(_folder + "/releases.db", FaultPoints.None);

    private static Task<ReleaseRecord> BeginAsync(ReleaseLedger ledger, string project, string content) => ledger.BeginAsync(
        new() { Project = project, Number = 0, Status = ReleaseStatus.Running, Command = "up", Started = DateTimeOffset.UnixEpoch },
        new Dictionary<string, byte[]> { ["config/page"] = Encoding.UTF8.GetBytes(content) });

    private static Task<ReleaseRecord> EndAsync(ReleaseLedger ledger, ReleaseRecord release) => ledger.PutAsync(release with { Status = ReleaseStatus.Done });

    private static string Held(ReleaseLedger ledger, string project, int number) => Encoding.UTF8.GetString(ledger.FilesOf(ledger.Find(project, number)!)["config/page"]);
}
