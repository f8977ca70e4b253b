using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads what of a service names something else: networks, other services, secrets and configs, hosts.</summary>
/// <remarks>Compose Specification, 05-services.md: <c>networks</c>, <c>depends_on</c>, <c>links</c>, <c>volumes_from</c>, <c>secrets</c>, <c>configs</c>, <c>extra_hosts</c>.</remarks>
internal static class ReferenceBinder
{
    private const int LongestInterfaceName = 15; // IFNAMSIZ without the zero, netdevice(7)

    public static Dictionary<string, ServiceNetwork> ReadNetworks(MapReader service)
    {
        var networks = new Dictionary<string, ServiceNetwork>(StringComparer.Ordinal);
        foreach (var entry in service.MapEntries("networks"))
        {
            if (entry.Value is not MapNode map)
            {
                networks[entry.Key] = new ServiceNetwork([], null, null);
                continue;
            }

            var network = new MapReader(map, $"{service.Path}.networks.{entry.Key}", service.Diagnostics);
            networks[entry.Key] = new ServiceNetwork(network.Texts("aliases"), Address(network, "ipv4_address", '.'), Address(network, "ipv6_address", ':'))
            {
                MacAddress = ReadMacAddress(network),
                Priority = network.Integer("priority", int.MinValue) ?? 0,
                GatewayPriority = network.Integer("gw_priority", int.MinValue) ?? 0,
                DriverOptions = network.TextMap("driver_opts"),
                LinkLocalAddresses = network.Texts("link_local_ips"),
                InterfaceName = ReadInterfaceName(network),
            };
            if (networks[entry.Key].InterfaceName is { } name && networks.FirstOrDefault(other => other.Key != entry.Key && other.Value.InterfaceName == name).Key is { } taken)
            {
                network.Error("interface_name", $"'{name}' is the interface to the network '{taken}'");
            }

            network.Finish();
        }

        if (networks.Count == 0 && !service.Has("network_mode"))
        {
            networks["default"] = new ServiceNetwork([], null, null);
        }

        return networks;
    }

    private static string? Address(MapReader network, string key, char separator)
    {
        var text = network.Text(key);
        if (text is not null && (!text.Contains(separator, StringComparison.Ordinal) || !System.Net.IPAddress.TryParse(text, out _)))
        {
            network.Error(key, $"'{text}' is not an address of this kind");
        }

        return text;
    }

    private static string? ReadInterfaceName(MapReader network)
    {
        var name = network.Text("interface_name");
        if (name is not null && (name.Length is 0 or > LongestInterfaceName || name is "." or ".." or "lo" || name.Any(letter => letter is <= ' ' or > '~' or '/' or ':')))
        {
            network.Error("interface_name", $"'{name}' is no name of an interface: 1 to {LongestInterfaceName} ASCII characters without '/', ':' and blanks");
        }

        return name;
    }

    public static string? ReadMacAddress(MapReader reader)
    {
        var text = reader.Text("mac_address");
        if (text is not null && !System.Text.RegularExpressions.Regex.IsMatch(text, "^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$"))
        {
            reader.Error("mac_address", $"'{text}' must be six bytes such as 02:42:ac:11:00:02");
        }

        return text;
    }

    public static Dictionary<string, Dependency> ReadDependencies(MapReader service)
    {
        var dependencies = new Dictionary<string, Dependency>(StringComparer.Ordinal);
        foreach (var entry in service.MapEntries("depends_on"))
        {
            if (entry.Value is not MapNode map)
            {
                service.Diagnostics.Error(
                    entry.Value.Place,
                    $"{service.Path}.depends_on.{entry.Key}: must be a mapping with a 'condition'");
                continue;
            }

            var dependency = new MapReader(map, $"{service.Path}.depends_on.{entry.Key}", service.Diagnostics);
            var condition = dependency.OneOf("condition", "service_started", "service_healthy", "service_completed_successfully");
            if (!dependency.Has("condition"))
            {
                service.Diagnostics.Error(entry.KeyPlace, $"{dependency.Path}: needs a 'condition'");
            }

            dependencies[entry.Key] = new Dependency(
                condition switch
                {
                    "service_healthy" => DependencyCondition.Healthy,
                    "service_completed_successfully" => DependencyCondition.CompletedSuccessfully,
                    _ => DependencyCondition.Started,
                },
                dependency.Bool("restart") ?? false,
                dependency.Bool("required") ?? true);
            dependency.Finish();
        }

        return dependencies;
    }

    public static List<LinkModel> ReadLinks(MapReader service, string key)
    {
        var links = new List<LinkModel>();
        foreach (var scalar in service.Scalars(key))
        {
            var parts = scalar.Text.Split(':');
            if (parts.Length > 2 || parts.Any(part => part.Length == 0))
            {
                service.Diagnostics.Error(scalar.Place, $"{service.Path}.{key}: '{scalar.Text}' must have the form {(key == "links" ? "SERVICE" : "CONTAINER")}[:ALIAS]");
                continue;
            }

            links.Add(new LinkModel(parts[0], parts[^1]));
        }

        return links;
    }

    public static List<VolumesFromModel> ReadVolumesFrom(MapReader service)
    {
        var sources = new List<VolumesFromModel>();
        foreach (var scalar in service.Scalars("volumes_from"))
        {
            var isContainer = scalar.Text.StartsWith("container:", StringComparison.Ordinal);
            var parts = (isContainer ? scalar.Text["container:".Length..] : scalar.Text).Split(':');
            if (parts.Length > 2 || parts[0].Length == 0 || (parts.Length == 2 && parts[1] is not ("ro" or "rw")))
            {
                service.Diagnostics.Error(scalar.Place, $"{service.Path}.volumes_from: '{scalar.Text}' must have the form SERVICE[:ro] or container:NAME[:ro]");
                continue;
            }

            sources.Add(new VolumesFromModel(parts[0], isContainer, parts is [_, "ro"]));
        }

        return sources;
    }

    private static string? ReadId(MapReader reference, string key)
    {
        var text = reference.Text(key);
        if (text is not null && !uint.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out _))
        {
            reference.Error(key, $"'{text}' must be a number");
        }

        return text;
    }

    public static List<FileReference> ReadReferences(MapReader service, string key, string folder)
    {
        var references = new List<FileReference>();
        foreach (var item in service.Items(key))
        {
            if (item is ScalarNode scalar)
            {
                references.Add(new FileReference(scalar.Text, folder + scalar.Text, null, null, null));
            }
            else if (item is MapNode map)
            {
                var reference = new MapReader(map, $"{service.Path}.{key}", service.Diagnostics);
                var source = reference.Text("source") ?? string.Empty;
                var written = reference.Text("target");
                var target = written ?? source;
                references.Add(new FileReference(
                    source,
                    target.StartsWith('/') ? target : folder + target,
                    ReadId(reference, "uid"),
                    ReadId(reference, "gid"),
                    reference.Mode("mode"),
                    written));
                reference.Finish();
            }
        }

        return references;
    }

    public static List<string> ReadExtraHosts(MapReader service)
    {
        var hosts = new List<string>();
        foreach (var scalar in service.Scalars("extra_hosts"))
        {
            var separator = scalar.Text.IndexOf('=', StringComparison.Ordinal);
            separator = separator < 0 ? scalar.Text.IndexOf(':', StringComparison.Ordinal) : separator;
            var address = separator < 0 ? string.Empty : scalar.Text[(separator + 1)..].Trim('[', ']');
            if (separator <= 0 || (address != "host-gateway" && !System.Net.IPAddress.TryParse(address, out _)))
            {
                service.Diagnostics.Error(
                    scalar.Place,
                    $"{service.Path}.extra_hosts: '{scalar.Text}' must have the form NAME=ADDRESS or NAME=host-gateway");
                continue;
            }

            hosts.Add($"{scalar.Text[..separator]}:{address}");
        }

        return hosts;
    }
}
