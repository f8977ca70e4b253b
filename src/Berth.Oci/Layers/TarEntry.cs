using Berth.Linux.Files;

namespace Berth.Oci.Layers;

public enum TarEntryKind
{
    File,
    HardLink,
    SymbolicLink,
    CharacterDevice,
    BlockDevice,
    Directory,
    Fifo,
}

/// <summary>One entry of a tar archive. Names are as in the archive: nothing about them has been checked.</summary>
public sealed record TarEntry
{
    public required string Name { get; init; }

    public required TarEntryKind Kind { get; init; }

    public string LinkName { get; init; } = "";

    public uint Permissions { get; init; }

    public uint User { get; init; }

    public uint Group { get; init; }

    /// <summary>Bytes of content that follow; zero for all but files.</summary>
    public long Size { get; init; }

    public FileTime Modified { get; init; }

    public uint DeviceMajor { get; init; }

    public uint DeviceMinor { get; init; }

    /// <summary>Extended attributes; values are bytes, not text.</summary>
    public IReadOnlyDictionary<string, byte[]> Attributes { get; init; } = NoAttributes;

    public static IReadOnlyDictionary<string, byte[]> NoAttributes { get; } = new Dictionary<string, byte[]>();
}
