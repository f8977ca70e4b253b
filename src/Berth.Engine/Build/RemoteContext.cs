using System.Diagnostics;
using System.Text.RegularExpressions;
using Berth.Engine.Errors;
using Berth.Engine.Images;
using Berth.Oci.Layers;

namespace Berth.Engine.Build;

/// <summary>
/// A build context from elsewhere: an archive or a Dockerfile on the web, or a git repository (<c>URL#REF:FOLDER</c>). Docker documentation, "docker build", "URL"; git itself fetches
/// repositories.
/// </summary>
/// <param name="Directory">The context.</param>
/// <param name="Dockerfile">The Dockerfile's text when the address led to one; else null.</param>
public sealed partial record RemoteContext(string Directory, string? Dockerfile)
{
    private const int DockerfileLimitBytes = 1 << 20;
    private static readonly UnpackLimits s_limits = new() { TotalBytes = 64L << 30, Entries = 2_000_000 };
    private static readonly TimeSpan s_cloneLimit = TimeSpan.FromMinutes(30);

    /// <exception cref="BerthException">It cannot be had, or it is none of these.</exception>
    public static async Task<RemoteContext> FetchAsync(string address, TemporaryDirectory temporary, CancellationToken cancellationToken)
    {
        if (GitAddress().Match(address) is { Success: true } git)
        {
            return new(await CloneAsync(git, temporary, cancellationToken).ConfigureAwait(false), null);
        }

        await Download.OpenAsync(
            address,
            async content =>
            {
                await using var file = File.Create(temporary["archive"]);
                await content.CopyToAsync(file, cancellationToken).ConfigureAwait(false);
                return 0;
            },
            cancellationToken).ConfigureAwait(false);
        if (IsArchive(temporary["archive"]))
        {
            await UnpackAsync(temporary["archive"], temporary["context"], cancellationToken).ConfigureAwait(false);
            return new(temporary["context"], null);
        }

        var size = new FileInfo(temporary["archive"]).Length;
        if (size > DockerfileLimitBytes)
        {
            throw BerthException.Invalid($"{address} is neither an archive nor a Dockerfile: it has {size} bytes");
        }

        System.IO.Directory.CreateDirectory(temporary["context"]);
        return new(temporary["context"], await File.ReadAllTextAsync(temporary["archive"], cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Unpacks an archive into a new directory and deletes it.</summary>
    /// <exception cref="BerthException">It is no archive.</exception>
    public static async Task UnpackAsync(string archive, string directory, CancellationToken cancellationToken)
    {
        System.IO.Directory.CreateDirectory(directory);
        try
        {
            await Task.Run(
                () =>
                {
                    using var tar = LayerCompression.Open(File.OpenRead(archive));
                    LayerReader.Unpack(tar, directory, new() { IsLayer = false, Owner = (0, 0), Limits = s_limits }, cancellationToken);
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException exception)
        {
            throw new BerthException(ErrorKind.Invalid, $"The build context is not a readable archive: {exception.Message}", exception);
        }

        File.Delete(archive);
    }

    private static bool IsArchive(string file)
    {
        try
        {
            using var content = LayerCompression.Open(File.OpenRead(file));
            return new TarEntryReader(content).Next() is not null;
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException or OverflowException)
        {
            return false;
        }
    }

    private static async Task<string> CloneAsync(Match address, TemporaryDirectory temporary, CancellationToken cancellationToken)
    {
        var url = address.Groups["url"].Value;
        if (url.StartsWith("github.com/", StringComparison.Ordinal))
        {
            url = "https://" + url;
        }

        var (reference, folder) = (address.Groups["ref"].Value, address.Groups["folder"].Value);
        if (reference.StartsWith('-') || url.StartsWith('-'))
        {
            throw BerthException.Invalid($"'{address.Value}' is not a git address");
        }

        var repository = temporary["repository"];
        await GitAsync(["init", "-q", repository], "/", cancellationToken).ConfigureAwait(false);
        await GitAsync(["fetch", "-q", "--depth", "1", "--", url, reference.Length > 0 ? reference : "HEAD"], repository, cancellationToken).ConfigureAwait(false);
        await GitAsync(["checkout", "-q", "FETCH_HEAD"], repository, cancellationToken).ConfigureAwait(false);
        await GitAsync(["submodule", "-q", "update", "--init", "--recursive", "--depth", "1"], repository, cancellationToken).ConfigureAwait(false);
        System.IO.Directory.Delete(repository + "/.git", recursive: true);
        if (folder.Length == 0)
        {
            return repository;
        }

        using var root = Linux.Files.DirectoryHandle.Open(repository);
        using var below = root.OpenBelow(folder.Trim('/')) ?? throw BerthException.Invalid($"the repository {url} has no folder {folder}");
        return System.IO.Path.GetFullPath(new FileInfo(below.ProcPath).ResolveLinkTarget(returnFinalTarget: true)!.FullName);
    }

    // No prompt, no configuration of the daemon's user, and no way of transport that could read files of this machine.
    private static async Task GitAsync(IReadOnlyList<string> arguments, string directory, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("git", arguments) { WorkingDirectory = directory, RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true };
        start.Environment["GIT_TERMINAL_PROMPT"] = "0";
        start.Environment["GIT_ALLOW_PROTOCOL"] = "http:https:git:ssh";
        start.Environment["GIT_CONFIG_NOSYSTEM"] = "1";
        start.Environment["HOME"] = directory;
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new BerthException(ErrorKind.Failed, "building from a git repository needs git, which is not installed: apt-get install git", exception);
        }

        using (process)
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            limit.CancelAfter(s_cloneLimit);
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
            try
            {
                await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw;
            }

            await output.ConfigureAwait(false);
            if (process.ExitCode != 0)
            {
                throw BerthException.Invalid($"cannot get the build context: git {arguments[0]}: {(await error.ConfigureAwait(false)).Trim()}");
            }
        }
    }

    [GeneratedRegex("^(?<url>(git://|git@|ssh://|github\\.com/|https?://[^#]*\\.git(?=#|$))[^#]*)(#(?<ref>[^:]*)(:(?<folder>.*))?)?$")]
    private static partial Regex GitAddress();
}
