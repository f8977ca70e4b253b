namespace Berth.Releases.Projects;

/// <summary>A release that is under way, for whoever wants it taken back meanwhile.</summary>
/// <param name="number">The release's.</param>
/// <param name="intend">Writes down why it goes back, so that a daemon that is killed right then leaves that to the next one.</param>
/// <param name="ending">Ends it otherwise.</param>
internal sealed class Undoing(int number, Func<string, Task> intend, CancellationToken ending) : IAsyncDisposable
{
    private readonly CancellationTokenSource _source = CancellationTokenSource.CreateLinkedTokenSource(ending);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private bool _isClosed;

    internal int Number => number;

    internal CancellationToken Token => _source.Token;

    /// <summary>Who has asked; null while nobody has.</summary>
    internal string? Reason { get; private set; }

    /// <summary>Cancels the release. False once all of it is carried out, or it goes back already.</summary>
    internal async Task<bool> RequestAsync(string reason)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_isClosed)
            {
                return false;
            }

            if (Reason is null)
            {
                await intend(reason).ConfigureAwait(false);
                Reason = reason;
            }

            await _source.CancelAsync().ConfigureAwait(false);
            return true;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>All of it is carried out.</summary>
    /// <exception cref="OperationCanceledException">Somebody had asked for it to be taken back a moment before.</exception>
    internal async Task CloseAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            Token.ThrowIfCancellationRequested();
            _isClosed = true;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>From now on it goes back, whoever asks; returns once a request that was under way is through.</summary>
    internal async Task AbandonAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        _isClosed = true;
        _gate.Release();
    }

    public async ValueTask DisposeAsync()
    {
        await AbandonAsync().ConfigureAwait(false);
        _source.Dispose();
    }
}
