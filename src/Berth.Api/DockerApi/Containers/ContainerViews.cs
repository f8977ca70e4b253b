using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Networks;

namespace Berth.Api.DockerApi.Containers;

/// <summary>Containers as the Docker API shows them.</summary>
internal static class ContainerViews
{
    internal static string StatusWord(ContainerStatus status) => status switch
    {
        ContainerStatus.Created => "created",
        ContainerStatus.Running => "running",
        ContainerStatus.Paused => "paused",
        ContainerStatus.Restarting => "restarting",
        ContainerStatus.Removing => "removing",
        ContainerStatus.Exited => "exited",
        _ => "dead",
    };

    /// <summary>An entry of <c>GET /containers/json</c>.</summary>
    internal static JsonObject Summary(EngineHost engine, Container container, bool withSize)
    {
        var record = container.Record;
        var summary = new JsonObject
        {
            ["Id"] = record.Id,
            ["Names"] = new JsonArray("/" + record.Name),
            ["Image"] = engine.Images.TryResolve(record.Config.Image)?.Id.Value == record.ImageId ? record.Config.Image : record.ImageId, // the name may have gone to another since
            ["ImageID"] = record.ImageId,
            ["Command"] = string.Join(' ', (record.Config.Entrypoint ?? []).Concat(record.Config.Cmd ?? []).Select(Quoted)),
            ["Created"] = record.Created.ToUnixTimeSeconds(),
            ["Ports"] = Ports(record, engine.Containers.PortsOf(container)),
            ["Labels"] = Http.Map(record.Config.Labels),
            ["State"] = StatusWord(record.Status),
            ["Status"] = StatusText(container, engine.Time.GetUtcNow()),
            ["HostConfig"] = new JsonObject { ["NetworkMode"] = record.HostConfig.NetworkMode },
            ["NetworkSettings"] = new JsonObject { ["Networks"] = Networks(engine, record) },
            ["Mounts"] = Mounts(record),
        };
        if (container.Health is { } health)
        {
            summary["Health"] = new JsonObject { ["Status"] = health.Status, ["FailingStreak"] = health.FailingStreak };
        }

        if (withSize)
        {
            (summary["SizeRw"], summary["SizeRootFs"]) = Sizes(engine, record);
        }

        return summary;
    }

    /// <summary><c>GET /containers/{id}/json</c>.</summary>
    internal static JsonObject Inspect(EngineHost engine, Container container, bool withSize)
    {
        var record = container.Record;
        var command = (record.Config.Entrypoint ?? []).Concat(record.Config.Cmd ?? []).ToList();
        var view = new JsonObject
        {
            ["Id"] = record.Id,
            ["Created"] = Http.Time(record.Created),
            ["Path"] = command.FirstOrDefault() ?? "",
            ["Args"] = Http.Strings(command.Skip(1)),
            ["State"] = State(container),
            ["Image"] = record.ImageId,
            ["ResolvConfPath"] = engine.Containers.DataDirectory(record.Id) + "/resolv.conf",
            ["HostnamePath"] = engine.Containers.DataDirectory(record.Id) + "/hostname",
            ["HostsPath"] = engine.Containers.DataDirectory(record.Id) + "/hosts",
            ["LogPath"] = engine.Containers.LogPath(record.Id),
            ["Name"] = "/" + record.Name,
            ["RestartCount"] = record.RestartCount,
            ["Driver"] = "overlay2",
            ["Platform"] = "linux",
            ["MountLabel"] = "",
            ["ProcessLabel"] = "",
            ["AppArmorProfile"] = engine.Options.AppArmorProfileOf(record.HostConfig),
            ["ExecIDs"] = engine.Containers.Execs.IdsOf(container) is { Count: > 0 } execs ? Http.Strings(execs) : null,
            ["HostConfig"] = JsonSerializer.SerializeToNode(record.Links.Count == 0 ? record.HostConfig : record.HostConfig with { Links = Links(engine, record) }, ApiJson.Default.HostConfig),
            ["GraphDriver"] = new JsonObject
            {
                ["Name"] = "overlay2",
                ["Data"] = new JsonObject
                {
                    ["LowerDir"] = string.Join(':', record.LowerDirectories),
                    ["MergedDir"] = engine.Containers.DataDirectory(record.Id) + "/merged",
                    ["UpperDir"] = engine.Containers.DataDirectory(record.Id) + "/upper",
                    ["WorkDir"] = engine.Containers.DataDirectory(record.Id) + "/work",
                },
            },
            ["Mounts"] = Mounts(record),
            ["Config"] = JsonSerializer.SerializeToNode(record.Config, ApiJson.Default.ContainerConfig),
            ["NetworkSettings"] = NetworkSettings(engine, container),
        };
        if (withSize)
        {
            (view["SizeRw"], view["SizeRootFs"]) = Sizes(engine, record);
        }

        return view;
    }

    // As Docker has them: /OTHER:/ME/ALIAS.
    private static List<string> Links(EngineHost engine, ContainerRecord record) =>
        [.. record.Links.Select(link => (Other: engine.Containers.All.FirstOrDefault(other => other.Id == link.ContainerId), link.Alias))
            .Where(pair => pair.Other is not null).Select(pair => $"/{pair.Other!.Name}:/{record.Name}/{pair.Alias}")];

    /// <summary><c>Up 5 minutes (healthy)</c>, <c>Exited (0) 2 hours ago</c>.</summary>
    internal static string StatusText(Container container, DateTimeOffset now)
    {
        var record = container.Record;
        string Since(DateTimeOffset? time) => Duration(now - (time ?? now));
        return record.Status switch
        {
            ContainerStatus.Running => $"Up {Since(record.StartedAt)}{(container.Health is { } health ? health.Status == "starting" ? " (health: starting)" : $" ({health.Status})" : "")}",
            ContainerStatus.Paused => $"Up {Since(record.StartedAt)} (Paused)",
            ContainerStatus.Restarting => string.Create(CultureInfo.InvariantCulture, $"Restarting ({record.ExitCode}) {Since(record.FinishedAt)} ago"),
            ContainerStatus.Created => "Created",
            ContainerStatus.Removing => "Removal In Progress",
            ContainerStatus.Dead => "Dead",
            _ => string.Create(CultureInfo.InvariantCulture, $"Exited ({record.ExitCode}) {Since(record.FinishedAt)} ago"),
        };
    }

    /// <summary>A span in the words that <c>docker ps</c> uses.</summary>
    internal static string Duration(TimeSpan span)
    {
        var (seconds, minutes, hours) = ((int)span.TotalSeconds, (int)span.TotalMinutes, (int)Math.Round(span.TotalHours));
        return string.Create(CultureInfo.InvariantCulture, $"{(seconds < 1 ? "Less than a second" : seconds == 1 ? "1 second" : seconds < 60 ? $"{seconds} seconds"
            : minutes == 1 ? "About a minute" : minutes < 60 ? $"{minutes} minutes" : hours == 1 ? "About an hour" : hours < 48 ? $"{hours} hours"
            : hours < 24 * 7 * 2 ? $"{hours / 24} days" : hours < 24 * 30 * 2 ? $"{hours / 24 / 7} weeks" : hours < 24 * 365 * 2 ? $"{hours / 24 / 30} months" : $"{(int)span.TotalHours / 24 / 365} years")}");
    }

    internal static JsonObject Networks(EngineHost engine, ContainerRecord record)
    {
        var networks = new JsonObject();
        foreach (var endpoint in record.Endpoints)
        {
            networks[endpoint.NetworkName] = Endpoint(engine, record, endpoint);
        }

        return networks;
    }

    private static JsonObject Endpoint(EngineHost engine, ContainerRecord record, EndpointRecord endpoint)
    {
        var network = engine.Networks.All.FirstOrDefault(candidate => candidate.Id == endpoint.NetworkId);
        var isUp = record.IsRunning && endpoint.IsWired && network is not null;
        return new()
        {
            ["IPAMConfig"] = AskedAddresses(endpoint.Config.IpamConfig),
            ["Links"] = Http.StringsOrNull(endpoint.Config.Links),
            ["Aliases"] = Http.StringsOrNull(endpoint.Config.Aliases),
            ["MacAddress"] = isUp ? endpoint.MacAddress : "",
            ["DriverOpts"] = endpoint.Config.DriverOpts is { Count: > 0 } options ? Http.Map(options) : null,
            ["GwPriority"] = endpoint.Config.GwPriority,
            ["NetworkID"] = endpoint.NetworkId,
            ["EndpointID"] = isUp ? endpoint.EndpointId : "",
            ["Gateway"] = isUp ? network!.Gateway : "",
            ["IPAddress"] = isUp ? endpoint.Address : "",
            ["IPPrefixLen"] = isUp ? PrefixLength(network!.Ipv4) : 0,
            ["IPv6Gateway"] = isUp ? network!.Ipv6?.Gateway ?? "" : "",
            ["GlobalIPv6Address"] = isUp ? endpoint.Address6 : "",
            ["GlobalIPv6PrefixLen"] = isUp ? PrefixLength(network!.Ipv6) : 0,
            ["DNSNames"] = network?.HasNames == true
                ? Http.Strings(new[] { record.Name }.Concat(endpoint.Config.Aliases ?? []).Append(record.ShortId).Append(record.Config.Hostname).Where(name => name.Length > 0).Distinct()) : null,
        };
    }

    private static int PrefixLength(PoolRecord? pool) => pool is null ? 0 : IPNetwork.Parse(pool.Subnet).PrefixLength;

    private static JsonObject? AskedAddresses(EndpointIpamConfig? asked)
    {
        var view = new JsonObject();
        foreach (var (name, address) in new[] { ("IPv4Address", asked?.IPv4Address), ("IPv6Address", asked?.IPv6Address) }.Where(pair => pair.Item2 is { Length: > 0 }))
        {
            view[name] = address;
        }

        if (asked?.LinkLocalIPs is { Count: > 0 } linkLocal)
        {
            view["LinkLocalIPs"] = Http.Strings(linkLocal);
        }

        return view.Count > 0 ? view : null;
    }

    private static JsonObject State(Container container)
    {
        var record = container.Record;
        var state = new JsonObject
        {
            ["Status"] = StatusWord(record.Status),
            ["Running"] = record.IsRunning || record.Status == ContainerStatus.Restarting,
            ["Paused"] = record.Status == ContainerStatus.Paused,
            ["Restarting"] = record.Status == ContainerStatus.Restarting,
            ["OOMKilled"] = record.OomKilled,
            ["Dead"] = record.Status == ContainerStatus.Dead,
            ["Pid"] = record.IsRunning ? record.Pid : 0,
            ["ExitCode"] = record.ExitCode,
            ["Error"] = record.Error,
            ["StartedAt"] = Http.Time(record.StartedAt),
            ["FinishedAt"] = Http.Time(record.FinishedAt),
        };
        if (container.Health is { } health)
        {
            state["Health"] = new JsonObject
            {
                ["Status"] = health.Status,
                ["FailingStreak"] = health.FailingStreak,
                ["Log"] = new JsonArray([.. health.Log.Select(result => new JsonObject
                {
                    ["Start"] = Http.Time(result.Start), ["End"] = Http.Time(result.End), ["ExitCode"] = result.ExitCode, ["Output"] = result.Output,
                })]),
            };
        }

        return state;
    }

    private static JsonObject NetworkSettings(EngineHost engine, Container container)
    {
        var record = container.Record;
        var ports = new JsonObject();
        foreach (var key in record.IsRunning ? record.Config.ExposedPorts?.Keys.ToList() ?? [] : [])
        {
            ports[key.Contains('/', StringComparison.Ordinal) ? key : key + "/tcp"] = null;
        }

        foreach (var group in engine.Containers.PortsOf(container).GroupBy(port => string.Create(CultureInfo.InvariantCulture, $"{port.ContainerPort}/{port.Protocol}")))
        {
            ports[group.Key] = new JsonArray([.. group.SelectMany(port => HostIps(port)
                .Select(ip => new JsonObject { ["HostIp"] = ip, ["HostPort"] = port.HostPort.ToString(CultureInfo.InvariantCulture) }))]);
        }

        var first = record.Endpoints is [var endpoint, ..] ? Endpoint(engine, record, endpoint) : [];
        return new()
        {
            ["Bridge"] = "",
            ["SandboxID"] = record.IsRunning ? record.Id : "",
            ["SandboxKey"] = record.IsRunning && record.Endpoints.Any(end => end.IsWired) ? $"{engine.Options.ExecRoot}/netns/{record.Id}" : "",
            ["Ports"] = ports,
            ["IPAddress"] = first["IPAddress"]?.DeepClone() ?? "",
            ["IPPrefixLen"] = first["IPPrefixLen"]?.DeepClone() ?? 0,
            ["Gateway"] = first["Gateway"]?.DeepClone() ?? "",
            ["MacAddress"] = first["MacAddress"]?.DeepClone() ?? "",
            ["IPv6Gateway"] = first["IPv6Gateway"]?.DeepClone() ?? "",
            ["GlobalIPv6Address"] = first["GlobalIPv6Address"]?.DeepClone() ?? "",
            ["GlobalIPv6PrefixLen"] = first["GlobalIPv6PrefixLen"]?.DeepClone() ?? 0,
            ["Networks"] = Networks(engine, record),
        };
    }

    private static IEnumerable<string> HostIps(PortMapping port) => port.HostIp.Length > 0 ? [port.HostIp] : port.Protocol == "tcp" ? ["0.0.0.0", "::"] : ["0.0.0.0"];

    private static JsonArray Ports(ContainerRecord record, IReadOnlyList<PortMapping> published)
    {
        var ports = new JsonArray();
        foreach (var port in published)
        {
            foreach (var ip in HostIps(port))
            {
                ports.Add((JsonNode)new JsonObject { ["IP"] = ip, ["PrivatePort"] = port.ContainerPort, ["PublicPort"] = port.HostPort, ["Type"] = port.Protocol });
            }
        }

        foreach (var key in record.Config.ExposedPorts?.Keys.ToList() ?? [])
        {
            var parts = key.Split('/');
            var (number, protocol) = (int.Parse(parts[0], CultureInfo.InvariantCulture), parts.Length > 1 ? parts[1] : "tcp");
            if (record.IsRunning && !published.Any(port => port.ContainerPort == number && port.Protocol == protocol))
            {
                ports.Add((JsonNode)new JsonObject { ["PrivatePort"] = number, ["Type"] = protocol });
            }
        }

        return ports;
    }

    private static JsonArray Mounts(ContainerRecord record)
    {
        var mounts = new JsonArray();
        foreach (var mount in record.Mounts.Where(mount => mount.Type != "tmpfs" || record.HostConfig.Tmpfs?.ContainsKey(mount.Destination) != true)) // of --tmpfs only HostConfig tells
        {
            var view = new JsonObject { ["Type"] = mount.Type };
            if (mount.Type == "volume")
            {
                view["Name"] = mount.Name;
            }

            view["Source"] = mount.Source;
            view["Destination"] = mount.Destination;
            if (mount.Type == "volume")
            {
                view["Driver"] = "local";
            }

            view["Mode"] = mount.Mode;
            view["RW"] = mount.ReadWrite;
            view["Propagation"] = mount.Propagation;
            mounts.Add((JsonNode)view);
        }

        return mounts;
    }

    /// <summary>Bytes of what the container changed, and of all its files.</summary>
    internal static (long Own, long All) Sizes(EngineHost engine, ContainerRecord record)
    {
        var own = DiskUsage.Of(engine.Containers.DataDirectory(record.Id) + "/upper");
        return (own, own + (engine.Images.TryResolve(record.ImageId)?.Size ?? 0));
    }

    private static string Quoted(string word) => word.Contains(' ', StringComparison.Ordinal) ? $"'{word}'" : word;
}
