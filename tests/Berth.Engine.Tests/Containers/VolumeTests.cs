using Berth.Engine.Errors;

namespace Berth.Engine.Tests.Containers;

public sealed class VolumeTests(TestEngine engine) : IClassFixture<TestEngine>
{
    [Fact]
    public async Task A_named_volume_takes_the_images_files_once_and_outlives_its_container()
    {
        var first = await engine.ResultAsync("cat /data/from-image; echo mine > /data/own", host: host => host with { Binds = ["kept:/data"] });
        var second = await engine.ResultAsync("cat /data/own; rm /data/from-image", host: host => host with { Binds = ["kept:/data"] });
        var third = await engine.ResultAsync("ls /data", host: host => host with { Binds = ["kept:/data"] });
        Assert.Equal(("image\n", "mine\n", "own\n"), (first.Output, second.Output, third.Output));
    }

    [Fact]
    public async Task A_named_volume_nested_over_a_bind_mount_hides_only_its_folder()
    {
        var folder = Directory.CreateDirectory(engine.Root + "/code").FullName;
        Directory.CreateDirectory(folder + "/static");
        await File.WriteAllTextAsync(folder + "/static/hidden", "");
        await File.WriteAllTextAsync(folder + "/app.py", "");
        var (_, output) = await engine.ResultAsync(
            "touch /code/static/new; ls /code /code/static", host: host => host with { Binds = [folder + ":/code", "static-volume:/code/static"] });
        Assert.Equal("/code:\napp.py\nstatic\n\n/code/static:\nnew\n", output);
        Assert.False(File.Exists(folder + "/static/new"));
    }

    [Fact]
    public async Task A_bind_mount_makes_its_missing_folder_and_can_be_read_only()
    {
        var folder = engine.Root + "/made-by-bind";
        var (_, output) = await engine.ResultAsync("touch /x/file 2>&1; true", host: host => host with { Binds = [folder + ":/x:ro"] });
        Assert.True(Directory.Exists(folder));
        Assert.Contains("Read-only file system", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_volume_in_use_is_not_removed()
    {
        var container = await engine.CreateAsync(["true"], host: host => host with { Binds = ["used:/data"] });
        var exception = await Assert.ThrowsAsync<BerthException>(() => engine.Host.Volumes.RemoveAsync("used", force: false, () => engine.Host.Containers.All));
        Assert.Contains(container.Id, exception.Message, StringComparison.Ordinal);
        await engine.Host.Containers.RemoveAsync(container, force: false, withAnonymousVolumes: false);
        await engine.Host.Volumes.RemoveAsync("used", force: false, () => engine.Host.Containers.All);
        Assert.Null(engine.Host.Volumes.Find("used"));
    }
}
