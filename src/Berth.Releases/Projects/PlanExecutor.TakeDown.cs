using Berth.Engine.Errors;
using Berth.Releases.Planning;

namespace Berth.Releases.Projects;

// What down does.
internal sealed partial class PlanExecutor
{
    /// <summary>Stops and removes in the plan's order; services that nothing needs any more go side by side.</summary>
    internal async Task TakeDownAsync(IReadOnlyList<PlanAction> actions, CancellationToken cancellationToken)
    {
        var removals = actions.OfType<RemoveContainer>().ToList();
        await DependencyOrder.NeededLastAsync(
            removals, removal => removal.Existing.Service, removal => removal.Existing.DependsOn,
            (removal, _) => RemoveAsync(removal, isHandedOver: false), // nobody is left who could take its clients
            cancellationToken).ConfigureAwait(false);
        foreach (var action in actions.Where(action => action is not RemoveContainer))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await (action switch
            {
                RemoveNetwork remove => UnlessUsedAsync(ProjectEventKind.Network, remove.Name, () => RemoveNetworkAsync(remove.Name)),
                RemoveVolume remove => UnlessUsedAsync(ProjectEventKind.Volume, remove.Name, () => RemoveVolumeAsync(remove.Name)),
                _ => RunAsync(action, cancellationToken),
            }).ConfigureAwait(false);
        }
    }

    // What containers of others, or of other files of the project, use stays: as in Docker Compose, that is no failure.
    private async Task UnlessUsedAsync(ProjectEventKind kind, string name, Func<Task> remove)
    {
        var start = engine.Time.GetTimestamp();
        progress(new(kind, name, "Removing"));
        try
        {
            await remove().ConfigureAwait(false);
            progress(new(kind, name, "Removed", engine.Time.GetElapsedTime(start)));
        }
        catch (BerthException exception) when (exception.Kind is ErrorKind.Forbidden or ErrorKind.Conflict)
        {
            progress(new(kind, name, "Resource is still in use", engine.Time.GetElapsedTime(start), exception.Message));
        }
        catch
        {
            progress(new(kind, name, "Error", engine.Time.GetElapsedTime(start)));
            throw;
        }
    }
}
