using Berth.Engine.Errors;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Layers;

namespace Berth.Engine.Images;

/// <summary>An image to be made from files, without a Dockerfile.</summary>
public sealed record ImageMaking
{
    /// <summary>What containers get; the changes asked for are in it already.</summary>
    public required ContainerDefaults Config { get; init; }

    public Platform Platform { get; init; } = Platform.Host;

    /// <summary>For the history: the command that made the layer.</summary>
    public string CreatedBy { get; init; } = "";

    public string Author { get; init; } = "";

    public string Comment { get; init; } = "";

    /// <summary>The new image's name; null for none.</summary>
    public ImageReference? Name { get; init; }
}

public sealed partial class ImageStore
{
    /// <summary>Makes an image of a root file system's tar, compressed or not: <c>docker import</c>.</summary>
    /// <exception cref="BerthException">It is no such tar.</exception>
    public async Task<Image> ImportAsync(Stream archive, ImageMaking making, CancellationToken cancellationToken)
    {
        try
        {
            return await AddLayerAsync(
                null,
                directory => ArchiveStreams.ReadAsync(
                    archive,
                    stream =>
                    {
                        using var tar = LayerCompression.Open(stream);
                        LayerReader.Unpack(tar, directory, new() { IsLayer = false }, cancellationToken);
                    },
                    cancellationToken),
                making, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException exception)
        {
            throw new BerthException(ErrorKind.Invalid, $"cannot import the archive: {exception.Message}", exception);
        }
    }

    /// <summary>Makes an image of another and one more layer, whose files <paramref name="write"/> writes as a tar: <c>docker commit</c>.</summary>
    internal Task<Image> CommitAsync(Image parent, Action<Stream, CancellationToken> write, ImageMaking making, CancellationToken cancellationToken) => AddLayerAsync(
        parent,
        directory => Task.Run(
            () =>
            {
                using var temporary = Content.CreateTemporary();
                using (var file = File.Create(temporary["layer"]))
                {
                    write(file, cancellationToken);
                }

                using var tar = File.OpenRead(temporary["layer"]);
                LayerReader.Unpack(tar, directory, new(), cancellationToken);
            },
            cancellationToken),
        making, cancellationToken);

    /// <param name="parent">What is below; null for nothing.</param>
    /// <param name="fill">Puts the layer's files into a directory.</param>
    private async Task<Image> AddLayerAsync(Image? parent, Func<string, Task> fill, ImageMaking making, CancellationToken cancellationToken)
    {
        var directory = Layers.CreateDirectory();
        Digest diffId;
        long size;
        try
        {
            await fill(directory).ConfigureAwait(false);
            (diffId, size) = await Task.Run(() => LayerWriter.Measure(directory, null, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            LayerStore.RemoveTree(directory);
            throw;
        }

        var below = parent?.ChainIds is { Count: > 0 } chain ? chain[^1] : (Digest?)null;
        var chainId = RootFileSystem.Chain(below ?? default, diffId);
        using var lease = Layers.Lease(chainId);
        await Layers.CommitAsync(new() { ChainId = chainId, DiffId = diffId, Parent = below, Directory = "", Size = size }, directory);
        var now = _time.GetUtcNow();
        var config = new ImageConfig
        {
            Architecture = making.Platform.Architecture,
            Variant = making.Platform.Variant,
            Os = "linux",
            Config = making.Config,
            Created = now,
            Author = making.Author.Length > 0 ? making.Author : null,
            Comment = making.Comment.Length > 0 ? making.Comment : null,
            RootFs = new() { DiffIds = [.. parent?.Config.RootFs.DiffIds ?? [], diffId] },
            History =
            [
                .. parent?.Config.History ?? [],
                new() { Created = now, CreatedBy = making.CreatedBy, Author = making.Author.Length > 0 ? making.Author : null, Comment = making.Comment.Length > 0 ? making.Comment : null },
            ],
        };
        return await AddAsync(OciJson.Write(config), making.Name is { } name ? [name] : [], repositoryDigest: null, parent?.Id);
    }
}
