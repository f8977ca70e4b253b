using System.IO.Compression;
using Berth.Engine.Errors;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Layers;
using Berth.Oci.Registry;

namespace Berth.Engine.Images;

public sealed partial class ImageStore
{
    /// <summary>Uploads an image. A layer that was pulled goes as it came; a built one is packed and compressed now.</summary>
    public async Task<Digest> PushAsync(
        ImageReference reference, RegistryCredentials? credentials, Action<ImageProgress> progress, CancellationToken cancellationToken)
    {
        progress(new(null, $"The push refers to repository [{reference.Name}]"));
        var image = TryResolve(reference) ?? throw BerthException.NotFound($"An image does not exist locally with the tag: {reference.FamiliarName}");
        using var temporary = Content.CreateTemporary();
        try
        {
            var layers = new List<Descriptor>();
            foreach (var chainId in image.ChainIds)
            {
                layers.Add(await PushLayerAsync(reference, Layers.Find(chainId)!, credentials, temporary, progress, cancellationToken));
            }

            var config = Content.Read(image.Id);
            await _registry.PushBlobAsync(reference, image.Id, config.Length, credentials, () => new MemoryStream(config), cancellationToken);
            var manifest = OciJson.Write(new Manifest
            {
                MediaType = MediaTypes.OciManifest,
                Config = new() { MediaType = MediaTypes.OciConfig, Digest = image.Id, Size = config.Length },
                Layers = layers,
            });
            await _registry.PushManifestAsync(reference, MediaTypes.OciManifest, manifest, credentials, cancellationToken);
            var digest = Digest.Of(manifest);
            await AddAsync(config, [], reference.WithDigest(digest), image.Parent);
            progress(new(null, $"{reference.Tag}: digest: {digest} size: {manifest.Length}"));
            return digest;
        }
        catch (RegistryException exception)
        {
            throw new BerthException(
                exception.Failure == RegistryFailure.Unreachable ? ErrorKind.Unavailable : ErrorKind.Failed,
                $"Cannot push {reference.Familiar}: {exception.Message}", exception);
        }
    }

    private async Task<Descriptor> PushLayerAsync(
        ImageReference reference, Layer layer, RegistryCredentials? credentials, TemporaryDirectory temporary, Action<ImageProgress> progress,
        CancellationToken cancellationToken)
    {
        var id = layer.DiffId.Short;
        progress(new(id, "Preparing"));
        var (blob, file) = layer.Blob is { } kept
            ? (kept with { MediaType = OciTypeOf(kept.MediaType) }, Content.PathOf(kept.Digest))
            : await Task.Run(() => Compress(layer, temporary[layer.ChainId.Hex], cancellationToken), cancellationToken);
        progress(new(id, "Pushing", 0, blob.Size));
        var existed = await _registry.PushBlobAsync(reference, blob.Digest, blob.Size, credentials, () => File.OpenRead(file), cancellationToken);
        progress(new(id, existed ? "Layer already exists" : "Pushed"));
        return blob;
    }

    private static string OciTypeOf(string mediaType) => mediaType switch
    {
        MediaTypes.DockerLayerGzip => MediaTypes.OciLayerGzip,
        MediaTypes.DockerLayer => MediaTypes.OciLayer,
        _ => mediaType,
    };

    private (Descriptor Blob, string File) Compress(Layer layer, string file, CancellationToken cancellationToken)
    {
        using var hash = new HashingStream(File.Create(file));
        using (var gzip = new GZipStream(hash, CompressionLevel.Optimal, leaveOpen: true))
        {
            WriteLayerTar(layer, gzip, cancellationToken);
        }

        return (new() { MediaType = MediaTypes.OciLayerGzip, Digest = hash.Digest(), Size = hash.Count }, file);
    }
}
