using Berth.Linux.Processes;

namespace Berth.Linux.Files;

/// <summary>Mounts overlay file systems. No option depends on the kernel's defaults: what is written must be readable as a plain layer.</summary>
public static class OverlayMount
{
    private const int MNT_DETACH = 2;

    /// <summary>Mounts <paramref name="lower"/> (uppermost first) below <paramref name="upper"/>.</summary>
    /// <remarks>The paths may be relative to <paramref name="workingDirectory"/>: 40 full ones fill the 4 kB that mount(2) takes.
    /// <paramref name="isVolatile"/> leaves out all syncing: for what is thrown away should the machine stop.</remarks>
    public static void Mount(string workingDirectory, IReadOnlyList<string> lower, string upper, string work, string target, bool isVolatile)
    {
        RequireParts([.. lower, upper, work]);
        Mount(workingDirectory, lower, $",upperdir={upper},workdir={work}" + (isVolatile ? ",volatile" : ""), target);
    }

    /// <summary>Mounts layers (uppermost first) for reading only.</summary>
    /// <remarks>Overlay wants two at least: one alone stands on an empty directory, <paramref name="target"/> itself.</remarks>
    public static void MountReadOnly(string workingDirectory, IReadOnlyList<string> lower, string target)
    {
        RequireParts([.. lower, target]);
        Mount(workingDirectory, lower.Count > 1 ? lower : [.. lower, target], "", target);
    }

    private static void RequireParts(IEnumerable<string> paths)
    {
        foreach (var path in paths)
        {
            if (path.AsSpan().IndexOfAny(':', ',', '\\') >= 0)
            {
                throw new ArgumentException($"'{path}' cannot be a part of an overlay: ':', ',' and '\\' separate its options.", nameof(paths));
            }
        }
    }

    private static void Mount(string workingDirectory, IReadOnlyList<string> lower, string writable, string target)
    {
        var options = $"lowerdir={string.Join(':', lower)}{writable},index=off,metacopy=off,redirect_dir=off";
        if (options.Length >= 4096)
        {
            throw new ArgumentException($"{lower.Count} layers need {options.Length} bytes of mount options; the kernel takes 4095.", nameof(lower));
        }

        // The working directory belongs to the process, so the call is made on a thread that has unshared it and then ends.
        LinuxException? failure = null;
        var thread = new Thread(() => failure = MountFrom(workingDirectory, options, target), 256 * 1024) { IsBackground = true, Name = "mount" };
        thread.StartOrThrow();
        thread.Join();
        if (failure is not null)
        {
            throw failure;
        }
    }

    /// <summary>Unmounts; busy or not, the mount leaves the tree at once. Not mounted is fine.</summary>
    public static void Unmount(string target)
    {
        if (FileCalls.umount2(PathText.ToNullTerminated(target), MNT_DETACH) != 0
            && FileCalls.LastErrno is var errno and not (Errno.EINVAL or Errno.ENOENT))
        {
            throw new LinuxException(errno, "umount2", $"'{target}'");
        }
    }

    private static LinuxException? MountFrom(string workingDirectory, string options, string target)
    {
        if (FileCalls.unshare(FileCalls.CLONE_FS) != 0)
        {
            return new(FileCalls.LastErrno, "unshare", "CLONE_FS");
        }

        if (FileCalls.chdir(PathText.ToNullTerminated(workingDirectory)) != 0)
        {
            return new(FileCalls.LastErrno, "chdir", $"'{workingDirectory}'");
        }

        var type = PathText.ToNullTerminated("overlay");
        return FileCalls.mount(type, PathText.ToNullTerminated(target), type, 0, PathText.ToNullTerminated(options)) == 0
            ? null
            : new(FileCalls.LastErrno, "mount", $"overlay '{target}' ({options})");
    }
}
