namespace Berth.Engine.State;

/// <summary>The stored documents of one kind, as UTF-8 JSON.</summary>
public readonly struct Documents(StateStore store, string kind)
{
    public byte[]? Get(string id) => store.Get(kind, id);

    /// <summary>All of them, in the order in which they were first stored.</summary>
    public IReadOnlyList<(string Id, byte[] Data)> All() => store.All(kind);

    public Task PutAsync(string id, byte[] json)
    {
        var name = kind;
        return store.CommitAsync(batch => batch.Put(name, id, json));
    }

    public Task DeleteAsync(string id)
    {
        var name = kind;
        return store.CommitAsync(batch => batch.Delete(name, id));
    }
}
