using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;

namespace Berth.Releases.Projects;

/// <summary>Actions whose aim counts, not who got there first.</summary>
internal static class ContainerActions
{
    internal static async Task StopAsync(EngineHost engine, Container container, int? timeoutSeconds)
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
    }
}
