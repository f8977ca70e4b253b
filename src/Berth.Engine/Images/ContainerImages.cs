using Berth.Engine.Containers;

namespace Berth.Engine.Images;

/// <summary>The image store as containers see it.</summary>
internal sealed class ContainerImages(ImageStore images) : IContainerImages
{
    public (ContainerImage Image, IDisposable Lease) Hold(string reference)
    {
        while (true)
        {
            var wanted = images.Resolve(reference);
            var lease = images.Layers.Lease(wanted.ChainIds is [.., var top] ? top : default);
            try
            {
                var image = images.Resolve(reference); // after the lease: it may have gone meanwhile, or the name to another
                if (image.Id == wanted.Id)
                {
                    return (new(image.Id.ToString(), images.LowerDirectories(image), Defaults(image.Config.Config)), lease);
                }
            }
            catch
            {
                lease.Dispose();
                throw;
            }

            lease.Dispose();
        }
    }

    public Task LetGoAsync(ContainerRecord record) =>
        record.Mounts.Where(mount => mount.Type == "image").Select(mount => mount.Source).Append(record.ImageId).Any(id => images.TryResolve(id) is null)
            ? images.CollectAsync(CancellationToken.None)
            : Task.CompletedTask;

    private static ContainerConfig Defaults(Oci.Images.ContainerDefaults? defaults) => defaults is null ? new() : new()
    {
        User = defaults.User ?? "",
        ExposedPorts = Set(defaults.ExposedPorts?.Keys),
        Env = defaults.Env,
        Entrypoint = defaults.Entrypoint is { Count: > 0 } ? defaults.Entrypoint : null,
        Cmd = defaults.Cmd,
        Volumes = Set(defaults.Volumes?.Keys),
        WorkingDir = defaults.WorkingDir ?? "",
        Labels = defaults.Labels is null ? null : new(defaults.Labels, StringComparer.Ordinal),
        StopSignal = defaults.StopSignal,
        Shell = defaults.Shell,
        Healthcheck = defaults.Healthcheck is not { } check ? null : new()
        {
            Test = check.Test,
            Interval = check.Interval ?? 0,
            Timeout = check.Timeout ?? 0,
            StartPeriod = check.StartPeriod ?? 0,
            StartInterval = check.StartInterval ?? 0,
            Retries = check.Retries ?? 0,
        },
    };

    private static SortedDictionary<string, EmptyObject>? Set(IEnumerable<string>? keys) =>
        keys is null ? null : new(keys.ToDictionary(key => key, _ => EmptyObject.Value), StringComparer.Ordinal);
}
