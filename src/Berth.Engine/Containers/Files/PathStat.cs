using Berth.Linux.Files;

namespace Berth.Engine.Containers.Files;

/// <summary>What a path in a container is. Docker Engine API, "ContainerArchiveInfo".</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Mode">As Go's <c>fs.FileMode</c>: the nine permission bits, and flags from bit 31 down for the kind.</param>
/// <param name="LinkTarget">For a link: where it leads inside the container, all links followed; else empty.</param>
public sealed record PathStat(string Name, long Size, uint Mode, FileTime Modified, string LinkTarget)
{
    private const uint SetUser = 0x800; // the bits of chmod(2)
    private const uint SetGroup = 0x400;
    private const uint Sticky = 0x200;

    /// <summary>The mode in the form of Go's package io/fs, "FileMode".</summary>
    internal static uint GoMode(FileStatus status) =>
        (status.Permissions & 0x1ff)
        | (status.Kind switch
        {
            FileKind.Directory => 1u << 31,
            FileKind.SymbolicLink => 1u << 27,
            FileKind.BlockDevice => 1u << 26,
            FileKind.CharacterDevice => (1u << 26) | (1u << 21),
            FileKind.Fifo => 1u << 25,
            FileKind.Socket => 1u << 24,
            _ => 0u,
        })
        | ((status.Permissions & SetUser) != 0 ? 1u << 23 : 0)
        | ((status.Permissions & SetGroup) != 0 ? 1u << 22 : 0)
        | ((status.Permissions & Sticky) != 0 ? 1u << 20 : 0);
}
