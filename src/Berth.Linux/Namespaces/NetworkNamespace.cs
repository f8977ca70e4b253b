using Berth.Linux.Mounts;
using Berth.Linux.Processes;

namespace Berth.Linux.Namespaces;

/// <summary>
/// Network namespaces that are bound to a file, so that they live without a process. network_namespaces(7), setns(2).
/// Work inside one is done on a thread of its own, which ends afterwards: a pool thread must never come back changed.
/// </summary>
public static class NetworkNamespace
{
    /// <summary>Makes a namespace and binds it to <paramref name="path"/>; <paramref name="inside"/> runs in it first.</summary>
    public static Task CreateAsync(string path, Action inside) => NamespaceThread.Run(() =>
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using (File.Create(path))
        {
        }

        if (Libc.unshare(Libc.CLONE_NEWNET) < 0)
        {
            throw new LinuxException(Libc.LastErrno, "unshare", "a new network namespace");
        }

        Mount.Bind($"/proc/self/task/{Libc.gettid()}/ns/net", path);
        inside();
    });

    /// <summary>As <see cref="CreateAsync(string, Action)"/>, for the root of a user namespace instead of this host's to administer.</summary>
    /// <param name="userNamespace">The file to which it is bound.</param>
    public static async Task CreateAsync(string path, string userNamespace, ExitWatcher exits, Action inside)
    {
        await using (var holder = await NamespaceHolder.NetworkAsync(userNamespace, exits).ConfigureAwait(false))
        {
            holder.Bind("net", path);
        }

        await RunAsync(path, inside).ConfigureAwait(false);
    }

    /// <summary>Runs <paramref name="inside"/> in the namespace bound to <paramref name="path"/>.</summary>
    /// <exception cref="LinuxException">ENOENT or EINVAL when there is no namespace at that path.</exception>
    public static Task RunAsync(string path, Action inside) => NamespaceThread.Run(() =>
    {
        Enter(path);
        inside();
    });

    /// <summary>As <see cref="RunAsync"/>; false when there is no namespace at that path. The kernel's table of mounts does not tell: what is read while it changes may lack entries.</summary>
    public static async Task<bool> TryRunAsync(string path, Action inside)
    {
        var isThere = true;
        await NamespaceThread.Run(() =>
        {
            try
            {
                Enter(path);
            }
            catch (LinuxException exception) when (exception.Errno is Errno.ENOENT or Errno.EINVAL)
            {
                isThere = false;
                return;
            }

            inside();
        }).ConfigureAwait(false);
        return isThere;
    }

    /// <summary>Unbinds and deletes the file. Does nothing when it is gone already.</summary>
    public static void Delete(string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        Mount.UnmountAll(path);
        File.Delete(path);
    }

    private static void Enter(string path)
    {
        var fd = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (fd < 0)
        {
            throw new LinuxException(Libc.LastErrno, "open", $"network namespace '{path}'");
        }

        var result = Libc.setns(fd, Libc.CLONE_NEWNET);
        var errno = Libc.LastErrno;
        _ = Libc.close(fd);
        if (result < 0)
        {
            throw new LinuxException(errno, "setns", $"network namespace '{path}'");
        }
    }
}
