using System.Collections.Concurrent;
using System.Globalization;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Engine.Events;
using Berth.Engine.Networks;
using Berth.Engine.State;
using Berth.Engine.Users;
using Berth.Engine.Volumes;
using Berth.Linux.Cgroups;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace Berth.Engine.Containers;

/// <summary>
/// Containers: which there are, and their life. Operations on one container are ordered by its gate; different ones run
/// beside each other. The parts of this class: create (<c>.Create</c>), start, end and restart (<c>.Life</c>), recovery (<c>.Recovery</c>).
/// </summary>
public sealed partial class ContainerService
{
    /// <summary>With the value <c>true</c>, a container that becomes unhealthy is ended and started again, with the pauses of a restart policy.</summary>
    public const string RestartUnhealthyLabel = "org.berth.restart-unhealthy";

    internal const string Kind = "container";
    private readonly ConcurrentDictionary<string, Container> _containers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _names = new(StringComparer.Ordinal); // name → id; the reservation of a name
    private readonly ConcurrentDictionary<string, IReadOnlyList<PortMapping>> _ports = new(StringComparer.Ordinal); // of running containers
    private readonly CancellationTokenSource _closing = new();
    private readonly SemaphoreSlim _portGate = new(1, 1);
    private readonly StateStore _state;
    private readonly EngineOptions _options;
    private readonly EventBus _events;
    private readonly TimeProvider _time;
    private readonly IContainerImages _images;
    private readonly NetworkService _networks;
    private readonly NetworkWiring _wiring;
    private readonly TrafficRules _traffic;
    private readonly DepartedEndpoints _departed;
    private readonly EdgeProcess _edge;
    private readonly VolumeService _volumes;
    private readonly OciRuntime _runtime;
    private readonly SeccompFilters _seccompFilters;
    private readonly Conmon _conmon;
    private readonly RemappedFiles _remapped;
    private readonly CgroupLayout _cgroups;
    private readonly ExitWatcher _exits;
    private readonly DirectoryWatcher _watcher;
    private readonly FaultPoints _faults;
    private readonly ILogger<ContainerService> _logger;
    private volatile bool _goesDown; // the machine is about to stop: nothing is started again

    internal ContainerService(EngineParts parts, IContainerImages images, NetworkService networks, VolumeService volumes)
    {
        (_state, _options, _events, _time, _faults) = (parts.State, parts.Options, parts.Events, parts.Time, parts.Faults);
        (_wiring, _traffic, _edge, _runtime, _conmon, _remapped) = (parts.Wiring, parts.Traffic, parts.Edge, parts.Runtime, parts.Conmon, parts.Remapped);
        (_cgroups, _exits, _watcher, _departed, _seccompFilters) = (parts.Cgroups, parts.Exits, parts.Watcher, parts.Departed, parts.SeccompFilters);
        (_images, _networks, _volumes) = (images, networks, volumes);
        _logger = parts.Loggers.CreateLogger<ContainerService>();
        Execs = new Exec.ExecService(this, parts);
    }

    /// <summary>Commands run inside containers that run already.</summary>
    public Exec.ExecService Execs { get; }

    public IReadOnlyCollection<Container> All => [.. _containers.Values];

    /// <summary>By name, id, or a prefix of the id that only one has.</summary>
    public Container Resolve(string nameOrId)
    {
        var name = nameOrId.TrimStart('/');
        if (name.Length == 0)
        {
            throw BerthException.Invalid($"invalid name or ID supplied: \"{nameOrId}\"");
        }

        if (_containers.TryGetValue(name, out var container) || (_names.TryGetValue(name, out var id) && _containers.TryGetValue(id, out container)))
        {
            return container;
        }

        var found = _containers.Values.Where(candidate => candidate.Id.StartsWith(name, StringComparison.Ordinal)).ToList();
        return found.Count switch
        {
            1 => found[0],
            0 => throw BerthException.NotFound($"No such container: {nameOrId}"),
            _ => throw BerthException.Invalid($"multiple IDs found with provided prefix: {nameOrId}"),
        };
    }

    /// <summary>The ports that are published now; none while it does not run.</summary>
    public IReadOnlyList<PortMapping> PortsOf(Container container) => _ports.GetValueOrDefault(container.Id, []);

    /// <summary>Absolute directory of what belongs to a container and survives a reboot.</summary>
    public string DataDirectory(string id) => $"{_options.DataRoot}/containers/{id}";

    /// <summary>Absolute directory of a container's run: bundle, sockets, pid files.</summary>
    internal string RunDirectory(string id) => $"{_options.ExecRoot}/containers/{id}";

    public string LogPath(string id) => $"{DataDirectory(id)}/{id}.log";

    public string RootFsPath(string id) => DataDirectory(id) + "/merged";

    /// <param name="container">Which.</param>
    /// <param name="asked">With a slash before it or without.</param>
    public async Task RenameAsync(Container container, string asked)
    {
        if (asked.Length == 0)
        {
            throw BerthException.Invalid("Neither old nor new names may be empty");
        }

        var newName = RequireName("/" + asked.TrimStart('/'));
        if (newName == container.Name)
        {
            throw BerthException.Invalid("Renaming a container with the same name as its current name");
        }

        await using var held = await HoldAsync(container).ConfigureAwait(false);
        if (!_names.TryAdd(newName, container.Id))
        {
            throw BerthException.Conflict(NameInUse(newName));
        }

        var old = container.Name;
        await SaveAsync(container, container.Record with { Name = newName }).ConfigureAwait(false);
        _names.TryRemove(old, out _);
        _events.Publish("container", "rename", container.Id, Attributes(container.Record, ("oldName", "/" + old)));
        await RefreshTrafficAsync().ConfigureAwait(false);
    }

    /// <summary>Changes a terminal's size. conmon(8), the control fifo.</summary>
    public async Task ResizeAsync(Container container, int rows, int columns)
    {
        if (!container.Record.IsRunning)
        {
            throw BerthException.Conflict($"container {container.Id} is not running");
        }

        await WriteControlAsync(RunDirectory(container.Id), 1, rows, columns).ConfigureAwait(false);
    }

    internal static async Task WriteControlAsync(string directory, int kind, int first, int second)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{kind} {first} {second}\n");
        using var folder = Linux.Files.DirectoryHandle.Open(directory);
        using var fifo = folder.OpenFifoForWriting("ctl"); // never waits: conmon may have gone, and nobody would read
        if (fifo is not null)
        {
            await using var stream = new FileStream(fifo, FileAccess.Write, bufferSize: 0);
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(line)).ConfigureAwait(false);
        }
    }

    /// <summary>Makes rules, names and held ports equal to what runs now.</summary>
    internal Task RefreshTrafficAsync() => _traffic.RefreshAsync(Snapshot);

    /// <summary>Puts the host's rules back if another program changed them; false when nobody did.</summary>
    internal Task<bool> RestoreTrafficAsync(IReadOnlyList<Linux.Nftables.NftChange> changes) => _traffic.RestoreAsync(changes, Snapshot);

    private (IReadOnlyList<NetworkRecord> Networks, IReadOnlyList<ContainerRecord> Containers, IReadOnlyList<RunningContainer> Running) Snapshot()
    {
        var records = _containers.Values.Select(container => container.Record).ToList();
        return (_networks.All, records, Running());
    }

    internal async Task SaveAsync(Container container, ContainerRecord record, Intent? closing = null)
    {
        if (container.IsRemoved)
        {
            await (closing?.CompleteAsync() ?? Task.CompletedTask).ConfigureAwait(false);
            return; // whoever was late changes nothing of it any more
        }

        container.Record = record;
        await _state.CommitAsync(batch =>
        {
            batch.Put(Kind, record.Id, EngineJson.Bytes(record));
            if (closing is not null)
            {
                batch.Close(closing);
            }

            if (record.StoppedByRequest)
            {
                batch.Ends(); // who fills a disk can be stopped
            }
        }).ConfigureAwait(false);
    }

    /// <summary>What a container's events carry: its labels, image and name, and more.</summary>
    public static Dictionary<string, string> Attributes(ContainerRecord record, params (string Key, string Value)[] more)
    {
        var attributes = new Dictionary<string, string>(record.Config.Labels ?? [], StringComparer.Ordinal)
        {
            ["image"] = record.Config.Image, ["name"] = record.Name,
        };
        foreach (var (key, value) in more)
        {
            attributes[key] = value;
        }

        return attributes;
    }

    internal static async Task<IAsyncDisposable> HoldAsync(Container container)
    {
        await container.Gate.WaitAsync().ConfigureAwait(false);
        return new Held(container);
    }

    internal List<RunningContainer> Running() =>
    [
        .. _containers.Values.Where(container => container.Record.IsRunning || container.Prepared is not null)
            .Select(container => new RunningContainer(container.Record, container.Health is null or { Status: "healthy" }, PortsOf(container), IsPrepared: !container.Record.IsRunning))
            .OrderBy(container => container.Record.Created).ThenBy(container => container.Record.Id, StringComparer.Ordinal),
    ];

    // Docker's rule: a slash may be before it. Returns the name without.
    private static string RequireName(string asked) =>
        System.Text.RegularExpressions.Regex.IsMatch(asked, "^/?[a-zA-Z0-9][a-zA-Z0-9_.-]+\\z")
            ? asked.TrimStart('/')
            : throw BerthException.Invalid($"Invalid container name ({asked}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");

    private string NameInUse(string name) =>
        $"Conflict. The container name \"/{name}\" is already in use by container \"{_names.GetValueOrDefault(name, "")}\". You have to remove (or rename) that container to be able to reuse that name.";

    private sealed class Held(Container container) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            container.Gate.Release();
            return ValueTask.CompletedTask;
        }
    }
}
