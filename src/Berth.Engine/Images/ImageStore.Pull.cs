using System.Collections.Concurrent;
using Berth.Engine.Errors;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Layers;
using Berth.Oci.Registry;

namespace Berth.Engine.Images;

/// <summary>A line of a pull, push or load. <see cref="Id"/> is a layer's short digest or null; <see cref="Total"/> null where there is no bar.</summary>
public sealed record ImageProgress(string? Id, string Status, long? Current = null, long? Total = null);

public sealed partial class ImageStore
{
    private readonly ConcurrentDictionary<Digest, int> _arriving = new(); // blobs adopted before their layer's record is made
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _pulls = new(StringComparer.Ordinal); // by reference and platform
    private readonly ConcurrentDictionary<string, DateTimeOffset> _unreachable = new(StringComparer.Ordinal);

    /// <summary>Brings an image here: from a mirror, the registry, or, for Debian's and Ubuntu's own, from their packages.</summary>
    /// <exception cref="BerthException">Nowhere to be had; the message says where it was looked for.</exception>
    public async Task<Image> PullAsync(
        ImageReference reference, Platform? platform, RegistryCredentials? credentials, Action<ImageProgress> progress, CancellationToken cancellationToken)
    {
        // Whoever asks while another brings the same image waits for that one, and takes what it brought.
        var asked = _time.GetUtcNow();
        var gate = _pulls.GetOrAdd($"{reference} {platform}", _ => new(1, 1));
        var isAlone = await gate.WaitAsync(TimeSpan.Zero, cancellationToken);
        if (!isAlone)
        {
            progress(new(reference.TagOrDigest, $"Waiting for another pull of {reference.Familiar}"));
            await gate.WaitAsync(cancellationToken);
        }

        try
        {
            return !isAlone && TryResolve(reference) is { } brought && brought.LastTagged >= asked
                ? brought
                : await PullAloneAsync(reference, platform, credentials, progress, cancellationToken);
        }
        finally
        {
            gate.Release();
        }
    }

    private async Task<Image> PullAloneAsync(
        ImageReference reference, Platform? platform, RegistryCredentials? credentials, Action<ImageProgress> progress, CancellationToken cancellationToken)
    {
        var wanted = platform ?? Platform.Host;
        var recipe = _options.AllowBootstrap && wanted.Accepts(Platform.Host) ? BootstrapRecipe.For(reference) : null;
        if (recipe is not null && _unreachable.TryGetValue(reference.Registry, out var since) && _time.GetUtcNow() - since < _options.UnreachableFor)
        {
            return await BootstrapAsync(reference, recipe, "it could not be reached a moment ago", progress, cancellationToken);
        }

        progress(new(reference.TagOrDigest, $"Pulling from {reference.FamiliarName}"));
        RemoteImage remote;
        try
        {
            remote = await _registry.ResolveAsync(reference, wanted, credentials, cancellationToken);
            _unreachable.TryRemove(reference.Registry, out _);
        }
        catch (RegistryException exception) when (recipe is not null && exception.Failure == RegistryFailure.Unreachable)
        {
            _unreachable[reference.Registry] = _time.GetUtcNow();
            return await BootstrapAsync(reference, recipe, exception.Message, progress, cancellationToken);
        }
        catch (RegistryException exception)
        {
            throw Understood(reference, exception);
        }

        try
        {
            return await PullAsync(remote, credentials, progress, cancellationToken);
        }
        catch (RegistryException exception)
        {
            throw Understood(reference, exception);
        }
    }

    private async Task<Image> PullAsync(
        RemoteImage remote, RegistryCredentials? credentials, Action<ImageProgress> progress, CancellationToken cancellationToken)
    {
        var isNew = !_images.ContainsKey(Digest.Of(remote.ConfigBytes));
        var layers = remote.Manifest.Layers;
        var diffIds = remote.Config.RootFs.DiffIds;
        var chainIds = RootFileSystem.ChainIds(diffIds);
        using var temporary = Content.CreateTemporary();
        using var leases = new Leases();
        var unpacked = new UnpackedLayer?[layers.Count];
        try
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, layers.Count),
                new ParallelOptions { MaxDegreeOfParallelism = _options.ConcurrentDownloads, CancellationToken = cancellationToken },
                async (i, token) =>
                {
                    leases.Add(Layers.Lease(chainIds[i]));
                    if (Layers.Find(chainIds[i]) is not null)
                    {
                        progress(new(layers[i].Digest.Short, "Already exists"));
                        return;
                    }

                    unpacked[i] = await FetchLayerAsync(remote, layers[i], diffIds[i], credentials, temporary[$"{i}"], progress, token);
                });
            for (var i = 0; i < layers.Count; i++)
            {
                if (unpacked[i] is { } layer)
                {
                    unpacked[i] = null;
                    await CommitAsync(layer, layers[i], diffIds[i], i == 0 ? null : chainIds[i - 1]);
                }
            }
        }
        catch
        {
            foreach (var left in unpacked)
            {
                if (left is not null)
                {
                    LayerStore.RemoveTree(left.Directory);
                }
            }

            throw;
        }

        var image = await AddAsync(
            remote.ConfigBytes, remote.Reference.Digest is null ? [remote.Reference] : [], remote.Reference.WithDigest(remote.Digest), parent: null);
        progress(new(null, $"Digest: {remote.Digest}"));
        progress(new(null, $"Status: {(isNew ? "Downloaded newer image" : "Image is up to date")} for {remote.Reference.Familiar}"));
        return image;
    }

    private async Task<UnpackedLayer> FetchLayerAsync(
        RemoteImage remote, Descriptor blob, Digest diffId, RegistryCredentials? credentials, string file, Action<ImageProgress> progress,
        CancellationToken cancellationToken)
    {
        var id = blob.Digest.Short;
        progress(new(id, "Pulling fs layer"));
        await using (var destination = new FileStream(file, FileMode.CreateNew, FileAccess.Write))
        {
            long shown = 0;
            await _registry.FetchBlobAsync(remote, blob, credentials, destination, current =>
            {
                if (current - shown >= 512 * 1024 || current == blob.Size)
                {
                    shown = current;
                    progress(new(id, "Downloading", current, blob.Size));
                }
            }, cancellationToken);
        }

        progress(new(id, "Verifying Checksum"));
        progress(new(id, "Download complete"));
        progress(new(id, "Extracting", blob.Size, blob.Size));
        var layer = await Task.Run(() => Unpack(File.OpenRead(file), diffId, remote.Reference.Familiar, cancellationToken), cancellationToken);
        progress(new(id, "Pull complete"));
        return layer with { File = file };
    }

    /// <summary>Unpacks a compressed or plain layer into a directory of its own and checks that it is the layer announced.</summary>
    private UnpackedLayer Unpack(Stream content, Digest? diffId, string imageName, CancellationToken cancellationToken)
    {
        var directory = Layers.CreateDirectory();
        try
        {
            using var tar = new HashingStream(LayerCompression.Open(content), new UnpackOptions().Limits.TotalBytes * 2);
            LayerReader.Unpack(tar, directory, new(), cancellationToken);
            tar.Drain(cancellationToken);
            return diffId is null || tar.Digest() == diffId
                ? new("", directory, tar.Digest(), tar.Count)
                : throw new InvalidDataException($"its content has the digest {tar.Digest()}, but its configuration announces {diffId}");
        }
        catch (InvalidDataException exception)
        {
            LayerStore.RemoveTree(directory);
            throw new BerthException(ErrorKind.Invalid, $"Cannot unpack a layer of {imageName}: {exception.Message}", exception);
        }
        catch
        {
            LayerStore.RemoveTree(directory);
            throw;
        }
    }

    private async Task CommitAsync(UnpackedLayer unpacked, Descriptor? blob, Digest diffId, Digest? parent)
    {
        if (blob is not null)
        {
            _arriving.AddOrUpdate(blob.Digest, 1, static (_, count) => count + 1);
            Content.Adopt(blob.Digest, unpacked.File);
            _state.Faults.Reached("image.blob");
        }

        try
        {
            await Layers.CommitAsync(
                new()
                {
                    ChainId = RootFileSystem.Chain(parent ?? default, diffId),
                    DiffId = diffId,
                    Parent = parent,
                    Directory = "",
                    Size = unpacked.Size,
                    Blob = blob,
                },
                unpacked.Directory);
        }
        finally
        {
            if (blob is not null && _arriving.AddOrUpdate(blob.Digest, 0, static (_, count) => count - 1) == 0)
            {
                _arriving.TryRemove(new(blob.Digest, 0));
            }
        }
    }

    private static BerthException Understood(ImageReference reference, RegistryException exception) => exception.Failure switch
    {
        RegistryFailure.NotFound => new(ErrorKind.NotFound, $"manifest for {reference.Familiar} not found: {exception.Message}", exception),
        RegistryFailure.Denied => new(
            ErrorKind.NotFound,
            $"pull access denied for {reference.FamiliarName}, repository does not exist or may require 'docker login': {exception.Message}", exception),
        RegistryFailure.Unreachable => new(ErrorKind.Unavailable, $"Cannot pull {reference.Familiar}: {exception.Message}", exception),
        _ => new(ErrorKind.Failed, $"Cannot pull {reference.Familiar}: {exception.Message}", exception),
    };

    private sealed record UnpackedLayer(string File, string Directory, Digest DiffId, long Size);

    /// <summary>Leases that end together.</summary>
    private sealed class Leases : IDisposable
    {
        private readonly ConcurrentBag<IDisposable> _held = [];

        public void Add(IDisposable lease) => _held.Add(lease);

        public void Dispose()
        {
            foreach (var lease in _held)
            {
                lease.Dispose();
            }
        }
    }
}
