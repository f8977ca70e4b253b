using System.Globalization;

namespace Berth.Engine.Containers.Health;

/// <summary>
/// Which of a container's published TCP ports a program in it listens on: what can be known of a service without a health check.
/// Read from <c>/proc/PID/net/tcp</c> and <c>tcp6</c> (proc(5)), so no connection is made that the program would see.
/// </summary>
public static class ListeningPorts
{
    private const string Listen = "0A"; // TCP_LISTEN, linux/tcp_states.h
    private static readonly string[] Loopback = ["0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"];

    /// <summary>The published TCP ports, by their number in the container, that nothing listens on. Empty when it does not run.</summary>
    public static IReadOnlyList<int> Missing(Container container) =>
        Missing(container, [.. container.Record.Ports.Where(port => port.Protocol == "tcp").Select(port => port.ContainerPort).Distinct()]);

    /// <summary>Those of the ports that nothing in the container listens on. Empty when it does not run.</summary>
    public static IReadOnlyList<int> Missing(Container container, IReadOnlyList<int> ports)
    {
        if (!container.Record.IsRunning || ports.Count == 0)
        {
            return [];
        }

        var open = Open(container.Record);
        return [.. ports.Where(port => !open.Contains(port))];
    }

    /// <summary>
    /// Where a new copy has to listen before it can serve: where one that serves does, of the ports that the container declares (published or exposed). Empty when that tells
    /// nothing: then any of its own declared ports will do, see <see cref="IsServing"/>.
    /// </summary>
    /// <param name="predecessor">A copy that serves; null when there is none.</param>
    public static IReadOnlyList<int> Expected(Container container, Container? predecessor)
    {
        if (predecessor is not { Record.IsRunning: true })
        {
            return [];
        }

        var open = Open(predecessor.Record);
        return [.. Declared(container.Record).Where(open.Contains).Order()];
    }

    /// <summary>Whether it declares a TCP port.</summary>
    public static bool HasAny(Container container) => Declared(container.Record).Any();

    /// <summary>Whether it listens on one of its declared TCP ports at least.</summary>
    public static bool IsServing(Container container) => Declared(container.Record).Any(Open(container.Record).Contains);

    private static IEnumerable<int> Declared(ContainerRecord record) =>
        (record.Config.ExposedPorts?.Keys ?? Enumerable.Empty<string>()).Concat(record.HostConfig.PortBindings?.Keys ?? Enumerable.Empty<string>())
            .Select(Networks.PortAllocation.ParsePort).Where(port => port.Protocol == "tcp").Select(port => port.Port).Distinct();

    private static HashSet<int> Open(ContainerRecord record) =>
        Read($"/proc/{record.Pid}/net/tcp").Concat(Read($"/proc/{record.Pid}/net/tcp6")).SelectMany(Parse).ToHashSet();

    /// <summary>The port of a line of the table when it is a listener that others can reach: not one on the loopback address.</summary>
    internal static IEnumerable<int> Parse(string line)
    {
        var fields = line.Split(' ', 5, StringSplitOptions.RemoveEmptyEntries); // "sl local remote state rest"
        if (fields.Length == 5 && fields[3] == Listen && fields[1].Split(':') is [var address, var port] && !Loopback.Contains(address))
        {
            yield return int.Parse(port, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        }
    }

    private static string[] Read(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (IOException)
        {
            return []; // no IPv6 on this host, or the container has just ended
        }
    }
}
