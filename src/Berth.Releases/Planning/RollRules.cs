using Berth.Compose.Model;

namespace Berth.Releases.Planning;

/// <summary>How a service's containers are replaced.</summary>
/// <param name="Reason">Why so; for people.</param>
/// <param name="Problem">Set when what was asked for cannot be.</param>
internal sealed record RollDecision(RollSettings Settings, string Reason, string? Problem = null);

/// <summary>
/// Decides whether a service's new containers may start while the old ones serve. Two copies are possible unless something is there only once: an
/// address, a device, a namespace of the host, a folder of data. And somebody must be able to tell when the new one is ready. Pure.
/// </summary>
internal static class RollRules
{
    /// <param name="image">Null when it is not here yet.</param>
    /// <param name="isShared">Another service lives in a namespace of this one's containers.</param>
    internal static RollDecision Decide(ServiceModel service, string imageName, ActualImage? image, int wanted, bool isShared, bool goesBack)
    {
        var asked = service.Extension?.Roll?.Order ?? service.Deploy?.Update?.Order;
        var obstacle = Single(service, imageName, image, isShared);
        var order = asked == "start-first" || (asked is null && obstacle is null && CanTellReady(service, image)) ? RollOrder.StartFirst
            : wanted > 1 && obstacle is null or { IsAbsolute: false } ? RollOrder.StopFirst
            : RollOrder.Alone;
        var settings = RollSettings.Of(service, wanted, order, goesBack);
        if (order == RollOrder.StartFirst && obstacle is { IsAbsolute: true })
        {
            return new(settings, "", $"service '{service.Name}': it cannot be rolled start-first, because {obstacle.Reason}; take 'order: start-first' away, then it is replaced stop-first");
        }

        if (order == RollOrder.StartFirst && settings.MaximumTotal <= wanted)
        {
            order = wanted > 1 ? RollOrder.StopFirst : RollOrder.Alone;
            settings = RollSettings.Of(service, wanted, order, goesBack);
            obstacle = new($"no more than {wanted} may run at once (x-berth.roll.max)", IsAbsolute: false);
        }

        var why = asked == "stop-first" ? "'order: stop-first' was asked for"
            : obstacle?.Reason ?? "it has neither a health check nor a TCP port, so nothing tells when a new copy is ready";
        if (order != RollOrder.StartFirst && service.Extension?.Roll?.MinimumPercent is { } percent && settings.MinimumServing >= wanted)
        {
            return new(
                settings, "",
                $"service '{service.Name}': x-berth.roll.min: {percent}% of {wanted} means that {settings.MinimumServing} must serve at any time, so none can be stopped first, "
                + $"and a new one cannot be started first, because {why}");
        }

        return new(settings, order == RollOrder.StartFirst ? "start-first" : $"stop-first: {why}");
    }

    private static bool CanTellReady(ServiceModel service, ActualImage? image) =>
        service.Extension?.Ready is not null
        || HasHealthcheck(service, image)
        || HasTcpPort(service, image);

    /// <summary>Whether the service publishes or exposes a TCP port, or its image does.</summary>
    internal static bool HasTcpPort(ServiceModel service, ActualImage? image) =>
        service.Ports.Any(port => port.Protocol == "tcp")
        || service.Expose.Concat(image?.ExposedPorts ?? []).Any(port => !port.Contains('/', StringComparison.Ordinal) || port.EndsWith("/tcp", StringComparison.Ordinal));

    private static bool HasHealthcheck(ServiceModel service, ActualImage? image) => service.Healthcheck switch
    {
        { IsDisabled: true } => false,
        { Test: not null } => true,
        _ => image?.HasHealthcheck == true,
    };

    private static Obstacle? Single(ServiceModel service, string imageName, ActualImage? image, bool isShared)
    {
        if (service.NetworkMode is { } mode && mode != "bridge")
        {
            return new(mode == "host" ? "two copies cannot have the same ports of the host" : $"it has network_mode '{mode}'", IsAbsolute: true);
        }

        if (service.Networks.FirstOrDefault(pair => pair.Value.Ipv4Address is not null).Value is { } network)
        {
            return new($"its address {network.Ipv4Address} is there only once", IsAbsolute: true);
        }

        if (isShared)
        {
            return new("another service lives in its namespaces", IsAbsolute: true);
        }

        if (DataPaths.Find(service, imageName) is var (path, database))
        {
            return new($"it keeps {database} data in {path}, and two servers on them destroy them", IsAbsolute: true);
        }

        if (service.Devices.Count > 0)
        {
            return new($"the device {service.Devices[0].Source} is there only once", IsAbsolute: false);
        }

        // What the image declares as a VOLUME is one container's data, whether the file names a place for it or not.
        var mounts = service.Volumes.ToLookup(mount => mount.Target.TrimEnd('/'), StringComparer.Ordinal);
        return image?.Volumes.Select(target => target.TrimEnd('/')).FirstOrDefault(target => mounts[target].All(mount => !mount.ReadOnly && mount.Kind != MountKind.Tmpfs)) is { } volume
            ? new($"its image keeps data in {volume}, which two copies would share", IsAbsolute: false)
            : null;
    }

    /// <param name="IsAbsolute">Nobody may override it.</param>
    private sealed record Obstacle(string Reason, bool IsAbsolute);
}
