using Berth.Engine.Containers.Health;
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
        var there = _containers.Values.Where(one => !one.Record.OutOfService).ToLookup(one => Networks.ServiceKey.Of(one.Record));
        var seen = new HashSet<Container>();
        var waiting = new Dictionary<Container, Task>();
        foreach (var container in containers)
        {
            List<(Container Other, StartCondition Condition)> needs = unconditional.Contains(container) ? []
                : [.. StartOrder.Conditions(container.Record).SelectMany(one => there[one.Service].Select(other => (other, one.Condition))).Where(need => need.other.Record.IsRunning || seen.Contains(need.other))];
            seen.Add(container); // what neither runs nor was to be started, or comes later in a circle, keeps nobody waiting
            List<Task> before = [.. needs.Select(need => waiting.GetValueOrDefault(need.Other)).OfType<Task>()];
            if (before.Count == 0 && needs.TrueForAll(need => IsMet(need.Other, need.Condition)))
            {
                await StartQuietlyAsync(container).ConfigureAwait(false);
                continue;
            }

            var cancelled = new CancellationTokenSource();
            container.PendingRestart = cancelled;
            LogWaits(container.Name, string.Join(", ", needs.Select(need => need.Other.Name)));
            waiting[container] = StartWhenMetAsync(container, before, needs, cancelled.Token);
        }
    }

    // That it was started has been seen to by the order: one that cannot start keeps nobody waiting who did not ask for more.
    private static bool IsMet(Container other, StartCondition condition) => condition switch
    {
        StartCondition.Healthy => other.Record.IsRunning && (HealthMonitor.Command(other.Record.Config) is null || other.Health is { Status: "healthy" }), // between its start and its first check there is no state yet
        StartCondition.Completed => other.Record is { Status: ContainerStatus.Exited, ExitCode: 0 },
        _ => true,
    };

    /// <param name="before">The starts of those among its needs that wait themselves.</param>
    private async Task StartWhenMetAsync(
        Container container, IReadOnlyList<Task> before, List<(Container Other, StartCondition Condition)> needs, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        try
        {
            await Task.WhenAll(before).WaitAsync(either.Token).ConfigureAwait(false);
            while (true)
            {
                using var events = _events.Subscribe(since: null); // before the look, so that no change falls in between
                while (IsToStart() && !needs.TrueForAll(need => !_containers.ContainsKey(need.Other.Id) || need.Other.Record.StoppedByRequest || IsMet(need.Other, need.Condition)))
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

        if (IsToStart())
        {
            await StartQuietlyAsync(container).ConfigureAwait(false);
        }

        bool IsToStart() => _containers.ContainsKey(container.Id) && NeedsStart(container) && !_goesDown;
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
