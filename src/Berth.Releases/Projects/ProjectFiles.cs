using System.Text;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Errors;

namespace Berth.Releases.Projects;

/// <summary>
/// The files behind secrets and configs. One that lies in a file is mounted as it is; text from the compose file or a variable
/// is written below the data root, readable by containers that mount it and, its folder being closed, by nobody else.
/// </summary>
internal sealed class ProjectFiles(EngineOptions options)
{
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
                paths[$"{kind}/{reference.Source}"] = await WriteAsync(project.Name, kind, source, cancellationToken).ConfigureAwait(false);
            }
        }

        return mistakes.Count == 0 ? paths : throw BerthException.Invalid(string.Join('\n', mistakes.Distinct()));
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

    private async Task<string> WriteAsync(string project, string kind, FileObjectModel source, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory($"{options.DataRoot}/project-files", OwnerOnly);
        Directory.CreateDirectory(Folder(project));
        var bytes = Encoding.UTF8.GetBytes(source.Content ?? "");
        var path = $"{Folder(project)}/{kind}-{source.Key}";
        if (File.Exists(path) && (await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false)).AsSpan().SequenceEqual(bytes))
        {
            return path;
        }

        // A new file beside the old one: a container that has the old one mounted keeps it until it is replaced.
        await File.WriteAllBytesAsync(path + ".new", bytes, cancellationToken).ConfigureAwait(false);
        File.SetUnixFileMode(path + ".new", ReadableByAll);
        File.Move(path + ".new", path, overwrite: true);
        return path;
    }
}
