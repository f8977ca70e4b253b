using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Releases.Projects;

namespace Berth.Releases.Rollouts;

/// <summary>Waits until a container that is out of service has answered what it was asked.</summary>
internal static class CopyDrain
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20); // between two looks; the kernel announces none of it
    private static readonly TimeSpan LongPause = TimeSpan.FromMilliseconds(200); // once only slow answers are waited for
    private static readonly TimeSpan Eager = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ShownPause = TimeSpan.FromSeconds(1);

    internal static async Task RunAsync(EngineHost engine, Container container, TimeSpan patience, ProjectProgress progress)
    {
        if (engine.Containers.BeginDrain(container) is not { } drain)
        {
            return;
        }

        var started = engine.Time.GetTimestamp();
        var shown = started;
        while (container.Record.IsRunning && await drain.StepAsync().ConfigureAwait(false) is var used and > 0)
        {
            if (engine.Time.GetElapsedTime(started) >= patience)
            {
                progress(new(ProjectEventKind.Warning, container.Name, $"{used} connections to {container.Name} were still in use after {patience.TotalSeconds:0.#} s (x-berth.roll.drain); it is stopped"));
                return;
            }

            if (engine.Time.GetElapsedTime(shown) >= ShownPause)
            {
                shown = engine.Time.GetTimestamp();
                progress(new(ProjectEventKind.Container, container.Name, "Draining", Detail: $"{used} connections in use"));
            }

            await Task.Delay(engine.Time.GetElapsedTime(started) < Eager ? Pause : LongPause, engine.Time).ConfigureAwait(false);
        }
    }
}
