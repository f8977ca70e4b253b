namespace Berth.Engine.State;

/// <summary>A change that was recorded before its first side effect. Open ones are settled at the next start-up.</summary>
public sealed class Intent : IAsyncDisposable
{
    private readonly StateStore _store;

    internal Intent(StateStore store, string id, string kind, string subject, byte[] data)
    {
        _store = store;
        Id = id;
        Kind = kind;
        Subject = subject;
        Data = data;
    }

    public string Id { get; }

    /// <summary>What is being done, such as <c>container.start</c>.</summary>
    public string Kind { get; }

    /// <summary>The id of what it is done to.</summary>
    public string Subject { get; }

    /// <summary>JSON: all that is needed to undo or finish without anything else.</summary>
    public byte[] Data { get; }

    /// <summary>Closes it. To close it together with other changes, use <see cref="StateBatch.Close"/>.</summary>
    public Task CompleteAsync() => _store.CommitAsync(batch => batch.Close(this));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
