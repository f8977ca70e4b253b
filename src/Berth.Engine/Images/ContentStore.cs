using Berth.Oci;

namespace Berth.Engine.Images;

/// <summary>Blobs by digest under <c>content/sha256/</c>, and a place for what is not finished: <c>tmp/</c>, emptied at start-up.</summary>
public sealed class ContentStore
{
    private readonly string _blobs;
    private readonly string _temporary;

    public ContentStore(string dataRoot)
    {
        _blobs = Directory.CreateDirectory(Path.Combine(dataRoot, "content", "sha256")).FullName;
        _temporary = Directory.CreateDirectory(Path.Combine(dataRoot, "tmp")).FullName;
    }

    public string PathOf(Digest digest) => Path.Combine(_blobs, digest.Hex);

    public bool Has(Digest digest) => File.Exists(PathOf(digest));

    public byte[] Read(Digest digest) => File.ReadAllBytes(PathOf(digest));

    /// <summary>Stores small content that is known to be right.</summary>
    public void Write(byte[] content)
    {
        var digest = Digest.Of(content);
        if (!Has(digest))
        {
            using var temporary = CreateTemporary();
            File.WriteAllBytes(temporary["blob"], content);
            File.Move(temporary["blob"], PathOf(digest), overwrite: true);
        }
    }

    /// <summary>Takes over a file whose content has been checked against <paramref name="digest"/>.</summary>
    public void Adopt(Digest digest, string file) => File.Move(file, PathOf(digest), overwrite: true);

    public void Delete(Digest digest) => File.Delete(PathOf(digest));

    /// <summary>All blobs' digests.</summary>
    public IEnumerable<Digest> All() => Directory.EnumerateFiles(_blobs)
        .Select(file => Digest.TryParse("sha256:" + Path.GetFileName(file), out var digest) ? digest : default)
        .Where(digest => digest != default);

    public TemporaryDirectory CreateTemporary() => new(_temporary);
}

/// <summary>A directory for work in progress. Should the process die, start-up removes it.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    internal TemporaryDirectory(string parent)
    {
        Path = System.IO.Path.Combine(parent, Guid.NewGuid().ToString("N")[..12]);
        Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute); // who may pass the data root decides
    }

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => LayerStore.RemoveTree(Path);
}
