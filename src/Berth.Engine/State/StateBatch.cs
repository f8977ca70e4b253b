namespace Berth.Engine.State;

/// <summary>Changes that take effect together.</summary>
public sealed class StateBatch
{
    private readonly List<StateChange> _changes = [];
    private bool _ends;

    internal IReadOnlyList<StateChange> Changes => _changes;

    /// <summary>It is part of ending something or taking it away.</summary>
    internal bool FreesRoom => _ends || _changes.TrueForAll(static change => change is StateChange.Delete or StateChange.DeleteIntent
        || (change is StateChange.PutIntent { Intent: var intent } && intent.Kind.EndsWith(".remove", StringComparison.Ordinal)));

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

    /// <summary>It records that something ends, which works on a full disk too.</summary>
    internal StateBatch Ends()
    {
        _ends = true;
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
