using System.Globalization;
using Berth.Api.DockerApi.Build;
using Berth.Engine;
using Berth.Engine.Errors;
using Berth.Linux;
using Berth.Linux.Files;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.BerthApi;

/// <summary>
/// Berth API, <c>POST /berth/v1/build?context=FOLDER&amp;folder=DEVICE:INODE&amp;…</c>: a build whose context the daemon reads where it lies,
/// so that nothing is packed and sent. <c>ssh=ID=PATH</c> gives an SSH agent or a key, <c>insecure=1</c> allows steps all rights. The further parameters and the answer are those of Docker's <c>/build</c>. A 409 says that the
/// daemon does not see the caller's folder (another machine behind the socket, another mount namespace): send it as an archive then.
/// </summary>
internal static class LocalBuildEndpoint
{
    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine) => routes.MapPost("/berth/v1/build", context =>
    {
        var folder = context.Query("context") is { Length: > 1 } path && path[0] == '/' ? path : throw BerthException.Invalid("context must be an absolute path");
        if (context.Query("folder") != Identify(folder))
        {
            throw BerthException.Conflict($"the folder {folder} here is not the caller's");
        }

        var config = BuildEndpoints.Config(context) with
        {
            ContextDirectory = folder,
            Identity = null,
            AllowsInsecure = context.Query("insecure") == "1",
            Agents = context.Request.Query["ssh"].Select(one => (one ?? "").Split('=', 2)).Where(parts => parts.Length == 2).GroupBy(parts => parts[0], StringComparer.Ordinal)
                .ToDictionary(group => group.Key, group => group.Last()[1], StringComparer.Ordinal),
        };
        return BuildEndpoints.RunAsync(context, engine, config, (build, _) => build(config));
    });

    /// <summary>Device and inode of a folder, or null when there is none.</summary>
    private static string? Identify(string folder)
    {
        try
        {
            using var handle = DirectoryHandle.Open(folder);
            var status = handle.Stat();
            return string.Create(CultureInfo.InvariantCulture, $"{status.FileSystem}:{status.Inode}");
        }
        catch (LinuxException exception) when (exception.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return null;
        }
    }
}
