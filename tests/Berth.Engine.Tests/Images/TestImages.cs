using System.Text;
using Berth.Engine.Images;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Layers;

namespace Berth.Engine.Tests.Images;

internal static class TestImages
{
    /// <summary>An image of as many layers as there are sets of files.</summary>
    public static async Task<Image> AddAsync(ImageStore images, string name, params (string Path, string Content)[][] layers)
    {
        var diffIds = new List<Digest>();
        foreach (var files in layers)
        {
            var directory = images.Layers.CreateDirectory();
            foreach (var (path, content) in files)
            {
                Directory.CreateDirectory(Path.GetDirectoryName($"{directory}/{path}")!);
                await File.WriteAllTextAsync($"{directory}/{path}", content);
            }

            var (diffId, size) = LayerWriter.Measure(directory, null, default);
            Digest? parent = diffIds.Count == 0 ? null : RootFileSystem.ChainIds(diffIds)[^1];
            await images.Layers.CommitAsync(
                new() { ChainId = RootFileSystem.Chain(parent ?? default, diffId), DiffId = diffId, Parent = parent, Directory = "", Size = size }, directory);
            diffIds.Add(diffId);
        }

        var config = new ImageConfig
        {
            Architecture = Platform.Host.Architecture,
            Os = "linux",
            Created = DateTimeOffset.UnixEpoch,
            Config = new() { Cmd = ["/hello"], Labels = new() { ["name"] = name } },
            RootFs = new() { DiffIds = diffIds },
            History = [.. diffIds.Select((_, i) => new HistoryEntry { CreatedBy = $"step {i}" })],
        };
        return await images.AddAsync(OciJson.Write(config), [ImageReference.Parse(name)], null, null);
    }

    /// <summary>An image of one layer, which a directory from <see cref="LayerStore.CreateDirectory"/> becomes.</summary>
    public static async Task<Image> AddDirectoryAsync(ImageStore images, string name, string directory)
    {
        var (diffId, size) = LayerWriter.Measure(directory, null, default);
        await images.Layers.CommitAsync(new() { ChainId = diffId, DiffId = diffId, Directory = "", Size = size }, directory);
        var config = new ImageConfig
        {
            Architecture = Platform.Host.Architecture,
            Os = "linux",
            Created = DateTimeOffset.UnixEpoch,
            Config = new() { Cmd = ["sh"] },
            RootFs = new() { DiffIds = [diffId] },
        };
        return await images.AddAsync(OciJson.Write(config), [ImageReference.Parse(name)], null, null);
    }

    public static string Random(int length) =>
        Encoding.ASCII.GetString([.. Enumerable.Range(0, length).Select(_ => (byte)System.Random.Shared.Next(33, 127))]);
}
