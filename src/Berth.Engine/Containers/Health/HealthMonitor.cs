using Berth.Engine.Containers.Exec;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers.Health;

/// <summary>
/// Runs a container's health check again and again. Timing as Docker's: the first check after one interval (start_interval
/// while the start period lasts), failures in the start period do not count, <c>retries</c> failures in a row make unhealthy.
/// </summary>
internal sealed class HealthMonitor(Container container, HealthcheckConfig config, ExecService execs, TimeProvider time, Func<HealthState, Task> changed)
{
    private const int KeptResults = 5;
    private const int OutputLimitBytes = 4096;

    /// <summary>Runs until the container ends (the token).</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        var startPeriod = Duration(config.StartPeriod, TimeSpan.Zero);
        var started = time.GetUtcNow();
        while (!cancellationToken.IsCancellationRequested)
        {
            var isStarting = container.Health?.Status == "starting" && time.GetUtcNow() - started < startPeriod;
            var pause = isStarting ? Duration(config.StartInterval, TimeSpan.FromSeconds(5)) : Duration(config.Interval, TimeSpan.FromSeconds(30));
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellationToken.IsCancellationRequested || container.Record.Status != ContainerStatus.Running)
            {
                continue;
            }

            var result = await ProbeAsync(cancellationToken).ConfigureAwait(false);
            if (result is null || cancellationToken.IsCancellationRequested)
            {
                continue;
            }

            var next = Next(container.Health!, result, config.Retries > 0 ? config.Retries : 3, time.GetUtcNow() - started < startPeriod);
            await changed(next).ConfigureAwait(false);
        }
    }

    /// <summary>Pure: what one more result makes of the state.</summary>
    internal static HealthState Next(HealthState current, HealthResult result, int retries, bool inStartPeriod)
    {
        var log = current.Log.Append(result).TakeLast(KeptResults).ToList();
        if (result.ExitCode == 0)
        {
            return new() { Status = "healthy", FailingStreak = 0, Log = log };
        }

        if (inStartPeriod && current.Status == "starting")
        {
            return current with { Log = log };
        }

        var streak = current.FailingStreak + 1;
        return new() { Status = streak >= retries ? "unhealthy" : current.Status, FailingStreak = streak, Log = log };
    }

    /// <summary>The command to run; null when there is no check. <c>CMD-SHELL</c> uses the image's shell.</summary>
    internal static IReadOnlyList<string>? Command(ContainerConfig config) => config.Healthcheck?.Test switch
    {
        null or { Count: 0 } => null,
        var test when test[0] == "NONE" => null,
        var test when test[0] == "CMD" && test.Count > 1 => [.. test.Skip(1)],
        var test when test[0] == "CMD-SHELL" => [.. config.Shell is { Count: > 0 } shell ? shell : ["/bin/sh", "-c"], .. test.Skip(1)],
        var test => throw BerthException.Invalid($"Unknown healthcheck type '{test[0]}' (expected 'CMD', 'CMD-SHELL' or 'NONE')"),
    };

    private async Task<HealthResult?> ProbeAsync(CancellationToken cancellationToken)
    {
        await execs.CheckStarts.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (cancellationToken.IsCancellationRequested)
        {
            return null;
        }

        using var turn = new Turn(execs.CheckStarts); // until it runs, at the latest until it has ended
        var start = time.GetUtcNow();
        var limit = Duration(config.Timeout, TimeSpan.FromSeconds(30));
        using var timeout = new CancellationTokenSource(limit, time);
        using var late = timeout.Token.Register(turn.Dispose); // one that cannot start, as in a container that was frozen just now, holds up no others
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var (exitCode, output) = await execs.CaptureAsync(container, new ExecConfig { Cmd = Command(container.Record.Config) }, OutputLimitBytes, turn.Dispose, either.Token).ConfigureAwait(false);
            return timeout.IsCancellationRequested
                ? new(start, time.GetUtcNow(), -1, $"Health check exceeded timeout ({limit.TotalSeconds:0.###}s)")
                : new(start, time.GetUtcNow(), exitCode, output);
        }
        catch (Exception exception) when (exception is BerthException or IOException)
        {
            // The container has ended, or its check cannot be executed; the second is a result like any other.
            return container.Record.Status == ContainerStatus.Running ? new(start, time.GetUtcNow(), -1, exception.Message) : null;
        }
    }

    /// <summary>A place among those who start, given back once.</summary>
    private sealed class Turn(SemaphoreSlim places) : IDisposable
    {
        private int _isOver;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
            {
                places.Release();
            }
        }
    }

    private static TimeSpan Duration(long nanoseconds, TimeSpan fallback) => nanoseconds > 0 ? TimeSpan.FromTicks(nanoseconds / 100) : fallback;
}
