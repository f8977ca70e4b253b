using Berth.Engine.Build;
using Berth.Engine.Containers;
using Berth.Oci.Images;

namespace Berth.Engine.Images;

/// <summary>Makes an image of a container's files: <c>docker commit</c>. Docker Engine API, "Create a new image from a container".</summary>
public static class ContainerCommit
{
    /// <param name="asked">Overrides what the container was made with, as a container's config overrides its image's; null for nothing.</param>
    /// <param name="changes">Dockerfile instructions, such as <c>CMD ["app"]</c>.</param>
    /// <param name="making">Author, comment and name; its config does not count.</param>
    /// <param name="pause">Stop the container's programs meanwhile.</param>
    public static Task<Image> CommitAsync(
        EngineHost engine, Container container, ContainerConfig? asked, IReadOnlyList<string> changes, ImageMaking making, bool pause, CancellationToken cancellationToken)
    {
        var record = container.Record;
        var parent = engine.Images.Resolve(record.ImageId);
        var config = asked is null ? record.Config : ContainerCreation.Merge(asked, record.Config);
        var complete = making with
        {
            Config = ConfigChange.ApplyLines(Defaults(config), changes),
            Platform = new() { Architecture = parent.Config.Architecture, OperatingSystem = parent.Config.Os, Variant = parent.Config.Variant },
            CreatedBy = string.Join(' ', record.Config.Cmd ?? []),
        };
        return engine.Containers.WithLayerAsync(container, pause, write => engine.Images.CommitAsync(parent, write, complete, cancellationToken));
    }

    private static ContainerDefaults Defaults(ContainerConfig config) => new()
    {
        User = config.User.Length > 0 ? config.User : null,
        ExposedPorts = Set(config.ExposedPorts?.Keys),
        Env = config.Env,
        Entrypoint = config.Entrypoint,
        Cmd = config.Cmd,
        Volumes = Set(config.Volumes?.Keys),
        WorkingDir = config.WorkingDir.Length > 0 ? config.WorkingDir : null,
        Labels = config.Labels is { Count: > 0 } labels ? new(labels, StringComparer.Ordinal) : null,
        StopSignal = config.StopSignal,
        Shell = config.Shell,
        Healthcheck = config.Healthcheck is not { } check ? null : new()
        {
            Test = check.Test,
            Interval = check.Interval,
            Timeout = check.Timeout,
            StartPeriod = check.StartPeriod,
            StartInterval = check.StartInterval,
            Retries = check.Retries,
        },
    };

    private static Dictionary<string, Oci.Images.EmptyObject>? Set(IEnumerable<string>? keys) =>
        keys?.ToDictionary(key => key, _ => Oci.Images.EmptyObject.Instance, StringComparer.Ordinal);
}
