using Berth.Engine.Containers.Files;
using Berth.Linux.Files;
using Berth.Oci.Layers;

namespace Berth.Engine.Tests.Containers;

/// <summary>What a container's directories say of its changes, and how files become archives.</summary>
public sealed class ContainerFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-").FullName;

    [Fact]
    public void Changes_are_told_from_what_the_engine_put_there()
    {
        Write("lower1/etc/passwd", "root");
        Write("lower1/data/kept", "kept");
        Write("lower2/data/changed", "old");
        Write("lower2/data/gone", "gone");
        Write("upper/data/changed", "changed");
        Write("upper/new/file", "new");
        Write("upper/.dockerenv", "");
        Write("upper/etc/hosts", "");
        Write("upper/etc/resolv.conf", "");
        Write("upper/sbin/docker-init", "");
        Directory.CreateDirectory(_folder + "/upper/dev/pts");
        Directory.CreateDirectory(_folder + "/upper/proc");
        using (var data = DirectoryHandle.Open(_folder + "/upper/data"))
        {
            data.CreateDevice("gone", FileKind.CharacterDevice, 0, 0);
        }

        Assert.Equal(
            [("/data", FileChangeKind.Modified), ("/data/changed", FileChangeKind.Modified), ("/data/gone", FileChangeKind.Deleted), ("/new", FileChangeKind.Added), ("/new/file", FileChangeKind.Added)],
            Changes().Find().Select(change => (change.Path, change.Kind)));

        using var archive = new MemoryStream();
        LayerWriter.Write(_folder + "/upper", archive, null, CancellationToken.None, Changes().IsEngines);
        Assert.Equal(["data/", "data/changed", "data/.wh.gone", "etc/", "new/", "new/file"], Names(archive));
    }

    [Fact]
    public void A_file_in_a_place_of_the_engines_that_has_content_is_the_programs_own()
    {
        Write("lower1/x", "");
        Write("lower2/x", "");
        Write("upper/etc/hosts", "127.0.0.1 me");
        Assert.Equal(["/etc", "/etc/hosts"], Changes().Find().Select(change => change.Path));
    }

    [Fact]
    public async Task A_folder_is_deleted_though_files_come_into_it_meanwhile()
    {
        var folder = Directory.CreateDirectory(_folder + "/run/exit").FullName;
        var writer = Task.Run(() =>
        {
            for (var number = 0; number < 8; number++)
            {
                try
                {
                    File.WriteAllText($"{folder}/{number}", "");
                }
                catch (IOException)
                {
                    return; // the folder is gone
                }

                SpinWait.SpinUntil(() => !File.Exists($"{folder}/{number}"));
            }
        }, TestContext.Current.CancellationToken);
        FolderDeletion.Delete(_folder + "/run");
        await writer;
        Assert.False(Directory.Exists(_folder + "/run"));
    }

    [Fact]
    public void A_folder_becomes_an_archive_under_the_name_that_is_asked_for()
    {
        Write("tree/a/b/file", "content");
        File.CreateSymbolicLink(_folder + "/tree/a/link", "b/file");
        using var parent = DirectoryHandle.Open(_folder + "/tree");
        Assert.Equal(["named/", "named/b/", "named/b/file", "named/link"], Names(parent, "a", "named"));
        Assert.Equal(["./", "./b/", "./b/file", "./link"], Names(parent, "a", "."));
        Assert.Equal(["b/", "b/file", "link"], Names(parent, "a", ""));
        using var folder = DirectoryHandle.Open(_folder + "/tree/a/b");
        Assert.Equal(["file"], Names(folder, "file", "file"));
    }

    [Fact]
    public void An_archive_replaces_no_folder_by_a_file_where_that_is_not_wanted()
    {
        Write("target/place/kept", "kept");
        Write("source/place", "file");
        using var archive = new MemoryStream();
        LayerWriter.Write(_folder + "/source", archive, null, CancellationToken.None);
        archive.Position = 0;
        var exception = Assert.Throws<InvalidDataException>(() => LayerReader.Unpack(archive, _folder + "/target", new() { IsLayer = false, KeepsKinds = true }, CancellationToken.None));
        Assert.Equal("cannot overwrite directory \"place\" with non-directory \"place\"", exception.Message);
        Assert.Equal("kept", File.ReadAllText(_folder + "/target/place/kept"));
        archive.Position = 0;
        LayerReader.Unpack(archive, _folder + "/target", new() { IsLayer = false }, CancellationToken.None);
        Assert.Equal("file", File.ReadAllText(_folder + "/target/place"));
    }

    [Fact]
    public void Disk_usage_counts_a_file_with_two_names_once()
    {
        Write("usage/deep/a", "12345");
        using (var deep = DirectoryHandle.Open(_folder + "/usage/deep"))
        {
            deep.CreateHardLink("b", deep, "a");
        }

        Write("usage/c", "123");
        Assert.Equal(8, DiskUsage.Of(_folder + "/usage"));
        Assert.Equal(0, DiskUsage.Of(_folder + "/nowhere"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private ContainerChanges Changes() => new(
        new()
        {
            Id = new('a', 64), Name = "app", Created = default, ImageId = "", Mounts = [], Endpoints = [], Config = new(), HostConfig = new(), LowerDirectories = [_folder + "/lower2", _folder + "/lower1"],
        },
        _folder + "/upper");

    private void Write(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{_folder}/{path}")!);
        File.WriteAllText($"{_folder}/{path}", content);
    }

    private static List<string> Names(DirectoryHandle parent, string name, string asName)
    {
        using var archive = new MemoryStream();
        LayerWriter.WriteFiles(parent, name, asName, null, archive, CancellationToken.None);
        return Names(archive);
    }

    private static List<string> Names(MemoryStream archive)
    {
        archive.Position = 0;
        var reader = new TarEntryReader(archive);
        var names = new List<string>();
        while (reader.Next() is { } entry)
        {
            names.Add(entry.Name);
        }

        return names;
    }
}
