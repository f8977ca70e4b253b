using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;

namespace Berth.Releases.Projects;

/// <summary>A project's actions on a container: with what its service has run at that turn, and so that their aim counts, not who got there first.</summary>
internal static class ContainerActions
{
    /// <inheritdoc cref="PrepareStopAsync"/>
    internal static async Task StopAsync(EngineHost engine, Container container, int? timeoutSeconds, ProjectProgress progress)
    {
        await PrepareStopAsync(engine, container, timeoutSeconds, progress).ConfigureAwait(false);
        await StopPreparedAsync(engine, container, timeoutSeconds).ConfigureAwait(false);
    }

    /// <summary>What is done while the container still serves.</summary>
    /// <param name="progress">Told what failed and does not keep it from being stopped.</param>
    internal static async Task PrepareStopAsync(EngineHost engine, Container container, int? timeoutSeconds, ProjectProgress progress)
    {
        if (await ContainerHooks.StoppingAsync(engine, container, timeoutSeconds).ConfigureAwait(false) is { } failure)
        {
            progress(new(ProjectEventKind.Warning, container.Name, failure));
        }
    }

    /// <summary>The stop itself, after <see cref="PrepareStopAsync"/>.</summary>
    internal static async Task StopPreparedAsync(EngineHost engine, Container container, int? timeoutSeconds)
    {
        try
        {
            await engine.Containers.StopAsync(container, null, timeoutSeconds).ConfigureAwait(false);
        }
        catch (BerthException exception) when (exception.Kind == ErrorKind.NotModified)
        {
            return; // it ended meanwhile
        }
    }

    internal static async Task StartAsync(EngineHost engine, Container container)
    {
        try
        {
            await engine.Containers.StartAsync(container).ConfigureAwait(false);
        }
        catch (BerthException exception) when (exception.Kind == ErrorKind.NotModified)
        {
            return; // it was started meanwhile
        }

        await ContainerHooks.StartedAsync(engine, container).ConfigureAwait(false);
    }

    internal static async Task RestartAsync(EngineHost engine, Container container, int? timeoutSeconds, ProjectProgress progress)
    {
        await PrepareStopAsync(engine, container, timeoutSeconds, progress).ConfigureAwait(false);
        await engine.Containers.RestartAsync(container, null, timeoutSeconds).ConfigureAwait(false);
        await ContainerHooks.StartedAsync(engine, container).ConfigureAwait(false);
    }
}
