using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Releases.Projects;

namespace Berth.Releases.Rollouts;

/// <summary>Stops a container that another one follows: new connections wait from before the first signal, because many programs stop listening at once, until the next one has had its time.</summary>
internal static class HeldStop
{
    /// <summary>How long clients wait for the next container once this one has ended.</summary>
    internal static readonly TimeSpan AfterEnd = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5); // where a container may take for ever to stop

    /// <param name="timeoutSeconds">Null for the container's own.</param>
    /// <param name="isFollowedAtOnce">The next one is prepared, and whoever starts it sees to the time that clients wait for that.</param>
    internal static async Task RunAsync(EngineHost engine, Container container, int? timeoutSeconds, ProjectProgress progress, bool isFollowedAtOnce = false)
    {
        await ContainerActions.PrepareStopAsync(engine, container, timeoutSeconds, progress).ConfigureAwait(false); // it serves meanwhile
        var seconds = timeoutSeconds ?? container.Record.Config.StopTimeout ?? 10;
        var stopping = TimeSpan.FromSeconds(seconds) + AfterEnd;
        await engine.Containers.HoldConnectionsAsync(container, seconds < 0 || stopping > Longest ? Longest : stopping).ConfigureAwait(false);
        await progress.StepAsync(engine.Time, ProjectEventKind.Container, container.Name, "Stopping", "Stopped", () => ContainerActions.StopPreparedAsync(engine, container, timeoutSeconds, progress)).ConfigureAwait(false);
        if (!isFollowedAtOnce)
        {
            await engine.Containers.HoldConnectionsAsync(container, AfterEnd).ConfigureAwait(false);
        }
    }
}
