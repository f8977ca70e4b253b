using System.Security.Cryptography;
using System.Text;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Errors;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Releases.Projects;

/// <summary>
/// The files behind secrets and configs. One that lies in a file is mounted as it is; text from the compose file or a variable, and what a file held in an earlier release,
/// is written below the data root, readable by containers that mount it and, its folder being closed, by nobody else. Each content has a file of its own, so that containers
/// of two releases beside each other have theirs, also when they start again.
/// </summary>
internal sealed class ProjectFiles(EngineOptions options)
{
    private const int KeptBytes = 1 << 20;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int DefaultMode = 0b100_100_100; // all may read it
    private const char AttributesMark = '@'; // no key has it

    /// <summary><c>secret/KEY</c> or <c>config/KEY</c>; where a service asks for an owner or permissions, these follow.</summary>
    internal static string KeyOf(string kind, FileReference reference) => $"{kind}/{reference.Source}{(HasAttributes(reference) ? $"{AttributesMark}{Attributes(reference)}" : "")}";

    /// <summary>Where <see cref="PrepareAsync"/> will have the secrets and configs of all services. Writes nothing; what cannot be had has no path.</summary>
    internal async Task<IReadOnlyDictionary<string, string>> FindAsync(ProjectModel project, CancellationToken cancellationToken)
    {
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (kind, reference, _) in References(project.Services.Values))
        {
            var source = Source(project, kind, reference);
            paths[KeyOf(kind, reference)] = await WrittenAsync(source, reference, cancellationToken).ConfigureAwait(false) is { } content
                ? PathOf(project.Name, kind, reference, content)
                : source.File ?? "";
        }

        return paths;
    }

    /// <summary>Host paths of what the services use, by <see cref="KeyOf"/>.</summary>
    /// <exception cref="BerthException">A file is missing, or an object cannot be had; all of them in one message.</exception>
    internal async Task<IReadOnlyDictionary<string, string>> PrepareAsync(ProjectModel project, IEnumerable<ServiceModel> services, CancellationToken cancellationToken)
    {
        var mistakes = new List<string>();
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (kind, reference, service) in References(services))
        {
            var source = Source(project, kind, reference);
            if (source.IsExternal)
            {
                mistakes.Add($"service '{service}': the {kind} '{reference.Source}' is external, and Berth keeps no {kind}s outside of projects; give it a file");
            }
            else if (source.Kept is null && source.File is { } file && Mistake(file, reference) is { } mistake)
            {
                mistakes.Add($"service '{service}': the {kind} '{reference.Source}' is in the file '{file}', which {mistake}");
            }
            else
            {
                paths[KeyOf(kind, reference)] = await WrittenAsync(source, reference, cancellationToken).ConfigureAwait(false) is { } content
                    ? await WriteAsync(project.Name, kind, reference, content, cancellationToken).ConfigureAwait(false)
                    : source.File!;
            }
        }

        return mistakes.Count == 0 ? paths : throw BerthException.Invalid(string.Join('\n', mistakes.Distinct()));
    }

    /// <summary>What the secrets and configs that are prepared hold, by <c>secret/KEY</c> and <c>config/KEY</c>. Folders, and what is larger than 1 MiB, are left out.</summary>
    /// <param name="paths">As <see cref="PrepareAsync"/> returns them.</param>
    internal static async Task<IReadOnlyDictionary<string, byte[]>> ReadAsync(IReadOnlyDictionary<string, string> paths, CancellationToken cancellationToken)
    {
        var contents = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var (key, path) in paths)
        {
            if (new FileInfo(path) is { Exists: true, Length: <= KeptBytes } info)
            {
                contents[key.Split(AttributesMark)[0]] = info.Length == 0 ? [] : await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false); // a pipe, which has no length, is not waited for
            }
        }

        return contents;
    }

    /// <summary>Removes what was written for a project and is not used any more.</summary>
    /// <param name="used">Host paths that containers have mounted, or will have.</param>
    internal void RemoveUnused(string project, IReadOnlySet<string> used)
    {
        foreach (var path in Directory.Exists(Folder(project)) ? Directory.GetFiles(Folder(project)).Where(path => !used.Contains(path)) : [])
        {
            File.Delete(path);
        }
    }

    /// <summary>Removes what was written for a project.</summary>
    internal void Remove(string project)
    {
        if (Directory.Exists(Folder(project)))
        {
            Directory.Delete(Folder(project), recursive: true);
        }
    }

    private string Folder(string project) => $"{options.DataRoot}/project-files/{project}";

    private static async Task<bool> HoldsAsync(string file, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        new FileInfo(file) is { Exists: true } info && info.Length == content.Length
        && (info.Length == 0 || (await File.ReadAllBytesAsync(file, cancellationToken).ConfigureAwait(false)).AsSpan().SequenceEqual(content.Span));

    private static IEnumerable<(string Kind, FileReference Reference, string Service)> References(IEnumerable<ServiceModel> services) => services.SelectMany(service =>
        service.Secrets.Select(one => ("secret", one, service.Name)).Concat(service.Configs.Select(one => ("config", one, service.Name))));

    private static FileObjectModel Source(ProjectModel project, string kind, FileReference reference) => (kind == "secret" ? project.Secrets : project.Configs)[reference.Source];

    private static bool HasAttributes(FileReference reference) => reference is { UserId: not null } or { GroupId: not null } or { Mode: not null };

    private static string Attributes(FileReference reference) => $"{reference.UserId ?? "0"}.{reference.GroupId ?? "0"}.{Convert.ToString(reference.Mode ?? DefaultMode, 8)}";

    // Null for what is mounted from where it is.
    private static async Task<ReadOnlyMemory<byte>?> WrittenAsync(FileObjectModel source, FileReference reference, CancellationToken cancellationToken)
    {
        if (source.Kept is { } kept && !(source.File is { } same && !HasAttributes(reference) && await HoldsAsync(same, kept, cancellationToken).ConfigureAwait(false)))
        {
            return kept;
        }

        if (source.IsExternal || (source.File is { } file && (!HasAttributes(reference) || Mistake(file, reference) is not null)))
        {
            return null;
        }

        return source.File is { } owned ? await CopyAsync(owned, cancellationToken).ConfigureAwait(false) : Encoding.UTF8.GetBytes(source.Content ?? "");
    }

    private static async Task<byte[]> CopyAsync(string file, CancellationToken cancellationToken)
    {
        await using var stream = RegularFile.Open(file);
        var content = new byte[Math.Min(stream.Length, KeptBytes)];
        return content[..await stream.ReadAtLeastAsync(content, content.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false)];
    }

    // A file keeps its owner and permissions: whoever asks for others gets a copy.
    private static string? Mistake(string file, FileReference reference)
    {
        if (!HasAttributes(reference) || !Path.Exists(file))
        {
            return Path.Exists(file) ? null : "does not exist";
        }

        try
        {
            using var stream = RegularFile.Open(file);
            return stream.Length > KeptBytes ? "is larger than 1 MiB: it cannot be given an owner or permissions (uid, gid, mode)" : null;
        }
        catch (LinuxException exception)
        {
            return $"cannot be given an owner or permissions (uid, gid, mode): {exception.Message}";
        }
    }

    private string PathOf(string project, string kind, FileReference reference, ReadOnlyMemory<byte> content) =>
        $"{Folder(project)}/{kind}-{reference.Source}-{Convert.ToHexStringLower(SHA256.HashData(content.Span))[..16]}{(HasAttributes(reference) ? "-" + Attributes(reference) : "")}";

    private async Task<string> WriteAsync(string project, string kind, FileReference reference, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory($"{options.DataRoot}/project-files", OwnerOnly);
        var folder = Directory.CreateDirectory(Folder(project)).FullName;
        var path = PathOf(project, kind, reference, content);
        if (!await HoldsAsync(path, content, cancellationToken).ConfigureAwait(false))
        {
            await File.WriteAllBytesAsync(path + ".new", content, cancellationToken).ConfigureAwait(false);
            File.SetUnixFileMode(path + ".new", (UnixFileMode)(reference.Mode ?? DefaultMode));
            if (HasAttributes(reference))
            {
                using var directory = DirectoryHandle.Open(folder);
                directory.SetOwner(Path.GetFileName(path) + ".new", Id(reference.UserId), Id(reference.GroupId));
            }

            File.Move(path + ".new", path, overwrite: true);
        }

        return path;
    }

    private static uint Id(string? text) => text is null ? 0 : uint.Parse(text, System.Globalization.CultureInfo.InvariantCulture); // the binder has seen to that
}
