using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Engine;

/// <summary>How much room directories take.</summary>
public static class DiskUsage
{
    /// <summary>Bytes of all files below a directory, each counted once however many names it has; 0 when it is not there. Links are not followed; what goes meanwhile does not count.</summary>
    public static long Of(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return 0;
        }

        var linked = new HashSet<(ulong FileSystem, ulong Inode)>();
        var open = new Stack<(DirectoryHandle Directory, Queue<string> Left)>();
        var sum = 0L;
        try
        {
            try
            {
                var root = DirectoryHandle.Open(directory);
                open.Push((root, new(root.ListNames())));
            }
            catch (LinuxException exception) when (exception.Errno is Errno.ENOENT or Errno.ENOTDIR)
            {
                return 0;
            }

            while (open.TryPeek(out var current))
            {
                if (!current.Left.TryDequeue(out var name))
                {
                    open.Pop().Directory.Dispose();
                    continue;
                }

                if (!current.Directory.TryStat(name, out var status))
                {
                    continue;
                }

                if (status.Kind != FileKind.Directory)
                {
                    sum += status.LinkCount < 2 || linked.Add((status.FileSystem, status.Inode)) ? status.Size : 0;
                    continue;
                }

                try
                {
                    var below = current.Directory.OpenDirectory(name);
                    open.Push((below, new(below.ListNames())));
                }
                catch (LinuxException exception) when (exception.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
                {
                    // it went meanwhile
                }
            }
        }
        finally
        {
            foreach (var left in open)
            {
                left.Directory.Dispose();
            }
        }

        return sum;
    }
}
