using Berth.Engine.Containers;

namespace Berth.Engine.Networks;

/// <summary>A compose service, told by Docker Compose's labels, whoever created the container.</summary>
internal readonly record struct ServiceKey(string Project, string Service)
{
    internal const string ProjectLabel = "com.docker.compose.project";
    internal const string ServiceLabel = "com.docker.compose.service";
    internal const string OneOffLabel = "com.docker.compose.oneoff";
    internal const string NumberLabel = "com.docker.compose.container-number";

    /// <summary>Asks for the replicas' addresses instead of a virtual one (<c>deploy.endpoint_mode: dnsrr</c>).</summary>
    internal const string EndpointModeLabel = "org.berth.endpoint-mode";

    public override string ToString() => $"{Project}/{Service}";

    internal static ServiceKey? Of(ContainerRecord record)
    {
        var (project, service) = (record.Label(ProjectLabel), record.Label(ServiceLabel));
        return project.Length == 0 || service.Length == 0 || record.Label(OneOffLabel) == "True" ? null : new(project, service);
    }
}

/// <summary>What the names of one network mean. Pure.</summary>
internal static class NameTable
{
    /// <summary>One container's place in the network.</summary>
    internal sealed record Member(ContainerRecord Container, EndpointRecord Endpoint, bool Serves);

    /// <summary>
    /// Names → addresses. A service answers with its virtual address for its name, its aliases and a fixed container name;
    /// a generated container name and <c>tasks.SERVICE</c> answer with replicas. Service addresses are of IPv4: over IPv6 only replicas' own names are found.
    /// </summary>
    internal static Dictionary<string, IReadOnlyList<string>> Build(NetworkRecord network, IReadOnlyList<Member> members)
    {
        var names = new Dictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (var member in members)
        {
            foreach (var (name, address) in Names(network, member))
            {
                Add(names, name, address);
            }
        }

        foreach (var (key, address) in network.ServiceAddresses)
        {
            Add(names, key[(key.IndexOf('/', StringComparison.Ordinal) + 1)..], address);
        }

        return names.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<string>)[.. pair.Value], StringComparer.Ordinal);
    }

    /// <summary>The names under which a member finds itself: its own service is its own address.</summary>
    internal static IEnumerable<string> OwnNames(NetworkRecord network, Member member) =>
        ServiceKey.Of(member.Container) is { } service && network.ServiceAddresses.ContainsKey(service.ToString())
            ? ServiceNames(member, service).Select(Normalise)
            : [];

    /// <summary>What the links of an endpoint (<c>NAME:ALIAS</c>) mean: the alias is the other name, whatever that is just now.</summary>
    /// <param name="table">The network's names.</param>
    internal static IEnumerable<(string Alias, IReadOnlyList<string> Addresses)> Links(EndpointRecord endpoint, IReadOnlyDictionary<string, IReadOnlyList<string>> table) =>
        (endpoint.Config.Links ?? []).Select(link => link.Split(':')).Where(parts => parts is [{ Length: > 0 }] or [_, { Length: > 0 }])
            .Select(parts => (Alias: Normalise(parts[^1]), Addresses: table.GetValueOrDefault(Normalise(parts[0].TrimStart('/')))))
            .Where(pair => pair.Addresses is not null).Select(pair => (pair.Alias, pair.Addresses!));

    private static IEnumerable<(string Name, string Address)> Names(NetworkRecord network, Member member)
    {
        var service = ServiceKey.Of(member.Container);
        var address = service is { } key && network.ServiceAddresses.TryGetValue(key.ToString(), out var virtualAddress) ? virtualAddress : null;
        var own = member.Serves ? OwnAddressNames(member, service, address is not null) : [];
        var shared = service is { } named && address is not null ? ServiceNames(member, named).Select(name => (name, address)) : [];
        return own.SelectMany(name => member.Endpoint.Addresses.Select(one => (name, one))).Concat(shared);
    }

    // Those that mean this container and no other one of its service.
    private static IEnumerable<string> OwnAddressNames(Member member, ServiceKey? service, bool hasServiceAddress)
    {
        yield return member.Container.ShortId;
        if (service is { } tasks)
        {
            yield return "tasks." + tasks.Service;
        }

        if (!hasServiceAddress)
        {
            yield return member.Container.Name;
            foreach (var alias in (member.Endpoint.Config.Aliases ?? []).Concat(OwnHostname(member)))
            {
                yield return alias;
            }
        }
        else if (IsGenerated(member.Container, service!.Value))
        {
            yield return member.Container.Name;
        }
    }

    private static IEnumerable<string> OwnHostname(Member member) =>
        member.Container.Config.Hostname is { Length: > 0 } hostname && hostname != member.Container.ShortId ? [hostname] : [];

    private static IEnumerable<string> ServiceNames(Member member, ServiceKey service)
    {
        yield return service.Service;
        if (!IsGenerated(member.Container, service))
        {
            yield return member.Container.Name;
        }

        foreach (var alias in (member.Endpoint.Config.Aliases ?? []).Concat(OwnHostname(member)))
        {
            if (alias != member.Container.Name && alias != member.Container.ShortId)
            {
                yield return alias;
            }
        }
    }

    private static bool IsGenerated(ContainerRecord container, ServiceKey service) =>
        container.Name == $"{service.Project}-{service.Service}-{container.Label(ServiceKey.NumberLabel)}"
        || container.Name == $"{service.Project}_{service.Service}_{container.Label(ServiceKey.NumberLabel)}";

    private static void Add(Dictionary<string, SortedSet<string>> names, string name, string address)
    {
        var key = Normalise(name);
        if (!names.TryGetValue(key, out var addresses))
        {
            names[key] = addresses = new(StringComparer.Ordinal);
        }

        addresses.Add(address);
    }

    private static string Normalise(string name) => name.ToLowerInvariant();
}
