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

    [Theory]
    [InlineData("/dev/zero")]
    [InlineData("pipe")]
    [InlineData("")] // a folder
    public async Task What_gets_an_owner_is_copied_from_a_regular_file_and_nothing_else(string file)
    {
        var path = Path.Combine(_folder, file);
        if (file == "pipe")
        {
            using var made = System.Diagnostics.Process.Start("mkfifo", path);
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        var owned = new FileReference("page", "/page", "5", null, null);
        var exception = await Assert.ThrowsAsync<Berth.Engine.Errors.BerthException>(() => PrepareAsync(owned, new("page", "site_page", IsExternal: false, path, Variable: null, Content: null)).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Contains("cannot be given an owner or permissions", exception.Message, StringComparison.Ordinal);
        Assert.Equal(path, (await _files.FindAsync(Project(owned, new("page", "site_page", IsExternal: false, path, Variable: null, Content: null)), TestContext.Current.CancellationToken)).Values.Single());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<string> PrepareAsync(string content) => PrepareAsync(new("page", "/page", null, null, null), new("page", "site_page", IsExternal: false, File: null, Variable: null, content));

    private async Task<string> PrepareAsync(FileReference reference, FileObjectModel config)
    {
        var project = Project(reference, config);
        return (await _files.PrepareAsync(project, project.Services.Values, TestContext.Current.CancellationToken)).Values.Single();
    }

    private static ProjectModel Project(FileReference reference, FileObjectModel config)
    {
        var none = new Dictionary<string, ServiceModel>();
        var services = new Dictionary<string, ServiceModel> { ["app"] = new() { Name = "app", Configs = [reference] } };
        return new(
            "site", "/", [], services, none, new Dictionary<string, NetworkModel>(), new Dictionary<string, VolumeModel>(), new Dictionary<string, FileObjectModel>(),
            new Dictionary<string, FileObjectModel> { ["page"] = config });
    }
}
