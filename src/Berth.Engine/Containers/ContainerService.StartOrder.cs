using Berth.Engine.Errors;
using Microsoft.Extensions.Logging;

namespace Berth.Engine.Containers;

// How containers come back together: each when what its service depends on is as it asks for.
public sealed partial class ContainerService
{
    /// <summary>
    /// Starts containers, in this order. One whose conditions are not met yet is started when they are, beside whatever else happens; its record says until then that it has to be,
    /// so that a daemon which is killed meanwhile leaves it to the next.
    /// </summary>
    /// <param name="unconditional">Those that somebody asked for by name.</param>
    private async Task StartInOrderAsync(IReadOnlyList<Container> containers, HashSet<Container> unconditional)
    {
        var waiting = new HashSet<Container>();
        foreach (var container in containers)
        {
            var needs = unconditional.Contains(container) ? [] : Needs(container, containers);
            if (needs.TrueForAll(need => !waiting.Contains(need.Other) && IsMet(need.Other, need.Condition)))
            {
                await StartQuietlyAsync(container).ConfigureAwait(false);
                continue;
            }

            waiting.Add(container);
            var cancelled = new CancellationTokenSource();
            container.PendingRestart = cancelled;
            LogWaits(container.Name, string.Join(", ", needs.Select(need => need.Other.Name)));
            _ = StartWhenMetAsync(container, needs, cancelled.Token);
        }
    }

    // One that neither runs nor will be started keeps nobody waiting: somebody has stopped it.
    private List<(Container Other, StartCondition Condition)> Needs(Container container, IReadOnlyList<Container> starting)
    {
        var conditions = StartOrder.Conditions(container.Record).ToList();
        return
        [
            .. _containers.Values.SelectMany(other => conditions
                .Where(one => one.Service == Networks.ServiceKey.Of(other.Record) && !other.Record.OutOfService && (other.Record.IsRunning || starting.Contains(other)))
                .Select(one => (other, one.Condition))),
        ];
    }

    private static bool IsMet(Container other, StartCondition condition) => condition switch
    {
        StartCondition.Healthy => other.Record.IsRunning && other.Health is null or { Status: "healthy" },
        StartCondition.Completed => other.Record is { Status: ContainerStatus.Exited, ExitCode: 0 },
        _ => other.Record.IsRunning,
    };

    private async Task StartWhenMetAsync(Container container, List<(Container Other, StartCondition Condition)> needs, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        try
        {
            while (true)
            {
                using var events = _events.Subscribe(since: null); // before the look, so that no change falls in between
                while (!needs.TrueForAll(need => !_containers.ContainsKey(need.Other.Id) || need.Other.Record.StoppedByRequest || IsMet(need.Other, need.Condition)))
                {
                    if (!await events.Reader.WaitToReadAsync(either.Token).ConfigureAwait(false))
                    {
                        break; // more than it could hold: look once more
                    }

                    while (events.Reader.TryRead(out _))
                    {
                        continue;
                    }
                }

                if (!events.Reader.Completion.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return; // it was started or stopped by somebody, or the next daemon does it
        }

        if (_containers.ContainsKey(container.Id) && NeedsStart(container) && !_goesDown)
        {
            await StartQuietlyAsync(container).ConfigureAwait(false);
        }
    }

    private async Task StartQuietlyAsync(Container container)
    {
        try
        {
            await StartAsync(container).ConfigureAwait(false);
        }
        catch (BerthException exception) when (exception.Kind == ErrorKind.NotModified)
        {
            return; // somebody was faster
        }
        catch (Exception exception) when (exception is BerthException or IOException)
        {
            LogRestartFailed(exception, container.Name);
        }
    }

    [LoggerMessage(2040, LogLevel.Information, "Container {Name} starts when what it depends on is as it asks for: {Others}")]
    private partial void LogWaits(string name, string others);
}
