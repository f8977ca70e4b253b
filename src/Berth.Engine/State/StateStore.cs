using System.Threading.Channels;
using Berth.Linux.Sqlite;

namespace Berth.Engine.State;

/// <summary>
/// All that the engine must remember, in one SQLite file: documents (JSON, by kind and id) and open intents.
/// Writes go through one writer that puts all waiting batches into one transaction; a commit returns when its
/// transaction is in the write-ahead log, where it survives the end of the process (not a power cut: synchronous=NORMAL).
/// </summary>
/// <remarks>Crash rule: record an intent, act, close the intent together with the documents that changed.</remarks>
public sealed class StateStore : IAsyncDisposable
{
    private const int Capacity = 1024; // batches waiting for the writer; a full queue makes callers wait
    private readonly SqliteDatabase _writer;
    private readonly SqliteDatabase _reader;
    private readonly Lock _readerGate = new();
    private readonly FaultPoints _faults;
    private readonly DiskReserve? _reserve;
    private readonly Channel<Pending> _pending = Channel.CreateBounded<Pending>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly Task _writing;

    private StateStore(SqliteDatabase writer, SqliteDatabase reader, FaultPoints faults, DiskReserve? reserve)
    {
        _reserve = reserve;
        _writer = writer;
        _reader = reader;
        _faults = faults;
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>Opens or makes the file and brings its schema up to date.</summary>
    /// <param name="survivesPowerCuts">A commit returns when it is on the disk, not only safe from the end of the process.</param>
    /// <param name="reservePath">A file that is kept large, so that on a full disk what takes things away can be recorded; null for none.</param>
    /// <exception cref="Errors.BerthException">The file was written by a newer Berth.</exception>
    public static StateStore Open(string path, FaultPoints? faults = null, bool survivesPowerCuts = false, string? reservePath = null)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var writer = SqliteDatabase.Open(path);
        writer.Execute($"PRAGMA journal_mode=WAL; PRAGMA synchronous={(survivesPowerCuts ? "FULL" : "NORMAL")};");
        Schema.Upgrade(writer, Schema.Steps);
        var reserve = reservePath is null ? null : new DiskReserve(reservePath);
        reserve?.Refill();
        return new StateStore(writer, SqliteDatabase.Open(path), faults ?? FaultPoints.None, reserve);
    }

    /// <summary>Places at which a test may stop the process, for parts that keep their state here.</summary>
    internal FaultPoints Faults => _faults;

    public Documents Documents(string kind) => new(this, kind);

    /// <summary>Applies all changes of one batch together.</summary>
    public async Task CommitAsync(Action<StateBatch> change)
    {
        var batch = new StateBatch();
        change(batch);
        var pending = new Pending(batch, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await _pending.Writer.WriteAsync(pending).ConfigureAwait(false);
        await pending.Done.Task.ConfigureAwait(false);
        _faults.Reached("state.committed");
    }

    /// <summary>
    /// Records that something is about to be done. Complete it when done; disposing it uncompleted leaves it open, so
    /// that the next start-up sees it, unless its owner undid its effects and called <see cref="Intent.CompleteAsync()"/>. One that
    /// could not be closed (the disk was full) is superseded by the next of the same kind on the same subject.
    /// </summary>
    public async Task<Intent> BeginIntentAsync(string kind, string subject, byte[] data)
    {
        var intent = new Intent(this, Guid.NewGuid().ToString("N"), kind, subject, data);
        await CommitAsync(batch => batch.PutIntent(intent)).ConfigureAwait(false);
        return intent;
    }

    /// <summary>What was begun and not completed, oldest first.</summary>
    public IReadOnlyList<Intent> OpenIntents()
    {
        lock (_readerGate)
        {
            using var statement = _reader.Prepare("SELECT id, kind, subject, data FROM intents ORDER BY rowid");
            var intents = new List<Intent>();
            while (statement.Step())
            {
                intents.Add(new Intent(this, statement.Text(0), statement.Text(1), statement.Text(2), statement.Bytes(3)));
            }

            return intents;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _pending.Writer.TryComplete();
        await _writing.ConfigureAwait(false);
        _reader.Dispose();
        _writer.Dispose();
    }

    internal byte[]? Get(string kind, string id)
    {
        lock (_readerGate)
        {
            using var statement = _reader.Prepare("SELECT data FROM documents WHERE kind = ?1 AND id = ?2");
            return statement.Bind(1, kind).Bind(2, id).Step() ? statement.Bytes(0) : null;
        }
    }

    internal IReadOnlyList<(string Id, byte[] Data)> All(string kind)
    {
        lock (_readerGate)
        {
            using var statement = _reader.Prepare("SELECT id, data FROM documents WHERE kind = ?1 ORDER BY rowid");
            statement.Bind(1, kind);
            var rows = new List<(string, byte[])>();
            while (statement.Step())
            {
                rows.Add((statement.Text(0), statement.Bytes(1)));
            }

            return rows;
        }
    }

    private async Task WriteAsync()
    {
        using var put = _writer.Prepare("INSERT INTO documents VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET data = ?3");
        using var delete = _writer.Prepare("DELETE FROM documents WHERE kind = ?1 AND id = ?2");
        using var putIntent = _writer.Prepare("INSERT INTO intents VALUES (?1, ?2, ?3, ?4)");
        using var supersede = _writer.Prepare("DELETE FROM intents WHERE kind = ?1 AND subject = ?2");
        using var deleteIntent = _writer.Prepare("DELETE FROM intents WHERE id = ?1");
        while (await _pending.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            var group = new List<Pending>();
            while (_pending.Reader.TryRead(out var pending))
            {
                group.Add(pending);
            }

            WriteGroup(group);
        }

        // A disk that is full has room for what takes things away.
        void WriteGroup(List<Pending> group)
        {
            try
            {
                _writer.Execute("BEGIN IMMEDIATE");
                foreach (var change in group.SelectMany(pending => pending.Batch.Changes))
                {
                    Apply(change, put, delete, putIntent, supersede, deleteIntent);
                }

                _writer.Execute("COMMIT");
                group.ForEach(pending => pending.Done.SetResult());
                if (_reserve is { IsShort: true })
                {
                    _reserve.Refill();
                }
            }
            catch (SqliteException exception)
            {
                RollBack();
                var freeing = group.Where(pending => pending.Batch.FreesRoom).ToList();
                var goesOn = freeing.Count > 0 && Errors.Shortage.IsOfRoom(exception) && _reserve?.GiveUpSome() == true;
                foreach (var pending in group.Where(pending => !goesOn || !pending.Batch.FreesRoom))
                {
                    pending.Done.SetException(exception);
                }

                if (goesOn)
                {
                    WriteGroup(freeing);
                }
            }
        }
    }

    private void RollBack()
    {
        try
        {
            _writer.Execute("ROLLBACK");
        }
        catch (SqliteException)
        {
            // SQLite has rolled back by itself, as it does when the disk is full; the callers get the first error.
        }
    }

    private static void Apply(StateChange change, SqliteStatement put, SqliteStatement delete, SqliteStatement putIntent, SqliteStatement supersede, SqliteStatement deleteIntent)
    {
        switch (change)
        {
            case StateChange.Put(var kind, var id, var data):
                put.Bind(1, kind).Bind(2, id).Bind(3, data).Run();
                break;
            case StateChange.Delete(var kind, var id):
                delete.Bind(1, kind).Bind(2, id).Run();
                break;
            case StateChange.PutIntent(var intent):
                supersede.Bind(1, intent.Kind).Bind(2, intent.Subject).Run();
                putIntent.Bind(1, intent.Id).Bind(2, intent.Kind).Bind(3, intent.Subject).Bind(4, intent.Data).Run();
                break;
            case StateChange.DeleteIntent(var id):
                deleteIntent.Bind(1, id).Run();
                break;
        }
    }

    private sealed record Pending(StateBatch Batch, TaskCompletionSource Done);
}
