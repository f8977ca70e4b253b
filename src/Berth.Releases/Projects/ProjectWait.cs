using Berth.Compose;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Health;
using Berth.Engine.Errors;

namespace Berth.Releases.Projects;

/// <summary>Waits until containers are as a condition says. Hears of changes by the engine's events.</summary>
internal sealed class ProjectWait(EngineHost engine, ProjectReader reader, ProjectProgress progress)
{
    private static readonly TimeSpan ListenPatience = TimeSpan.FromSeconds(10); // a program may publish a port that it never opens
    private static readonly TimeSpan ListenPause = TimeSpan.FromMilliseconds(20); // the kernel announces no new listener

    /// <summary>Waits for the replicas of a service that another depends on.</summary>
    /// <exception cref="BerthException">It will never be so.</exception>
    internal Task DependencyAsync(string project, string service, DependencyCondition condition, CancellationToken cancellationToken) => Task.WhenAll(
        reader.Containers(project)
            .Where(container => container.Record.Label(ComposeLabels.Service) == service && !ProjectReader.Actual(container).IsOneOff)
            .Select(container => condition switch
            {
                DependencyCondition.Healthy => ReachAsync(container, "Healthy", one => Health(one, needsCheck: true), cancellationToken),
                DependencyCondition.CompletedSuccessfully => ReachAsync(container, "Exited", Completion, cancellationToken),
                _ => Task.CompletedTask,
            }));

    /// <summary>
    /// <c>--wait</c>: running, and healthy where there is a check. Without one, a program must listen on its published TCP ports, so that
    /// whoever asks next is answered; one that does not for ten seconds is left as it is, with a warning.
    /// </summary>
    internal async Task RunningAsync(Container container, CancellationToken cancellationToken)
    {
        await ReachAsync(container, "Healthy", one => Health(one, needsCheck: false), cancellationToken).ConfigureAwait(false);
        if (container.Health is not null)
        {
            return;
        }

        var started = engine.Time.GetTimestamp();
        while (!Health(container, needsCheck: false) || ListeningPorts.Missing(container).Count > 0)
        {
            if (engine.Time.GetElapsedTime(started) >= ListenPatience)
            {
                progress(new(
                    ProjectEventKind.Warning, container.Name,
                    $"container {container.Name} runs, but for {ListenPatience.TotalSeconds:0} s nothing in it has listened on its published port {string.Join(", ", ListeningPorts.Missing(container))}; see 'berth logs {container.Name}'"));
                return;
            }

            await Task.Delay(ListenPause, engine.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ReachAsync(Container container, string done, Func<Container, bool> isReached, CancellationToken cancellationToken)
    {
        using var events = engine.Events.Subscribe(since: null); // before the first look, so that no change falls in between
        if (isReached(container))
        {
            progress(new(ProjectEventKind.Container, container.Name, done));
            return;
        }

        await progress.StepAsync(engine.Time, ProjectEventKind.Container, container.Name, "Waiting", done, async () =>
        {
            using var listening = CheckWords.Listen(container, words => progress(new(ProjectEventKind.Container, container.Name, "Waiting", Detail: words)));
            await foreach (var one in events.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                if (one.ActorId == container.Id && isReached(container))
                {
                    return;
                }
            }

            throw new BerthException(ErrorKind.Failed, $"Too much happened at once to follow the state of container {container.Name}; run the command again.");
        }).ConfigureAwait(false);
    }

    private bool Health(Container container, bool needsCheck)
    {
        var record = container.Record;
        if (!record.IsRunning)
        {
            // A job that ended well is what was wanted of it; where health was asked for, an end is never that.
            return !needsCheck && record is { Status: ContainerStatus.Exited, ExitCode: 0 }
                ? true
                : record.Status == ContainerStatus.Restarting ? false : throw Ended(container);
        }

        return container.Health switch
        {
            null when needsCheck => throw BerthException.Invalid($"container {container.Name} has no health check, but another service waits until it is healthy"),
            null => true,
            { Status: "healthy" } => true,
            { Status: "unhealthy" } health => throw new BerthException(ErrorKind.Failed, $"container {container.Name} is unhealthy{CheckWords.LastOutput(health)}"),
            _ => false,
        };
    }

    private bool Completion(Container container)
    {
        var record = container.Record;
        return record.IsRunning || record.Status is ContainerStatus.Restarting or ContainerStatus.Created
            ? false
            : record.ExitCode == 0 ? true : throw new BerthException(
                ErrorKind.Failed, $"service \"{record.Label(ComposeLabels.Service)}\" didn't complete successfully: container {container.Name} exited with {record.ExitCode}; see 'berth logs {container.Name}'");
    }

    private static BerthException Ended(Container container) => new(
        ErrorKind.Failed,
        $"container {container.Name} exited ({container.Record.ExitCode}){(container.Record.Error.Length > 0 ? ": " + container.Record.Error : "")}; see 'berth logs {container.Name}'");
}
