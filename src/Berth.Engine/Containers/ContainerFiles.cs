using System.Globalization;
using System.Text;
using Berth.Engine.Errors;
using Berth.Engine.Networks;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Mounts;

namespace Berth.Engine.Containers;

/// <summary>A container's file systems: its overlay root, the small files put into /etc, and what volumes take from the image.</summary>
internal sealed class ContainerFiles(EngineOptions options, string directory)
{
    private const long AccountFileLimitBytes = 1 << 20; // a passwd or group file beyond this is not one

    internal string Root => directory + "/merged";

    internal string HostsPath => directory + "/hosts";

    internal string HostnamePath => directory + "/hostname";

    internal string ResolvPath => directory + "/resolv.conf";

    /// <summary>Mounts the root file system: the image's layers below, the container's own upper directory on top.</summary>
    internal static void MountRoot(ContainerRecord record, string dataRoot, string directory)
    {
        foreach (var part in new[] { "upper", "work", "merged" })
        {
            Directory.CreateDirectory($"{directory}/{part}");
        }

        Unmount(directory);
        string Short(string path) => path.StartsWith(dataRoot + "/", StringComparison.Ordinal) ? path[(dataRoot.Length + 1)..] : path;
        var own = Short(directory);
        OverlayMount.Mount(dataRoot, [.. record.LowerDirectories.Select(Short)], own + "/upper", own + "/work", own + "/merged", isVolatile: false);
    }

    internal static void Unmount(string directory) => Mount.UnmountAll(directory + "/merged");

    /// <summary>Writes hosts, hostname and resolv.conf and what programs look for in a container, and fills new volumes from the image.</summary>
    internal async Task PrepareAsync(ContainerRecord record, IReadOnlyList<NetworkRecord> networks)
    {
        await File.WriteAllTextAsync(HostnamePath, record.Config.Hostname + "\n").ConfigureAwait(false);
        await File.WriteAllTextAsync(HostsPath, Hosts(record, networks)).ConfigureAwait(false);
        await File.WriteAllTextAsync(ResolvPath, Resolv(record, networks)).ConfigureAwait(false);
        AddWhatProgramsLookFor();
        foreach (var mount in record.Mounts)
        {
            if (mount.Type == "bind")
            {
                EnsureBindSource(mount);
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
        try
        {
            using var file = root.OpenFileBelow(relativePath);
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

    private string Hosts(ContainerRecord record, IReadOnlyList<NetworkRecord> networks)
    {
        if (record.HostConfig.NetworkMode == "host")
        {
            return File.ReadAllText("/etc/hosts") + ExtraHosts(record, networks);
        }

        var text = new StringBuilder("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
        text.Append(ExtraHosts(record, networks));
        var hostname = record.Config.Domainname.Length > 0 ? $"{record.Config.Hostname}.{record.Config.Domainname} {record.Config.Hostname}" : record.Config.Hostname;
        foreach (var endpoint in record.Endpoints.Where(endpoint => endpoint.Address.Length > 0))
        {
            text.Append(endpoint.Address).Append('\t').Append(hostname).Append('\n');
        }

        return text.ToString();
    }

    private static string ExtraHosts(ContainerRecord record, IReadOnlyList<NetworkRecord> networks)
    {
        var text = new StringBuilder();
        foreach (var entry in record.HostConfig.ExtraHosts ?? [])
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
