using System.Security.Cryptography;
using System.Text;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Errors;

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
    private const UnixFileMode ReadableByAll = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Host paths by <c>secret/KEY</c> and <c>config/KEY</c>, of what the services use.</summary>
    /// <exception cref="BerthException">A file is missing, or an object cannot be had; all of them in one message.</exception>
    internal async Task<IReadOnlyDictionary<string, string>> PrepareAsync(ProjectModel project, IEnumerable<ServiceModel> services, CancellationToken cancellationToken)
    {
        var wanted = services.SelectMany(service => service.Secrets.Select(one => (Kind: "secret", one, Service: service.Name))
            .Concat(service.Configs.Select(one => (Kind: "config", one, Service: service.Name)))).ToList();
        var mistakes = new List<string>();
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (kind, reference, service) in wanted)
        {
            if (reference is { UserId: not null } or { GroupId: not null } or { Mode: not null })
            {
                mistakes.Add($"service '{service}': the {kind} '{reference.Source}' asks for uid, gid or mode, which Berth does not set: it is mounted as the file is. Take them out and set them on the file");
            }

            var source = (kind == "secret" ? project.Secrets : project.Configs)[reference.Source];
            if (source.IsExternal)
            {
                mistakes.Add($"service '{service}': the {kind} '{reference.Source}' is external, and Berth keeps no {kind}s outside of projects; give it a file");
            }
            else if (source.Kept is { } kept && !(source.File is { } same && await HoldsAsync(same, kept, cancellationToken).ConfigureAwait(false)))
            {
                paths[$"{kind}/{reference.Source}"] = await WriteAsync(project.Name, kind, source.Key, kept, cancellationToken).ConfigureAwait(false);
            }
            else if (source.File is { } file)
            {
                if (!File.Exists(file) && !Directory.Exists(file))
                {
                    mistakes.Add($"service '{service}': the {kind} '{reference.Source}' is in the file '{file}', which does not exist");
                }

                paths[$"{kind}/{reference.Source}"] = file;
            }
            else
            {
                paths[$"{kind}/{reference.Source}"] = await WriteAsync(project.Name, kind, source.Key, Encoding.UTF8.GetBytes(source.Content ?? ""), cancellationToken).ConfigureAwait(false);
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
                contents[key] = info.Length == 0 ? [] : await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false); // a pipe, which has no length, is not waited for
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

    private async Task<string> WriteAsync(string project, string kind, string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory($"{options.DataRoot}/project-files", OwnerOnly);
        Directory.CreateDirectory(Folder(project));
        var path = $"{Folder(project)}/{kind}-{key}-{Convert.ToHexStringLower(SHA256.HashData(content.Span))[..16]}";
        if (!await HoldsAsync(path, content, cancellationToken).ConfigureAwait(false))
        {
            await File.WriteAllBytesAsync(path + ".new", content, cancellationToken).ConfigureAwait(false);
            File.SetUnixFileMode(path + ".new", ReadableByAll);
            File.Move(path + ".new", path, overwrite: true);
        }

        return path;
    }
}
