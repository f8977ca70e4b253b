using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.IO.Pipelines;
using Berth.Client;
using Berth.Linux.Files;

namespace Berth.Cli.Docker;

/// <summary><c>build</c>: where the daemon sees the folder it reads it there, else it is sent.</summary>
internal static class BuildVerb
{
    private const int TarMagicAt = 257; // POSIX pax, "ustar Interchange Format"
    private const int LongestDockerfile = 1 << 20;

    internal static Verb Create() => new(
        "build", "[OPTIONS] FOLDER|URL|-", "Builds an image from a Dockerfile.", "berth build -t app:1 .\nberth build -f docker/Dockerfile --build-arg VERSION=2 .\nberth build - <Dockerfile",
        [
            Option.List("file", 'f', "FILE", "The Dockerfile (default FOLDER/Dockerfile), - for stdin"), Option.List("tag", 't', "NAME", "Name for the image; may be repeated"),
            Option.List("build-arg", "NAME=VALUE", "A value for an ARG"), Option.List("label", "NAME=VALUE", "Label of the image"), Option.Value("target", "STAGE", "Build up to there"),
            Option.Flag("no-cache", "Run every step anew"), Option.Flag("pull", "Look for newer base images"), Option.Flag("quiet", 'q', "Print only the id"),
            Option.Value("platform", "PLATFORM", "Such as linux/arm64"), Option.Value("network", "MODE", "Network of RUN steps"), Option.List("add-host", "NAME:ADDRESS", "Further host"),
            Option.Value("iidfile", "FILE", "Write the image's id there"), Option.List("cache-from", "IMAGE", "As in Docker; the cache knows all that was built here"),
            Option.Value("memory", 'm', "BYTES", "Limit of RUN steps"), Option.Value("memory-swap", "BYTES", "Memory and swap together"), Option.Value("cpu-shares", 'c', "NUMBER", "Weight of RUN steps"),
            Option.Value("cpu-period", "MICROSECONDS", "In which the quota counts"), Option.Value("cpu-quota", "MICROSECONDS", "Of processor time in a period"), Option.Value("cpuset-cpus", "LIST", "Only these processors"),
            Option.Value("cpuset-mems", "LIST", "Only memory of these nodes"), Option.Value("shm-size", "BYTES", "Of /dev/shm"), Option.List("ulimit", "NAME=SOFT[:HARD]", "Limit"), Option.Value("cgroup-parent", "PATH", "Control group above"),
            SshOption, Option.List("allow", "ENTITLEMENT", "What steps may ask for: security.insecure, all rights there are (network.host is allowed always)"),
            Option.Flag("compress", "Compress the folder's files where they have to be sent"), Option.Flag("rm", "As in Docker: nothing is left of a step (default true)"), Option.Flag("force-rm", "As in Docker: nothing is left of a step that failed"),
        ],
        async (context, line) =>
        {
            var source = DockerVerbs.Exactly(line, "build", 1)[0];
            var query = Query(line, context);
            var ids = line.Value("iidfile") is { } file ? new StringWriter() : null;
            if (ids is not null)
            {
                File.Delete(line.Value("iidfile")!); // one of an earlier build would be taken for this one's
            }

            await BuildAsync(context, line, source, query, ids).ConfigureAwait(false);
            if (ids is not null)
            {
                await File.WriteAllTextAsync(line.Value("iidfile")!, ids.ToString()).ConfigureAwait(false);
            }

            return 0;
        });

    internal static Option SshOption => Option.List("ssh", "ID[=PATH]", "An SSH agent, or a private key, for RUN --mount=type=ssh; 'default' alone is your agent");

    /// <summary>The agents that <see cref="SshOption"/> names: an id, and a socket or a key's absolute path.</summary>
    internal static IReadOnlyList<(string Id, string Path)> Agents(ParsedLine line, CliContext context) =>
    [
        .. line.Values("ssh").Select(one => one.Split('=', 2)).Select(parts => (parts[0], parts.Length == 2
            ? Path.GetFullPath(parts[1], context.CurrentFolder)
            : parts[0] != "default" ? throw new UsageException($"--ssh {parts[0]}: write {parts[0]}=PATH, of an agent's socket or a private key")
            : context.Variable("SSH_AUTH_SOCK") is { Length: > 0 } socket ? socket
            : throw new CliException(1, "--ssh default: SSH_AUTH_SOCK names no agent; start one with 'eval $(ssh-agent)' and 'ssh-add', or name a key: --ssh default=PATH"))),
    ];

    // Berth's own way alone has them: the daemon that is to reach an agent is on this machine.
    private static string OwnQuery(ParsedLine line, CliContext context)
    {
        foreach (var unknown in line.Values("allow").Where(one => one is not ("security.insecure" or "network.host")))
        {
            throw new UsageException($"--allow {unknown}: it is security.insecure or network.host");
        }

        return string.Concat(Agents(line, context).Select(agent => $"&ssh={DockerVerbs.Escape($"{agent.Id}={agent.Path}")}")) + (line.Values("allow").Contains("security.insecure") ? "&insecure=1" : "");
    }

    private static async Task BuildAsync(CliContext context, ParsedLine line, string source, string query, StringWriter? ids)
    {
        var ownQuery = OwnQuery(line, context);
        if (source == "-" || source.Contains("://", StringComparison.Ordinal) || source.StartsWith("git@", StringComparison.Ordinal) || line.Value("file") == "-")
        {
            RequireLocal(ownQuery);
        }

        if (source == "-")
        {
            await BuildFromInputAsync(context, line, query, ids).ConfigureAwait(false);
            return;
        }

        if (source.Contains("://", StringComparison.Ordinal) || source.StartsWith("git@", StringComparison.Ordinal))
        {
            var target = $"/build?remote={DockerVerbs.Escape(source)}&dockerfile={DockerVerbs.Escape(line.Value("file") ?? "")}{query}";
            await SendAsync(context, target, null, ids).ConfigureAwait(false);
            return;
        }

        if (!Directory.Exists(source))
        {
            throw new CliException(1, $"unable to prepare context: path \"{source}\" not found");
        }

        var root = Path.GetFullPath(source, context.CurrentFolder);
        if (line.Value("file") == "-")
        {
            await using var text = await SpoolAsync().ConfigureAwait(false);
            await BuildPackedAsync(context, root, text.Name, ".berth-dockerfile", query, line.Flag("compress"), ids).ConfigureAwait(false);
            return;
        }

        var dockerfile = line.Value("file") is { } file ? Path.GetFullPath(file, context.CurrentFolder) : Path.Combine(root, "Dockerfile");
        if (!File.Exists(dockerfile))
        {
            throw new CliException(1, $"there is no Dockerfile at {dockerfile}");
        }

        var isInside = dockerfile.StartsWith(root.TrimEnd('/') + "/", StringComparison.Ordinal);
        var inside = isInside ? dockerfile[(root.TrimEnd('/').Length + 1)..] : null;
        if (!await BuildInPlaceAsync(context, root, inside ?? dockerfile, query + ownQuery, ids).ConfigureAwait(false))
        {
            RequireLocal(ownQuery);
            await BuildPackedAsync(context, root, isInside ? null : dockerfile, inside ?? ".berth-dockerfile", query, line.Flag("compress"), ids).ConfigureAwait(false);
        }
    }

    private static void RequireLocal(string ownQuery)
    {
        if (ownQuery.Length > 0)
        {
            throw new CliException(1, "--ssh and --allow need a folder of this machine, and a daemon that sees it");
        }
    }

    private static string Query(ParsedLine line, CliContext context)
    {
        string Text(string option, string name) => line.Value(option) is { } value ? $"&{name}={DockerVerbs.Escape(value)}" : "";
        string Size(string option, string name) => line.Value(option) is { } value ? string.Create(CultureInfo.InvariantCulture, $"&{name}={ContainerOptions.ByteCount(value, option)}") : "";
        return string.Concat(
            string.Concat(line.Values("tag").Select(tag => "&t=" + DockerVerbs.Escape(tag))),
            $"&buildargs={DockerVerbs.Escape(Pairs.ToJson(line.Values("build-arg"), context).ToJsonString())}",
            $"&labels={DockerVerbs.Escape(Pairs.Labels(line.Values("label")).ToJsonString())}",
            Text("target", "target"), Text("platform", "platform"), Text("network", "networkmode"),
            line.Flag("no-cache") ? "&nocache=1" : "", line.Flag("pull") ? "&pull=1" : "", line.Flag("quiet") ? "&q=1" : "",
            string.Concat(line.Values("add-host").Select(host => "&extrahosts=" + DockerVerbs.Escape(host))),
            line.Has("cache-from") ? "&cachefrom=" + DockerVerbs.Escape(Json.Array(line.Values("cache-from")).ToJsonString()) : "",
            Size("memory", "memory"), line.Value("memory-swap") == "-1" ? "&memswap=-1" : Size("memory-swap", "memswap"), Size("shm-size", "shmsize"),
            Text("cpu-shares", "cpushares"), Text("cpu-period", "cpuperiod"), Text("cpu-quota", "cpuquota"), Text("cpuset-cpus", "cpusetcpus"), Text("cpuset-mems", "cpusetmems"), Text("cgroup-parent", "cgroupparent"),
            line.Has("ulimit") ? "&ulimits=" + DockerVerbs.Escape(ContainerOptions.Ulimits(line).ToJsonString()) : "");
    }

    /// <summary>Standard input is an archive of the whole context, or a Dockerfile that needs none.</summary>
    private static async Task BuildFromInputAsync(CliContext context, ParsedLine line, string query, StringWriter? ids)
    {
        if (line.Value("file") == "-")
        {
            throw new UsageException("invalid argument: can't use stdin for both build context and dockerfile");
        }

        await using var input = await SpoolAsync().ConfigureAwait(false);
        var head = new byte[TarMagicAt + 5];
        var length = await input.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false).ConfigureAwait(false);
        input.Position = 0;
        if (IsArchive(head.AsSpan(0, length)))
        {
            await SendAsync(context, $"/build?dockerfile={DockerVerbs.Escape(line.Value("file") ?? "Dockerfile")}{query}", input, ids).ConfigureAwait(false);
            return;
        }

        if (input.Length > LongestDockerfile)
        {
            throw new CliException(1, "what stands on stdin is neither an archive nor a Dockerfile: it is longer than 1 MiB");
        }

        var archive = new MemoryStream();
        await using (var tar = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "Dockerfile") { DataStream = input }).ConfigureAwait(false);
        }

        archive.Position = 0;
        await SendAsync(context, "/build?dockerfile=Dockerfile" + query, archive, ids).ConfigureAwait(false);
    }

    /// <summary>Standard input as a file, which is gone when it is closed.</summary>
    private static async Task<FileStream> SpoolAsync()
    {
        var file = new FileStream(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read, 64 * 1024, FileOptions.DeleteOnClose);
        await using var input = CliContext.OpenInput();
        await input.CopyToAsync(file).ConfigureAwait(false);
        await file.FlushAsync().ConfigureAwait(false);
        file.Position = 0;
        return file;
    }

    // gzip (RFC 1952), bzip2, xz, zstd (RFC 8878), or a bare tar.
    private static bool IsArchive(ReadOnlySpan<byte> head) =>
        head.StartsWith<byte>([0x1F, 0x8B]) || head.StartsWith("BZh"u8) || head.StartsWith<byte>([0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]) || head.StartsWith<byte>([0x28, 0xB5, 0x2F, 0xFD])
        || (head.Length >= TarMagicAt + 5 && head[TarMagicAt..].StartsWith("ustar"u8));

    private static Task SendAsync(CliContext context, string target, Stream? body, StringWriter? ids) =>
        ImageVerbs.StreamAsync(context, target, body, isQuiet: false, context.Output, new RegistryLogins(context).HeadersForAll(), ids);

    /// <summary>Has the daemon read the folder itself. False when it does not see this folder: behind a forwarded socket, or it is Docker's.</summary>
    private static async Task<bool> BuildInPlaceAsync(CliContext context, string root, string dockerfile, string query, StringWriter? ids)
    {
        if (context.Client.Address.Path is null)
        {
            return false;
        }

        string folder;
        using (var handle = DirectoryHandle.Open(root))
        {
            var status = handle.Stat();
            folder = string.Create(CultureInfo.InvariantCulture, $"{status.FileSystem}:{status.Inode}");
        }

        try
        {
            var target = $"/berth/v1/build?context={DockerVerbs.Escape(root)}&folder={folder}&dockerfile={DockerVerbs.Escape(dockerfile)}{query}";
            await SendAsync(context, target, null, ids).ConfigureAwait(false);
            return true;
        }
        catch (DaemonException exception) when (exception.Status is 404 or 409)
        {
            return false;
        }
    }

    private static async Task BuildPackedAsync(CliContext context, string root, string? outsideDockerfile, string name, string query, bool compress, StringWriter? ids)
    {
        var pipe = new Pipe();
        var packing = PackAsync(pipe.Writer, root, outsideDockerfile, name, compress);
        await using var body = pipe.Reader.AsStream();
        await SendAsync(context, $"/build?dockerfile={DockerVerbs.Escape(name)}{query}", body, ids).ConfigureAwait(false);
        await packing.ConfigureAwait(false);
    }

    // The whole folder: what .dockerignore leaves out is the daemon's to decide.
    private static async Task PackAsync(PipeWriter writer, string root, string? outsideDockerfile, string name, bool compress)
    {
        await Task.Yield();
        Exception? failure = null;
        try
        {
            await using var target = writer.AsStream(leaveOpen: true);
            await using var packed = compress ? new GZipStream(target, CompressionLevel.Fastest) : target;
            await using var tar = new TarWriter(packed, TarEntryFormat.Pax, leaveOpen: true);
            foreach (var path in FolderTree.Below(root))
            {
                await tar.WriteEntryAsync(path, path[(root.TrimEnd('/').Length + 1)..]).ConfigureAwait(false);
            }

            if (outsideDockerfile is not null)
            {
                await tar.WriteEntryAsync(outsideDockerfile, name).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            failure = exception; // the reader, sending the request, gets it
        }

        await writer.CompleteAsync(failure).ConfigureAwait(false);
    }
}
