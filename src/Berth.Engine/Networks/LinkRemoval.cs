namespace Berth.Engine.Networks;

/// <summary>
/// Takes host links away, those of one moment together: the kernel waits each time until nobody can still use what goes, which takes some 30 ms, for one as for many.
/// </summary>
/// <param name="delete">Deletes them all; names that are gone are no error.</param>
internal sealed class LinkRemoval(Action<IReadOnlyList<string>> delete)
{
    private readonly Lock _gate = new();
    private List<string> _waiting = [];
    private Task _last = Task.CompletedTask;
    private Task? _next; // the batch that has not begun yet

    /// <summary>Returns once they are gone.</summary>
    internal Task RemoveAsync(IReadOnlyList<string> links)
    {
        if (links.Count == 0)
        {
            return Task.CompletedTask;
        }

        lock (_gate)
        {
            _waiting.AddRange(links);
            var before = _last;
            return _next ??= _last = Task.Run(() => RunAsync(before));
        }
    }

    private async Task RunAsync(Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // those who asked for it are told
        List<string> batch;
        lock (_gate)
        {
            (batch, _waiting, _next) = (_waiting, [], null);
        }

        delete(batch);
    }
}
