using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Berth.Engine.Errors;

namespace Berth.Engine.Networks;

/// <summary>How a network's bridge leads to other machines, for one family of addresses. Docker documentation, "Bridge network driver", gateway modes.</summary>
internal enum GatewayMode
{
    /// <summary>Addresses are translated; containers are reached through published ports alone.</summary>
    Nat,

    /// <summary>As <see cref="Nat"/>, but other machines may also send to containers' addresses directly, on every port.</summary>
    NatUnprotected,

    /// <summary>Nothing is translated: published ports are open at the containers' own addresses.</summary>
    Routed,

    /// <summary>Of an internal network: the bridge has no address, so that not even this host is reached.</summary>
    Isolated,
}

/// <summary>What the options of a bridge network mean; those of other names mean nothing here and are kept.</summary>
internal sealed partial record BridgeSettings
{
    internal const string NameOption = "com.docker.network.bridge.name";
    internal const string MtuOption = "com.docker.network.driver.mtu";
    internal const string HostBindingOption = "com.docker.network.bridge.host_binding_ipv4";
    internal const string PeersOption = "com.docker.network.bridge.enable_icc";
    internal const string MasqueradeOption = "com.docker.network.bridge.enable_ip_masquerade";
    internal const string DefaultBridgeOption = "com.docker.network.bridge.default_bridge";
    internal const string Ipv6Option = "com.docker.network.enable_ipv6";
    private const string InhibitOption = "com.docker.network.bridge.inhibit_ipv4";
    private const string Gateway4Option = "com.docker.network.bridge.gateway_mode_ipv4";
    private const string Gateway6Option = "com.docker.network.bridge.gateway_mode_ipv6";
    private const string PrefixOption = "com.docker.network.container_iface_prefix";

    /// <summary>The bridge's name; null to choose one.</summary>
    internal string? Name { get; private init; }

    /// <summary>Bytes; null for the daemon's default.</summary>
    internal int? Mtu { get; private init; }

    /// <summary>Whether containers reach one another.</summary>
    internal bool AllowsPeers { get; private init; } = true;

    /// <summary>Whether what leaves for other machines has the host's address.</summary>
    internal bool Masquerades { get; private init; } = true;

    /// <summary>Where ports are published that name no address of the host; empty for every address.</summary>
    internal string HostBinding { get; private init; } = "";

    internal GatewayMode Ipv4Mode { get; private init; }

    internal GatewayMode Ipv6Mode { get; private init; }

    /// <summary>The bridge has no IPv4 address.</summary>
    internal bool InhibitsIpv4 { get; private init; }

    internal bool EnablesIpv6 { get; private init; }

    /// <summary>First letters of the links in containers; a number follows.</summary>
    internal string InterfacePrefix { get; private init; } = "eth";

    /// <summary>The settings of a network in the making.</summary>
    /// <exception cref="BerthException">A value that cannot be.</exception>
    internal static BridgeSettings Check(IReadOnlyDictionary<string, string> options, bool isInternal)
    {
        var settings = Read(options, out var mistake);
        mistake ??= !isInternal && (settings.Ipv4Mode == GatewayMode.Isolated || settings.Ipv6Mode == GatewayMode.Isolated)
            ? "gateway mode 'isolated' can only be used for an internal network" : null;
        return mistake is null ? settings : throw BerthException.Invalid(mistake);
    }

    /// <summary>The settings of a network that is there: a value that cannot be is as if it were not given.</summary>
    internal static BridgeSettings Of(IReadOnlyDictionary<string, string> options) => Read(options, out _);

    /// <summary>The options that the predefined bridge is shown with.</summary>
    internal static SortedDictionary<string, string> Predefined(string bridge, int mtu) => new(StringComparer.Ordinal)
    {
        [DefaultBridgeOption] = "true", [PeersOption] = "true", [MasqueradeOption] = "true", [HostBindingOption] = "0.0.0.0", [NameOption] = bridge,
        [MtuOption] = mtu.ToString(CultureInfo.InvariantCulture),
    };

    private static BridgeSettings Read(IReadOnlyDictionary<string, string> options, out string? mistake)
    {
        var reader = new Reader(options);
        var settings = new BridgeSettings
        {
            Name = reader.Get<string?>(NameOption, text => LinkName().IsMatch(text) ? text : null, null),
            Mtu = reader.Get<int?>(MtuOption, text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var mtu) && mtu is 0 or (>= 68 and <= 65535) ? mtu : null, null) is > 0 and var size ? size : null,
            AllowsPeers = reader.Get<bool?>(PeersOption, Flag, true) ?? true,
            Masquerades = reader.Get<bool?>(MasqueradeOption, Flag, true) ?? true,
            HostBinding = reader.Get<string?>(HostBindingOption, text => NetworkPools.ParseAddress(text, AddressFamily.InterNetwork)?.ToString(), "") is { } address && address != "0.0.0.0" ? address : "",
            Ipv4Mode = reader.Get<GatewayMode?>(Gateway4Option, Mode, GatewayMode.Nat) ?? GatewayMode.Nat,
            Ipv6Mode = reader.Get<GatewayMode?>(Gateway6Option, Mode, GatewayMode.Nat) ?? GatewayMode.Nat,
            InhibitsIpv4 = reader.Get<bool?>(InhibitOption, Flag, false) ?? false,
            EnablesIpv6 = reader.Get<bool?>(Ipv6Option, Flag, false) ?? false,
            InterfacePrefix = reader.Get<string?>(PrefixOption, text => LinkPrefix().IsMatch(text) ? text : null, "eth") ?? "eth",
        };
        mistake = reader.Mistake;
        return settings;
    }

    // As Go reads them.
    private static bool? Flag(string text) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => null,
    };

    private static GatewayMode? Mode(string text) => text switch
    {
        "nat" => GatewayMode.Nat, "nat-unprotected" => GatewayMode.NatUnprotected, "routed" => GatewayMode.Routed, "isolated" => GatewayMode.Isolated, _ => null,
    };

    // It becomes a path below /proc/sys and a word of the rules; a link's name has 15 characters at most.
    [GeneratedRegex("^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}\\z")]
    private static partial Regex LinkName();

    [GeneratedRegex("^[a-zA-Z][a-zA-Z0-9_-]{0,11}\\z")]
    private static partial Regex LinkPrefix();

    private sealed class Reader(IReadOnlyDictionary<string, string> options)
    {
        internal string? Mistake { get; private set; }

        internal T Get<T>(string option, Func<string, T> parse, T otherwise)
        {
            if (!options.TryGetValue(option, out var text) || text.Length == 0)
            {
                return otherwise;
            }

            var value = parse(text);
            Mistake ??= value is null ? $"failed to parse {option} value: {text}" : null;
            return value is null ? otherwise : value;
        }
    }
}
