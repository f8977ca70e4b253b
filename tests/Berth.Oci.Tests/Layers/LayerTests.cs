using System.IO.Compression;
using System.Text;
using Berth.Linux.Files;
using Berth.Oci.Layers;

namespace Berth.Oci.Tests.Layers;

/// <summary>Archives against the real kernel. Needs root, as owners, devices and trusted attributes do.</summary>
public sealed class LayerTests : IDisposable
{
    private static readonly FileTime SomeTime = new(1_700_000_000);
    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_layer_survives_unpacking_and_packing_bit_by_bit()
    {
        var longName = string.Join('/', Enumerable.Repeat(new string('n', 60), 4));
        var tar = Tar(
            (Entry("bin/", TarEntryKind.Directory) with { Permissions = 0x1ed, User = 3, Group = 4 }, null),
            (Entry("bin/.wh..wh..opq", TarEntryKind.File) with { Permissions = 0, Modified = default }, null),
            (Entry("bin/.wh.gone", TarEntryKind.File) with { Permissions = 0, Modified = default }, null),
            (Entry("bin/ping", TarEntryKind.File) with
            {
                Permissions = 0x9ed, // 4755
                User = 3_000_000,
                Attributes = new Dictionary<string, byte[]>
                {
                    ["security.capability"] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                    ["user.\u00fc"] = [10, 0, 255],
                },
            }, "elf"),
            (Entry("bin/ping6", TarEntryKind.HardLink) with { LinkName = "bin/ping", Permissions = 0x9ed, User = 3_000_000 }, null),
            (Entry("bin/sh", TarEntryKind.SymbolicLink) with { LinkName = "../../../etc/passwd", Permissions = 0x1ff }, null),
            (Entry("null", TarEntryKind.CharacterDevice) with { DeviceMajor = 1, DeviceMinor = 3 }, null),
            (Entry("pipe", TarEntryKind.Fifo), null),
            (Entry("\u00e4\udcff\udcfe", TarEntryKind.File), "not UTF-8"),
            (Entry(longName.Split('/')[0] + "/", TarEntryKind.Directory), null));
        tar = Sorted(tar);
        var into = _temporary.Create("into");
        LayerReader.Unpack(new MemoryStream(tar), into, new(), CancellationToken.None);

        var packed = new MemoryStream();
        LayerWriter.Write(into, packed, sourceDateEpoch: null, CancellationToken.None);
        Assert.Equal(List(tar), List(packed.ToArray()));
        Assert.Equal(tar, packed.ToArray());
        Assert.Equal(Digest.Of(tar), LayerWriter.Measure(into, null, CancellationToken.None).DiffId);
        using var directory = DirectoryHandle.Open(into + "/bin");
        Assert.True(directory.Stat("gone").IsOverlayWhiteout);
        Assert.Equal("y"u8.ToArray(), directory.GetAttribute(".", "trusted.overlay.opaque"));
        Assert.Equal(directory.Stat("ping").Inode, directory.Stat("ping6").Inode);
    }

    [Fact]
    public void No_time_is_later_than_the_source_date_epoch()
    {
        File.WriteAllText(_temporary.Create("in") + "/a", "a");
        var packed = new MemoryStream();
        LayerWriter.Write(_temporary["in"], packed, sourceDateEpoch: 1000, CancellationToken.None);
        packed.Position = 0;
        Assert.Equal(1000, new TarEntryReader(packed).Next()!.Modified.Seconds);
    }

    [Fact]
    public void Names_and_links_too_long_for_ustar_survive()
    {
        var name = string.Join('/', Enumerable.Repeat(new string('d', 100), 20)) + "/file";
        var tar = Tar(
            (Entry(name, TarEntryKind.File), "deep"), (Entry("link", TarEntryKind.SymbolicLink) with { LinkName = new string('l', 300) }, null));
        var into = _temporary.Create("into");
        LayerReader.Unpack(new MemoryStream(tar), into, new(), CancellationToken.None);
        Assert.Equal("deep", File.ReadAllText($"{into}/{name}"));
        Assert.Equal(new string('l', 300), new FileInfo(into + "/link").LinkTarget);
    }

    [Theory]
    [InlineData("../escaped")]
    [InlineData("a/../../escaped")]
    [InlineData("/../escaped")]
    public void An_entry_that_points_out_is_refused(string name)
    {
        var into = _temporary.Create("into");
        Assert.Throws<InvalidDataException>(() => LayerReader.Unpack(new MemoryStream(Tar((Entry(name, TarEntryKind.File), "x"))), into, new(), default));
        Assert.False(File.Exists(_temporary["escaped"]));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("/..")]
    [InlineData("../../../../../../..")]
    public void A_link_that_points_out_leads_back_in(string link)
    {
        var into = _temporary.Create("into");
        link += _temporary.Path;
        _temporary.Create("outside");
        var tar = Tar(
            (Entry("out", TarEntryKind.SymbolicLink) with { LinkName = link + "/outside" }, null),
            (Entry("out/escaped", TarEntryKind.File), "x"));
        LayerReader.Unpack(new MemoryStream(tar), into, new(), default);
        Assert.Empty(Directory.GetFileSystemEntries(_temporary["outside"]));
    }

    [Fact]
    public void A_file_over_a_link_replaces_the_link_and_not_its_target()
    {
        var into = _temporary.Create("into");
        File.WriteAllText(_temporary["victim"], "safe");
        var tar = Tar(
            (Entry("link", TarEntryKind.SymbolicLink) with { LinkName = _temporary["victim"] }, null), (Entry("link", TarEntryKind.File), "evil"));
        LayerReader.Unpack(new MemoryStream(tar), into, new(), default);
        Assert.Equal("safe", File.ReadAllText(_temporary["victim"]));
        Assert.Equal("evil", File.ReadAllText(into + "/link"));
    }

    [Fact]
    public void A_hard_link_to_a_file_outside_is_refused()
    {
        var into = _temporary.Create("into");
        File.WriteAllText(_temporary["secret"], "secret");
        foreach (var link in (string[])["../secret", _temporary["secret"]])
        {
            var tar = Tar((Entry("stolen", TarEntryKind.HardLink) with { LinkName = link }, null));
            Assert.Throws<InvalidDataException>(() => LayerReader.Unpack(new MemoryStream(tar), into, new(), default));
            Assert.Empty(Directory.GetFileSystemEntries(into));
        }
    }

    [Fact]
    public void Overlays_own_attributes_do_not_come_in()
    {
        var into = _temporary.Create("into");
        var tar = Tar((Entry("d/", TarEntryKind.Directory) with
        {
            Attributes = new Dictionary<string, byte[]> { ["trusted.overlay.redirect"] = "/etc"u8.ToArray() },
        }, null));
        LayerReader.Unpack(new MemoryStream(tar), into, new(), default);
        using var directory = DirectoryHandle.Open(into);
        Assert.Null(directory.GetAttribute("d", "trusted.overlay.redirect"));
    }

    [Fact]
    public void A_forged_whiteout_device_is_refused() =>
        Assert.Throws<InvalidDataException>(() => LayerReader.Unpack(
            new MemoryStream(Tar((Entry("w", TarEntryKind.CharacterDevice), null))), _temporary.Create("into"), new(), default));

    [Fact]
    public void An_archive_larger_than_its_limit_is_refused()
    {
        var options = new UnpackOptions { Limits = new() { TotalBytes = 10, Entries = 2 } };
        var into = _temporary.Create("into");
        Assert.Throws<InvalidDataException>(() =>
            LayerReader.Unpack(new MemoryStream(Tar((Entry("a", TarEntryKind.File), "more than ten"))), into, options, default));
        Assert.Throws<InvalidDataException>(() => LayerReader.Unpack(
            new MemoryStream(Tar((Entry("a", TarEntryKind.Fifo), null), (Entry("b", TarEntryKind.Fifo), null), (Entry("c", TarEntryKind.Fifo), null))),
            into, options, default));
    }

    [Fact]
    public void Damaged_bytes_anywhere_are_an_error_and_never_anything_else()
    {
        var tar = Tar((Entry(new string('x', 200), TarEntryKind.File), "content"), (Entry("b", TarEntryKind.SymbolicLink) with { LinkName = "c" }, null));
        var random = new Random(7);
        for (var round = 0; round < 300; round++)
        {
            var damaged = (byte[])tar.Clone();
            for (var i = 0; i < 3; i++)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            var into = _temporary.Create($"r{round}");
            try
            {
                LayerReader.Unpack(new MemoryStream(damaged, 0, random.Next(damaged.Length)), into, new(), default);
            }
            catch (InvalidDataException)
            {
                continue;
            }
        }

        Assert.Equal(300, Directory.GetDirectories(_temporary.Path).Length);
    }

    [Fact]
    public async Task What_GNU_tar_writes_is_read()
    {
        var from = _temporary.Create("from");
        Directory.CreateDirectory(from + "/" + new string('d', 90));
        File.WriteAllText($"{from}/{new string('d', 90)}/f", "gnu");
        foreach (var format in (string[])["gnu", "pax", "ustar", "oldgnu"])
        {
            using var process = System.Diagnostics.Process.Start("tar", ["-C", from, $"--format={format}", "-cf", _temporary["t.tar"], "."]);
            await process.WaitForExitAsync();
            var into = _temporary.Create("into-" + format);
            using var tar = File.OpenRead(_temporary["t.tar"]);
            LayerReader.Unpack(tar, into, new(), default);
            Assert.Equal("gnu", File.ReadAllText($"{into}/{new string('d', 90)}/f"));
        }
    }

    [Fact]
    public void An_archive_may_end_with_its_last_byte_of_content_but_not_before()
    {
        var tar = Tar((Entry("a", TarEntryKind.File), "first"), (Entry("b", TarEntryKind.File), "last"));
        var end = (3 * 512) + "last".Length;
        var into = _temporary.Create("short");
        LayerReader.Unpack(new MemoryStream(tar, 0, end), into, new(), CancellationToken.None);
        Assert.Equal("last", File.ReadAllText(into + "/b"));
        Assert.Throws<InvalidDataException>(() => LayerReader.Unpack(new MemoryStream(tar, 0, end - 1), _temporary.Create("shorter"), new(), CancellationToken.None));
    }

    [Fact]
    public async Task Compression_is_told_by_content()
    {
        var plain = Tar((Entry("a", TarEntryKind.File), new string('a', 300_000)));
        var gzip = new MemoryStream();
        using (var writer = new GZipStream(gzip, CompressionLevel.Fastest, leaveOpen: true))
        {
            writer.Write(plain);
        }

        await File.WriteAllBytesAsync(_temporary["plain"], plain);
        var compressed = new List<byte[]> { plain, gzip.ToArray() };
        foreach (var (tool, suffix) in new[] { ("zstd", "zst"), ("xz", "xz"), ("bzip2", "bz2") })
        {
            using var process = System.Diagnostics.Process.Start(tool, ["-q", "-k", _temporary["plain"]]);
            await process.WaitForExitAsync();
            compressed.Add(await File.ReadAllBytesAsync($"{_temporary["plain"]}.{suffix}"));
        }

        foreach (var bytes in compressed)
        {
            using var stream = new HashingStream(LayerCompression.Open(new MemoryStream(bytes)));
            stream.Drain(default);
            Assert.Equal(Digest.Of(plain), stream.Digest());
            using var cut = LayerCompression.Open(new MemoryStream(bytes, 0, bytes.Length / 2));
            Assert.ThrowsAny<InvalidDataException>(() => LayerReader.Unpack(cut, _temporary.Create(Guid.NewGuid().ToString()), new(), default));
        }
    }

    private static TarEntry Entry(string name, TarEntryKind kind) => new() { Name = name, Kind = kind, Permissions = 0x1a4, Modified = SomeTime };

    private static byte[] Tar(params (TarEntry Entry, string? Content)[] entries)
    {
        var stream = new MemoryStream();
        var writer = new TarEntryWriter(stream);
        foreach (var (entry, content) in entries)
        {
            var bytes = Encoding.UTF8.GetBytes(content ?? "");
            writer.Begin(entry with { Size = bytes.Length });
            writer.Write(bytes);
        }

        writer.End();
        return stream.ToArray();
    }

    // The order of LayerWriter: depth first, whiteouts at the place of the name that they hide.
    private static byte[] Sorted(byte[] tar)
    {
        var reader = new TarEntryReader(new MemoryStream(tar));
        var entries = new List<(TarEntry Entry, string Content)>();
        while (reader.Next() is { } entry)
        {
            var content = new byte[entry.Size];
            for (var at = 0; at < content.Length;)
            {
                at += reader.Read(content.AsSpan(at));
            }

            entries.Add((entry, Encoding.UTF8.GetString(content)));
        }

        return Tar([.. entries
            .OrderBy(pair => pair.Entry.Name.Replace(".wh..wh..opq", "", StringComparison.Ordinal).Replace(".wh.", "", StringComparison.Ordinal), StringComparer.Ordinal)
            .Select(pair => (pair.Entry, (string?)pair.Content))]);
    }

    private static List<string> List(byte[] tar)
    {
        var reader = new TarEntryReader(new MemoryStream(tar));
        var lines = new List<string>();
        while (reader.Next() is { } e)
        {
            lines.Add($"{e.Name} {e.Kind} {e.LinkName} {e.Permissions:x} {e.User}:{e.Group} {e.Size} {e.Modified} {e.DeviceMajor},{e.DeviceMinor} {string.Join(' ', e.Attributes.Select(a => a.Key + Convert.ToHexString(a.Value)))}");
        }

        return lines;
    }
}
