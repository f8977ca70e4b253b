using Berth.Engine.Errors;
using Berth.Engine.Networks;
using Berth.Linux.Processes;

namespace Berth.Engine.Containers;

/// <summary>What becomes of a container when a service's new copies take over, or the old ones take over again.</summary>
/// <param name="InService">Whether its service's address, names and published ports lead to it.</param>
/// <param name="Name">Null keeps the one it has.</param>
public sealed record ServiceSwitch(Container Container, bool InService, string? Name = null);

public sealed partial class ContainerService
{
    /// <summary>
    /// Puts containers into service, takes others out and renames them, all in one transaction: whoever looks, or is killed, finds either all of it or
    /// nothing. When it returns, new connections go to those in service; connections that exist stay where they are.
    /// </summary>
    /// <exception cref="BerthException">A name is held by a container that is no part of the change. Nothing has changed.</exception>
    public async Task SwitchAsync(IReadOnlyList<ServiceSwitch> switches)
    {
        var held = new List<IAsyncDisposable>();
        try
        {
            foreach (var container in switches.Select(one => one.Container).OrderBy(container => container.Id, StringComparer.Ordinal)) // one order, so that two changes never wait for each other
            {
                held.Add(await HoldAsync(container).ConfigureAwait(false));
            }

            await SwitchHeldAsync([.. switches.Where(one => _containers.ContainsKey(one.Container.Id))]).ConfigureAwait(false);
        }
        finally
        {
            foreach (var one in held)
            {
                await one.DisposeAsync().ConfigureAwait(false);
            }
        }

        await RefreshTrafficAsync().ConfigureAwait(false);
        _ = ForgetClosedAsync([.. switches.Where(one => !one.InService).SelectMany(one => one.Container.Record.Endpoints)]); // nobody waits for it: those that are led there are answered
    }

    /// <summary>Begins to send the clients of a container that is out of service elsewhere; null when it does not run, or has no network of its own.</summary>
    public ConnectionDrain? BeginDrain(Container container) =>
        container.Record is { IsRunning: true, Endpoints.Count: > 0 }
            ? new(_wiring.NamespacePath(container.Id), () => _cgroups.Processes(_options.CgroupOf(container.Record)), IsContainer, () => ForgetClosedAsync(container.Record.Endpoints), _time)
            : null;

    private bool IsContainer(System.Net.IPAddress address) =>
        _containers.Values.Any(container => container.Record.IsRunning && container.Record.Endpoints.Any(endpoint => endpoint.Addresses.Contains(address.ToString())));

    /// <summary>Bytes of memory that a container's programs have written to, and that nobody else could use.</summary>
    public long MemoryOf(Container container) =>
        container.Record.IsRunning ? _cgroups.Processes(_options.CgroupOf(container.Record)).Sum(ProcessTable.AnonymousBytes) : 0;

    private async Task SwitchHeldAsync(IReadOnlyList<ServiceSwitch> switches)
    {
        var taken = ReserveNames(switches);
        List<(Container Container, ContainerRecord Before, ContainerRecord After)> changes =
        [
            .. switches.Select(one => (one.Container, one.Container.Record, one.Container.Record with { OutOfService = !one.InService, Name = one.Name ?? one.Container.Name })),
        ];
        try
        {
            await _state.CommitAsync(batch => changes.ForEach(change => batch.Put(Kind, change.After.Id, EngineJson.Bytes(change.After)))).ConfigureAwait(false);
        }
        catch
        {
            taken.ForEach(name => _names.TryRemove(name, out _));
            throw;
        }

        changes.ForEach(change => change.Container.Record = change.After);
        foreach (var (_, before, after) in changes.Where(change => change.Before.Name != change.After.Name))
        {
            _names[after.Name] = after.Id;
        }

        var names = changes.Select(change => change.After.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var (_, before, after) in changes.Where(change => change.Before.Name != change.After.Name))
        {
            if (!names.Contains(before.Name))
            {
                _names.TryRemove(before.Name, out _);
            }

            _events.Publish("container", "rename", after.Id, Attributes(after, ("oldName", "/" + before.Name)));
        }

        _faults.Reached("container.switch.committed");
    }

    // Names that no container has yet are taken; those that pass from one to another stay taken all along.
    private List<string> ReserveNames(IReadOnlyList<ServiceSwitch> switches)
    {
        var ids = switches.Select(one => one.Container.Id).ToHashSet(StringComparer.Ordinal);
        var taken = new List<string>();
        foreach (var one in switches.Where(one => one.Name is not null))
        {
            RequireName(one.Name!);
            if (_names.TryAdd(one.Name!, one.Container.Id))
            {
                taken.Add(one.Name!);
            }
            else if (!ids.Contains(_names.GetValueOrDefault(one.Name!, "")))
            {
                var message = NameInUse(one.Name!);
                taken.ForEach(name => _names.TryRemove(name, out _));
                throw BerthException.Conflict(message);
            }
        }

        return taken;
    }
}
