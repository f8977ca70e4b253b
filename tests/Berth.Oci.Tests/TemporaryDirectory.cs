using Berth.Linux.Files;

namespace Berth.Oci.Tests;

/// <summary>A directory of the test's own, removed with everything that a hostile archive may have put there.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public TemporaryDirectory() => Directory.CreateDirectory(Path);

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "berth-oci-" + Guid.NewGuid().ToString("N")[..12]);

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public string Create(string name) => Directory.CreateDirectory(this[name]).FullName;

    public void Dispose()
    {
        using var parent = DirectoryHandle.Open(System.IO.Path.GetDirectoryName(Path)!);
        parent.Remove(System.IO.Path.GetFileName(Path));
    }
}
