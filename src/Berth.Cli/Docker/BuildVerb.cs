using System.Formats.Tar;
using System.Globalization;
using System.IO.Pipelines;
using Berth.Client;
using Berth.Linux.Files;

namespace Berth.Cli.Docker;

/// <summary><c>build</c>: where the daemon sees the folder it reads it there, else it is sent.</summary>
internal static class BuildVerb
{
    internal static Verb Create() => new(
        "build", "[OPTIONS] FOLDER", "Builds an image from a Dockerfile.", "berth build -t app:1 .\nberth build -f docker/Dockerfile --build-arg VERSION=2 .",
        [
            Option.List("file", 'f', "FILE", "The Dockerfile (default FOLDER/Dockerfile)"), Option.List("tag", 't', "NAME", "Name for the image; may be repeated"),
            Option.List("build-arg", "NAME=VALUE", "A value for an ARG"), Option.List("label", "NAME=VALUE", "Label of the image"), Option.Value("target", "STAGE", "Build up to there"),
            Option.Flag("no-cache", "Run every step anew"), Option.Flag("pull", "Look for newer base images"), Option.Flag("quiet", 'q', "Print only the id"),
            Option.Value("platform", "PLATFORM", "Such as linux/arm64"), Option.Value("network", "MODE", "Network of RUN steps"), Option.List("add-host", "NAME:ADDRESS", "Further host"),
        ],
        async (context, line) =>
        {
            var folder = DockerVerbs.Exactly(line, "build", 1)[0];
            if (!Directory.Exists(folder))
            {
                throw new CliException(1, folder == "-" ? "a context from stdin is not supported; name a folder" : $"unable to prepare context: path \"{folder}\" not found");
            }

            var root = Path.GetFullPath(folder, context.CurrentFolder);
            var dockerfile = line.Value("file") is { } file ? Path.GetFullPath(file, context.CurrentFolder) : Path.Combine(root, "Dockerfile");
            if (!File.Exists(dockerfile))
            {
                throw new CliException(1, $"there is no Dockerfile at {dockerfile}");
            }

            var isInside = dockerfile.StartsWith(root.TrimEnd('/') + "/", StringComparison.Ordinal);
            var query = string.Concat(
                string.Concat(line.Values("tag").Select(tag => "&t=" + DockerVerbs.Escape(tag))),
                $"&buildargs={DockerVerbs.Escape(Pairs.ToJson(line.Values("build-arg"), context).ToJsonString())}",
                $"&labels={DockerVerbs.Escape(Pairs.Labels(line.Values("label")).ToJsonString())}",
                line.Value("target") is { } target ? "&target=" + DockerVerbs.Escape(target) : "",
                line.Value("platform") is { } platform ? "&platform=" + DockerVerbs.Escape(platform) : "",
                line.Value("network") is { } network ? "&networkmode=" + DockerVerbs.Escape(network) : "",
                line.Flag("no-cache") ? "&nocache=1" : "", line.Flag("pull") ? "&pull=1" : "", line.Flag("quiet") ? "&q=1" : "",
                string.Concat(line.Values("add-host").Select(host => "&extrahosts=" + DockerVerbs.Escape(host))));
            var inside = isInside ? dockerfile[(root.TrimEnd('/').Length + 1)..] : null;
            if (!await BuildInPlaceAsync(context, root, inside ?? dockerfile, query).ConfigureAwait(false))
            {
                await BuildPackedAsync(context, root, isInside ? null : dockerfile, inside ?? ".berth-dockerfile", query).ConfigureAwait(false);
            }

            return 0;
        });

    /// <summary>Has the daemon read the folder itself. False when it does not see this folder: behind a forwarded socket, or it is Docker's.</summary>
    private static async Task<bool> BuildInPlaceAsync(CliContext context, string root, string dockerfile, string query)
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
            await ImageVerbs.StreamAsync(context, target, null, isQuiet: false, context.Output).ConfigureAwait(false);
            return true;
        }
        catch (DaemonException exception) when (exception.Status is 404 or 409)
        {
            return false;
        }
    }

    private static async Task BuildPackedAsync(CliContext context, string root, string? outsideDockerfile, string name, string query)
    {
        var pipe = new Pipe();
        var packing = PackAsync(pipe.Writer, root, outsideDockerfile, name);
        await using var body = pipe.Reader.AsStream();
        await ImageVerbs.StreamAsync(context, $"/build?dockerfile={DockerVerbs.Escape(name)}{query}", body, isQuiet: false, context.Output).ConfigureAwait(false);
        await packing.ConfigureAwait(false);
    }

    // The whole folder: what .dockerignore leaves out is the daemon's to decide.
    private static async Task PackAsync(PipeWriter writer, string root, string? outsideDockerfile, string name)
    {
        await Task.Yield();
        Exception? failure = null;
        try
        {
            await using var tar = new TarWriter(writer.AsStream(leaveOpen: true), TarEntryFormat.Pax);
            foreach (var path in Directory.EnumerateFileSystemEntries(root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }))
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
