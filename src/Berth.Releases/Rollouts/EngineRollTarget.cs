using System.Collections.Concurrent;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Releases.Projects;

namespace Berth.Releases.Rollouts;

/// <summary>A rollout's containers in the engine.</summary>
/// <param name="make">Makes a new copy of the slot's container out of service, under the slot's <see cref="RollSlot.NextName"/>.</param>
internal sealed class EngineRollTarget(EngineHost engine, ServiceModel service, Func<RollSlot, Task<Container>> make, int? stopTimeoutSeconds, ProjectProgress progress) : IRollTarget
{
    private readonly CopyReadiness _readiness = new(engine);
    private readonly ConcurrentDictionary<string, RollSlot> _slots = new(StringComparer.Ordinal); // by id of the new copy

    public async Task<string> MakeAsync(RollSlot slot)
    {
        Container? container = null;
        await StepAsync(slot.Name, "Creating new", "Created new", async () => container = await make(slot).ConfigureAwait(false)).ConfigureAwait(false);
        _slots[container!.Id] = slot;
        return container.Id;
    }

    public Task PrepareAsync(string id) => engine.Containers.PrepareStartAsync(Find(id) ?? throw RemovedMeanwhile());

    public async Task StartAsync(string id)
    {
        if (Find(id) is not { } container)
        {
            throw RemovedMeanwhile();
        }

        await StepAsync(NameOf(container), "Starting new", "Started new", () => ContainerActions.StartAsync(engine, container)).ConfigureAwait(false);
        if (!container.Record.OutOfService)
        {
            await engine.Containers.HoldConnectionsAsync(container, HeldStop.AfterEnd).ConfigureAwait(false); // it serves alone, and does not listen yet
        }
    }

    public async Task WaitUntilReadyAsync(string id, CancellationToken cancellationToken)
    {
        if (Find(id) is not { } container)
        {
            throw RemovedMeanwhile();
        }

        var name = NameOf(container);
        await StepAsync(name, "Waiting until ready", "Ready", () => _readiness.WaitAsync(
            container, service.Extension?.Ready, Peer(container), cancellationToken,
            words => progress(new(ProjectEventKind.Container, name, "Waiting until ready", Detail: words)))).ConfigureAwait(false);
    }

    public async Task SwitchAsync(IReadOnlyList<RollSwitch> switches)
    {
        List<ServiceSwitch> present = [.. switches.Select(one => (One: one, Container: Find(one.Id))).Where(pair => pair.Container is not null).Select(pair => new ServiceSwitch(pair.Container!, pair.One.InService, pair.One.Name))];
        await engine.Containers.SwitchAsync(present).ConfigureAwait(false);
        foreach (var one in present.Where(one => one.InService))
        {
            progress(new(ProjectEventKind.Container, one.Name!, "Serving"));
        }
    }

    public async Task CoolAsync(string id, TimeSpan drain)
    {
        if (Find(id) is not { Record.IsRunning: true } container)
        {
            return;
        }

        await CopyDrain.RunAsync(engine, container, drain, progress).ConfigureAwait(false);
        await StepAsync(container.Name, "Stopping", "Stopped", () => ContainerActions.StopAsync(engine, container, stopTimeoutSeconds, progress)).ConfigureAwait(false);
    }

    public Task StopHeldAsync(string id) =>
        Find(id) is { Record.IsRunning: true } container ? HeldStop.RunAsync(engine, container, stopTimeoutSeconds, progress, isFollowedAtOnce: true) : Task.CompletedTask;

    public async Task RemoveAsync(string id)
    {
        if (Find(id) is not { } container)
        {
            return;
        }

        try
        {
            await engine.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false).ConfigureAwait(false);
        }
        catch (BerthException exception) when (exception.Kind == ErrorKind.NotFound)
        {
            return; // --rm, or somebody else, was faster
        }
    }

    // A copy that runs beside it tells where one listens; best one that serves, for longest.
    private Container? Peer(Container container) => engine.Containers.All.Where(other =>
        other.Id != container.Id && other.Record.IsRunning
        && other.Record.Label(Compose.ComposeLabels.Project) == container.Record.Label(Compose.ComposeLabels.Project)
        && other.Record.Label(Compose.ComposeLabels.Service) == container.Record.Label(Compose.ComposeLabels.Service))
        .OrderBy(other => other.Record.OutOfService).ThenBy(other => other.Record.StartedAt).FirstOrDefault();

    private string NameOf(Container container) => _slots.TryGetValue(container.Id, out var slot) ? slot.Name : container.Name;

    private BerthException RemovedMeanwhile() => BerthException.NotFound($"the new container of service '{service.Name}' was removed by somebody else");

    private Container? Find(string id) => engine.Containers.All.FirstOrDefault(container => container.Id == id);

    private Task StepAsync(string name, string doing, string done, Func<Task> act) => progress.StepAsync(engine.Time, ProjectEventKind.Container, name, doing, done, act);
}
