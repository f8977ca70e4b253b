using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Linux.Cgroups;

namespace Berth.Engine.Containers;

/// <summary>New limits and a new restart policy for a container that is there. Docker Engine API, "Update a container".</summary>
/// <param name="Resources">Zero, empty and null leave a limit as it is.</param>
/// <param name="RestartPolicy">Null leaves it as it is.</param>
public sealed record ContainerUpdate(HostConfig Resources, RestartPolicy? RestartPolicy)
{
    /// <summary>The host's config after it.</summary>
    /// <exception cref="BerthException">It does not fit what is set already.</exception>
    internal HostConfig Apply(string id, HostConfig host)
    {
        void Demand(bool condition, string message)
        {
            if (!condition)
            {
                throw BerthException.Conflict($"Cannot update container {id}: {message}");
            }
        }

        var asked = Resources;
        Demand(asked.NanoCpus == 0 || host.CpuPeriod == 0, "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
        Demand(asked.NanoCpus == 0 || host.CpuQuota == 0, "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
        Demand(asked.CpuPeriod == 0 || host.NanoCpus == 0, "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
        Demand(asked.CpuQuota == 0 || host.NanoCpus == 0, "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
        Demand(
            asked.Memory == 0 || asked.MemorySwap != 0 || host.MemorySwap <= 0 || asked.Memory <= host.MemorySwap,
            "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time");
        Demand(
            RestartPolicy is null or { Name: "" or "no" } || !host.AutoRemove, "Restart policy cannot be updated because AutoRemove is enabled for the container");
        return host with
        {
            BlkioWeight = asked.BlkioWeight != 0 ? asked.BlkioWeight : host.BlkioWeight,
            CpuShares = asked.CpuShares != 0 ? asked.CpuShares : host.CpuShares,
            NanoCpus = asked.NanoCpus != 0 ? asked.NanoCpus : host.NanoCpus,
            CpuPeriod = asked.CpuPeriod != 0 ? asked.CpuPeriod : host.CpuPeriod,
            CpuQuota = asked.CpuQuota != 0 ? asked.CpuQuota : host.CpuQuota,
            CpuRealtimePeriod = asked.CpuRealtimePeriod != 0 ? asked.CpuRealtimePeriod : host.CpuRealtimePeriod,
            CpuRealtimeRuntime = asked.CpuRealtimeRuntime != 0 ? asked.CpuRealtimeRuntime : host.CpuRealtimeRuntime,
            CpusetCpus = asked.CpusetCpus.Length > 0 ? asked.CpusetCpus : host.CpusetCpus,
            CpusetMems = asked.CpusetMems.Length > 0 ? asked.CpusetMems : host.CpusetMems,
            Memory = asked.Memory != 0 ? asked.Memory : host.Memory,
            MemorySwap = asked.MemorySwap != 0 ? asked.MemorySwap : host.MemorySwap,
            MemoryReservation = asked.MemoryReservation != 0 ? asked.MemoryReservation : host.MemoryReservation,
            PidsLimit = asked.PidsLimit ?? host.PidsLimit,
            RestartPolicy = RestartPolicy ?? host.RestartPolicy,
        };
    }
}

public sealed partial class ContainerService
{
    /// <summary>Takes a link away, as <c>docker rm --link CONTAINER/ALIAS</c> does. A container that runs keeps what it was started with.</summary>
    /// <exception cref="BerthException">It has no such link.</exception>
    public async Task RemoveLinkAsync(Container container, string alias)
    {
        await using var held = await HoldAsync(container).ConfigureAwait(false);
        var record = container.Record;
        var index = record.Links.Select(link => link.Alias).ToList().IndexOf(alias);
        if (index < 0)
        {
            throw BerthException.NotFound($"No such link: /{container.Name}/{alias}");
        }

        await SaveAsync(container, record with
        {
            Links = [.. record.Links.Where((_, i) => i != index)],
            HostConfig = record.HostConfig with { Links = [.. (record.HostConfig.Links ?? []).Where((_, i) => i != index)] },
        }).ConfigureAwait(false);
    }

    /// <summary>Changes a container's limits, also while it runs, and its restart policy.</summary>
    /// <exception cref="BerthException">A limit that cannot be; nothing is changed then.</exception>
    public async Task UpdateAsync(Container container, ContainerUpdate update)
    {
        await using var held = await HoldAsync(container).ConfigureAwait(false);
        if (!_containers.ContainsKey(container.Id))
        {
            throw BerthException.NotFound($"No such container: {container.Id}");
        }

        var record = container.Record;
        var host = update.Apply(record.Id, record.HostConfig);
        ContainerCreation.Validate(record.Config, host);
        HostLimits.RequireKnown(host, _cgroups);
        if (record.IsRunning)
        {
            await SetLimitsAsync(record, host).ConfigureAwait(false);
        }

        await SaveAsync(container, record with { HostConfig = host }).ConfigureAwait(false);
        _events.Publish("container", "update", record.Id, Attributes(record));
    }

    /// <summary>Of a container that runs. What it was limited in, and is not any more, it gets without a limit.</summary>
    private async Task SetLimitsAsync(ContainerRecord record, HostConfig host)
    {
        var (before, after) = (ResourceModel.From(record.HostConfig), ResourceModel.From(host));
        if (after is { CpuQuota: > 0, CpuPeriod: 0 } && before.CpuPeriod > 0)
        {
            after = after with { CpuPeriod = 100_000 }; // microseconds, the kernel's own
        }

        var file = RunDirectory(record.Id) + "/resources.json";
        await File.WriteAllBytesAsync(file, RuntimeSpecWriter.Resources(after)).ConfigureAwait(false);
        await _runtime.UpdateAsync(record.Id, file).ConfigureAwait(false);
        foreach (var limit in Lifted(before, after))
        {
            _cgroups.Lift(limit, _options.CgroupOf(record));
        }
    }

    private static IEnumerable<CgroupLimit> Lifted(ResourceModel before, ResourceModel after)
    {
        (CgroupLimit Limit, long Before, long After)[] limits =
        [
            (CgroupLimit.Memory, before.Memory, after.Memory), (CgroupLimit.MemoryReservation, before.MemoryReservation, after.MemoryReservation),
            (CgroupLimit.Processes, before.PidsLimit, after.PidsLimit), (CgroupLimit.CpuTime, before.CpuQuota, after.CpuQuota), (CgroupLimit.CpuShare, before.CpuShares, after.CpuShares),
            (CgroupLimit.Cpus, before.CpusetCpus.Length, after.CpusetCpus.Length), (CgroupLimit.DiskShare, before.BlockWeight, after.BlockWeight),
        ];
        return limits.Where(limit => limit.Before > 0 && limit.After <= 0).Select(limit => limit.Limit);
    }
}
