using Berth.Engine.Containers.Devices;
using Berth.Engine.Containers.Files;
using Berth.Engine.Containers.Logs;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Engine.Users;
using Berth.Linux.Processes;

namespace Berth.Engine.Containers;

// What a run consists of before its program begins.
public sealed partial class ContainerService
{
    // Network, root file system, spec, conmon: all that must be there before the program may run.
    private async Task<(ContainerRecord Record, PidFd Conmon)> RunAsync(Container container, ContainerRecord record)
    {
        var directory = RunDirectory(record.Id);
        FolderDeletion.Delete(directory);
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var network = WireAsync(record);
        try
        {
            ContainerFiles.MountRoot(record, _options.DataRoot, DataDirectory(record.Id));
            await _volumes.EnsureAsync(record).ConfigureAwait(false);
            await _volumes.MountAsync(record).ConfigureAwait(false);
            ContainerFiles.MountStages(record, _options.DataRoot, DataDirectory(record.Id), RemappedFor(record));
            _faults.Reached("container.start.mounted");
        }
        catch
        {
            await network.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // it would go on beside what takes it all down again
            throw;
        }

        await network.ConfigureAwait(false);
        _faults.Reached("container.start.wired");
        var files = new ContainerFiles(_options, DataDirectory(record.Id), NetworkOwner(record) is { } owner ? DataDirectory(owner.Id) : null);
        var linked = Linked(record);
        await files.PrepareAsync(record, _networks.All, linked.Select(one => (one.Address, one.Link.Alias, one.Other))).ConfigureAwait(false);
        if (_options.UsersOf(record.HostConfig) is { } users)
        {
            files.Remap(record, _remapped, users);
            _faults.Reached("container.start.remapped");
        }

        var spec = _seccompFilters.Apply(DeviceInjection.Apply(
            RuntimeSpecBuilder.Build(WithLinks(record, linked), files, _options, RemappedFor(record), _cgroups, NamespaceOf(record), id => SharedWith(record, Resolve(id).Record)),
            record.HostConfig.DeviceRequests,
            _options.CdiDirectories));
        await File.WriteAllBytesAsync(directory + "/config.json", RuntimeSpecWriter.Container(spec)).ConfigureAwait(false);
        using var session = await _conmon.StartAsync(new ConmonConfig
        {
            ContainerId = record.Id,
            SessionId = record.Id,
            Directory = directory,
            Name = record.Name,
            LogPath = record.HostConfig.LogConfig.Type == "none" ? null : LogPath(record.Id),
            LogSizeBackstop = record.HostConfig.LogConfig.Type == "none" ? 0 : LogLimits.Parse(record.HostConfig.LogConfig).BackstopBytes,
            Terminal = record.Config.Tty,
            OpenStdin = record.Config.OpenStdin,
            LeaveStdinOpen = record.Config.OpenStdin && !record.Config.StdinOnce,
            HasOwnUsers = _options.UsersOf(record.HostConfig) is not null,
        }).ConfigureAwait(false);
        _faults.Reached("container.start.conmon");
        var reaped = _conmon.ReapFirstAsync(session, directory);
        var pid = await Conmon.ReadPidAsync(session, "create").ConfigureAwait(false);
        var conmonPid = await reaped.ConfigureAwait(false);
        var started = Started(container, record, pid, conmonPid);
        return (started, PidFd.OpenRecorded(conmonPid, started.ConmonStartTicks) ?? throw new BerthException(ErrorKind.Failed, "conmon ended right after it had made the container; see the daemon's log."));
    }

    private List<(ContainerLink Link, ContainerRecord Other, string Address)> Linked(ContainerRecord record)
    {
        var linked = new List<(ContainerLink, ContainerRecord, string)>();
        foreach (var link in record.Links)
        {
            var other = _containers.GetValueOrDefault(link.ContainerId)?.Record ?? throw BerthException.NotFound($"No such container: {link.ContainerId}, to which {record.Name} is linked as {link.Alias}");
            if (!other.IsRunning)
            {
                throw BerthException.Conflict($"Cannot link to a non running container: /{other.Name} AS /{record.Name}/{link.Alias}");
            }

            if (ContainerLink.AddressOf(other, record.Endpoints) is { } address)
            {
                linked.Add((link, other, address));
            }
        }

        return linked;
    }

    // For the run only: what is recorded stays as it was asked.
    private static ContainerRecord WithLinks(ContainerRecord record, List<(ContainerLink Link, ContainerRecord Other, string Address)> linked) => linked.Count == 0 ? record : record with
    {
        Config = record.Config with { Env = ContainerCreation.MergeEnvironment([.. linked.SelectMany(one => one.Link.Variables(record.Name, one.Other, one.Address))], record.Config.Env ?? []) },
    };

    private ContainerRecord Started(Container container, ContainerRecord record, int pid, int conmonPid) => record with
    {
        Status = ContainerStatus.Running,
        Pid = pid,
        PidStartTicks = ProcessTable.StartTicks(pid),
        ConmonPid = conmonPid,
        ConmonStartTicks = ProcessTable.StartTicks(conmonPid),
        StartedAt = _time.GetUtcNow(),
        ExitCode = 0,
        Error = "",
        OomKilled = false,
        StoppedByRequest = false,
        EndedForHealth = false,
        Ports = PortsOf(container),
        Users = _options.UsersOf(record.HostConfig),
    };

    private RemappedFiles? RemappedFor(ContainerRecord record) => _options.UsersOf(record.HostConfig) is null ? null : _remapped;

    // The namespaces of a container belong to its users, so only one with the same users can join them.
    private ContainerRecord SharedWith(ContainerRecord record, ContainerRecord other) =>
        !other.IsRunning || (other.Users is null) == (_options.UsersOf(record.HostConfig) is null)
            ? other
            : throw BerthException.Conflict(
                $"cannot share a namespace of container {other.Name} with {record.Name}: one of them has the host's users and the other has not (userns-remap); "
                + "give both --userns=host or neither, and start the one that runs since before the setting changed again");

    // The container whose network this one shares in the end; null when it has its own.
    private ContainerRecord? NetworkOwner(ContainerRecord record)
    {
        ContainerRecord? owner = null;
        while ((owner ?? record).HostConfig.NetworkMode is var mode && mode.StartsWith("container:", StringComparison.Ordinal))
        {
            owner = Resolve(mode["container:".Length..]).Record;
        }

        return owner;
    }

    private string? NamespaceOf(ContainerRecord record) =>
        record.HostConfig.NetworkMode.StartsWith("container:", StringComparison.Ordinal)
            ? SharedWith(record, Resolve(record.HostConfig.NetworkMode["container:".Length..]).Record) is { IsRunning: true } other
                ? $"/proc/{other.Pid}/ns/net"
                : throw BerthException.Conflict($"cannot join network of a non running container: {record.HostConfig.NetworkMode["container:".Length..]}")
            : record.HostConfig.NetworkMode == "host" ? null : _wiring.NamespacePath(record.Id);

    // For the time from its first link until it counts as running.
    private IDisposable Join(ContainerRecord record) => _networks.Join(record, [.. record.Endpoints.Select(endpoint => endpoint.NetworkId)]);

    private async Task WireAsync(ContainerRecord record)
    {
        if (record.HostConfig.NetworkMode == "host" || record.HostConfig.NetworkMode.StartsWith("container:", StringComparison.Ordinal))
        {
            return;
        }

        var networks = _networks.All;
        var endpoints = record.Endpoints.Where(endpoint => endpoint.IsWired)
            .Select(endpoint => (Network: networks.FirstOrDefault(network => network.Id == endpoint.NetworkId) ?? throw Networks.NetworkService.NotThere(endpoint.NetworkId), endpoint)).ToList();
        var hostGateway = ContainerFiles.AsksForHostGateway(record) ? networks.Where(network => network is { IsBridge: true, IsPredefined: true }) : [];
        foreach (var network in endpoints.Select(pair => pair.Network).Concat(hostGateway))
        {
            _wiring.EnsureBridge(network);
        }

        await _wiring.CreateAsync(record.Id, endpoints, RemappedFor(record)?.UserNamespace, () => _traffic.LoadInside(record, networks, Running())).ConfigureAwait(false);
    }
}
