namespace Berth.Engine.State;

/// <summary>Changes that take effect together.</summary>
public sealed class StateBatch
{
    private readonly List<StateChange> _changes = [];

    internal IReadOnlyList<StateChange> Changes => _changes;

    public StateBatch Put(string kind, string id, byte[] json)
    {
        _changes.Add(new StateChange.Put(kind, id, json));
        return this;
    }

    public StateBatch Delete(string kind, string id)
    {
        _changes.Add(new StateChange.Delete(kind, id));
        return this;
    }

    public StateBatch Close(Intent intent)
    {
        _changes.Add(new StateChange.DeleteIntent(intent.Id));
        return this;
    }

    internal void PutIntent(Intent intent) => _changes.Add(new StateChange.PutIntent(intent));
}

internal abstract record StateChange
{
    internal sealed record Put(string Kind, string Id, byte[] Data) : StateChange;

    internal sealed record Delete(string Kind, string Id) : StateChange;

    internal sealed record PutIntent(Intent Intent) : StateChange;

    internal sealed record DeleteIntent(string Id) : StateChange;
}
