using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Berth.Linux.Namespaces;

/// <summary>
/// A mount namespace that lives as long as this object, and whatever process has entered it. mount_namespaces(7), unshare(2). It keeps the
/// mounts that it copied in use, so it should be short-lived.
/// </summary>
public sealed class MountNamespace : IDisposable
{
    private readonly SafeFileHandle _handle;

    private MountNamespace(SafeFileHandle handle) => _handle = handle;

    /// <summary>A path by which other processes enter it with setns(2) while this process lives and has not disposed it.</summary>
    public string Path => string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/{_handle.DangerousGetHandle()}");

    /// <summary>Copies this process's mounts; <paramref name="change"/> runs in the copy.</summary>
    /// <remarks>A mount that is shared with its copy passes changes below it on: make it private first.</remarks>
    public static async Task<MountNamespace> CopyAsync(Action change)
    {
        SafeFileHandle? handle = null;
        await NamespaceThread.Run(() =>
        {
            if (Libc.unshare(Libc.CLONE_NEWNS) < 0)
            {
                throw new LinuxException(Libc.LastErrno, "unshare", "a new mount namespace");
            }

            change();
            handle = File.OpenHandle("/proc/thread-self/ns/mnt");
        }).ConfigureAwait(false);
        return new(handle!);
    }

    public void Dispose() => _handle.Dispose();
}
