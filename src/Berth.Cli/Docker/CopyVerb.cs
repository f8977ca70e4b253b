using System.Diagnostics;
using System.Formats.Tar;
using System.Text;
using System.Text.Json.Nodes;
using Berth.Client;

namespace Berth.Cli.Docker;

/// <summary>Files between a container and this machine. Docker CLI reference, <c>docker container cp</c>: the same rules for what becomes of names.</summary>
internal static class CopyVerb
{
    private const string StatHeader = "X-Docker-Container-Path-Stat"; // Docker Engine API, "Get an archive of a filesystem resource in a container"
    private const long IsDirectory = 1L << 31; // Go's os.ModeDir
    private const long IsLink = 1L << 27; // os.ModeSymlink

    internal static Verb Create() => new(
        "cp", "[OPTIONS] CONTAINER:PATH FOLDER|FILE|-\n   or  berth cp [OPTIONS] FOLDER|FILE|- CONTAINER:PATH", "Copies files out of a container, or into one; it need not run.",
        "berth cp web:/etc/nginx/nginx.conf .\nberth cp ./static/. web:/srv/static\nberth cp web:/var/log - | tar tv",
        [Option.Flag("archive", 'a', "Keep owners"), Option.Flag("follow-link", 'L', "Copy what a link leads to"), Option.Flag("quiet", 'q', "Without a word when it is done")],
        async (context, line) =>
        {
            var (from, to) = DockerVerbs.Exactly(line, "cp", 2) is [var first, var second] ? (Place.Parse(first), Place.Parse(second)) : throw new InvalidOperationException();
            switch (from.Container, to.Container)
            {
                case ({ } container, null):
                    await OutAsync(context, line, container, from.Path, to.Path).ConfigureAwait(false);
                    break;
                case (null, { } container):
                    await InAsync(context, line, from.Path, container, to.Path).ConfigureAwait(false);
                    break;
                default:
                    throw new UsageException(from.Container is null ? "one of the two must be a container's: CONTAINER:PATH" : "copying between containers is not supported");
            }

            if (!line.Flag("quiet") && to.Path != "-")
            {
                context.Error.WriteLine($"Copied to {line.Arguments[1]}");
            }

            return 0;
        });

    private static async Task OutAsync(CliContext context, ParsedLine line, string container, string path, string target)
    {
        if (line.Flag("follow-link") && await StatAsync(context, container, path).ConfigureAwait(false) is { } found && (found.Number("mode") & IsLink) != 0)
        {
            path = Path.Combine(Path.GetDirectoryName(path.TrimEnd('/')) ?? "/", found.Text("linkTarget"));
        }

        await using var response = await context.Client.SendAsync("GET", $"/containers/{DockerVerbs.Escape(container)}/archive?path={DockerVerbs.Escape(path)}").ConfigureAwait(false);
        await response.EnsureSuccessAsync(CancellationToken.None).ConfigureAwait(false);
        if (target == "-")
        {
            await response.Body.CopyToAsync(context.OutputStream).ConfigureAwait(false);
            return;
        }

        var stat = Stat(response);
        var name = stat.Text("name");
        if (Directory.Exists(target))
        {
            await UnpackAsync(response.Body, target, line.Flag("archive")).ConfigureAwait(false); // as target/name, or its content where the path ends with "/."
            return;
        }

        var isFolder = (stat.Number("mode") & IsDirectory) != 0;
        if (File.Exists(target) && isFolder)
        {
            throw new CliException(1, $"cannot copy directory {container}:{path} to file {target}");
        }

        if (target.EndsWith('/') && !isFolder)
        {
            throw new CliException(1, $"no such directory: {target}");
        }

        // Under a name of its own: first beside it, then there, so that nothing else in the folder is touched.
        var parent = Path.GetDirectoryName(Path.GetFullPath(target.TrimEnd('/')))!;
        if (!Directory.Exists(parent))
        {
            throw new CliException(1, $"no such directory: {parent}");
        }

        var aside = Directory.CreateDirectory($"{parent}/.berth-cp-{Guid.NewGuid():N}").FullName;
        try
        {
            await UnpackAsync(response.Body, aside, line.Flag("archive")).ConfigureAwait(false);
            var unpacked = path.EndsWith("/.", StringComparison.Ordinal) || name is "." or "/" ? aside : $"{aside}/{name}";
            if (isFolder)
            {
                Directory.Move(unpacked, target.TrimEnd('/'));
            }
            else
            {
                File.Move(unpacked, target, overwrite: true);
            }
        }
        finally
        {
            if (Directory.Exists(aside))
            {
                Directory.Delete(aside, recursive: true);
            }
        }
    }

    private static async Task InAsync(CliContext context, ParsedLine line, string source, string container, string path)
    {
        var query = $"&noOverwriteDirNonDir=true{(line.Flag("archive") ? "&copyUIDGID=true" : "")}";
        if (source == "-")
        {
            await using var input = CliContext.OpenInput();
            await SendAsync(context, container, path, query, input).ConfigureAwait(false);
            return;
        }

        var contentOnly = source.EndsWith("/.", StringComparison.Ordinal) || source == ".";
        var real = line.Flag("follow-link") ? Path.GetFullPath(File.ResolveLinkTarget(source, returnFinalTarget: true)?.FullName ?? source) : Path.GetFullPath(source);
        var isFolder = Directory.Exists(real) && (contentOnly || source.EndsWith('/') || new FileInfo(real.TrimEnd('/')).LinkTarget is null);
        if (!isFolder && !File.Exists(real) && new FileInfo(real).LinkTarget is null)
        {
            throw new CliException(1, $"{source}: no such file or directory");
        }

        var there = await StatAsync(context, container, path).ConfigureAwait(false);
        if (there is not null && (there.Number("mode") & IsLink) != 0)
        {
            path = Path.Combine(Path.GetDirectoryName(path.TrimEnd('/')) ?? "/", there.Text("linkTarget"));
            there = await StatAsync(context, container, path).ConfigureAwait(false);
        }

        var intoFolder = there is not null && (there.Number("mode") & IsDirectory) != 0;
        if (there is not null && !intoFolder && isFolder)
        {
            throw new CliException(1, $"cannot copy directory {source} to file {container}:{path}");
        }

        if (there is null && path.EndsWith('/') && !isFolder)
        {
            throw new CliException(1, $"no such directory: {container}:{path}");
        }

        // The name in the archive decides what it is called there.
        var (folder, entry) = intoFolder
            ? (path, contentOnly ? "." : Path.GetFileName(Path.GetFullPath(source).TrimEnd('/')))
            : (Path.GetDirectoryName(path.TrimEnd('/')) is { Length: > 0 } parent ? parent : "/", Path.GetFileName(path.TrimEnd('/')));
        var pipe = new System.IO.Pipelines.Pipe();
        var packing = Task.Run(() => Pack(real, entry, isFolder, pipe.Writer));
        await SendAsync(context, container, folder, query, pipe.Reader.AsStream()).ConfigureAwait(false);
        await packing.ConfigureAwait(false);
    }

    private static async Task SendAsync(CliContext context, string container, string folder, string query, Stream archive)
    {
        await using var response = await context.Client.SendAsync("PUT", $"/containers/{DockerVerbs.Escape(container)}/archive?path={DockerVerbs.Escape(folder)}{query}", archive).ConfigureAwait(false);
        await response.EnsureSuccessAsync(CancellationToken.None).ConfigureAwait(false);
    }

    private static void Pack(string path, string entry, bool isFolder, System.IO.Pipelines.PipeWriter target)
    {
        try
        {
            using var stream = target.AsStream();
            using var writer = new TarWriter(stream, TarEntryFormat.Pax);
            writer.WriteEntry(path, entry);
            foreach (var below in isFolder ? FolderTree.Below(path) : [])
            {
                writer.WriteEntry(below, $"{entry}/{Path.GetRelativePath(path, below)}");
            }
        }
        catch (Exception exception)
        {
            target.Complete(exception); // whoever reads throws it
        }
    }

    // tar(1) follows no link that the archive itself has made.
    private static async Task UnpackAsync(Stream archive, string folder, bool keepsOwners)
    {
        var start = new ProcessStartInfo("tar", ["-x", "-p", "-f", "-", "-C", folder, keepsOwners ? "--same-owner" : "--no-same-owner"]) { RedirectStandardInput = true, RedirectStandardError = true };
        using var tar = Process.Start(start)!;
        var error = tar.StandardError.ReadToEndAsync();
        try
        {
            await archive.CopyToAsync(tar.StandardInput.BaseStream).ConfigureAwait(false);
        }
        catch (IOException) when (tar.HasExited) // it says below why it did not want the rest
        {
        }

        tar.StandardInput.Close();
        await tar.WaitForExitAsync().ConfigureAwait(false);
        if (tar.ExitCode != 0)
        {
            throw new CliException(1, (await error.ConfigureAwait(false)).Trim());
        }
    }

    private static async Task<JsonNode?> StatAsync(CliContext context, string container, string path)
    {
        await using var response = await context.Client.SendAsync("HEAD", $"/containers/{DockerVerbs.Escape(container)}/archive?path={DockerVerbs.Escape(path)}").ConfigureAwait(false);
        if (response.Status != 404)
        {
            return Stat(response);
        }

        await context.Client.RequestAsync("GET", $"/containers/{DockerVerbs.Escape(container)}/json").ConfigureAwait(false); // a container that is not there is another matter than a file
        return null;
    }

    private static JsonNode Stat(DaemonResponse response) => response.Headers.TryGetValue(StatHeader, out var text)
        ? JsonNode.Parse(Encoding.UTF8.GetString(Convert.FromBase64String(text)))!
        : throw new DaemonException(response.Status, $"the daemon answered {response.Status} without {StatHeader}");

    /// <summary><c>CONTAINER:PATH</c>, or a path here; one that has a colon here is written <c>./a:b</c>.</summary>
    private sealed record Place(string? Container, string Path)
    {
        internal static Place Parse(string text)
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            return text[0] is '/' or '.' || colon <= 0 ? new(null, text) : new(text[..colon], text[(colon + 1)..] is { Length: > 0 } path ? path : "/");
        }
    }
}
