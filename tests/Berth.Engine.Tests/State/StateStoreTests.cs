using System.Text;
using Berth.Engine.Errors;
using Berth.Engine.State;
using Berth.Linux.Sqlite;

namespace Berth.Engine.Tests.State;

public sealed class StateStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-state-").FullName;

    private string File => _directory + "/state.db";

    [Fact]
    public async Task Documents_and_open_intents_survive_and_closed_ones_do_not()
    {
        await using (var store = StateStore.Open(File))
        {
            await store.Documents("a").PutAsync("1", "{}"u8.ToArray());
            await store.BeginIntentAsync("left", "x", "{\"n\":1}"u8.ToArray());
            var done = await store.BeginIntentAsync("done", "y", "{}"u8.ToArray());
            await store.CommitAsync(batch => batch.Put("a", "2", "[]"u8.ToArray()).Delete("a", "1").Close(done));
        }

        await using var again = StateStore.Open(File);
        Assert.Equal(["2"], again.Documents("a").All().Select(row => row.Id));
        var intent = Assert.Single(again.OpenIntents());
        Assert.Equal(("left", "x", "{\"n\":1}"), (intent.Kind, intent.Subject, Encoding.UTF8.GetString(intent.Data)));
    }

    [Fact]
    public async Task Many_writers_at_once_lose_nothing()
    {
        await using var store = StateStore.Open(File);
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => store.Documents("k").PutAsync($"{i}", "{}"u8.ToArray())));
        Assert.Equal(500, store.Documents("k").All().Count);
    }

    [Fact]
    public async Task A_newer_schema_is_refused_with_the_way_out()
    {
        await StateStore.Open(File).DisposeAsync();
        using (var database = SqliteDatabase.Open(File))
        {
            database.Execute("UPDATE schema SET version = 99");
        }

        Assert.Contains("schema version 99", Assert.Throws<BerthException>(() => StateStore.Open(File)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_older_schema_is_led_on_step_by_step_and_keeps_what_it_holds()
    {
        await using (var store = StateStore.Open(File))
        {
            await store.Documents("k").PutAsync("1", "{}"u8.ToArray());
        }

        using var database = SqliteDatabase.Open(File);
        string[] further = ["ALTER TABLE documents ADD COLUMN note TEXT", "UPDATE documents SET note = 'seen'"];
        Assert.Throws<SqliteException>(() => Schema.Upgrade(database, [.. Schema.Steps, "DELETE FROM documents; no such statement"]));
        Assert.Equal(["1 "], Rows("SELECT id, '' FROM documents")); // a step that fails has done nothing
        Schema.Upgrade(database, [.. Schema.Steps, further[0]]);
        Schema.Upgrade(database, [.. Schema.Steps, .. further]);
        Schema.Upgrade(database, [.. Schema.Steps, .. further]);
        Assert.Equal(["1 seen"], Rows("SELECT id, note FROM documents"));
        Assert.Equal([$"{Schema.Steps.Count + 2} "], Rows("SELECT CAST(version AS TEXT), '' FROM schema"));
        Assert.Throws<BerthException>(() => StateStore.Open(File)); // and is now newer than what this build knows

        List<string> Rows(string sql)
        {
            using var statement = database.Prepare(sql);
            var rows = new List<string>();
            while (statement.Step())
            {
                rows.Add($"{statement.Text(0)} {statement.Text(1)}");
            }

            return rows;
        }
    }

    [Fact]
    public async Task A_fault_point_is_reached_after_the_commit()
    {
        var reached = new List<string>();
        await using var store = StateStore.Open(File, new FaultPoints(reached.Add));
        await store.Documents("k").PutAsync("1", "{}"u8.ToArray());
        Assert.Equal(["state.committed"], reached);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
