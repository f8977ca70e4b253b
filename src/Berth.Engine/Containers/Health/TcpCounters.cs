using System.Globalization;

namespace Berth.Engine.Containers.Health;

/// <summary>What the kernel has counted in a network namespace since it was made. RFC 4022, tcpPassiveOpens and tcpEstabResets; proc(5), /proc/PID/net/snmp.</summary>
/// <param name="Accepted">Connections that others opened.</param>
/// <param name="Resets">Connections that ended without a goodbye.</param>
public readonly record struct TcpCounters(long Accepted, long Resets)
{
    /// <summary>Those of a process's namespace; zeros when it has ended.</summary>
    public static TcpCounters Read(int pid)
    {
        try
        {
            return Parse(File.ReadAllLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/net/snmp")));
        }
        catch (IOException)
        {
            return default; // it has just ended
        }
    }

    /// <summary>Two lines begin with "Tcp:", the first of names, the second of numbers.</summary>
    internal static TcpCounters Parse(IEnumerable<string> lines)
    {
        var tables = lines.Where(line => line.StartsWith("Tcp:", StringComparison.Ordinal)).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Take(2).ToList();
        if (tables is not [var names, var numbers])
        {
            return default;
        }

        long Of(string name) => Array.IndexOf(names, name) is var index and > 0 && index < numbers.Length && long.TryParse(numbers[index], CultureInfo.InvariantCulture, out var number) ? number : 0;
        return new(Of("PassiveOpens"), Of("EstabResets"));
    }
}
