using Berth.Engine.Errors;
using Berth.Engine.Images;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Layers;

namespace Berth.Engine.Tests.Images;

public class ImageStoreTests
{
    [Fact]
    public async Task An_image_is_found_by_name_id_and_the_beginning_of_its_id()
    {
        await using var workspace = new ImageWorkspace();
        var image = await TestImages.AddAsync(workspace.Images, "app", [("a", "1")], [("b", "2")]);
        foreach (var name in (string[])["app", "app:latest", "docker.io/library/app", image.Id.Value, image.Id.Hex, image.Id.Short, image.Id.Hex[..3]])
        {
            Assert.Equal(image.Id, workspace.Images.Resolve(name).Id);
        }

        Assert.Equal(["a", "b"], workspace.Images.LowerDirectories(image).Reverse().Select(path => Path.GetFileName(Directory.GetFiles(path)[0])));
        var exception = Assert.Throws<BerthException>(() => workspace.Images.Resolve("other"));
        Assert.Equal((ErrorKind.NotFound, "No such image: other:latest"), (exception.Kind, exception.Message));
    }

    [Fact]
    public async Task A_tag_moves_and_the_image_that_had_it_stays_without_a_name()
    {
        await using var workspace = new ImageWorkspace();
        var first = await TestImages.AddAsync(workspace.Images, "app", [("a", "1")]);
        var second = await TestImages.AddAsync(workspace.Images, "app", [("a", "2")]);
        Assert.Equal(second.Id, workspace.Images.Resolve("app").Id);
        Assert.Empty(workspace.Images.Resolve(first.Id.Value).Tags);
        await workspace.RestartAsync();
        Assert.Equal(second.Id, workspace.Images.Resolve("app").Id);
        var (removed, freed) = await workspace.Images.PruneAsync(all: false, static _ => true, default);
        Assert.Equal([first.Id], removed.Select(one => one.Deleted!.Value));
        Assert.True(freed > 0);
        Assert.Single(workspace.Images.Layers.All);
    }

    [Fact]
    public async Task Removing_follows_Dockers_rules()
    {
        await using var workspace = new ImageWorkspace();
        var images = workspace.Images;
        var image = await TestImages.AddAsync(images, "app:1", [("a", "1")]);
        await images.TagAsync(image, ImageReference.Parse("other:2"));
        Assert.Contains("referenced in multiple repositories", (await Refused(image.Id.Short)).Message, StringComparison.Ordinal);
        Assert.Equal("other:2", Assert.Single(await images.RemoveAsync("other:2", false, static _ => false, default)).Untagged);

        images.UsedBy = _ => ["0123456789abcdef"];
        Assert.Contains("must force", (await Refused("app:1")).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be forced", (await Refused("app:1", force: true, running: true)).Message, StringComparison.Ordinal);
        var stoodOn = images.LowerDirectories(image);
        images.StoodOn = () => stoodOn;
        Assert.Equal(["app:1", image.Id.Value], (await images.RemoveAsync("app:1", true, static _ => false, default)).Select(one => one.Untagged ?? one.Deleted!.Value.Value));
        Assert.Null(images.TryResolve(image.Id.Value));
        Assert.All(stoodOn, directory => Assert.True(Directory.Exists(directory)));

        images.StoodOn = () => [];
        Assert.True(await images.CollectAsync(default) > 0);
        Assert.Empty(images.Layers.All);
        Assert.Empty(Directory.GetFileSystemEntries(workspace.Root + "/data/layers"));
        Assert.Empty(Directory.GetFileSystemEntries(workspace.Root + "/data/content/sha256"));

        async Task<BerthException> Refused(string name, bool force = false, bool running = false) =>
            await Assert.ThrowsAsync<BerthException>(() => images.RemoveAsync(name, force, _ => running, default));
    }

    [Fact]
    public async Task What_is_saved_is_loaded_again_with_the_same_id()
    {
        await using var workspace = new ImageWorkspace();
        var image = await TestImages.AddAsync(workspace.Images, "app:1", [("etc/a", "1")], [("etc/b", TestImages.Random(100_000))]);
        var archive = new MemoryStream();
        await workspace.Images.SaveAsync(["app:1"], archive, default);
        await using var other = new ImageWorkspace();
        archive.Position = 0;
        var (loaded, names) = Assert.Single(await other.Images.LoadAsync(archive, null, static _ => { }, default));
        Assert.Equal((image.Id, "app:1"), (loaded.Id, Assert.Single(names)));
        Assert.All(other.Images.Layers.All, layer => Assert.Null(layer.Blob)); // our own tar can be made again
        var again = new MemoryStream();
        await other.Images.SaveAsync(["app:1"], again, default);
        Assert.Equal(archive.ToArray(), again.ToArray());
        Assert.Empty(Directory.GetFileSystemEntries(other.Root + "/data/tmp"));
    }

    [Fact]
    public async Task An_archive_of_something_else_is_refused_with_the_reason()
    {
        await using var workspace = new ImageWorkspace();
        var exception = await Assert.ThrowsAsync<BerthException>(() => workspace.Images.LoadAsync(new MemoryStream(new byte[1024]), null, static _ => { }, default));
        Assert.Contains("neither manifest.json nor index.json", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_older_form_of_archive_is_loaded_and_its_links_stay_inside()
    {
        await using var workspace = new ImageWorkspace();
        var layer = Tar(writer => Add(writer, "hello", "world"u8.ToArray()));
        var config = OciJson.Write(new ImageConfig { Architecture = "amd64", Os = "linux", RootFs = new() { DiffIds = [Digest.Of(layer)] } });
        var manifest = "[{\"Config\":\"c.json\",\"RepoTags\":[\"old:1\"],\"Layers\":[\"a/layer.tar\"]}]"u8.ToArray();
        byte[] Archive(string link) => Tar(writer =>
        {
            Add(writer, "manifest.json", manifest);
            Add(writer, "c.json", config);
            Add(writer, "b/layer.tar", layer);
            writer.Begin(new() { Name = "a/layer.tar", Kind = TarEntryKind.SymbolicLink, LinkName = link });
        });
        var (image, names) = Assert.Single(await workspace.Images.LoadAsync(new MemoryStream(Archive("../b/layer.tar")), null, static _ => { }, default));
        Assert.Equal("world", await File.ReadAllTextAsync(workspace.Images.LowerDirectories(image)[0] + "/hello"));
        Assert.Equal(["old:1"], names);
        await workspace.Images.RemoveAsync("old:1", false, static _ => false, default);

        var outside = workspace.Root + "/outside.tar";
        await File.WriteAllBytesAsync(outside, layer);
        await Assert.ThrowsAsync<BerthException>(() => workspace.Images.LoadAsync(new MemoryStream(Archive(outside)), null, static _ => { }, default));
        Assert.Empty(workspace.Images.All);
        Assert.Empty(Directory.GetFileSystemEntries(workspace.Root + "/data/layers"));
    }

    private static byte[] Tar(Action<TarEntryWriter> write)
    {
        var stream = new MemoryStream();
        var writer = new TarEntryWriter(stream);
        write(writer);
        writer.End();
        return stream.ToArray();
    }

    private static void Add(TarEntryWriter writer, string name, byte[] content)
    {
        writer.Begin(new() { Name = name, Kind = TarEntryKind.File, Permissions = 0x1a4, Size = content.Length });
        writer.Write(content);
    }

    [Fact]
    public async Task Start_up_removes_what_a_killed_daemon_left()
    {
        await using var workspace = new ImageWorkspace();
        await TestImages.AddAsync(workspace.Images, "app", [("a", "1")]);
        var orphan = workspace.Images.Layers.CreateDirectory();
        await File.WriteAllTextAsync(orphan + "/half", "half");
        workspace.Images.Content.Write("unnamed"u8.ToArray());
        var left = workspace.Images.Content.CreateTemporary();
        await workspace.RestartAsync();
        Assert.False(Directory.Exists(orphan));
        Assert.False(Directory.Exists(left.Path));
        Assert.Single(workspace.Images.Content.All());
        Assert.NotEmpty(workspace.Images.LowerDirectories(workspace.Images.Resolve("app")));
    }

    [Fact]
    public async Task An_image_without_its_configuration_does_not_keep_the_others_from_being_read()
    {
        await using var workspace = new ImageWorkspace();
        var lost = await TestImages.AddAsync(workspace.Images, "lost", [("a", "1")]);
        await TestImages.AddAsync(workspace.Images, "kept", [("b", "2")]);
        File.Delete(workspace.Root + "/data/content/sha256/" + lost.Id.Hex);
        await workspace.RestartAsync();
        Assert.Equal("kept:latest", Assert.Single(workspace.Images.All).DisplayName);
        var again = await TestImages.AddAsync(workspace.Images, "lost", [("a", "1")]); // another image when the second has changed meanwhile
        await workspace.RestartAsync();
        Assert.Equal(again.Id, workspace.Images.Resolve("lost").Id);
    }

    [Fact]
    public async Task What_is_held_has_its_layers_while_its_name_goes_on_and_the_images_before_it_are_pruned()
    {
        await using var workspace = new ImageWorkspace();
        var images = workspace.Images;
        await TestImages.AddAsync(images, "app", [("a", "first")]);
        using var ended = new CancellationTokenSource();
        var changing = Task.Run(async () =>
        {
            for (var turn = 0; turn < 60; turn++)
            {
                await TestImages.AddAsync(images, "app", [("a", $"{turn % 3}")]); // what was just pruned comes again
                await images.PruneAsync(all: false, static _ => true, default);
            }

            await ended.CancelAsync();
        }, TestContext.Current.CancellationToken);
        var held = 0;
        var holder = new ContainerImages(images);
        while (!ended.IsCancellationRequested)
        {
            var (image, lease) = holder.Hold("app");
            using (lease)
            {
                Assert.All(image.LowerDirectories, directory => Assert.True(File.Exists(directory + "/a")));
                held++;
            }
        }

        await changing;
        Assert.True(held > 10);
        await images.CollectAsync(default); // what was held during the last prune
        await workspace.RestartAsync();
        Assert.True(File.Exists(workspace.Images.LowerDirectories(workspace.Images.Resolve("app"))[0] + "/a"));
        Assert.Single(workspace.Images.Layers.All);
    }
}
