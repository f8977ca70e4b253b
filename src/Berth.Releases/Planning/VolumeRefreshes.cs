using Berth.Compose.Model;

namespace Berth.Releases.Planning;

/// <summary>The volumes that a service's <c>x-berth.refresh</c> names.</summary>
internal static class VolumeRefreshes
{
    internal static IEnumerable<RefreshVolume> Of(ProjectModel project, ServiceModel service) =>
        from name in service.Extension?.Refresh ?? []
        let mount = service.Volumes.First(mount => mount.Kind == MountKind.Volume && mount.Source == name) // the binder has seen to that
        select new RefreshVolume(service, project.Volumes[name].Name, mount.Target, $"it takes over what the image of '{service.Name}' has in {mount.Target}");
}
