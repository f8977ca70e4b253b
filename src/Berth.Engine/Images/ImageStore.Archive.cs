using System.Text;
using System.Text.Json;
using Berth.Engine.Errors;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Layers;

namespace Berth.Engine.Images;

public sealed partial class ImageStore
{
    private const string ContainerdName = "io.containerd.image.name";
    private const string RefName = "org.opencontainers.image.ref.name";
    private const int ArchiveJsonLimit = 16 << 20;

    /// <summary>Writes images as <c>docker save</c> does: an OCI layout that also has Docker's <c>manifest.json</c>. Layers are uncompressed.</summary>
    /// <remarks>A name keeps its tag in the archive; an id brings none.</remarks>
    public async Task SaveAsync(IReadOnlyList<string> names, Stream target, CancellationToken cancellationToken)
    {
        var chosen = new List<(Image Image, List<string> Tags)>();
        foreach (var name in names)
        {
            var image = Resolve(name);
            var tags = chosen.FirstOrDefault(one => one.Image.Id == image.Id).Tags;
            if (tags is null)
            {
                chosen.Add((image, tags = []));
            }

            if (ImageReference.TryParse(name, out var reference) && image.Tags.Contains(reference.ToString(), StringComparer.Ordinal))
            {
                tags.Add(reference.ToString());
            }
        }

        await ArchiveStreams.WriteAsync((stream, token) => WriteArchive(chosen, stream, token), target, cancellationToken);
    }

    /// <summary>Reads images from what <c>docker save</c>, or a tool that writes OCI layouts, has written.</summary>
    /// <param name="platform">Only images for it; null for all.</param>
    public async Task<IReadOnlyList<(Image Image, IReadOnlyList<string> Names)>> LoadAsync(
        Stream archive, Platform? platform, Action<ImageProgress> progress, CancellationToken cancellationToken)
    {
        using var temporary = Content.CreateTemporary();
        await using (var file = File.Create(temporary["archive"]))
        {
            await archive.CopyToAsync(file, cancellationToken);
        }

        Directory.CreateDirectory(temporary["in"]);
        using var root = DirectoryHandle.Open(temporary["in"]);
        try
        {
            await Task.Run(
                () =>
                {
                    using var tar = LayerCompression.Open(File.OpenRead(temporary["archive"]));
                    LayerReader.Unpack(tar, root, new() { IsLayer = false, Owner = (0, 0) }, cancellationToken);
                },
                cancellationToken);
            File.Delete(temporary["archive"]);
            var found = root.TryStat("manifest.json", out _) ? DockerManifests(root)
                : root.TryStat("index.json", out _) ? LayoutManifests(root)
                : throw new InvalidDataException("it has neither manifest.json nor index.json, so it was not written by 'docker save'");
            var loaded = new List<(Image, IReadOnlyList<string>)>();
            var wanted = found.Where(manifest => platform?.Accepts(OciJson.ReadConfig(ReadJson(root, manifest.Config)).Platform) ?? true).ToList();
            if (platform is not null && wanted.Count == 0)
            {
                throw new InvalidDataException($"it has no image for {platform}");
            }

            foreach (var manifest in wanted)
            {
                loaded.Add(await LoadAsync(root, manifest, temporary, progress, cancellationToken));
            }

            return loaded;
        }
        catch (Exception exception) when (exception is InvalidDataException or FormatException or JsonException
            || exception is LinuxException { Errno: Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP or Errno.EISDIR })
        {
            throw new BerthException(ErrorKind.Invalid, $"Cannot load the image archive: {exception.Message}", exception);
        }
    }

    /// <summary>Writes a layer's uncompressed tar, whose digest is its diff id; checked on the way.</summary>
    internal void WriteLayerTar(Layer layer, Stream target, CancellationToken cancellationToken)
    {
        using var hash = new HashingStream(new KeptOpenStream(target));
        if (layer.Blob is { } blob)
        {
            using var content = LayerCompression.Open(File.OpenRead(Content.PathOf(blob.Digest)));
            content.CopyTo(hash);
        }
        else
        {
            LayerWriter.Write(Layers.PathOf(layer), hash, sourceDateEpoch: null, cancellationToken);
        }

        if (hash.Digest() != layer.DiffId)
        {
            throw new BerthException(
                ErrorKind.Failed,
                $"The layer {layer.ChainId.Short} was changed on disk: its content is now {hash.Digest()}, not {layer.DiffId}. Remove its images and build or pull them again.");
        }
    }

    private void WriteArchive(List<(Image Image, List<string> Tags)> chosen, Stream target, CancellationToken cancellationToken)
    {
        var tar = new TarEntryWriter(target);
        var written = new HashSet<Digest>();
        var manifests = new List<Descriptor>();
        var docker = new List<ArchiveManifest>();
        foreach (var (image, tags) in chosen)
        {
            var layers = image.ChainIds.Select(chainId => Layers.Find(chainId)!).ToList();
            foreach (var layer in layers.Where(layer => written.Add(layer.DiffId)))
            {
                tar.Begin(ArchiveFile(BlobPath(layer.DiffId), layer.Size));
                WriteLayerTar(layer, new TarContentStream(tar), cancellationToken);
            }

            var config = Content.Read(image.Id);
            var manifest = OciJson.Write(new Manifest
            {
                MediaType = MediaTypes.OciManifest,
                Config = new() { MediaType = MediaTypes.OciConfig, Digest = image.Id, Size = config.Length },
                Layers = [.. layers.Select(layer => new Descriptor { MediaType = MediaTypes.OciLayer, Digest = layer.DiffId, Size = layer.Size })],
            });
            foreach (var json in (byte[][])[config, manifest])
            {
                if (written.Add(Digest.Of(json)))
                {
                    WriteFile(tar, BlobPath(Digest.Of(json)), json);
                }
            }

            var descriptor = new Descriptor { MediaType = MediaTypes.OciManifest, Digest = Digest.Of(manifest), Size = manifest.Length };
            manifests.AddRange(tags.Count == 0 ? [descriptor] : tags.Select(tag => descriptor with
            {
                Annotations = new() { [ContainerdName] = tag, [RefName] = ImageReference.Parse(tag).Tag! },
            }));
            docker.Add(new()
            {
                Config = BlobPath(image.Id),
                RepoTags = tags.Count == 0 ? null : [.. tags.Select(tag => ImageReference.Parse(tag).Familiar)],
                Layers = [.. layers.Select(layer => BlobPath(layer.DiffId))],
            });
        }

        WriteFile(tar, "index.json", OciJson.Write(new ImageIndex { MediaType = MediaTypes.OciIndex, Manifests = manifests }));
        WriteFile(tar, "manifest.json", JsonSerializer.SerializeToUtf8Bytes(docker, ImageJson.Default.ListArchiveManifest));
        WriteFile(tar, "oci-layout", Encoding.UTF8.GetBytes("{\"imageLayoutVersion\":\"1.0.0\"}"));
        tar.End();
    }

    private static string BlobPath(Digest digest) => $"blobs/sha256/{digest.Hex}";

    private static TarEntry ArchiveFile(string name, long size) => new() { Name = name, Kind = TarEntryKind.File, Permissions = 0x1a4, Size = size };

    private static void WriteFile(TarEntryWriter tar, string name, byte[] content)
    {
        tar.Begin(ArchiveFile(name, content.Length));
        tar.Write(content);
    }

    private static List<ArchiveManifest> DockerManifests(DirectoryHandle root) =>
        JsonSerializer.Deserialize(ReadJson(root, "manifest.json"), ImageJson.Default.ListArchiveManifest)
        ?? throw new InvalidDataException("manifest.json is 'null'");

    private static IEnumerable<ArchiveManifest> LayoutManifests(DirectoryHandle root)
    {
        var index = OciJson.ReadManifest(ReadJson(root, "index.json")).Manifests ?? throw new InvalidDataException("index.json lists no manifests");
        foreach (var descriptor in index)
        {
            var probe = OciJson.ReadManifest(ReadJson(root, BlobPath(descriptor.Digest)));
            if (probe.Manifests is { } platforms)
            {
                var chosen = platforms.FirstOrDefault(one => one.Platform is { } platform && Platform.Host.Accepts(platform))
                    ?? throw new InvalidDataException($"it has the image {descriptor.Digest.Short} for other platforms than {Platform.Host}");
                probe = OciJson.ReadManifest(ReadJson(root, BlobPath(chosen.Digest)));
            }

            if (probe.Config is null || probe.Layers is null)
            {
                throw new InvalidDataException($"{descriptor.Digest} in index.json is not an image manifest");
            }

            var name = descriptor.Annotations?.GetValueOrDefault(ContainerdName) ?? descriptor.Annotations?.GetValueOrDefault(RefName);
            yield return new()
            {
                Config = BlobPath(probe.Config.Digest),
                RepoTags = ImageReference.TryParse(name, out var reference) ? [reference.ToString()] : null,
                Layers = [.. probe.Layers.Select(layer => BlobPath(layer.Digest))],
            };
        }
    }

    private async Task<(Image Image, IReadOnlyList<string> Names)> LoadAsync(
        DirectoryHandle root, ArchiveManifest manifest, TemporaryDirectory temporary, Action<ImageProgress> progress, CancellationToken cancellationToken)
    {
        var configBytes = ReadJson(root, manifest.Config);
        var config = OciJson.ReadConfig(configBytes);
        var diffIds = config.RootFs.DiffIds;
        if (diffIds.Count != manifest.Layers.Count)
        {
            throw new InvalidDataException($"{manifest.Config} knows {diffIds.Count} layers, but there are {manifest.Layers.Count}");
        }

        if (config.Os.Length > 0 && config.Os != "linux")
        {
            throw new InvalidDataException($"cannot load a {config.Os} image on linux");
        }

        var chainIds = RootFileSystem.ChainIds(diffIds);
        using var leases = new Leases();
        for (var i = 0; i < diffIds.Count; i++)
        {
            leases.Add(Layers.Lease(chainIds[i]));
            if (Layers.Find(chainIds[i]) is null)
            {
                progress(new(diffIds[i].Short, "Loading layer"));
                await LoadLayerAsync(root, manifest.Layers[i], diffIds[i], i == 0 ? null : chainIds[i - 1], temporary, cancellationToken);
            }
        }

        var names = (manifest.RepoTags ?? []).Select(ImageReference.Parse).ToList();
        var image = await AddAsync(configBytes, names, repositoryDigest: null, parent: null);
        return (image, [.. names.Select(name => name.Familiar)]);
    }

    private async Task LoadLayerAsync(
        DirectoryHandle root, string path, Digest diffId, Digest? parent, TemporaryDirectory temporary, CancellationToken cancellationToken)
    {
        var unpacked = await Task.Run(() => Unpack(Open(root, path), diffId, "the archive", cancellationToken), cancellationToken);

        // Another tool's tar can rarely be made again from the files: then it is kept beside them, for save and push.
        var isReproducible = await Task.Run(() => LayerWriter.Measure(unpacked.Directory, null, cancellationToken).DiffId == diffId, cancellationToken);
        Descriptor? blob = null;
        if (!isReproducible)
        {
            unpacked = unpacked with { File = temporary[Guid.NewGuid().ToString("N")] };
            await Task.Run(
                () =>
                {
                    using var source = new HashingStream(Open(root, path));
                    using var copy = File.Create(unpacked.File);
                    source.CopyTo(copy);
                    blob = new() { MediaType = MediaTypes.OciLayer, Digest = source.Digest(), Size = source.Count };
                },
                cancellationToken);
        }

        await CommitAsync(unpacked, blob, diffId, parent);
    }

    private static FileStream Open(DirectoryHandle root, string path) => new(root.OpenRegularBelow(path), FileAccess.Read);

    private static byte[] ReadJson(DirectoryHandle root, string path)
    {
        using var file = Open(root, path);
        if (file.Length > ArchiveJsonLimit)
        {
            throw new InvalidDataException($"'{path}' has {file.Length} bytes; {ArchiveJsonLimit} are allowed");
        }

        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Passes writes on to the current entry of a tar.</summary>
    private sealed class TarContentStream(TarEntryWriter tar) : WriteOnlyStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => tar.Write(buffer);
    }

    private sealed class KeptOpenStream(Stream inner) : WriteOnlyStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);
    }

    private abstract class WriteOnlyStream : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public abstract override void Write(ReadOnlySpan<byte> buffer);

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
