using Berth.Compose.Model;

namespace Berth.Compose;

/// <summary>A part of a project: some services, what they need, and the networks, volumes, secrets and configs that these use.</summary>
public static class ProjectSelection
{
    /// <param name="names">Services; what the project does not have is passed over. Empty for all.</param>
    public static ProjectModel Of(ProjectModel project, IReadOnlyList<string> names)
    {
        if (names.Count == 0)
        {
            return project;
        }

        var members = WithPrerequisites(project.Services, names);
        var services = project.Services.Where(pair => members.Contains(pair.Key)).ToDictionary(StringComparer.Ordinal);
        return project with
        {
            Services = services,
            Networks = Used(project.Networks, services.Values.SelectMany(NetworksOf)),
            Volumes = Used(project.Volumes, services.Values.SelectMany(VolumesOf)),
            Secrets = Used(project.Secrets, services.Values.SelectMany(SecretsOf)),
            Configs = Used(project.Configs, services.Values.SelectMany(ConfigsOf)),
        };
    }

    /// <summary>Services and all that must be there first.</summary>
    public static IReadOnlySet<string> WithPrerequisites(IReadOnlyDictionary<string, ServiceModel> services, IEnumerable<string> names)
    {
        var members = names.Where(services.ContainsKey).ToHashSet(StringComparer.Ordinal);
        var pending = new Stack<string>(members);
        while (pending.TryPop(out var name))
        {
            foreach (var other in ServiceOrder.Prerequisites(services[name]).Where(services.ContainsKey).Where(members.Add))
            {
                pending.Push(other);
            }
        }

        return members;
    }

    internal static IEnumerable<string> NetworksOf(ServiceModel service) => service.Networks.Keys;

    internal static IEnumerable<string> VolumesOf(ServiceModel service) =>
        service.Volumes.Where(mount => mount is { Kind: MountKind.Volume, Source: not null }).Select(mount => mount.Source!);

    internal static IEnumerable<string> SecretsOf(ServiceModel service) => service.Secrets.Concat(service.Build?.Secrets ?? []).Select(one => one.Source);

    internal static IEnumerable<string> ConfigsOf(ServiceModel service) => service.Configs.Select(one => one.Source);

    internal static Dictionary<string, T> Used<T>(IReadOnlyDictionary<string, T> all, IEnumerable<string> used)
    {
        var names = used.ToHashSet(StringComparer.Ordinal);
        return all.Where(pair => names.Contains(pair.Key)).ToDictionary(StringComparer.Ordinal);
    }
}
