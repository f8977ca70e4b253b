using System.Net;
using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads the top level of the merged files.</summary>
internal sealed class ProjectBinder(string projectName, ProjectPaths paths, ServiceBinder services, Func<string, string?> lookup, IReadOnlyDictionary<string, byte[]> kept)
{
    public Dictionary<string, ServiceModel> Services { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, NetworkModel> Networks { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, VolumeModel> Volumes { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, FileObjectModel> Secrets { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, FileObjectModel> Configs { get; } = new(StringComparer.Ordinal);

    public void Read(MapReader top)
    {
        if (top.Has("version"))
        {
            top.Diagnostics.Warning(
                top.PlaceOf("version"),
                "the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion");
        }

        _ = top.Text("name"); // read before, because variables may refer to it
        foreach (var (name, service) in Children(top, "services"))
        {
            Services[name] = services.Read(name, service);
        }

        foreach (var (name, network) in Children(top, "networks"))
        {
            Networks[name] = ReadNetwork(name, network);
        }

        foreach (var (name, volume) in Children(top, "volumes"))
        {
            Volumes[name] = ReadVolume(name, volume);
        }

        foreach (var (name, secret) in Children(top, "secrets"))
        {
            Secrets[name] = ReadFileObject(name, secret, "secrets");
        }

        foreach (var (name, config) in Children(top, "configs"))
        {
            Configs[name] = ReadFileObject(name, config, "configs");
        }

        Networks.TryAdd("default", NewDefaultNetwork());
        top.Finish(("models", "Berth runs no language models; run a server for it as a service"));
        if (Services.Count == 0 && !top.Diagnostics.HasErrors)
        {
            top.Diagnostics.Error(top.Place, "the project has no service");
        }
    }

    private static IEnumerable<(string Name, MapReader Map)> Children(MapReader top, string key)
    {
        foreach (var entry in top.MapEntries(key))
        {
            if (entry.Key.StartsWith("x-", StringComparison.Ordinal))
            {
                continue;
            }

            if (!ComposeNames.IsKey(entry.Key))
            {
                top.Diagnostics.Error(entry.KeyPlace, $"{key}: '{entry.Key}' must consist of letters, digits, '.', '_' and '-'");
            }

            var isEmpty = entry.Value is ScalarNode { IsNull: true };
            if (entry.Value is not MapNode && (!isEmpty || key == "services"))
            {
                top.Diagnostics.Error(entry.KeyPlace, $"{key}.{entry.Key}: must be a mapping");
                continue;
            }

            var map = entry.Value as MapNode ?? new MapNode(entry.KeyPlace, MergeTag.None, []);
            yield return (entry.Key, new MapReader(map with { Place = entry.KeyPlace }, $"{key}.{entry.Key}", top.Diagnostics));
        }
    }

    private NetworkModel NewDefaultNetwork() =>
        new("default", ComposeNames.Resource(projectName, "default"), false, "bridge", Empty, false, false, null, Empty, []);

    private static Dictionary<string, string> Empty => [];

    private NetworkModel ReadNetwork(string key, MapReader network)
    {
        var (isExternal, name) = ReadIdentity(key, network);
        var ipam = network.Map("ipam");
        var model = new NetworkModel(
            key,
            name,
            isExternal,
            network.OneOf("driver", "bridge", "default") is null or "default" or "bridge" ? "bridge" : string.Empty,
            network.TextMap("driver_opts"),
            network.Bool("internal") ?? false,
            network.Bool("attachable") ?? false,
            network.Bool("enable_ipv6"),
            network.TextMap("labels"),
            ipam is null ? [] : ReadPools(ipam))
        {
            EnableIpv4 = network.Bool("enable_ipv4"),
            Written = new() { { "driver", network.Text("driver") }, { "ipam_driver", ipam?.Text("driver") } },
        };
        network.Finish();
        RefuseWithExternal(network, isExternal);
        return model;
    }

    private static List<AddressPool> ReadPools(MapReader ipam)
    {
        _ = ipam.OneOf("driver", "default");
        var pools = new List<AddressPool>();
        foreach (var item in ipam.Items("config"))
        {
            if (item is not MapNode map)
            {
                ipam.Diagnostics.Error(item.Place, $"{ipam.Path}.config: must be a list of mappings");
                continue;
            }

            var pool = new MapReader(map, $"{ipam.Path}.config", ipam.Diagnostics);
            var (subnet, gateway, range) = (pool.Text("subnet"), pool.Text("gateway"), pool.Text("ip_range"));
            CheckNetwork(pool, "subnet", subnet);
            CheckNetwork(pool, "ip_range", range);
            if (gateway is not null && !IPAddress.TryParse(gateway, out _))
            {
                pool.Error("gateway", $"'{gateway}' is not an address");
            }

            var reserved = pool.TextMap("aux_addresses");
            foreach (var (name, address) in reserved.Where(pair => !IPAddress.TryParse(pair.Value, out _)))
            {
                pool.Error("aux_addresses", $"'{address}', which is called {name}, is not an address");
            }

            pool.Finish();
            pools.Add(new AddressPool(subnet, gateway, range) { Reserved = reserved.Count > 0 ? reserved : null });
        }

        ipam.Finish(("options", "the only driver there is has none"));
        return pools;
    }

    private static void CheckNetwork(MapReader pool, string key, string? text)
    {
        if (text is not null && !(IPNetwork.TryParse(text, out var network) && IPAddress.Parse(text.Split('/')[0]).Equals(network.BaseAddress)))
        {
            pool.Error(key, $"'{text}' is not a network such as 172.28.0.0/16 (the host part must be zero)");
        }
    }

    private VolumeModel ReadVolume(string key, MapReader volume)
    {
        var (isExternal, name) = ReadIdentity(key, volume);
        var model = new VolumeModel(
            key,
            name,
            isExternal,
            volume.OneOf("driver", "local") ?? "local",
            volume.TextMap("driver_opts"),
            volume.TextMap("labels"))
        {
            Written = new() { { "driver", volume.Text("driver") } },
        };
        volume.Finish();
        RefuseWithExternal(volume, isExternal);
        return model;
    }

    /// <summary><c>external: true</c>, or the old <c>external: {name: X}</c>.</summary>
    private (bool IsExternal, string Name) ReadIdentity(string key, MapReader resource)
    {
        var name = resource.Text("name");
        if (resource.Node("external") is MapNode)
        {
            var old = resource.Map("external")!;
            name = old.Text("name") ?? name;
            old.Finish();
            return (true, name ?? key);
        }

        var isExternal = resource.Bool("external") ?? false;
        return (isExternal, name ?? (isExternal ? key : ComposeNames.Resource(projectName, key)));
    }

    private static void RefuseWithExternal(MapReader resource, bool isExternal)
    {
        foreach (var entry in resource.Entries.Where(entry => isExternal && entry.Key is not ("external" or "name") && entry.Value is not MapNode { Entries.Count: 0 } && !entry.Key.StartsWith("x-", StringComparison.Ordinal)))
        {
            resource.Error(entry.Key, "has no meaning for something external, which exists already");
        }
    }

    private FileObjectModel ReadFileObject(string key, MapReader map, string kind)
    {
        var (isExternal, name) = ReadIdentity(key, map);
        var file = map.Text("file");
        var variable = map.Text("environment");
        var content = kind == "configs" ? map.Text("content") : null;
        var sources = new[] { file, variable, content }.Count(source => source is not null);
        if (isExternal)
        {
            map.Error("external", "external secrets and configs need a swarm; use 'file' or 'environment'");
        }
        else if (sources != 1)
        {
            map.Diagnostics.Error(
                map.Place,
                $"{map.Path}: needs exactly one of "
                + $"{(kind == "configs" ? "'file', 'environment' and 'content'" : "'file' and 'environment'")}");
        }

        var isKept = kept.TryGetValue($"{kind[..^1]}/{key}", out var bytes);
        if (variable is not null && !isKept)
        {
            content = lookup(variable);
            if (content is null)
            {
                map.Error("environment", $"the variable '{variable}' is not set");
            }
        }

        if (file is not null && !isKept && !File.Exists(paths.Resolve(file)))
        {
            map.Error("file", $"'{paths.Resolve(file)}' does not exist");
        }

        foreach (var word in new[] { "labels", "driver", "driver_opts", "template_driver" }.Where(map.Has))
        {
            map.Diagnostics.Warning(map.PlaceOf(word), $"{map.Path}.{word}: is for a swarm's own {kind}, which Berth does not keep; it has no effect");
        }

        map.Finish();
        return new FileObjectModel(key, name, isExternal, file is null ? null : paths.Resolve(file), variable, content) { Kept = isKept ? bytes : (ReadOnlyMemory<byte>?)null };
    }
}
