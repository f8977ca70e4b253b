using System.Globalization;
using System.Net;
using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads <c>ports</c> and <c>expose</c>.</summary>
/// <remarks>Compose Specification, 05-services.md, "ports": <c>[HOST:]CONTAINER[/PROTOCOL]</c>, each a port or a range.</remarks>
internal static class PortBinder
{
    public static IReadOnlyList<PortModel> ReadPorts(MapReader service)
    {
        var ports = new List<PortModel>();
        var items = service.Items("ports");
        for (var index = 0; index < items.Count; index++)
        {
            var path = $"{service.Path}.ports[{index}]";
            switch (items[index])
            {
                case ScalarNode scalar:
                    ports.AddRange(ReadShort(scalar, path, service.Diagnostics));
                    break;
                case MapNode map:
                    ports.AddRange(ReadLong(new MapReader(map, path, service.Diagnostics)));
                    break;
                default:
                    service.Diagnostics.Error(items[index].Place, $"{path}: must be a port mapping such as \"8080:80\"");
                    break;
            }
        }

        return [.. ports.Distinct()];
    }

    public static IReadOnlyList<string> ReadExpose(MapReader service)
    {
        var ports = new List<string>();
        foreach (var scalar in service.Scalars("expose"))
        {
            var (range, protocol) = SplitProtocol(scalar.Text);
            if (protocol is not null && TryRange(range, out var first, out var last))
            {
                ports.AddRange(Enumerable.Range(first, last - first + 1).Select(port => $"{port}/{protocol}"));
            }
            else
            {
                service.Diagnostics.Error(
                    scalar.Place,
                    $"{service.Path}.expose: '{scalar.Text}' is not a port; write \"PORT\", \"PORT/udp\" or \"FIRST-LAST\"");
            }
        }

        return [.. ports.Distinct()];
    }

    private static IReadOnlyList<PortModel> ReadShort(ScalarNode scalar, string path, DiagnosticBag diagnostics)
    {
        var problem = TryReadShort(scalar.Text, out var ports);
        if (problem is not null)
        {
            diagnostics.Error(scalar.Place, $"{path}: '{scalar.Text}' is not a port mapping; {problem}");
        }

        return ports;
    }

    private static string? TryReadShort(string text, out IReadOnlyList<PortModel> ports)
    {
        ports = [];
        var (mapping, protocol) = SplitProtocol(text);
        if (protocol is null)
        {
            return "the protocol must be tcp or udp";
        }

        var (hostIp, published, target) = SplitMapping(mapping);
        if (!TryRange(target, out var first, out var last))
        {
            return "the container port must be 1-65535";
        }

        if (hostIp is not null && !IPAddress.TryParse(hostIp.Trim('[', ']'), out _))
        {
            return $"'{hostIp}' is not an IP address";
        }

        if (string.IsNullOrEmpty(published))
        {
            ports = [.. Enumerable.Range(first, last - first + 1).Select(port => new PortModel(hostIp, null, null, port, protocol))];
            return null;
        }

        if (!TryRange(published, out var hostFirst, out var hostLast))
        {
            return "the host port must be 1-65535";
        }

        if (first == last)
        {
            ports = [new PortModel(hostIp, hostFirst, hostLast, first, protocol)];
            return null;
        }

        if (hostLast - hostFirst != last - first)
        {
            return "both ranges must have the same length";
        }

        ports = [.. Enumerable.Range(0, last - first + 1).Select(step => new PortModel(hostIp, hostFirst + step, hostFirst + step, first + step, protocol))];
        return null;
    }

    private static IReadOnlyList<PortModel> ReadLong(MapReader port)
    {
        var target = port.Integer("target", 1, 65535);
        var published = port.Text("published");
        var protocol = port.OneOf("protocol", "tcp", "udp") ?? "tcp";
        var hostIp = port.Text("host_ip");
        var mode = port.OneOf("mode", "host", "ingress") ?? "ingress";
        var (name, application) = (port.Text("name"), port.Text("app_protocol"));
        port.Finish();
        if (!port.Has("target"))
        {
            port.Diagnostics.Error(port.Place, $"{port.Path}: 'target', the container's port, is missing");
        }

        if (hostIp is not null && !IPAddress.TryParse(hostIp.Trim('[', ']'), out _))
        {
            port.Error("host_ip", $"'{hostIp}' is not an IP address");
        }

        if (string.IsNullOrEmpty(published))
        {
            return [Port(null, null)];
        }

        if (!TryRange(published, out var first, out var last))
        {
            port.Error("published", $"'{published}' must be a port or range from 1 to 65535");
        }

        return [Port(first, last)];

        PortModel Port(int? first, int? last) => new(hostIp, first, last, target ?? 1, protocol) { Mode = mode, Name = name, ApplicationProtocol = application };
    }

    private static (string Range, string? Protocol) SplitProtocol(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var protocol = slash < 0 ? "tcp" : text[(slash + 1)..].ToLowerInvariant();
        return (slash < 0 ? text : text[..slash], protocol is "tcp" or "udp" ? protocol : null);
    }

    private static (string? HostIp, string? Published, string Target) SplitMapping(string mapping)
    {
        var last = mapping.LastIndexOf(':');
        if (last < 0)
        {
            return (null, null, mapping);
        }

        var host = mapping[..last];
        var colon = host.LastIndexOf(':');
        return colon < 0
            ? (null, host, mapping[(last + 1)..])
            : (host[..colon], host[(colon + 1)..], mapping[(last + 1)..]);
    }

    private static bool TryRange(string text, out int first, out int last)
    {
        var parts = text.Split('-');
        last = 0;
        return TryPort(parts[0], out first) && TryPort(parts[^1], out last) && parts.Length <= 2 && first <= last;
    }

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65535;
}
