using Berth.Compose.Model;
using RestartPolicy = Berth.Compose.Model.RestartPolicy;

namespace Berth.Releases.Projects;

/// <summary>What makes a <c>run</c> container differ from a replica of its service. Pure.</summary>
internal static class OneOff
{
    internal static ServiceModel Change(ServiceModel service, OneOffOptions options) => service with
    {
        Command = options.Command.Count > 0 ? options.Command : options.Entrypoint is null ? service.Command : [],
        Entrypoint = options.Entrypoint ?? service.Entrypoint,
        User = options.User ?? service.User,
        WorkingDirectory = options.WorkingDirectory ?? service.WorkingDirectory,
        Environment = service.Environment.Where(pair => !options.Environment.ContainsKey(pair.Key)).Concat(options.Environment)
            .ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal),
        Labels = service.Labels.Where(pair => !options.Labels.ContainsKey(pair.Key)).Concat(options.Labels)
            .ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal),
        Ports = [.. options.ServicePorts ? service.Ports : [], .. options.Ports],
        CapAdd = [.. service.CapAdd, .. options.AddedCapabilities],
        CapDrop = [.. service.CapDrop, .. options.DroppedCapabilities],
        ContainerName = null,
        Restart = RestartPolicy.Never,
        Tty = options.Terminal,
        StdinOpen = options.Interactive,
    };

    internal static ServiceContainer Finish(ServiceContainer made, OneOffOptions options) => made with
    {
        Config = made.Config with { AttachStdin = options.Interactive, StdinOnce = options.Interactive },
        Host = made.Host with { AutoRemove = options.AutoRemove, Binds = options.Volumes },
    };
}
