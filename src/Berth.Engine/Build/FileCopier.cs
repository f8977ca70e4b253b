using Berth.Dockerfile.Ignore;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Engine.Build;

/// <summary>Copies files into a root, by Docker's rules for <c>COPY</c>. The destination's links are resolved within the root.</summary>
internal sealed class FileCopier(DirectoryHandle root, (uint User, uint Group)? owner, Func<uint, bool, uint>? mode)
{
    private readonly byte[] _buffer = new byte[131072];

    public static bool IsCopied(string attribute) =>
        attribute == "security.capability" || attribute.StartsWith("user.", StringComparison.Ordinal);

    /// <summary>Copies a source to a path. A directory's contents are merged into it; a file replaces what is there.</summary>
    public void Copy(FileTree tree, string source, DockerIgnore exclude, string target, CancellationToken cancellationToken)
    {
        var times = new List<(string Path, FileTime Time)>();
        tree.Walk(source, exclude, entry =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            var path = FileTree.Join(target, entry.Path);
            if (entry.Status.Kind == FileKind.Directory)
            {
                // The source directory itself is not copied, only what is in it: an existing target keeps its mode.
                if (CreateDirectory(tree, path, entry, keepExisting: entry.Path.Length == 0) && entry.Path.Length > 0)
                {
                    times.Add((path, entry.Status.Modified));
                }
            }
            else if (entry.Status.Kind != FileKind.Socket)
            {
                CopyFile(tree, path, entry);
            }
        });
        foreach (var (path, time) in times)
        {
            var (parent, name) = FileTree.SplitLast(path);
            using var directory = root.OpenBelow(parent)!;
            directory.SetModified(name, time);
        }
    }

    /// <summary>Writes a file with given content.</summary>
    public void Write(string target, ReadOnlySpan<byte> content, uint permissions, FileTime modified)
    {
        using var directory = OpenParent(target, out var name);
        directory.Remove(name);
        using (var file = directory.CreateFile(name))
        {
            RandomAccess.Write(file, content, 0);
        }

        var (user, group) = owner ?? (0, 0);
        directory.SetOwner(name, user, group);
        directory.SetPermissions(name, mode?.Invoke(permissions, false) ?? permissions);
        directory.SetModified(name, modified);
    }

    /// <summary>Makes a directory and those above it that are missing, 0755. Returns whether anything was missing.</summary>
    public bool CreateDirectories(string path)
    {
        using (var existing = root.OpenBelow(path))
        {
            if (existing is not null)
            {
                return false;
            }
        }

        var done = "";
        foreach (var part in RealPath.Resolve(root, path).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            using var parent = root.OpenBelow(done) ?? throw new IOException($"'/{done}' is not a directory.");
            if (!parent.TryStat(part, out var status))
            {
                parent.CreateDirectory(part, 0x1ed);
                parent.SetPermissions(part, 0x1ed); // whatever the umask is
                if (owner is { } them)
                {
                    parent.SetOwner(part, them.User, them.Group);
                }
            }
            else if (status.Kind != FileKind.Directory)
            {
                throw new IOException($"'/{FileTree.Join(done, part)}' is a file, where a directory is needed.");
            }

            done = FileTree.Join(done, part);
        }

        return true;
    }

    private bool CreateDirectory(FileTree tree, string path, TreeEntry entry, bool keepExisting)
    {
        if (path.Length == 0)
        {
            return false;
        }

        using (var existing = root.OpenBelow(path))
        {
            if (existing is not null && keepExisting)
            {
                return false;
            }
        }

        using var parent = OpenParent(path, out var name);
        var exists = parent.TryStat(name, out var status);
        if (exists && status.Kind == FileKind.SymbolicLink)
        {
            using var behind = root.OpenBelow(path);
            if (behind is not null)
            {
                return false;
            }
        }

        if (exists && status.Kind != FileKind.Directory)
        {
            throw new IOException($"cannot copy the directory over the file '/{path}'");
        }

        if (!exists)
        {
            parent.CreateDirectory(name, 0x1c0);
        }

        SetProperties(parent, name, entry, tree.KeepsOwners);
        return true;
    }

    private void CopyFile(FileTree tree, string path, TreeEntry entry)
    {
        using var directory = OpenParent(path, out var name);
        if (directory.TryStat(name, out var status))
        {
            if (status.Kind == FileKind.Directory)
            {
                throw new IOException($"cannot copy a file over the directory '/{path}'");
            }

            directory.Remove(name);
        }

        switch (entry.Status.Kind)
        {
            case FileKind.Regular:
                CopyContent(directory, name, entry);
                break;
            case FileKind.SymbolicLink:
                directory.CreateSymbolicLink(name, entry.Directory.ReadLink(entry.Name));
                break;
            default:
                if (!tree.KeepsOwners && entry.Status.Kind != FileKind.Fifo)
                {
                    throw new IOException($"'{entry.Path}' in the build context is a device");
                }

                directory.CreateDevice(name, entry.Status.Kind, entry.Status.DeviceMajor, entry.Status.DeviceMinor);
                break;
        }

        SetProperties(directory, name, entry, tree.KeepsOwners);
        directory.SetModified(name, entry.Status.Modified);
    }

    private void CopyContent(DirectoryHandle directory, string name, TreeEntry entry)
    {
        using var source = entry.Directory.OpenFile(entry.Name);
        using var target = directory.CreateFile(name);
        long at = 0;
        for (int read; (read = RandomAccess.Read(source, _buffer, at)) > 0; at += read)
        {
            RandomAccess.Write(target, _buffer.AsSpan(0, read), at);
        }
    }

    private void SetProperties(DirectoryHandle directory, string name, TreeEntry entry, bool keepsOwners)
    {
        var (user, group) = owner ?? (keepsOwners ? (entry.Status.User, entry.Status.Group) : (0, 0));
        directory.SetOwner(name, user, group);
        if (entry.Status.Kind == FileKind.SymbolicLink)
        {
            return;
        }

        directory.SetPermissions(name, mode?.Invoke(entry.Status.Permissions, entry.Status.Kind == FileKind.Directory) ?? entry.Status.Permissions);
        foreach (var attribute in entry.Directory.ListAttributes(entry.Name).Where(IsCopied))
        {
            try
            {
                directory.SetAttribute(name, attribute, entry.Directory.GetAttribute(entry.Name, attribute) ?? []);
            }
            catch (LinuxException exception) when (exception.Errno == Errno.ENOTSUP && attribute.StartsWith("user.", StringComparison.Ordinal))
            {
                continue; // this file system has no such attributes; the file's content does not depend on them
            }
        }
    }

    private DirectoryHandle OpenParent(string path, out string name)
    {
        (var parent, name) = FileTree.SplitLast(path);
        if (root.OpenBelow(parent) is { } existing)
        {
            return existing;
        }

        CreateDirectories(parent);
        return root.OpenBelow(parent) ?? throw new IOException($"'/{parent}' is not a directory.");
    }
}
