using Berth.Compose.Model;
using Berth.Engine;
using Berth.Releases.Projects;

namespace Berth.Releases.Tests.Projects;

public sealed class ProjectFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-").FullName;
    private readonly ProjectFiles _files;

    public ProjectFilesTests() => _files = new(new EngineOptions { DataRoot = _folder });

    [Fact]
    public async Task Each_content_has_a_file_of_its_own_and_what_a_killed_write_left_goes_with_the_unused()
    {
        var first = await PrepareAsync("first");
        var second = await PrepareAsync("second");
        Assert.Equal(second, await PrepareAsync("second"));
        Assert.NotEqual(first, second);
        await File.WriteAllTextAsync(second + ".new", "sec", TestContext.Current.CancellationToken);
        _files.RemoveUnused("site", new HashSet<string> { second });
        Assert.Equal([second], Directory.GetFiles(Path.GetDirectoryName(second)!));
        Assert.Equal("second", await File.ReadAllTextAsync(second, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_write_that_was_killed_is_done_again()
    {
        var path = await PrepareAsync("whole");
        await File.WriteAllTextAsync(path, "who", TestContext.Current.CancellationToken);
        Assert.Equal(path, await PrepareAsync("whole"));
        Assert.Equal("whole", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead, File.GetUnixFileMode(path));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<string> PrepareAsync(string content)
    {
        var none = new Dictionary<string, ServiceModel>();
        var service = new ServiceModel { Name = "app", Configs = [new("page", "/page", null, null, null)] };
        var configs = new Dictionary<string, FileObjectModel> { ["page"] = new("page", "site_page", IsExternal: false, File: null, Variable: null, content) };
        var project = new ProjectModel(
            "site", "/", [], none, none, new Dictionary<string, NetworkModel>(), new Dictionary<string, VolumeModel>(), new Dictionary<string, FileObjectModel>(), configs);
        return (await _files.PrepareAsync(project, [service], TestContext.Current.CancellationToken))["config/page"];
    }
}
