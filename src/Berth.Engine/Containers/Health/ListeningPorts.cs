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
        container.Record.IsRunning ? Missing(container, [.. container.Record.Ports.Where(port => port.Protocol == "tcp").Select(port => port.ContainerPort).Distinct()]) : [];

    /// <summary>Those of the ports that nothing in the container listens on: all when it has ended.</summary>
    public static IReadOnlyList<int> Missing(Container container, IReadOnlyList<int> ports)
    {
        var open = Open(container.Record) ?? [];
        return [.. ports.Where(port => !open.Contains(port))];
    }

    /// <summary>
    /// Where a new copy has to listen before it can serve: where one that serves does, of the ports that the container declares (published or exposed). Empty when that one is
    /// a worker, which listens nowhere.
    /// </summary>
    /// <param name="predecessor">A copy that serves; null when there is none.</param>
    /// <param name="settled">Having run this long it listens wherever it ever will.</param>
    /// <returns>Null when that tells nothing, as it has ended or only just begun: then any of the container's own declared ports will do, see <see cref="IsServing"/>.</returns>
    public static IReadOnlyList<int>? Expected(Container container, Container? predecessor, TimeSpan settled, DateTimeOffset now)
    {
        if (predecessor is not { Record.IsRunning: true } || Open(predecessor.Record) is not { } open)
        {
            return null;
        }

        List<int> expected = [.. Declared(container.Record).Where(open.Contains).Order()];
        return expected.Count > 0 || predecessor.Record.StartedAt <= now - settled ? expected : null;
    }

    /// <summary>Whether it declares a TCP port.</summary>
    public static bool HasAny(Container container) => Declared(container.Record).Any();

    /// <summary>Whether it publishes a TCP port, or would if it ran.</summary>
    public static bool HasPublished(Container container) =>
        container.Record.Ports.Any(port => port.Protocol == "tcp") || Tcp(container.Record.HostConfig.PortBindings?.Keys).Any();

    /// <summary>Whether it listens on one of its declared TCP ports at least.</summary>
    public static bool IsServing(Container container) => Open(container.Record) is { } open && Declared(container.Record).Any(open.Contains);

    private static IEnumerable<int> Declared(ContainerRecord record) =>
        Tcp(record.Config.ExposedPorts?.Keys).Concat(Tcp(record.HostConfig.PortBindings?.Keys)).Distinct();

    private static IEnumerable<int> Tcp(IEnumerable<string>? ports) =>
        (ports ?? []).Select(Networks.PortAllocation.ParsePort).Where(port => port.Protocol == "tcp").Select(port => port.Port);

    // Null when it has ended.
    private static HashSet<int>? Open(ContainerRecord record) =>
        Read($"/proc/{record.Pid}/net/tcp") is { } tcp ? [.. tcp.Concat(Read($"/proc/{record.Pid}/net/tcp6") ?? []).SelectMany(Parse)] : null;

    /// <summary>The port of a line of the table when it is a listener that others can reach: not one on the loopback address.</summary>
    internal static IEnumerable<int> Parse(string line)
    {
        var fields = line.Split(' ', 5, StringSplitOptions.RemoveEmptyEntries); // "sl local remote state rest"
        if (fields.Length == 5 && fields[3] == Listen && fields[1].Split(':') is [var address, var port] && !Loopback.Contains(address))
        {
            yield return int.Parse(port, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        }
    }

    private static string[]? Read(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (IOException)
        {
            return null; // no IPv6 on this host, or the container has just ended
        }
    }
}
