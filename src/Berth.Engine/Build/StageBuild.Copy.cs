using System.Security.Cryptography;
using System.Text;
using Berth.Dockerfile;
using Berth.Dockerfile.Ignore;
using Berth.Linux.Files;
using Berth.Oci;
using Berth.Oci.Layers;

namespace Berth.Engine.Build;

// COPY and ADD.
internal sealed partial class StageBuild
{
    private const long DownloadLimit = 10L << 30;

    private static readonly HttpClient Http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(15) })
    {
        Timeout = TimeSpan.FromMinutes(30),
    };

    private async Task CopyAsync(BuildStep step, FileInstruction files)
    {
        var exclude = DockerIgnore.FromPatterns(files.Exclude.Select(pattern => Expand(pattern, step)));
        var origin = await OriginAsync(files.From, step);
        var ownerText = files.Owner is { } word ? Expand(word, step) : null;
        var mode = files.Mode is { } modeWord ? ModeOf(Expand(modeWord, step), step) : null;
        var (sources, content, read) = await ReadAsync(step, files, origin, exclude);
        var destination = Expand(files.Destination, step);
        var isDirectory = destination.EndsWith('/') || destination is "." or ".." || destination.EndsWith("/.", StringComparison.Ordinal);
        var path = Absolute(destination).Trim('/');
        if (sources.Count > 1 && !isDirectory)
        {
            throw new BuildException(step.Line, $"When using {step.Text.Split(' ')[0]} with more than one source file, the destination must be a directory and end with a /");
        }

        var kind = files is AddInstruction ? "ADD" : "COPY";
        await LayerStepAsync(
            step, files.Text, [kind, path, isDirectory ? "/" : "", ownerText ?? "", files.Mode ?? "", origin.Stage is null ? "" : "owners", content], read, mayBeEmpty: false,
            root =>
            {
                using var directory = DirectoryHandle.Open(root.Path);
                var tree = TreeOf(origin);
                var owner = ownerText is null ? ((uint, uint)?)null : UserDatabase.ResolveOwner(directory, ownerText);
                var copier = new FileCopier(directory, owner, mode);
                foreach (var source in sources)
                {
                    Place(files, tree, source, exclude, directory, copier, path, isDirectory, owner);
                }

                return Task.CompletedTask;
            });
    }

    /// <summary>What the instruction copies, and the digest of it. Of a finished stage or an image that is remembered, so that what
    /// comes wholly from the cache needs no mount.</summary>
    private async Task<SourceContent> ReadAsync(BuildStep step, FileInstruction files, Origin origin, DockerIgnore exclude)
    {
        var names = files.Sources.Select(one => Expand(one, step)).ToList();
        var key = origin.Stage is { Layers: [.., { ChainId: { IsCompletedSuccessfully: true } chainId }] } && files.Documents.Count == 0
            ? CacheKey.Of([chainId.Result.Value, .. names, "", .. files.Exclude])
            : null;
        if (key is not null && Builder.StageSources.TryGetValue(key, out var known))
        {
            return known;
        }

        var tree = TreeOf(origin);
        var sources = new List<CopySource>();
        foreach (var source in names)
        {
            sources.AddRange(await SourcesAsync(step, files, tree, source));
        }

        if (sources.Count == 0 && files.Documents.Count == 0)
        {
            throw new BuildException(step.Line, $"COPY failed: no source files were specified: nothing in the build context is like {string.Join(" or ", names)}");
        }

        sources.AddRange(files.Documents.Select(document => new CopySource(document.Name)
        {
            Content = Encoding.UTF8.GetBytes(document.Expands ? Words.ExpandDocument(document.Content, Lookup, Escape) : document.Content),
        }));
        var read = new Dictionary<string, string>(StringComparer.Ordinal);
        var content = new SourceContent(sources, DigestOf(tree, sources, exclude, read), read);
        if (key is not null)
        {
            Builder.Remember(key, content);
        }

        return content;
    }

    private async Task<IEnumerable<CopySource>> SourcesAsync(BuildStep step, FileInstruction files, FileTree tree, string source)
    {
        if (files is AddInstruction add)
        {
            if (source.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || source.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
            {
                return [await DownloadAsync(step, add, new(source))];
            }

            if (source.StartsWith("git@", StringComparison.Ordinal) || source.Contains("://", StringComparison.Ordinal))
            {
                throw new BuildException(step.Line, $"ADD {source}: only http and https addresses are supported; clone the repository in a RUN step.");
            }
        }

        var matches = tree.Match(source);
        if (matches.Count == 0 && files.From is null && source.AsSpan().IndexOfAny('*', '?', '[') >= 0)
        {
            return []; // the instruction's other sources may do
        }

        if (matches.Count == 0)
        {
            throw new BuildException(
                step.Line,
                files.From is { } from
                    ? $"{files.Text}: '{source}' was not found in {from}"
                    : $"COPY failed: file not found in build context or excluded by .dockerignore: stat {source}: file does not exist");
        }

        return matches.Select(match => new CopySource(match) { IsInTree = true });
    }

    private string DigestOf(FileTree tree, List<CopySource> sources, DockerIgnore exclude, Dictionary<string, string> read)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var source in sources)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{source.Path.Split('/')[^1]}\0{source.IsInTree}\n"));
            if (source.IsInTree)
            {
                tree.Digest(source.Path, exclude, hash, read, _cancellationToken);
            }
            else
            {
                var digest = source.Content is { } content ? Digest.Of(content) : source.FileDigest;
                hash.AppendData(Encoding.ASCII.GetBytes(digest.Value));
                read[source.Path] = digest.Short;
            }
        }

        return Digest.OfHash(hash.GetCurrentHash()).Value;
    }

    private void Place(
        FileInstruction files, FileTree tree, CopySource source, DockerIgnore exclude, DirectoryHandle root, FileCopier copier, string path,
        bool isDirectory, (uint, uint)? owner)
    {
        var name = source.Path.Length == 0 ? "" : source.Path.Split('/')[^1];
        if (source.IsInTree)
        {
            using var directory = tree.Root.OpenBelow(source.Path);
            if (directory is not null)
            {
                copier.Copy(tree, source.Path, exclude, path, _cancellationToken);
                copier.CreateDirectories(path); // an empty source still makes its destination
                return;
            }

            if (files is AddInstruction && IsArchive(tree, source.Path))
            {
                copier.CreateDirectories(path);
                using var target = root.OpenBelow(path)!;
                using var tar = LayerCompression.Open(OpenFile(tree, source.Path));
                LayerReader.Unpack(tar, target, new() { IsLayer = false, Owner = owner }, _cancellationToken);
                return;
            }
        }

        var file = IsDirectory(root, path, isDirectory) ? FileTree.Join(path, name) : path;
        if (source.IsInTree)
        {
            copier.Copy(tree, source.Path, exclude, file, _cancellationToken);
        }
        else if (source.Content is { } content)
        {
            copier.Write(file, content, 0x1a4, new(_session.SourceDateEpoch ?? Builder.Time.GetUtcNow().ToUnixTimeSeconds()));
        }
        else
        {
            using var downloads = DirectoryHandle.Open(Path.GetDirectoryName(source.File)!);
            var single = new FileTree(downloads, DockerIgnore.Empty, Builder.Hashes, keepsOwners: false);
            copier.Copy(single, Path.GetFileName(source.File)!, DockerIgnore.Empty, file, _cancellationToken);
        }
    }

    private static bool IsDirectory(DirectoryHandle root, string path, bool asked)
    {
        if (asked || path.Length == 0)
        {
            return true;
        }

        using var existing = root.OpenBelow(path);
        return existing is not null;
    }

    private static FileStream OpenFile(FileTree tree, string path) => new(tree.Root.OpenRegularBelow(path), FileAccess.Read);

    // By content, as in Docker: a name proves nothing, and a compressed file that holds no tar is copied as it is.
    private static bool IsArchive(FileTree tree, string path)
    {
        using var file = OpenFile(tree, path);
        if (!file.CanSeek || file.Length < 20)
        {
            return false;
        }

        try
        {
            using var content = LayerCompression.Open(file);
            return new TarEntryReader(content).Next() is not null;
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException or OverflowException)
        {
            return false;
        }
    }

    private async Task<CopySource> DownloadAsync(BuildStep step, AddInstruction add, Uri address)
    {
        var name = address.AbsolutePath.Split('/')[^1];
        if (name.Length == 0)
        {
            if (!add.Destination.EndsWith('/'))
            {
                name = "download";
            }
            else
            {
                throw new BuildException(step.Line, $"ADD {address}: the address ends with no file name, so the destination must be a file.");
            }
        }

        var directory = _session.NewTemporary();
        Directory.CreateDirectory(directory);
        var file = Path.Combine(directory, "download");
        try
        {
            using var response = await Http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, _cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                throw new BuildException(step.Line, $"ADD {address}: the server answered {(int)response.StatusCode} {response.ReasonPhrase}");
            }

            await using var body = await response.Content.ReadAsStreamAsync(_cancellationToken);
            using (var target = new HashingStream(File.Create(file), DownloadLimit))
            {
                var buffer = new byte[131072];
                for (int read; (read = await body.ReadAsync(buffer, _cancellationToken)) > 0;)
                {
                    target.Write(buffer.AsSpan(0, read));
                }

                var digest = target.Digest();
                if (add.Checksum is { } checksum && Expand(checksum, step) is var expected && expected != digest.Value)
                {
                    throw new BuildException(step.Line, $"ADD {address}: its digest is {digest}, but --checksum asks for {expected}");
                }

                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                if (response.Content.Headers.LastModified is { } modified)
                {
                    target.Flush();
                    File.SetLastWriteTimeUtc(file, modified.UtcDateTime);
                }

                return new(name) { File = file, FileDigest = digest };
            }
        }
        catch (HttpRequestException exception)
        {
            throw new BuildException(step.Line, $"ADD {address}: {exception.Message}", inner: exception);
        }
    }

    private static Func<uint, bool, uint> ModeOf(string text, BuildStep step)
    {
        if (text.Length is 0 or > 5 || text.AsSpan().ContainsAnyExceptInRange('0', '7'))
        {
            throw new BuildException(step.Line, $"--chmod={text}: expected an octal number such as 644 or 0755.");
        }

        var mode = text.Aggregate(0u, (value, digit) => (value << 3) | (uint)(digit - '0'));
        return mode <= 0xfff ? (_, _) => mode : throw new BuildException(step.Line, $"--chmod={text}: the largest mode is 7777.");
    }

}

/// <summary>One thing to copy: a path of the tree, a here-document, or a downloaded file.</summary>
internal sealed record CopySource(string Path)
{
    public bool IsInTree { get; init; }

    public byte[]? Content { get; init; }

    public string? File { get; init; }

    public Digest FileDigest { get; init; }
}

/// <summary>All that an instruction copies, the digest of it, and each file's own.</summary>
internal sealed record SourceContent(List<CopySource> Sources, string Digest, Dictionary<string, string> Files);
