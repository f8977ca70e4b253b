using System.Globalization;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;

namespace Berth.Releases.Projects;

/// <summary>A project's actions on a container: with what its service has run at that turn, and so that their aim counts, not who got there first.</summary>
internal static class ContainerActions
{
    private const int Killed = 137; // 128 + SIGKILL, as a shell has it

    /// <inheritdoc cref="PrepareStopAsync"/>
    internal static async Task StopAsync(EngineHost engine, Container container, int? timeoutSeconds, ProjectProgress progress)
    {
        await PrepareStopAsync(engine, container, timeoutSeconds, progress).ConfigureAwait(false);
        await StopPreparedAsync(engine, container, timeoutSeconds, progress).ConfigureAwait(false);
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
    /// <param name="progress">Told when it took long because a shell kept the signal to itself.</param>
    internal static async Task StopPreparedAsync(EngineHost engine, Container container, int? timeoutSeconds, ProjectProgress progress)
    {
        var seconds = timeoutSeconds ?? container.Record.Config.StopTimeout ?? 10;
        var shell = seconds > 0 ? FirstShell.Of(container.Record.Pid) : null;
        var began = engine.Time.GetTimestamp();
        try
        {
            await engine.Containers.StopAsync(container, null, timeoutSeconds).ConfigureAwait(false);
        }
        catch (BerthException exception) when (exception.Kind == ErrorKind.NotModified)
        {
            return; // it ended meanwhile
        }

        if (shell is not null && container.Record.ExitCode == Killed && engine.Time.GetElapsedTime(began) >= TimeSpan.FromSeconds(seconds))
        {
            progress(new(ProjectEventKind.Warning, container.Name, string.Create(
                CultureInfo.InvariantCulture,
                $"was killed after {seconds} s: its first process is a shell ({shell}), which passes no signal on. Put 'exec' before the program's name, write the command as a list, or set 'init: true'")));
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
