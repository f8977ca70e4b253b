using Berth.Compose.Binding;
using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose;

/// <summary>Puts the parts together: applies profiles, checks references between the parts, drops what nobody uses.</summary>
internal sealed class ProjectAssembly(
    string name, string folder, IReadOnlyList<string> files, ProjectBinder parts, MapNode top, DiagnosticBag diagnostics)
{
    public ProjectModel Build(HashSet<string> profiles, ComposeLoadOptions options)
    {
        var (active, disabled) = ApplyProfiles(profiles, options.NamedServices);
        if (!options.SkipsChecks)
        {
            Check(active);
        }

        return new ProjectModel(
            name,
            folder,
            files,
            WithAllDependencies(active),
            disabled,
            Used(parts.Networks, ProjectSelection.NetworksOf),
            Used(parts.Volumes, ProjectSelection.VolumesOf),
            Used(parts.Secrets, ProjectSelection.SecretsOf),
            Used(parts.Configs, ProjectSelection.ConfigsOf))
        {
            Extensions = [.. top.Entries.Where(entry => entry.Key.StartsWith("x-", StringComparison.Ordinal)).Select(entry => KeyValuePair.Create(entry.Key, PlainValue.Of(entry.Value)))],
        };

        IReadOnlyDictionary<string, T> Used<T>(IReadOnlyDictionary<string, T> all, Func<ServiceModel, IEnumerable<string>> namesOf) => options.AllResources ? all : ProjectSelection.Used(all, active.Values.SelectMany(namesOf));
    }

    private void Check(Dictionary<string, ServiceModel> active)
    {
        foreach (var service in active.Values)
        {
            CheckDependencies(service, active);
            CheckNetworks(service, active);
            CheckMounts(service);
            CheckReferences(service);
        }

        CheckContainerNames(active.Values);
        CheckPorts(active.Values);
        CheckCycles(active);
    }

    private (Dictionary<string, ServiceModel> Active, Dictionary<string, ServiceModel> Disabled) ApplyProfiles(
        HashSet<string> profiles, IReadOnlyList<string> namedServices)
    {
        var isActive = parts.Services.ToLookup(
            pair => pair.Value.Profiles.Count == 0
                || profiles.Contains("*")
                || pair.Value.Profiles.Any(profiles.Contains)
                || namedServices.Contains(pair.Key));
        return (ToDictionary(isActive[true]), ToDictionary(isActive[false]));
    }

    private void CheckDependencies(ServiceModel service, Dictionary<string, ServiceModel> active)
    {
        foreach (var (other, dependency) in service.DependsOn)
        {
            if (active.ContainsKey(other) || !dependency.Required)
            {
                continue;
            }

            Error(service, "depends_on", parts.Services.ContainsKey(other)
                ? $"'{other}' is in a profile that is not active"
                : $"there is no service '{other}'.{Nearest.Suggest(other, parts.Services.Keys)}");
        }
    }

    private void CheckNetworks(ServiceModel service, Dictionary<string, ServiceModel> active)
    {
        foreach (var network in service.Networks.Keys.Where(network => !parts.Networks.ContainsKey(network)))
        {
            Error(service, "networks", $"there is no network '{network}' at the top level.{Nearest.Suggest(network, parts.Networks.Keys)}");
        }

        foreach (var (key, other) in service.Links.Select(link => ("links", link.Target)).Concat(service.VolumesFrom.Where(one => !one.IsContainer).Select(one => ("volumes_from", one.Source))))
        {
            if (!active.ContainsKey(other))
            {
                Error(service, key, $"there is no service '{other}'.{Nearest.Suggest(other, active.Keys)}");
            }
        }

        foreach (var other in (service.Build?.BuildsOn ?? []).Where(other => !active.TryGetValue(other, out var found) || found.Build is null))
        {
            Error(service, "build", active.ContainsKey(other)
                ? $"it is built on the image of '{other}', which the project does not build; write docker-image://IMAGE"
                : parts.Services.ContainsKey(other)
                ? $"it is built on the image of '{other}', which is in a profile that is not active"
                : $"there is no service '{other}' whose image it could be built on.{Nearest.Suggest(other, active.Keys)}");
        }

        foreach (var (key, mode) in new[] { ("network_mode", service.NetworkMode), ("pid", service.Pid), ("ipc", service.Ipc) })
        {
            if (mode is not null && mode.StartsWith("service:", StringComparison.Ordinal) && !active.ContainsKey(mode[8..]))
            {
                Error(service, key, $"there is no service '{mode[8..]}'.{Nearest.Suggest(mode[8..], active.Keys)}");
            }
        }
    }

    private void CheckMounts(ServiceModel service)
    {
        foreach (var volume in ProjectSelection.VolumesOf(service).Where(volume => !parts.Volumes.ContainsKey(volume)))
        {
            Error(
                service, "volumes",
                $"there is no volume '{volume}' at the top level; declare it there, or write './{volume}' for a "
                + $"folder.{Nearest.Suggest(volume, parts.Volumes.Keys)}");
        }
    }

    private void CheckReferences(ServiceModel service)
    {
        foreach (var secret in service.Secrets.Where(secret => !parts.Secrets.ContainsKey(secret.Source)))
        {
            Error(
                service, "secrets",
                $"there is no secret '{secret.Source}' at the top level.{Nearest.Suggest(secret.Source, parts.Secrets.Keys)}");
        }

        foreach (var secret in (service.Build?.Secrets ?? []).Where(secret => !parts.Secrets.ContainsKey(secret.Source)))
        {
            Error(
                service, "build",
                $"there is no secret '{secret.Source}' at the top level.{Nearest.Suggest(secret.Source, parts.Secrets.Keys)}");
        }

        foreach (var config in service.Configs.Where(config => !parts.Configs.ContainsKey(config.Source)))
        {
            Error(
                service, "configs",
                $"there is no config '{config.Source}' at the top level.{Nearest.Suggest(config.Source, parts.Configs.Keys)}");
        }
    }

    private void CheckContainerNames(IEnumerable<ServiceModel> services)
    {
        foreach (var group in services.Where(service => service.ContainerName is not null).GroupBy(service => service.ContainerName).Where(group => group.Count() > 1))
        {
            Error(group.Last(), "container_name", $"'{group.Key}' is also the container name of service '{group.First().Name}'");
        }
    }

    private void CheckPorts(IEnumerable<ServiceModel> services)
    {
        var ports = services.SelectMany(service => service.Ports.Select(port => (service, port)))
            .Where(one => one.port.PublishedFirst is not null && one.port.PublishedFirst == one.port.PublishedLast);
        foreach (var group in ports.GroupBy(one => (one.port.HostIp, one.port.PublishedFirst, one.port.Protocol)).Where(group => group.Count() > 1))
        {
            var (first, last) = (group.First().service.Name, group.Last().service);
            Error(
                last, "ports",
                $"host port {group.Key.PublishedFirst}/{group.Key.Protocol} is also published by "
                + $"{(first == last.Name ? "another entry here" : $"service '{first}'")}");
        }
    }

    // By which key a service waits for another.
    private static string KeyOf(ServiceModel service, string other) =>
        service.DependsOn.ContainsKey(other) ? "depends_on"
        : service.Links.Any(link => link.Target == other) ? "links"
        : service.VolumesFrom.Any(one => !one.IsContainer && one.Source == other) ? "volumes_from"
        : service.NetworkMode == "service:" + other ? "network_mode"
        : service.Pid == "service:" + other ? "pid" : "ipc";

    private void CheckCycles(Dictionary<string, ServiceModel> active)
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var service in active.Keys)
        {
            if (FindCycle(service, [], done, active, ServiceOrder.Prerequisites) is { } cycle)
            {
                Error(active[cycle[0]], KeyOf(active[cycle[0]], cycle[1]), $"services wait for one another: {string.Join(" -> ", cycle)}");
                break;
            }
        }

        done.Clear();
        foreach (var service in active.Keys)
        {
            if (FindCycle(service, [], done, active, one => one.Build?.BuildsOn ?? []) is { } cycle)
            {
                Error(active[cycle[0]], "build", $"images are built on one another: {string.Join(" -> ", cycle)}");
                break;
            }
        }
    }

    private static List<string>? FindCycle(
        string service, List<string> path, HashSet<string> done, Dictionary<string, ServiceModel> active, Func<ServiceModel, IEnumerable<string>> others)
    {
        var seen = path.IndexOf(service);
        if (seen >= 0)
        {
            return [.. path.Skip(seen), service];
        }

        if (done.Contains(service) || !active.TryGetValue(service, out var model))
        {
            return null;
        }

        path.Add(service);
        var cycle = others(model).Select(other => FindCycle(other, path, done, active, others)).FirstOrDefault(one => one is not null);
        path.RemoveAt(path.Count - 1);
        done.Add(service);
        return cycle;
    }

    /// <summary>
    /// An optional dependency that is not there is no dependency. What a service is linked to, or shares a namespace with, is one, with <c>restart</c>; one whose volumes it has, without.
    /// </summary>
    private static Dictionary<string, ServiceModel> WithAllDependencies(Dictionary<string, ServiceModel> active) => active.ToDictionary(
        pair => pair.Key,
        pair =>
        {
            var dependencies = ToDictionary(pair.Value.DependsOn.Where(one => active.ContainsKey(one.Key)));
            foreach (var other in pair.Value.Links.Select(link => link.Target).Concat(ServiceOrder.Namespaces(pair.Value)))
            {
                dependencies.TryAdd(other, new(DependencyCondition.Started, Restart: true, Required: true));
            }

            foreach (var other in ServiceOrder.VolumesFrom(pair.Value))
            {
                dependencies.TryAdd(other, new(DependencyCondition.Started, Restart: false, Required: true));
            }

            return pair.Value with { DependsOn = dependencies, AbsentDependencies = ToDictionary(pair.Value.DependsOn.Where(one => !active.ContainsKey(one.Key))) };
        },
        StringComparer.Ordinal);

    private static Dictionary<string, T> ToDictionary<T>(IEnumerable<KeyValuePair<string, T>> pairs) =>
        pairs.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);

    private void Error(ServiceModel service, string key, string message)
    {
        var services = (MapNode)top["services"]!;
        var map = services[service.Name] as MapNode;
        var place = map?.Entries.FirstOrDefault(entry => entry.Key == key)?.KeyPlace
            ?? services.Entries.First(entry => entry.Key == service.Name).KeyPlace;
        diagnostics.Error(place, $"services.{service.Name}.{key}: {message}");
    }
}
