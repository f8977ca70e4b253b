using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Engine.Images;
using Berth.Engine.State;
using Berth.Oci;

namespace Berth.Engine.Build;

/// <summary>The layer that a step made. Its key covers all that the step could see, so the same key is the same layer.</summary>
public sealed record CacheEntry
{
    public required string Key { get; init; }

    /// <summary>The chain id after the step; that of its parent when it changed nothing.</summary>
    public required Digest ChainId { get; init; }

    /// <summary>When the step ran. An image made from the cache bears these times, and so the same id.</summary>
    public required DateTimeOffset Created { get; init; }

    public DateTimeOffset LastUsed { get; init; }

    public string Description { get; init; } = "";
}

/// <summary>What a step read in its last run, to say what is different now.</summary>
public sealed record StepMemory
{
    public required string Instruction { get; init; }

    public required string Surroundings { get; init; }

    public Dictionary<string, string> Files { get; init; } = [];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CacheEntry))]
[JsonSerializable(typeof(StepMemory))]
internal sealed partial class BuildJson : JsonSerializerContext;

/// <summary>Remembers which layer each step made, over restarts.</summary>
public sealed class BuildCache
{
    private const string Kind = "build-cache";
    private const string MemoryKind = "build-step";
    private readonly StateStore _state;
    private readonly ImageStore _images;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, CacheEntry> _entries = new(StringComparer.Ordinal);

    public BuildCache(StateStore state, ImageStore images, TimeProvider time)
    {
        (_state, _images, _time) = (state, images, time);
        foreach (var (_, json) in state.Documents(Kind).All())
        {
            var entry = JsonSerializer.Deserialize(json, BuildJson.Default.CacheEntry)!;
            _entries[entry.Key] = entry;
        }

        images.AlsoNeeded = () => _entries.Values.Select(entry => entry.ChainId);
    }

    public IReadOnlyCollection<CacheEntry> All => [.. _entries.Values];

    /// <summary>The step's layer, if it is known and still here.</summary>
    public CacheEntry? Find(string key)
    {
        if (!_entries.TryGetValue(key, out var entry) || (entry.ChainId != default && _images.Layers.Find(entry.ChainId) is null))
        {
            return null;
        }

        return _entries[key] = entry with { LastUsed = _time.GetUtcNow() };
    }

    public Task AddAsync(CacheEntry entry)
    {
        var added = entry with { LastUsed = _time.GetUtcNow() };
        _entries[added.Key] = added;
        return _state.CommitAsync(batch => batch.Put(Kind, added.Key, JsonSerializer.SerializeToUtf8Bytes(added, BuildJson.Default.CacheEntry)));
    }

    /// <summary>Forgets entries: those that no image shares, or, with <paramref name="all"/>, every one that passes. Returns the freed bytes.</summary>
    public async Task<(IReadOnlyList<string> Keys, long BytesFreed)> PruneAsync(
        bool all, Func<CacheEntry, bool> filter, long keepBytes, CancellationToken cancellationToken)
    {
        var imageLayers = _images.All.SelectMany(image => image.ChainIds).ToHashSet();
        var keptBytes = 0L;
        var dead = new List<CacheEntry>();
        foreach (var entry in _entries.Values.OrderByDescending(entry => entry.LastUsed).ToList())
        {
            var isShared = entry.ChainId == default || imageLayers.Contains(entry.ChainId);
            var size = isShared ? 0 : _images.Layers.Find(entry.ChainId)?.Size ?? 0;
            if (filter(entry) && (all || !isShared) && (keepBytes <= 0 || keptBytes + size > keepBytes))
            {
                dead.Add(entry);
            }
            else
            {
                keptBytes += size;
            }
        }

        if (dead.Count > 0)
        {
            dead.ForEach(entry => _entries.TryRemove(entry.Key, out _));
            await _state.CommitAsync(batch => dead.ForEach(entry => batch.Delete(Kind, entry.Key)));
        }

        return ([.. dead.Select(entry => entry.Key)], await _images.CollectAsync(cancellationToken));
    }

    /// <summary>Compares a step with what it was the last time, in words: <c>requirements.txt changed</c>. Null when it is new.</summary>
    public string? ExplainMiss(string place, StepMemory now)
    {
        if (_state.Documents(MemoryKind).Get(place) is not { } json)
        {
            return null;
        }

        var before = JsonSerializer.Deserialize(json, BuildJson.Default.StepMemory)!;
        if (before.Instruction != now.Instruction)
        {
            return "the instruction changed";
        }

        var different = now.Files.Where(file => before.Files.TryGetValue(file.Key, out var old) && old != file.Value).Select(file => $"{file.Key} changed")
            .Concat(now.Files.Keys.Except(before.Files.Keys, StringComparer.Ordinal).Select(file => $"{file} is new"))
            .Concat(before.Files.Keys.Except(now.Files.Keys, StringComparer.Ordinal).Select(file => $"{file} is gone"))
            .Order(StringComparer.Ordinal).ToList();
        return different.Count switch
        {
            0 when before.Surroundings != now.Surroundings => "its variables, user or directory changed",
            0 => "what it builds on changed, or its result has left the cache",
            <= 3 => string.Join(", ", different),
            _ => $"{string.Join(", ", different.Take(2))} and {different.Count - 2} more",
        };
    }

    public Task RememberAsync(string place, StepMemory memory) =>
        _state.Documents(MemoryKind).PutAsync(place, JsonSerializer.SerializeToUtf8Bytes(memory, BuildJson.Default.StepMemory));
}
