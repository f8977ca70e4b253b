using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Berth.Engine.Containers;
using Berth.Engine.Errors;

namespace Berth.Engine.Networks;

/// <summary>A kernel setting of one interface: the file is <c>/proc/sys/net/FAMILY/GROUP/INTERFACE/NAME</c>.</summary>
internal readonly record struct InterfaceSetting(string Family, string Group, string Name, string Value)
{
    internal string PathFor(string link) => $"/proc/sys/net/{Family}/{Group}/{link}/{Name}";
}

/// <summary>
/// What was asked of a container's interface beyond its addresses. Docker: <c>docker network connect --driver-opt</c> with
/// <c>com.docker.network.endpoint.ifname</c> and <c>com.docker.network.endpoint.sysctls</c>, and <c>--link-local-ip</c>.
/// </summary>
/// <param name="Name">Null: the next that is free.</param>
internal sealed partial record InterfaceOptions(string? Name, IReadOnlyList<InterfaceSetting> Settings, IReadOnlyList<IPAddress> LinkLocal)
{
    internal const int LinkLocalPrefix4 = 16; // RFC 3927, section 2.1
    internal const int LinkLocalPrefix6 = 64; // RFC 4291, section 2.5.6
    private const string NameKey = "com.docker.network.endpoint.ifname";
    private const string SettingsKey = "com.docker.network.endpoint.sysctls";
    private const int LongestName = 15; // IFNAMSIZ without the zero, netdevice(7)

    internal bool UsesIpv6 => LinkLocal.Any(address => address.AddressFamily == AddressFamily.InterNetworkV6);

    /// <param name="config">What is asked.</param>
    /// <param name="givesAddresses">Addresses may be asked for: it is a bridge that a user made.</param>
    /// <exception cref="BerthException">All that is wrong, a line each, in Docker's words where Docker has any.</exception>
    internal static InterfaceOptions Check(EndpointConfig config, bool givesAddresses = true)
    {
        var wrong = new List<string>();
        var asked = new[] { config.IpamConfig?.IPv4Address, config.IpamConfig?.IPv6Address }.Where(text => text is { Length: > 0 }).ToList();
        if (asked.Count > 0 && !givesAddresses)
        {
            wrong.Add("user specified IP address is supported on user defined networks only");
        }

        foreach (var (text, family, name) in new[] { (config.IpamConfig?.IPv4Address, AddressFamily.InterNetwork, "IPv4"), (config.IpamConfig?.IPv6Address, AddressFamily.InterNetworkV6, "IPv6") })
        {
            if (text is { Length: > 0 } && NetworkPools.ParseAddress(text, family) is null)
            {
                wrong.Add($"invalid {name} address: {text}");
            }
        }

        if (config.MacAddress.Length > 0 && !MacAddress().IsMatch(config.MacAddress))
        {
            throw BerthException.Invalid($"invalid MAC address {config.MacAddress}");
        }

        var settings = new List<InterfaceSetting>();
        string? linkName = null;
        foreach (var (key, value) in config.DriverOpts ?? [])
        {
            switch (key)
            {
                case NameKey:
                    linkName = value;
                    if (value.Length is 0 or > LongestName || value is "." or ".." or "lo" || value.AsSpan().ContainsAny("/: \t\n") || !value.All(char.IsAscii))
                    {
                        wrong.Add($"invalid interface name '{value}': 1 to {LongestName} ASCII characters without '/', ':' and blanks");
                    }

                    break;
                case SettingsKey:
                    settings.AddRange(value.Split(',').Select(text => Setting(text, wrong)).OfType<InterfaceSetting>());
                    break;
                default:
                    wrong.Add($"unknown option '{key}' of an endpoint; there are {NameKey} and {SettingsKey}");
                    break;
            }
        }

        var linkLocal = new List<IPAddress>();
        foreach (var text in config.IpamConfig?.LinkLocalIPs ?? [])
        {
            if (IPAddress.TryParse(text, out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any))
            {
                linkLocal.Add(address);
            }
            else
            {
                wrong.Add($"invalid link-local IP address: {text}");
            }
        }

        return wrong.Count == 0
            ? new(linkName, settings, [.. linkLocal.Distinct()])
            : throw BerthException.Invalid($"invalid endpoint settings:\n{NetworkPools.Joined(wrong)}");
    }

    [GeneratedRegex("^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\\z")]
    private static partial Regex MacAddress();

    // Docker's client writes keys in lower case, so the placeholder comes as "ifname" too.
    private static InterfaceSetting? Setting(string text, List<string> wrong)
    {
        var pair = text.Split('=', 2);
        if (pair.Length == 2 && pair[0].Split('.') is ["net", "ipv4" or "ipv6" or "mpls", "conf" or "neigh", "IFNAME" or "ifname", { Length: > 0 } name] parts
            && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-'))
        {
            return new(parts[1], parts[2], name, pair[1]);
        }

        wrong.Add($"unrecognised network interface sysctl '{text}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'");
        return null;
    }
}
