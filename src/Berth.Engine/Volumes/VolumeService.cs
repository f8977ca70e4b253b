using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Engine.Events;
using Berth.Engine.State;

namespace Berth.Engine.Volumes;

/// <summary>Named volumes under <c>DATA/volumes/NAME/_data</c>.</summary>
public sealed partial class VolumeService(StateStore state, EngineOptions options, EventBus events, TimeProvider time, CommandRunner commands)
{
    internal const string Kind = "volume";
    private const string AnonymousLabel = "com.docker.volume.anonymous";
    private static readonly Dictionary<string, string> s_anonymous = new() { [AnonymousLabel] = "" };
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _mounting = new(1, 1);
    private readonly SemaphoreSlim _changing = new(1, 1); // a name is made and removed one after the other
    private readonly Dictionary<string, VolumeRecord> _volumes = new(StringComparer.Ordinal);

    public IReadOnlyList<VolumeRecord> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _volumes.Values];
            }
        }
    }

    public string DataPath(string name) => $"{options.DataRoot}/volumes/{name}/_data";

    public VolumeRecord? Find(string name)
    {
        lock (_gate)
        {
            return _volumes.GetValueOrDefault(name);
        }
    }

    public VolumeRecord Resolve(string name) => Find(name) ?? throw BerthException.NotFound($"get {name}: no such volume");

    /// <summary>Makes a volume, or returns the one that has the name already. Without a name it gets a random one.</summary>
    public async Task<VolumeRecord> CreateAsync(
        string? name, string driver, IReadOnlyDictionary<string, string>? labels, IReadOnlyDictionary<string, string>? driverOptions)
    {
        if (driver is not ("" or "local"))
        {
            throw BerthException.NotFound($"create {name}: error looking up volume plugin {driver}: plugin \"{driver}\" not found; Berth has the driver local");
        }

        var isAnonymous = string.IsNullOrEmpty(name);
        var chosen = isAnonymous ? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) : name!;
        if (chosen.Length == 1)
        {
            throw BerthException.Invalid($"create {chosen}: volume name is too short, names should be at least two alphanumeric characters");
        }

        if (!ValidName().IsMatch(chosen))
        {
            throw BerthException.Invalid($"create {chosen}: \"{chosen}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path");
        }

        if (driverOptions is { Count: > 0 })
        {
            VolumeMount.Validate(chosen, driverOptions);
        }

        await _changing.WaitAsync().ConfigureAwait(false);
        try
        {
            if (Find(chosen) is { } existing)
            {
                return existing;
            }

            var record = new VolumeRecord
            {
                Name = chosen,
                Created = time.GetUtcNow(),
                Labels = Labels(labels, isAnonymous),
                Options = new((driverOptions ?? new Dictionary<string, string>()).ToDictionary(), StringComparer.Ordinal),
            };
            await state.Documents(Kind).PutAsync(chosen, EngineJson.Bytes(record)).ConfigureAwait(false); // first the record: a directory without one is garbage
            Directory.CreateDirectory(DataPath(chosen));
            state.Faults.Reached("volume.create.directory");
            lock (_gate)
            {
                _volumes[chosen] = record;
            }

            events.Publish("volume", "create", chosen, new Dictionary<string, string> { ["driver"] = "local" });
            return record;
        }
        finally
        {
            _changing.Release();
        }
    }

    private static SortedDictionary<string, string> Labels(IReadOnlyDictionary<string, string>? asked, bool isAnonymous)
    {
        var labels = new SortedDictionary<string, string>((asked ?? new Dictionary<string, string>()).ToDictionary(), StringComparer.Ordinal);
        if (isAnonymous)
        {
            labels[AnonymousLabel] = ""; // by which pruning knows it, whatever its name looks like
        }

        return labels;
    }

    /// <param name="containers">Those that there are, asked once nobody else changes volumes.</param>
    /// <exception cref="BerthException">A container has it, or there is none and that is not forced.</exception>
    public async Task RemoveAsync(string name, bool force, Func<IReadOnlyCollection<Container>> containers)
    {
        await _changing.WaitAsync().ConfigureAwait(false);
        try
        {
            if (Find(name) is null)
            {
                if (force)
                {
                    return;
                }

                throw BerthException.NotFound($"get {name}: no such volume");
            }

            var users = UsersOf(name, containers());
            if (users.Count > 0)
            {
                throw BerthException.Conflict($"remove {name}: volume is in use - [{string.Join(", ", users)}]");
            }

            await using var intent = await state.BeginIntentAsync("volume.remove", name, "{}"u8.ToArray()).ConfigureAwait(false);
            lock (_gate)
            {
                _volumes.Remove(name);
            }

            DeleteDirectory(name);
            state.Faults.Reached("volume.remove.deleted");
            await state.CommitAsync(batch => batch.Delete(Kind, name).Close(intent)).ConfigureAwait(false);
            events.Publish("volume", "destroy", name, new Dictionary<string, string> { ["driver"] = "local" });
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Makes again what a container has and somebody removed while the container was being made.</summary>
    internal async Task EnsureAsync(ContainerRecord record)
    {
        foreach (var mount in record.Mounts.Where(mount => mount.Type == "volume" && Find(mount.Name) is null))
        {
            await CreateAsync(mount.Name, "local", mount.Anonymous ? s_anonymous : null, null).ConfigureAwait(false);
        }
    }

    internal static IReadOnlyList<string> UsersOf(string name, IReadOnlyCollection<Container> containers) =>
        [.. containers.Where(container => container.Record.Mounts.Any(mount => mount.Type == "volume" && mount.Name == name)).Select(container => container.Id)];

    /// <summary>Reads the volumes back and finishes removals that were cut off.</summary>
    internal async Task LoadAsync()
    {
        foreach (var intent in state.OpenIntents().Where(intent => intent.Kind == "volume.remove"))
        {
            DeleteDirectory(intent.Subject);
            await state.CommitAsync(batch => batch.Delete(Kind, intent.Subject).Close(intent)).ConfigureAwait(false);
        }

        foreach (var (name, data) in state.Documents(Kind).All())
        {
            _volumes[name] = JsonSerializer.Deserialize(data, EngineJson.Default.VolumeRecord)!;
            Directory.CreateDirectory(DataPath(name));
            VolumeRefresh.Clear($"{options.DataRoot}/volumes/{name}");
        }
    }

    /// <summary>Mounts what volumes with options of the local driver stand for, before a container that has them is started. Again is fine.</summary>
    /// <exception cref="BerthException">mount(8) refused.</exception>
    internal async Task MountAsync(ContainerRecord record)
    {
        foreach (var volume in Mountable(record))
        {
            await _mounting.WaitAsync().ConfigureAwait(false);
            try
            {
                if (!Linux.Mounts.MountTable.MountPoints().Contains(DataPath(volume.Name)))
                {
                    await VolumeMount.MountAsync(volume, DataPath(volume.Name), commands).ConfigureAwait(false);
                }
            }
            finally
            {
                _mounting.Release();
            }
        }
    }

    /// <summary>Unmounts them once no container that runs has them.</summary>
    internal async Task UnmountAsync(ContainerRecord record, IReadOnlyCollection<Container> containers)
    {
        foreach (var volume in Mountable(record))
        {
            await _mounting.WaitAsync().ConfigureAwait(false);
            try
            {
                if (!containers.Any(other => other.Id != record.Id && (other.Record.IsRunning || other.Prepared is not null) && other.Record.Mounts.Any(mount => mount.Type == "volume" && mount.Name == volume.Name)))
                {
                    Linux.Mounts.Mount.UnmountAll(DataPath(volume.Name));
                }
            }
            finally
            {
                _mounting.Release();
            }
        }
    }

    private IEnumerable<VolumeRecord> Mountable(ContainerRecord record) =>
        record.Mounts.Where(mount => mount.Type == "volume").Select(mount => Find(mount.Name)).OfType<VolumeRecord>().Where(volume => volume.Options.Count > 0);

    private void DeleteDirectory(string name)
    {
        Linux.Mounts.Mount.UnmountAll(DataPath(name)); // what is mounted there would be deleted with it
        var directory = $"{options.DataRoot}/volumes/{name}";
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [GeneratedRegex("^[a-zA-Z0-9][a-zA-Z0-9_.-]+\\z")]
    private static partial Regex ValidName();
}
