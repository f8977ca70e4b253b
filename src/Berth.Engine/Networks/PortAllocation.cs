using System.Globalization;
using System.Net.Sockets;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Linux.Processes;

namespace Berth.Engine.Networks;

/// <summary>A container's port as it is published now.</summary>
public sealed record PortMapping(string Protocol, int ContainerPort, string HostIp, int HostPort);

/// <summary>Who holds which host port: containers by their records, other programs by /proc/net.</summary>
internal static class PortAllocation
{
    private const int FirstEphemeral = 49153; // as Docker chooses where the system's own range is unknown
    private const int LastEphemeral = 65535;

    /// <summary>Decides the host port of each binding.</summary>
    /// <param name="record">Whose bindings.</param>
    /// <param name="others">Every running container but this one.</param>
    /// <param name="isHeldElsewhere">Names the holder when a program outside the engine has the port.</param>
    /// <param name="defaultHostIp">Where ports are published that name no address; empty for every address.</param>
    /// <exception cref="BerthException">A port is taken; the message says by whom.</exception>
    internal static IReadOnlyList<PortMapping> Allocate(
        ContainerRecord record, IReadOnlyList<(ContainerRecord Record, IReadOnlyList<PortMapping> Ports)> others, Func<string, string, int, string?> isHeldElsewhere, string defaultHostIp = "")
    {
        var result = new List<PortMapping>();
        foreach (var (key, bindings) in record.HostConfig.PortBindings ?? [])
        {
            var (port, protocol) = ParsePort(key);
            foreach (var binding in bindings ?? [])
            {
                var wanted = binding.HostPort.Length == 0 || binding.HostPort == "0" ? null : binding.HostPort;
                result.Add(Choose(record, protocol, port, binding.HostIp is { Length: > 0 } ? ParseHostIp(binding.HostIp) : defaultHostIp, wanted, others, result, isHeldElsewhere));
            }
        }

        return result;
    }

    /// <summary>A container or another program that has the port; null when nobody has.</summary>
    internal static string? HolderOf(string protocol, string hostIp, int port, IEnumerable<(ContainerRecord Record, IReadOnlyList<PortMapping> Ports)> containers, int ignoredPid) =>
        containers.FirstOrDefault(other => other.Ports.Any(mapping => mapping.HostPort == port && mapping.Protocol == protocol && SameAddress(mapping.HostIp, hostIp))) is { Record: { } holder }
            ? $"container \"{holder.Name}\""
            : Holder(protocol, hostIp, port, ignoredPid);

    /// <summary>An address of the host in the one way in which it is remembered; empty for every address.</summary>
    /// <exception cref="BerthException">It is none.</exception>
    internal static string ParseHostIp(string? text) => text is null or "" ? ""
        : (NetworkPools.ParseAddress(text.Trim('[', ']'), AddressFamily.InterNetwork) ?? NetworkPools.ParseAddress(text.Trim('[', ']'), AddressFamily.InterNetworkV6))?.ToString()
            ?? throw BerthException.Invalid($"invalid IP address: {text}");

    internal static bool IsIpv6(string hostIp) => hostIp.Contains(':', StringComparison.Ordinal);

    /// <summary><c>80/tcp</c> or <c>80</c>.</summary>
    internal static (int Port, string Protocol) ParsePort(string key)
    {
        var parts = key.Split('/');
        var protocol = parts.Length == 2 ? parts[1].ToLowerInvariant() : "tcp";
        return parts.Length <= 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536
            && protocol is "tcp" or "udp" or "sctp"
            ? (port, protocol)
            : throw BerthException.Invalid($"invalid port specification: \"{key}\"; write PORT or PORT/tcp, PORT/udp, with PORT from 1 to 65535");
    }

    /// <summary>The program that listens on a host port, as <c>"nginx" (pid 812)</c>; null when none does. proc(5), /proc/net/tcp.</summary>
    internal static string? Holder(string protocol, string hostIp, int port, int ignoredPid)
    {
        foreach (var table in new[] { protocol, protocol + "6" }.Where(table => File.Exists("/proc/net/" + table))) // not on every kernel
        {
            foreach (var line in File.ReadLines("/proc/net/" + table).Skip(1))
            {
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                var local = fields[1].Split(':');
                var listens = protocol == "udp" || fields[3] == "0A";
                if (!listens || int.Parse(local[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture) != port || !Collides(local[0], hostIp))
                {
                    continue;
                }

                var (pid, name) = Owner(fields[9]);
                if (pid == ignoredPid && pid != 0)
                {
                    continue;
                }

                return pid == 0 ? "a program that cannot be told" : $"\"{name}\" (pid {pid})";
            }
        }

        return null;
    }

    private static PortMapping Choose(
        ContainerRecord record, string protocol, int port, string hostIp, string? wanted,
        IReadOnlyList<(ContainerRecord Record, IReadOnlyList<PortMapping> Ports)> others, List<PortMapping> own, Func<string, string, int, string?> isHeldElsewhere)
    {
        var (first, last) = wanted is null ? (FirstEphemeral, LastEphemeral) : ParseHostPorts(wanted);
        string? holder = null;
        for (var candidate = first; candidate <= last; candidate++)
        {
            holder = HolderAmong(record, protocol, hostIp, candidate, others)
                ?? (own.Any(mapping => mapping.HostPort == candidate && mapping.Protocol == protocol && SameAddress(mapping.HostIp, hostIp)) ? "this container" : null)
                ?? isHeldElsewhere(protocol, hostIp, candidate);
            if (holder is null)
            {
                return new(protocol, port, hostIp, candidate);
            }
        }

        throw new BerthException(
            ErrorKind.Failed,
            $"Bind for {(hostIp.Length == 0 ? "0.0.0.0" : hostIp)}:{wanted} failed: port is already allocated: it is in use by {holder}. Stop that, or publish another port.");
    }

    /// <summary><c>8080</c>, <c>8000-8010</c>, or, for any that is free, <c>0</c> or nothing.</summary>
    /// <exception cref="BerthException">None of these.</exception>
    internal static (int First, int Last) ParseHostPorts(string text)
    {
        if (text is "" or "0")
        {
            return (FirstEphemeral, LastEphemeral);
        }

        var parts = text.Split('-');
        var numbers = parts.Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 65536 ? number : 0).ToList();
        return numbers.Count is 1 or 2 && numbers.All(number => number > 0) && numbers[0] <= numbers[^1]
            ? (numbers[0], numbers[^1])
            : throw BerthException.Invalid($"invalid port specification: \"{text}\": a host port is a number or a range from 1 to 65535");
    }

    // Replicas of one service share a port: connections are spread over them.
    private static string? HolderAmong(
        ContainerRecord record, string protocol, string hostIp, int port, IReadOnlyList<(ContainerRecord Record, IReadOnlyList<PortMapping> Ports)> others)
    {
        var service = ServiceKey.Of(record);
        foreach (var (other, ports) in others)
        {
            if (ports.Any(mapping => mapping.HostPort == port && mapping.Protocol == protocol && SameAddress(mapping.HostIp, hostIp))
                && (service is null || ServiceKey.Of(other) != service))
            {
                return $"container \"{other.Name}\"";
            }
        }

        return null;
    }

    // Every address of IPv4 and every address of IPv6 are two; no address at all is both.
    private static bool SameAddress(string a, string b) => a.Length == 0 || b.Length == 0 || (IsIpv6(a) == IsIpv6(b) && (IsAny(a) || IsAny(b) || a == b));

    private static bool IsAny(string address) => address is "" or "0.0.0.0" or "::";

    private static bool Collides(string hexAddress, string hostIp)
    {
        var isAny = hexAddress.All(digit => digit == '0');
        if (isAny || IsAny(hostIp))
        {
            // A loopback-only listener does not stand in the way of "every address": DNAT would take it away from that program, so it does.
            return true;
        }

        var bytes = System.Net.IPAddress.Parse(hostIp).GetAddressBytes();
        return bytes.Length == 4 && hexAddress == $"{bytes[3]:X2}{bytes[2]:X2}{bytes[1]:X2}{bytes[0]:X2}";
    }

    private static (int Pid, string? Name) Owner(string inode)
    {
        var link = $"socket:[{inode}]";
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
            {
                continue;
            }

            try
            {
                foreach (var descriptor in Directory.EnumerateFileSystemEntries(directory + "/fd"))
                {
                    if (new FileInfo(descriptor).LinkTarget == link)
                    {
                        return (pid, ProcessTable.Name(pid));
                    }
                }
            }
            catch (IOException)
            {
                continue; // the process has ended meanwhile
            }
            catch (UnauthorizedAccessException)
            {
                continue; // another user's process, when we are not root
            }
        }

        return (0, null);
    }
}
