using Berth.Engine.Errors;
using Berth.Linux.Nftables;
using Microsoft.Extensions.Logging;

namespace Berth.Engine.Networks;

/// <summary>
/// Puts the host's rules back when another program has changed or deleted them, a firewall that loads its whole ruleset anew for
/// example. It learns of it from the kernel, waits a moment because such tools work in several steps, and waits ever longer while
/// somebody keeps at it, so that two who disagree do not fill the machine.
/// </summary>
internal sealed partial class RulesGuard : IAsyncDisposable
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(10); // without a foreign change, after which the pause is short again
    private readonly Func<IReadOnlyList<NftChange>, Task<bool>> _restore;
    private readonly string _table;
    private readonly TimeProvider _time;
    private readonly ILogger<RulesGuard> _logger;
    private readonly NftMonitor _monitor;
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;

    /// <param name="options">Whose table it is.</param>
    /// <param name="restore">Puts the rules back if one of the changes was another's; says whether it did.</param>
    internal RulesGuard(EngineOptions options, Func<IReadOnlyList<NftChange>, Task<bool>> restore, TimeProvider time, ILogger<RulesGuard> logger)
    {
        (_restore, _time, _logger) = (restore, time, logger);
        _table = options.Name;
        _monitor = new NftMonitor(_ => true); // also the host's own firewall may begin to drop, or lose what it was told
    }

    internal void Start() => _running = RunAsync();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // cancelled
        _monitor.Dispose();
    }

    private async Task RunAsync()
    {
        var pause = ShortestPause;
        long? restored = null;
        while (await _monitor.Changes.WaitToReadAsync(_stopping.Token).ConfigureAwait(false))
        {
            pause = restored is { } last && _time.GetElapsedTime(last) > Calm ? ShortestPause : pause;
            await Task.Delay(pause, _time, _stopping.Token).ConfigureAwait(false);
            var changes = new List<NftChange>();
            while (_monitor.Changes.TryRead(out var change))
            {
                changes.Add(change);
            }

            if (await RestoreAsync(changes).ConfigureAwait(false))
            {
                pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, LongestPause.Ticks));
                restored = _time.GetTimestamp();
            }
        }
    }

    private async Task<bool> RestoreAsync(IReadOnlyList<NftChange> changes)
    {
        try
        {
            var isForeign = await _restore(changes).ConfigureAwait(false);
            if (isForeign)
            {
                LogRestored(_table);
            }

            return isForeign;
        }
        catch (Exception exception) when (exception is IOException or BerthException)
        {
            LogNotRestored(exception, _table);
            return true;
        }
    }

    [LoggerMessage(4003, LogLevel.Warning, "Another program changed or deleted the nftables table {Table}; it was put back")]
    private partial void LogRestored(string table);

    [LoggerMessage(4004, LogLevel.Error, "Another program changed or deleted the nftables table {Table}, and it could not be put back: published ports may not answer. The next change of a container tries again")]
    private partial void LogNotRestored(Exception exception, string table);
}
