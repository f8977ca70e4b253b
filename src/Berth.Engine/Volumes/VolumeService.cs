using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Engine.Events;
using Berth.Engine.State;

namespace Berth.Engine.Volumes;

/// <summary>Named volumes under <c>DATA/volumes/NAME/_data</c>.</summary>
public sealed partial class VolumeService(StateStore state, EngineOptions options, EventBus events, TimeProvider time)
{
    internal const string Kind = "volume";
    private readonly Lock _gate = new();
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

        if (driverOptions is { Count: > 0 })
        {
            throw BerthException.Invalid($"create {name}: the option \"{driverOptions.Keys.First()}\" of the local driver is not supported; use a bind mount of a directory that is mounted on the host");
        }

        var chosen = string.IsNullOrEmpty(name) ? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) : name;
        if (!ValidName().IsMatch(chosen))
        {
            throw BerthException.Invalid($"create {chosen}: \"{chosen}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path");
        }

        if (Find(chosen) is { } existing)
        {
            return existing;
        }

        var record = new VolumeRecord
        {
            Name = chosen, Created = time.GetUtcNow(), Labels = new((labels ?? new Dictionary<string, string>()).ToDictionary(), StringComparer.Ordinal),
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

    public async Task RemoveAsync(string name, bool force, IReadOnlyCollection<Container> containers)
    {
        if (Find(name) is null)
        {
            if (force)
            {
                return;
            }

            throw BerthException.NotFound($"get {name}: no such volume");
        }

        var users = UsersOf(name, containers);
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

    private void DeleteDirectory(string name)
    {
        var directory = $"{options.DataRoot}/volumes/{name}";
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [GeneratedRegex("^[a-zA-Z0-9][a-zA-Z0-9_.-]+$")]
    private static partial Regex ValidName();
}
