using System.Globalization;
using System.Text;
using Berth.Engine.Errors;
using Berth.Engine.Networks;
using Berth.Engine.Users;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Mounts;
using Berth.Linux.Namespaces;

namespace Berth.Engine.Containers;

/// <summary>A container's file systems: its overlay root, the small files put into /etc, and what volumes take from the image.</summary>
/// <param name="networkOwner">The directory of the container whose network it shares, and with it the files about names; null for its own.</param>
internal sealed class ContainerFiles(EngineOptions options, string directory, string? networkOwner = null)
{
    private const long AccountFileLimitBytes = 1 << 20; // a passwd or group file beyond this is not one

    internal string Root => directory + "/merged";

    internal string HostsPath => (networkOwner ?? directory) + "/hosts";

    internal string HostnamePath => (networkOwner ?? directory) + "/hostname";

    internal string ResolvPath => (networkOwner ?? directory) + "/resolv.conf";

    internal string SharedMemory => SharedMemoryPath(directory);

    internal string StagePath(int number) => StagePath(directory, number);

    /// <summary>Mounts the root file system: the image's layers below, the container's own upper directory on top.</summary>
    internal static void MountRoot(ContainerRecord record, string dataRoot, string directory)
    {
        foreach (var part in new[] { "upper", "work", "merged" })
        {
            Directory.CreateDirectory($"{directory}/{part}");
        }

        Unmount(directory);
        if (record.LowerDirectories.Count == 0)
        {
            Directory.CreateDirectory(directory + "/empty"); // overlay wants something below, also for an image without layers
        }

        MountRootFrom(dataRoot, record, dataRoot, directory);
    }

    /// <summary>
    /// Has the root file system, and the files that lie in /etc, belong to the container's own users from now on. What the engine itself puts into the root must be there
    /// before.
    /// </summary>
    internal void Remap(ContainerRecord record, RemappedFiles remapped, IdMap users)
    {
        Mount.UnmountAll(Root);
        MountRootFrom(remapped.Root, record, options.DataRoot, directory);
        if (networkOwner is null)
        {
            using var own = DirectoryHandle.Open(directory);
            foreach (var path in new[] { HostsPath, HostnamePath, ResolvPath })
            {
                own.SetOwner(Path.GetFileName(path), users.Root.User, users.Root.Group);
            }
        }
    }

    // The layers and the upper directory by their names below a root: the data root, or its second place.
    private static void MountRootFrom(string root, ContainerRecord record, string dataRoot, string directory)
    {
        var own = Short(directory, dataRoot);
        IReadOnlyList<string> lower = record.LowerDirectories.Count > 0 ? [.. record.LowerDirectories.Select(path => Short(path, dataRoot))] : [own + "/empty"];
        OverlayMount.Mount(root, lower, own + "/upper", own + "/work", directory + "/merged", isVolatile: false);
    }

    /// <summary>Takes away the root file system and what is staged beside it. Before anything deletes the directory: what is mounted would be deleted with it.</summary>
    internal static void Unmount(string directory)
    {
        Mount.UnmountAll(directory + "/merged");
        foreach (var place in Directory.Exists(StagePath(directory)) ? Directory.GetFileSystemEntries(StagePath(directory)) : [])
        {
            Mount.UnmountAll(place);
        }
    }

    /// <summary>Where a staged mount of a container is.</summary>
    /// <param name="number">Its place among the container's mounts.</param>
    internal static string StagePath(string directory, int number) => string.Create(CultureInfo.InvariantCulture, $"{StagePath(directory)}/{number}");

    /// <summary>The shared memory that other containers may join.</summary>
    internal static string SharedMemoryPath(string directory) => StagePath(directory) + "/shm";

    private static string StagePath(string directory) => directory + "/mounts";

    /// <summary>Mounts what cannot be named as a path of the host: parts of volumes, images, and shared memory that others may join.</summary>
    /// <exception cref="BerthException">There is no such part.</exception>
    /// <param name="remapped">They are for a container with users of its own; null: the host's.</param>
    internal static void MountStages(ContainerRecord record, string dataRoot, string directory, RemappedFiles? remapped)
    {
        foreach (var (mount, number) in record.Mounts.Select((mount, number) => (mount, number)).Where(pair => pair.mount.IsStaged))
        {
            Directory.CreateDirectory(StagePath(directory));
            Stage(mount with { Source = remapped?.SourceOf(mount) ?? mount.Source }, dataRoot, remapped?.Root ?? dataRoot, StagePath(directory, number));
        }

        if (record.HostConfig.IpcMode == "shareable")
        {
            Directory.CreateDirectory(SharedMemoryPath(directory));
            Mount.SharedMemory(SharedMemoryPath(directory), record.HostConfig.ShmSize);
        }
    }

    private static void Stage(MountPoint mount, string dataRoot, string layersRoot, string target)
    {
        if (mount.Type == "image")
        {
            var lower = target + ".image";
            Directory.CreateDirectory(lower);
            Directory.CreateDirectory(target);
            OverlayMount.MountReadOnly(layersRoot, [.. mount.LowerDirectories.Select(path => Short(path, dataRoot))], lower);
            using var image = DirectoryHandle.Open(lower);
            BindBelow(image, mount, target);
            return;
        }

        if (mount.Type == "bind")
        {
            EnsureBindSource(mount);
        }

        if (mount.Subpath.Length == 0 && !Directory.Exists(mount.Source))
        {
            File.Create(target).Dispose();
            Mount.Bind(mount.Source, target); // a file
            return;
        }

        using var root = DirectoryHandle.Open(mount.Source);
        BindBelow(root, mount, target);
    }

    // By descriptor: whoever changes a link below the root in this moment changes nothing of what is mounted.
    private static void BindBelow(DirectoryHandle root, MountPoint mount, string target)
    {
        if (root.OpenBelow(mount.Subpath) is { } directory)
        {
            using (directory)
            {
                Directory.CreateDirectory(target);
                Mount.Bind(directory.ProcPath, target);
                return;
            }
        }

        try
        {
            using var file = root.OpenFileBelow(mount.Subpath);
            File.WriteAllBytes(target, []);
            Mount.Bind(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{file.DangerousGetHandle()}"), target);
        }
        catch (LinuxException exception) when (exception.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            throw new BerthException(ErrorKind.Failed, $"cannot access path {mount.Subpath} of the {mount.Type} {mount.Name}: no such file or directory", exception);
        }
    }

    private static string Short(string path, string dataRoot) => path.StartsWith(dataRoot + "/", StringComparison.Ordinal) ? path[(dataRoot.Length + 1)..] : path;

    /// <summary>Writes hosts, hostname and resolv.conf and what programs look for in a container, and fills new volumes from the image.</summary>
    /// <param name="linked">Address, alias and name of the containers that it is linked to.</param>
    internal async Task PrepareAsync(ContainerRecord record, IReadOnlyList<NetworkRecord> networks, IEnumerable<(string Address, string Alias, ContainerRecord Other)> linked)
    {
        if (networkOwner is null)
        {
            await File.WriteAllTextAsync(HostnamePath, record.Config.Hostname + "\n").ConfigureAwait(false);
            var links = string.Concat(linked.Select(link => $"{link.Address}\t{string.Join(' ', new[] { link.Alias, link.Other.Config.Hostname, link.Other.Name }.Distinct())}\n"));
            await File.WriteAllTextAsync(HostsPath, Hosts(record, networks, links)).ConfigureAwait(false);
            await File.WriteAllTextAsync(ResolvPath, Resolv(record, networks)).ConfigureAwait(false);
        }

        AddWhatProgramsLookFor();
        foreach (var mount in record.Mounts)
        {
            if (mount.Type == "bind")
            {
                EnsureBindSource(mount);
                EnsureTarget(mount);
            }
            else if (mount is { Type: "volume", CopyUp: true })
            {
                CopyUp(mount);
            }
        }
    }

    /// <summary>Lines of a file in the container, such as etc/passwd, looked up inside its root; none when it is not there.</summary>
    internal IReadOnlyList<string> Lines(string relativePath)
    {
        using var root = DirectoryHandle.Open(Root);
        return Lines(root, relativePath);
    }

    /// <summary>The permission bits of a directory in the container; null when there is none.</summary>
    internal uint? PermissionsOf(string path)
    {
        using var root = DirectoryHandle.Open(Root);
        using var directory = root.OpenBelow(path.TrimStart('/'));
        return directory?.Stat().Permissions;
    }

    /// <summary>Lines of a file below a container's root.</summary>
    internal static IReadOnlyList<string> Lines(DirectoryHandle root, string relativePath)
    {
        try
        {
            using var file = root.OpenRegularBelow(relativePath);
            using var stream = new FileStream(file, FileAccess.Read);
            if (stream.Length > AccountFileLimitBytes)
            {
                throw BerthException.Invalid($"/{relativePath} of the image has {stream.Length} bytes; more than {AccountFileLimitBytes} are not read.");
            }

            using var reader = new StreamReader(stream, Encoding.UTF8);
            return reader.ReadToEnd().Split('\n');
        }
        catch (LinuxException exception) when (exception.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            return []; // an image from scratch has no accounts
        }
        catch (LinuxException exception) when (exception.Errno is Errno.EINVAL or Errno.EISDIR)
        {
            throw BerthException.Invalid($"/{relativePath} of the image cannot be read: {exception.Message}");
        }
    }

    // As Docker: /.dockerenv tells programs that they run in a container, and /etc/mtab where its mounts are listed.
    private void AddWhatProgramsLookFor()
    {
        using var root = DirectoryHandle.Open(Root);
        if (!root.TryStat(".dockerenv", out _))
        {
            root.CreateFile(".dockerenv").Dispose();
            root.SetPermissions(".dockerenv", 0x1ED /* 0755 */);
        }

        using var etc = root.OpenBelow("etc");
        if (etc is not null && !etc.TryStat("mtab", out _))
        {
            etc.CreateSymbolicLink("mtab", "/proc/mounts");
        }
    }

    // Not every runtime makes the folders above a file.
    private void EnsureTarget(MountPoint mount)
    {
        if (!File.Exists(mount.Source))
        {
            return;
        }

        using var root = DirectoryHandle.Open(Root);
        var slash = mount.Destination.LastIndexOf('/');
        using var folder = root.OpenOrCreateBelow(mount.Destination[..slash].TrimStart('/'));
        if (!folder.TryStat(mount.Destination[(slash + 1)..], out _))
        {
            folder.CreateFile(mount.Destination[(slash + 1)..]).Dispose();
        }
    }

    private static void EnsureBindSource(MountPoint mount)
    {
        if (File.Exists(mount.Source) || Directory.Exists(mount.Source))
        {
            return;
        }

        if (!mount.CreateSource)
        {
            throw BerthException.Invalid($"invalid mount config for type \"bind\": bind source path does not exist: {mount.Source}");
        }

        Directory.CreateDirectory(mount.Source);
    }

    private void CopyUp(MountPoint mount)
    {
        if (Directory.EnumerateFileSystemEntries(mount.Source).Any())
        {
            return; // never over what a volume holds
        }

        using var root = DirectoryHandle.Open(Root);
        using var source = root.OpenBelow(mount.Destination.TrimStart('/'));
        if (source is not null)
        {
            TreeCopy.Copy(source, mount.Source);
        }
    }

    private static string Hosts(ContainerRecord record, IReadOnlyList<NetworkRecord> networks, string links)
    {
        if (record.HostConfig.NetworkMode == "host")
        {
            return File.ReadAllText("/etc/hosts") + ExtraHosts(record.HostConfig.ExtraHosts ?? [], networks);
        }

        var text = new StringBuilder("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
        text.Append(ExtraHosts(record.HostConfig.ExtraHosts ?? [], networks)).Append(links);
        var dot = record.Config.Hostname.IndexOf('.', StringComparison.Ordinal);
        var hostname = record.Config.Domainname.Length > 0 ? $"{record.Config.Hostname}.{record.Config.Domainname} {record.Config.Hostname}"
            : dot > 0 ? $"{record.Config.Hostname} {record.Config.Hostname[..dot]}" : record.Config.Hostname;
        foreach (var address in record.Endpoints.SelectMany(endpoint => endpoint.Addresses))
        {
            text.Append(address).Append('\t').Append(hostname).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>A name of its <c>--add-host</c> means this host, at its address on the default bridge.</summary>
    internal static bool AsksForHostGateway(ContainerRecord record) => record.HostConfig.ExtraHosts?.Any(entry => entry.EndsWith("host-gateway", StringComparison.Ordinal)) == true;

    /// <summary>Lines of hosts(5) for <c>NAME:ADDRESS</c>, <c>NAME=ADDRESS</c> and <c>NAME:host-gateway</c>.</summary>
    /// <exception cref="BerthException">None of these.</exception>
    internal static string ExtraHosts(IReadOnlyList<string> entries, IReadOnlyList<NetworkRecord> networks)
    {
        var text = new StringBuilder();
        foreach (var entry in entries)
        {
            var separator = entry.IndexOfAny([':', '=']);
            var address = separator > 0 ? entry[(separator + 1)..].Trim('[', ']') : "";
            if (address == "host-gateway")
            {
                address = networks.FirstOrDefault(network => network is { IsBridge: true, IsPredefined: true })?.Gateway ?? "";
            }

            if (separator <= 0 || !System.Net.IPAddress.TryParse(address, out _))
            {
                throw BerthException.Invalid($"invalid extra host \"{entry}\": write NAME:ADDRESS");
            }

            text.Append(address).Append('\t').Append(entry.AsSpan(0, separator)).Append('\n');
        }

        return text.ToString();
    }

    // On networks with names the data plane answers at 127.0.0.11; elsewhere the host's own resolvers do.
    private string Resolv(ContainerRecord record, IReadOnlyList<NetworkRecord> networks)
    {
        var lines = File.ReadAllLines("/etc/resolv.conf");
        var hasNames = record.Endpoints.Any(endpoint => networks.Any(network => network.Id == endpoint.NetworkId && network.HasNames));
        var text = new StringBuilder();
        IReadOnlyList<string> servers = hasNames ? ["127.0.0.11"]
            : record.HostConfig.Dns is { Count: > 0 } own ? own
            : options.Dns.Count > 0 ? options.Dns
            : [.. Values(lines, "nameserver").Where(server => record.HostConfig.NetworkMode == "host" || !server.StartsWith("127.", StringComparison.Ordinal))];
        foreach (var server in servers)
        {
            text.Append("nameserver ").Append(server).Append('\n');
        }

        IReadOnlyList<string> search = record.HostConfig.DnsSearch is { Count: > 0 } asked ? asked : [.. Values(lines, "search")];
        if (search.Count > 0 && search is not ["."])
        {
            text.Append("search ").AppendJoin(' ', search).Append('\n');
        }

        IReadOnlyList<string> resolverOptions = record.HostConfig.DnsOptions is { Count: > 0 } askedOptions ? askedOptions : [.. Values(lines, "options")];
        if (hasNames && !resolverOptions.Any(option => option.StartsWith("ndots:", StringComparison.Ordinal)))
        {
            resolverOptions = [.. resolverOptions, "ndots:0"];
        }

        if (resolverOptions.Count > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"options {string.Join(' ', resolverOptions)}\n");
        }

        return text.ToString();
    }

    private static IEnumerable<string> Values(IEnumerable<string> lines, string keyword) => lines
        .Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Where(words => words.Length > 1 && words[0] == keyword)
        .SelectMany(words => words.Skip(1));
}
