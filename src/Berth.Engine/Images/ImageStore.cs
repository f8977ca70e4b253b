using System.Collections.Immutable;
using System.Text.Json;
using Berth.Engine.Errors;
using Berth.Engine.State;
using Berth.Linux.Mounts;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Registry;

namespace Berth.Engine.Images;

/// <summary>What removing an image did, in Docker's words.</summary>
public sealed record ImageRemoval(string? Untagged, Digest? Deleted);

/// <summary>
/// The images that are here: their names, configurations and layers. Names change under one gate; reading takes none.
/// Crash rule: layers and blobs come first, the image's record last; at start-up what no record names is removed.
/// </summary>
public sealed partial class ImageStore : IDisposable
{
    private const string Kind = "image";
    private readonly StateStore _state;
    private readonly TimeProvider _time;
    private volatile ImmutableDictionary<Digest, Image> _images = ImmutableDictionary<Digest, Image>.Empty; // changed whole, under the gate: a name that moves is never nowhere
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly RegistryClient _registry;
    private readonly ImageStoreOptions _options;

    public ImageStore(StateStore state, string dataRoot, ImageStoreOptions options, TimeProvider time)
    {
        (_state, _options, _time) = (state, options, time);
        KillLeftOverBootstraps();
        var temporary = Path.Combine(dataRoot, "tmp");
        if (Directory.Exists(temporary))
        {
            // Roots of build steps, which a killed daemon left mounted. What runs in them is ended by its runner.
            foreach (var point in MountTable.MountPoints().Where(point => point.StartsWith(temporary + "/", StringComparison.Ordinal)).Reverse().ToList())
            {
                Mount.UnmountAll(point);
            }

            LayerStore.RemoveTree(temporary);
        }

        Content = new(dataRoot);
        Layers = new(state, dataRoot);
        _registry = new(options.Registry, time);
        foreach (var (_, json) in state.Documents(Kind).All())
        {
            var image = JsonSerializer.Deserialize(json, ImageJson.Default.Image)!;
            if (!Content.Has(image.Id))
            {
                continue; // its configuration was lost, by a disk or by hand: the image is not here, and its record is written anew when it comes again
            }

            _images = _images.SetItem(image.Id, image with { Config = OciJson.ReadConfig(Content.Read(image.Id)) });
        }

        RemoveUnnamedBlobs();
    }

    public ContentStore Content { get; }

    public LayerStore Layers { get; }

    /// <summary>The ids of the containers that use an image, running ones too. Set by who knows containers.</summary>
    public Func<Digest, IReadOnlyList<string>> UsedBy { get; set; } = static _ => [];

    /// <summary>Directories of layers that containers stand on, also those whose image was removed. Set by who knows containers.</summary>
    public Func<IEnumerable<string>> StoodOn { get; set; } = static () => [];

    /// <summary>Images that pruning leaves alone although no container uses them: a release may bring them back.</summary>
    public Func<IReadOnlySet<Digest>> Kept { get; set; } = static () => new HashSet<Digest>();

    /// <summary>Layers that something other than an image needs: the build cache.</summary>
    public Func<IEnumerable<Digest>> AlsoNeeded { get; set; } = static () => [];

    public IReadOnlyCollection<Image> All => [.. _images.Values];

    /// <summary>Finds an image by name, digest, id or the beginning of an id.</summary>
    /// <exception cref="BerthException">Not found, with Docker's words; or the beginning fits several.</exception>
    public Image Resolve(string nameOrId) =>
        TryResolve(nameOrId) ?? throw BerthException.NotFound(
            $"No such image: {(ImageReference.TryParse(nameOrId, out var reference) ? reference.Familiar : nameOrId)}");

    public Image? TryResolve(string nameOrId)
    {
        if (Digest.TryParse(nameOrId, out var id) || Digest.TryParse("sha256:" + nameOrId, out id))
        {
            return _images.GetValueOrDefault(id);
        }

        if (ImageReference.TryParse(nameOrId, out var reference) && TryResolve(reference) is { } named)
        {
            return named;
        }

        var prefix = nameOrId.StartsWith("sha256:", StringComparison.Ordinal) ? nameOrId["sha256:".Length..] : nameOrId;
        if (!Digest.IsHex(prefix))
        {
            return null;
        }

        var fitting = _images.Values.Where(image => image.Id.Hex.StartsWith(prefix, StringComparison.Ordinal)).Take(2).ToList();
        return fitting.Count < 2
            ? fitting.FirstOrDefault()
            : throw BerthException.Invalid($"Image ID prefix '{prefix}' is ambiguous: it fits {fitting[0].Id.Short} and {fitting[1].Id.Short}.");
    }

    public Image? TryResolve(ImageReference reference)
    {
        var byDigest = reference.Digest is { } digest ? reference.WithDigest(digest).ToString() : null;
        var name = reference.ToString();
        return _images.Values.FirstOrDefault(image => byDigest is null
            ? image.Tags.Contains(name, StringComparer.Ordinal)
            : image.Digests.Contains(byDigest, StringComparer.Ordinal) || (image.Id == reference.Digest && image.Tags.Any(tag => tag.StartsWith(reference.Name + ":", StringComparison.Ordinal))));
    }

    /// <summary>The layers' directories, uppermost first, as overlay's <c>lowerdir</c> wants them.</summary>
    public IReadOnlyList<string> LowerDirectories(Image image) =>
        [.. image.ChainIds.Reverse().Select(chainId => Layers.PathOf(
            Layers.Find(chainId) ?? throw new BerthException(
                ErrorKind.Failed, $"The image {image.DisplayName} lacks its layer {chainId.Short}. Remove the image and pull it again.")))];

    /// <summary>Records an image whose layers are here. The same configuration again only adds names.</summary>
    public async Task<Image> AddAsync(
        byte[] configBytes, IReadOnlyList<ImageReference> names, ImageReference? repositoryDigest, Digest? parent)
    {
        var config = OciJson.ReadConfig(configBytes);
        var id = Digest.Of(configBytes);
        await _gate.WaitAsync();
        try
        {
            Content.Write(configBytes); // under the gate: whoever removes the same image takes it away
            var image = _images.GetValueOrDefault(id) ?? new Image
            {
                Id = id,
                Config = config,
                Size = RootFileSystem.ChainIds(config.RootFs.DiffIds).Sum(chainId => Layers.Find(chainId)?.Size ?? throw new BerthException(
                    ErrorKind.Failed, $"The layer {chainId.Short} went away while the image {id.Short} was being made.")),
                Parent = parent,
            };
            if (repositoryDigest is not null)
            {
                image = image with { Digests = [.. image.Digests.Append(repositoryDigest.ToString()).Distinct()] };
            }

            return await NameAsync(image, names);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Gives an image a further name, taking it from the image that had it.</summary>
    public async Task<Image> TagAsync(Image image, ImageReference name)
    {
        if (name.Digest is not null)
        {
            throw BerthException.Invalid($"refusing to create a tag with a digest reference: '{name.Familiar}'");
        }

        await _gate.WaitAsync();
        try
        {
            return await NameAsync(Current(image), [name]);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Removes a name, or an id with all its names, and the image itself with its last name.</summary>
    /// <remarks>Docker's rules: by id only when it has one name or <paramref name="force"/>; never while a container runs from it.</remarks>
    public async Task<IReadOnlyList<ImageRemoval>> RemoveAsync(
        string nameOrId, bool force, Func<string, bool> isRunning, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var image = Resolve(nameOrId);
            var removals = new List<ImageRemoval>();
            var byName = ImageReference.TryParse(nameOrId, out var reference) && reference.Tag is not null && reference.Digest is null
                && image.Tags.Contains(reference.ToString(), StringComparer.Ordinal);
            if (byName && image.Tags.Count > 1)
            {
                await PutAsync(image with { Tags = [.. image.Tags.Where(tag => tag != reference!.ToString())] });
                return [new(reference!.Familiar, null)];
            }

            if (!byName && image.Tags.Select(tag => ImageReference.Parse(tag).Name).Distinct().Count() > 1 && !force)
            {
                throw BerthException.Conflict(
                    $"conflict: unable to delete {image.Id.Short} (must be forced) - image is referenced in multiple repositories");
            }

            var users = UsedBy(image.Id);
            if (byName && !force && users.Count > 0)
            {
                throw BerthException.Conflict($"conflict: unable to remove repository reference \"{nameOrId}\" (must force) - container {Short(users[0])} is using its referenced image {image.Id.Short}");
            }

            RefuseIfUsed(image, users, byName ? reference!.Familiar : image.Id.Short, force, isRunning);
            removals.AddRange(image.FamiliarTags.Concat(image.FamiliarDigests).Select(name => new ImageRemoval(name, null)));
            await DeleteAsync([image]); // the layers that a stopped container stands on stay until that is removed
            removals.Add(new(null, image.Id));
            return removals;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Removes images that no container uses: those without a name, or, with <paramref name="all"/>, every one.</summary>
    public async Task<(IReadOnlyList<ImageRemoval> Removed, long BytesFreed)> PruneAsync(bool all, Func<Image, bool> filter, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var kept = Kept();
            var dead = _images.Values.Where(image => (all || image.Tags.Count == 0) && filter(image) && !kept.Contains(image.Id) && UsedBy(image.Id).Count == 0).ToList();
            var removed = dead.SelectMany(image => image.FamiliarTags.Concat(image.FamiliarDigests)
                .Select(name => new ImageRemoval(name, null)).Append(new ImageRemoval(null, image.Id))).ToList();
            return (removed, await DeleteAsync(dead));
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Removes layers that nothing needs any more. Returns the bytes that became free.</summary>
    public async Task<long> CollectAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return await CollectLayersAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose()
    {
        _registry.Dispose();
        _gate.Dispose();
    }

    private static void RefuseIfUsed(Image image, IReadOnlyList<string> users, string asked, bool force, Func<string, bool> isRunning)
    {
        if (users.FirstOrDefault(isRunning) is { } running)
        {
            throw BerthException.Conflict(
                $"conflict: unable to delete {asked} (cannot be forced) - image {image.Id.Short} is being used by running container {Short(running)}");
        }

        if (users.Count > 0 && !force)
        {
            throw BerthException.Conflict(
                $"conflict: unable to delete {asked} (must be forced) - container {Short(users[0])} is using its referenced image {image.Id.Short}");
        }
    }

    private static string Short(string id) => id.Length > 12 ? id[..12] : id;

    private Image Current(Image image) =>
        _images.GetValueOrDefault(image.Id) ?? throw BerthException.NotFound($"No such image: {image.DisplayName}");

    // Under the gate.
    private async Task<Image> NameAsync(Image image, IReadOnlyList<ImageReference> names)
    {
        var added = names.Select(name => name.ToString()).ToList();
        var losers = _images.Values.Where(other => other.Id != image.Id && other.Tags.Intersect(added, StringComparer.Ordinal).Any())
            .Select(other => other with { Tags = [.. other.Tags.Except(added, StringComparer.Ordinal)] });
        var winner = image with
        {
            Tags = [.. image.Tags.Union(added, StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            LastTagged = added.Count > 0 ? _time.GetUtcNow() : image.LastTagged,
        };
        await PutAsync([.. losers, winner]);
        return winner;
    }

    private async Task PutAsync(params Image[] images)
    {
        await _state.CommitAsync(batch =>
        {
            foreach (var image in images)
            {
                batch.Put(Kind, image.Id.Hex, JsonSerializer.SerializeToUtf8Bytes(image, ImageJson.Default.Image));
            }
        });
        _images = _images.SetItems(images.Select(image => KeyValuePair.Create(image.Id, image)));
    }

    private async Task<long> DeleteAsync(List<Image> images)
    {
        if (images.Count == 0)
        {
            return 0;
        }

        await _state.CommitAsync(batch =>
        {
            foreach (var image in images)
            {
                batch.Delete(Kind, image.Id.Hex);
            }
        });
        _images = _images.RemoveRange(images.Select(image => image.Id));
        images.ForEach(image => Content.Delete(image.Id));

        return await CollectLayersAsync();
    }

    private async Task<long> CollectLayersAsync()
    {
        var freed = await Layers.CollectAsync(_images.Values.Where(image => image.ChainIds.Count > 0).Select(image => image.ChainIds[^1]).Concat(AlsoNeeded()), StoodOn);
        if (freed > 0)
        {
            var needed = Layers.All.Select(layer => layer.Blob?.Digest ?? default).ToHashSet();
            foreach (var blob in Content.All().Where(blob => !needed.Contains(blob) && !_images.ContainsKey(blob)))
            {
                if (!_arriving.ContainsKey(blob))
                {
                    Content.Delete(blob);
                }
            }
        }

        return freed;
    }

    private void RemoveUnnamedBlobs()
    {
        var needed = Layers.All.Select(layer => layer.Blob?.Digest ?? default).Concat(_images.Keys).ToHashSet();
        foreach (var blob in Content.All().Where(blob => !needed.Contains(blob)).ToList())
        {
            Content.Delete(blob);
        }
    }
}
