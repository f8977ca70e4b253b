using System.Globalization;
using System.Text;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Health;
using Berth.Engine.Containers.Logs;
using Berth.Engine.Errors;
using Berth.Releases.Projects;

namespace Berth.Releases.Rollouts;

/// <summary>
/// Tells when a new copy can serve: its health check says so; without one, it answers as <c>x-berth.ready</c> asks, or listens where its predecessor does. One that ends
/// before, or is started again by its restart policy, is not waited for.
/// </summary>
internal sealed class CopyReadiness(EngineHost engine)
{
    private const int ShownLines = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20); // the kernel announces no new listener
    private static readonly TimeSpan ProbePause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(5); // what listens nowhere by then, and publishes no port, is a worker
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <param name="ready">From the service; null without one.</param>
    /// <param name="predecessor">A copy that serves; null when there is none.</param>
    /// <param name="tell">Gets what a failing health check says, while it is waited for; null when nobody listens.</param>
    /// <exception cref="BerthException">It will not be ready; with its exit code, its check's words, or its last lines.</exception>
    internal async Task WaitAsync(Container container, ReadyModel? ready, Container? predecessor, CancellationToken cancellationToken, Action<string>? tell = null)
    {
        var isChecked = container.Record.Config.Healthcheck?.Test is [not "NONE", ..]; // not its state, which goes a moment before the record says that it has ended
        if (isChecked)
        {
            using var listening = tell is null ? null : CheckWords.Listen(container, tell);
            await BecomesHealthyAsync(container, cancellationToken).ConfigureAwait(false);
        }

        if (!isChecked || ready is not null)
        {
            await ListensAsync(container, ready, predecessor, cancellationToken).ConfigureAwait(false);
        }
    }

    // By the engine's events: healthy ends the wait, anything that cannot become healthy any more fails it.
    private async Task BecomesHealthyAsync(Container container, CancellationToken cancellationToken)
    {
        using var events = engine.Events.Subscribe(since: null); // before the first look, so that no change falls in between
        if (await IsHealthyAsync(container).ConfigureAwait(false))
        {
            return;
        }

        await foreach (var one in events.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            if (one.ActorId == container.Id && await IsHealthyAsync(container).ConfigureAwait(false))
            {
                return;
            }
        }

        throw new BerthException(ErrorKind.Failed, $"Too much happened at once to follow the state of container {container.Name}; run the command again.");
    }

    private async Task<bool> IsHealthyAsync(Container container)
    {
        await RequireRunningAsync(container).ConfigureAwait(false);
        return container.Health switch
        {
            { Status: "unhealthy" } health => throw new BerthException(ErrorKind.Failed, $"the new container of service '{ServiceOf(container)}' is unhealthy{CheckWords.LastOutput(health)}{await LastLinesAsync(container).ConfigureAwait(false)}"),
            { Status: "healthy" } => true,
            _ => false,
        };
    }

    private async Task RequireRunningAsync(Container container)
    {
        var record = container.Record;
        if (!record.IsRunning || record.RestartCount > 0)
        {
            var memory = record.OomKilled ? ", out of memory" : "";
            var lines = await LastLinesAsync(container).ConfigureAwait(false);
            throw new BerthException(ErrorKind.Failed, string.Create(CultureInfo.InvariantCulture, $"the new container of service '{ServiceOf(container)}' ended ({record.ExitCode}{memory}) before it could serve{lines}"));
        }
    }

    private async Task ListensAsync(Container container, ReadyModel? ready, Container? predecessor, CancellationToken cancellationToken)
    {
        var started = engine.Time.GetTimestamp();
        var patience = ready?.Timeout ?? Patience;
        IReadOnlyList<int> expected = ready?.Port is { } port ? [port] : [];
        while (true)
        {
            await RequireRunningAsync(container).ConfigureAwait(false);
            var seen = expected.Count > 0 ? expected : ListeningPorts.Expected(container, predecessor, Settled, engine.Time.GetUtcNow());
            if (ready is null && IsWorker(container, seen, engine.Time.GetElapsedTime(started)))
            {
                return;
            }

            expected = seen ?? [];
            var missing = expected.Count > 0 ? ListeningPorts.Missing(container, expected) : ListeningPorts.IsServing(container) ? [] : [0];
            var answer = missing.Count > 0 ? null : ready is null or { Kind: ReadyKind.Tcp } ? "" : await ProbeAsync(container, ready, expected, cancellationToken).ConfigureAwait(false);
            if (answer is { Length: 0 })
            {
                return;
            }

            if (engine.Time.GetElapsedTime(started) >= patience)
            {
                var what = answer is not null ? answer
                    : expected.Count > 0 ? "nothing in it listens on port " + string.Join(", ", missing)
                    : "nothing in it listens on any of its ports";
                throw new BerthException(
                    ErrorKind.Unavailable,
                    $"the new container of service '{ServiceOf(container)}' was not ready within {patience.TotalSeconds:0.#} s: {what}{await LastLinesAsync(container).ConfigureAwait(false)}");
            }

            await Task.Delay(missing.Count > 0 ? Pause : ProbePause, engine.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    // It has no port, or only those that its image declares for other uses.
    private static bool IsWorker(Container container, IReadOnlyList<int>? seen, TimeSpan waited) =>
        seen is { Count: 0 } || !ListeningPorts.HasAny(container) || (seen is null && !ListeningPorts.HasPublished(container) && waited >= Settled);

    /// <returns>Empty when it is ready, else what it said.</returns>
    private static async Task<string> ProbeAsync(Container container, ReadyModel ready, IReadOnlyList<int> expected, CancellationToken cancellationToken)
    {
        var address = container.Record.Endpoints.FirstOrDefault(endpoint => endpoint.Address.Length > 0)?.Address;
        return address is null || expected.Count == 0
            ? "it has no address or no port at which it could be asked"
            : await ReadyProbe.AskAsync(ready.Kind, new(System.Net.IPAddress.Parse(address), expected[0]), ready.Path ?? "/", cancellationToken).ConfigureAwait(false);
    }

    private async Task<string> LastLinesAsync(Container container)
    {
        var text = new StringBuilder();
        try
        {
            await foreach (var line in engine.Containers.Logs(container).ReadAsync(new LogOptions { Stdout = true, Stderr = true, Tail = ShownLines }, CancellationToken.None).ConfigureAwait(false))
            {
                text.Append(line.IsContinuation ? "" : "\n    ").Append(Encoding.UTF8.GetString(line.Text.Span));
            }
        }
        catch (Exception exception) when (exception is BerthException or IOException)
        {
            return ""; // it writes no log that could be read: the rest of the message stands without it
        }

        return text.Length > 0 ? "; its last lines:" + text : "; it has written nothing";
    }

    private static string ServiceOf(Container container) => container.Record.Label(Compose.ComposeLabels.Service);
}
