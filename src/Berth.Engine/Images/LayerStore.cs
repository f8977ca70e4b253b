using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Berth.Engine.State;
using Berth.Linux.Files;
using Berth.Oci;

namespace Berth.Engine.Images;

/// <summary>
/// Unpacked layers, one directory each under <c>layers/</c>, shared by chain id. A directory is filled first and recorded after;
/// one without a record is garbage, which start-up removes. Who works with a layer that no image names yet holds a lease on it.
/// </summary>
public sealed class LayerStore
{
    private const string Kind = "layer";
    private readonly StateStore _state;
    private readonly string _root;
    private readonly ConcurrentDictionary<Digest, Layer> _layers = new();
    private readonly ConcurrentDictionary<Guid, Digest> _leases = new();
    private readonly SemaphoreSlim _changing = new(1, 1); // what is recorded follows what is remembered, in the same order
    private readonly Lock _collecting = new(); // a lease comes wholly before a collection or wholly after it

    /// <remarks>Removes directories without a record: call it before anything else works with layers.</remarks>
    public LayerStore(StateStore state, string dataRoot)
    {
        _state = state;
        _root = Directory.CreateDirectory(Path.Combine(dataRoot, "layers")).FullName;
        foreach (var (_, json) in state.Documents(Kind).All())
        {
            var layer = JsonSerializer.Deserialize(json, ImageJson.Default.Layer)!;
            _layers[layer.ChainId] = layer;
        }

        var known = _layers.Values.Select(layer => layer.Directory).ToHashSet(StringComparer.Ordinal);
        foreach (var orphan in Directory.EnumerateDirectories(_root).Where(path => !known.Contains(Path.GetFileName(path))))
        {
            RemoveTree(orphan);
        }
    }

    public IReadOnlyCollection<Layer> All => _layers.Values.ToList();

    public Layer? Find(Digest chainId) => _layers.GetValueOrDefault(chainId);

    public string PathOf(Layer layer) => Path.Combine(_root, layer.Directory);

    /// <summary>An empty directory that may become a layer; mode 0755, as a container's root takes it from there.</summary>
    public string CreateDirectory()
    {
        var path = Path.Combine(_root, RandomNumberGenerator.GetHexString(10, lowercase: true));
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, (UnixFileMode)0x1ed);
        return path;
    }

    /// <summary>Where the layers' directories are.</summary>
    public string Root => _root;

    /// <summary>Makes a filled directory the layer described. If that is here already, the directory goes, unless it is in use and
    /// <paramref name="keepDirectory"/> leaves that to the caller.</summary>
    public async Task<Layer> CommitAsync(Layer layer, string directory, bool keepDirectory = false)
    {
        var added = layer with { Directory = Path.GetFileName(directory) };
        await _changing.WaitAsync();
        try
        {
            if (_layers.TryGetValue(added.ChainId, out var present))
            {
                if (!keepDirectory)
                {
                    RemoveTree(directory);
                }

                return present;
            }

            _state.Faults.Reached("layer.unpacked");
            await _state.CommitAsync(batch => batch.Put(Kind, added.ChainId.Hex, JsonSerializer.SerializeToUtf8Bytes(added, ImageJson.Default.Layer)));
            _layers[added.ChainId] = added; // once it is recorded: others build upon it
            return added;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Keeps a layer, and all below it, from being collected while nothing else names it. Lease first, then look whether it is there.</summary>
    public IDisposable Lease(Digest chainId)
    {
        var id = Guid.NewGuid();
        lock (_collecting)
        {
            _leases[id] = chainId;
        }

        return new LayerLease(() => _leases.TryRemove(id, out _));
    }

    /// <summary>
    /// Removes every layer that is below none of <paramref name="tops"/>, no lease and none of the directories <paramref name="stoodOn"/>.
    /// Returns the bytes that became free.
    /// </summary>
    public async Task<long> CollectAsync(IEnumerable<Digest> tops, Func<IEnumerable<string>> stoodOn)
    {
        List<Layer> dead;
        await _changing.WaitAsync();
        try
        {
            dead = TakeUnneeded(tops, stoodOn);
            if (dead.Count == 0)
            {
                return 0;
            }

            await _state.CommitAsync(batch => dead.ForEach(layer => batch.Delete(Kind, layer.ChainId.Hex)));
        }
        finally
        {
            _changing.Release();
        }

        dead.ForEach(layer => RemoveTree(PathOf(layer)));
        return dead.Sum(layer => layer.Size);
    }

    private List<Layer> TakeUnneeded(IEnumerable<Digest> tops, Func<IEnumerable<string>> stoodOn)
    {
        lock (_collecting)
        {
            var kept = new HashSet<Digest>();
            var leased = _leases.Values.ToList(); // before asking for directories: a lease is let go of only once its directory is stood on
            var directories = stoodOn().Select(Path.GetFileName).ToHashSet(StringComparer.Ordinal);
            foreach (var top in tops.Concat(leased).Concat(_layers.Values.Where(layer => directories.Contains(layer.Directory)).Select(layer => layer.ChainId)))
            {
                for (Digest? at = top; at is { } chainId && kept.Add(chainId);)
                {
                    at = _layers.GetValueOrDefault(chainId)?.Parent;
                }
            }

            var dead = _layers.Values.Where(layer => !kept.Contains(layer.ChainId)).ToList();
            dead.ForEach(layer => _layers.TryRemove(layer.ChainId, out _));
            return dead;
        }
    }

    /// <summary>Removes a directory with whatever is in it: immutable names, devices, links that lead elsewhere.</summary>
    internal static void RemoveTree(string path)
    {
        using var parent = DirectoryHandle.Open(Path.GetDirectoryName(path)!);
        parent.Remove(Path.GetFileName(path));
    }

    private sealed class LayerLease(Action release) : IDisposable
    {
        public void Dispose() => release();
    }
}
