using System.Text;

namespace Berth.Engine.Networks;

/// <summary>A published port: where it is taken and which container addresses answer it.</summary>
/// <param name="Targets">Who answers what comes over IPv4.</param>
/// <param name="Targets6">Who answers what comes over IPv6; where nobody does, the data plane relays TCP.</param>
internal sealed record PublishedPort(
    string Protocol, string HostIp, int HostPort, IReadOnlyList<(string Address, int Port)> Targets, IReadOnlyList<(string Address, int Port)> Targets6)
{
    internal PublishedPort(string protocol, string hostIp, int hostPort, IReadOnlyList<(string Address, int Port)> targets)
        : this(protocol, hostIp, hostPort, targets, [])
    {
    }

    /// <summary>To whom the data plane relays what no rule leads on.</summary>
    internal IReadOnlyList<(string Address, int Port)> Relayed { get; init; } = Targets;

    internal bool IsServed => Targets.Count + Targets6.Count + Relayed.Count > 0;
}

/// <summary>A service's virtual address on one network and the addresses that serve it now.</summary>
internal sealed record ServiceAddress(string Address, IReadOnlyList<string> Replicas);

/// <summary>All that decides the host's rules.</summary>
internal sealed record HostRulesModel(
    string Table, IReadOnlyList<NetworkRecord> Bridges, IReadOnlyList<PublishedPort> Ports, IReadOnlyList<ServiceAddress> Services, HeldModel Held)
{
    /// <summary>Ports that are open at containers' own addresses.</summary>
    internal IReadOnlyList<OpenedPort> Opened { get; init; } = [];
}

/// <summary>
/// Renders the host's nftables table. Pure. The whole table is replaced in one transaction, so no packet ever meets
/// half of it; connections that are established keep their translation (conntrack).
/// </summary>
internal static class HostRules
{
    internal static string Remove(string table) => $"table inet {table}\ndelete table inet {table}\n";

    internal static string Render(HostRulesModel model)
    {
        var text = new StringBuilder();
        text.Append("table inet ").Append(model.Table).Append("\ndelete table inet ").Append(model.Table)
            .Append("\ntable inet ").Append(model.Table).Append(" {\n");
        if (model.Bridges.Count > 0)
        {
            text.Append("  set bridges { type ifname; elements = { ")
                .AppendJoin(", ", model.Bridges.Select(network => $"\"{network.Bridge}\"")).Append(" } }\n");
        }

        Guard(text, model);
        text.Append("  chain prerouting { type nat hook prerouting priority -100; policy accept;\n");
        Ports(text, model);
        text.Append("  }\n  chain output { type nat hook output priority -100; policy accept;\n");
        Ports(text, model);
        foreach (var service in model.Services.Where(service => service.Replicas.Count > 0))
        {
            text.Append("    ip daddr ").Append(service.Address).Append(' ').Append(Balance.ToAddresses(service.Replicas)).Append('\n');
        }

        text.Append("  }\n");
        Refuse(text, model);
        Forward(text, model);
        Masquerade(text, model);
        HoldRules.Render(text, model.Held, isHost: true);
        return text.Append("}\n").ToString();
    }

    // Before connection tracking: packets that claim a container's address, or a loopback one, but do not come from there.
    private static void Guard(StringBuilder text, HostRulesModel model)
    {
        text.Append("  chain guard { type filter hook prerouting priority -300; policy accept;\n");
        text.Append("    iifname != \"lo\" ip daddr 127.0.0.0/8 drop\n");
        foreach (var network in model.Bridges.Where(network => network is { IsPredefined: true, Ipv4: not null }))
        {
            text.Append("    ip daddr ").Append(network.Gateway).Append(" iifname @bridges accept\n"); // this host, as host-gateway names it on every network
        }

        foreach (var network in model.Bridges)
        {
            var settings = network.Settings;
            foreach (var (pool, family, mode) in Families(network, settings).Where(one => one.Mode is GatewayMode.Nat or GatewayMode.Isolated))
            {
                text.Append("    ").Append(family).Append(" daddr ").Append(pool.Subnet).Append(" iifname != { \"").Append(network.Bridge).Append("\", \"lo\" } drop\n");
            }
        }

        text.Append("  }\n");
    }

    private static IEnumerable<(PoolRecord Pool, string Family, GatewayMode Mode)> Families(NetworkRecord network, BridgeSettings settings)
    {
        if (network.Ipv4 is { } ipv4)
        {
            yield return (ipv4, "ip", settings.Ipv4Mode);
        }

        if (network.Ipv6 is { } ipv6)
        {
            yield return (ipv6, "ip6", settings.Ipv6Mode);
        }
    }

    private static void Ports(StringBuilder text, HostRulesModel model)
    {
        foreach (var port in model.Ports)
        {
            var isIpv6 = port.HostIp.Contains(':', StringComparison.Ordinal);
            if (port.Targets.Count > 0 && !isIpv6)
            {
                text.Append("    ");
                text.Append(port.HostIp.Length == 0 || port.HostIp == "0.0.0.0" ? "fib daddr type local ip daddr != 127.0.0.11 " : $"ip daddr {port.HostIp} ");
                text.Append("meta nfproto ipv4 ").Append(port.Protocol).Append(" dport ").Append(port.HostPort).Append(' ')
                    .Append(Balance.ToPorts(port.Protocol, port.Targets)).Append('\n');
            }

            // What is sent to ::1, or to an address of one link, cannot be led anywhere else: the data plane relays that.
            if (port.Targets6.Count > 0 && (isIpv6 || port.HostIp.Length == 0) && port.HostIp != "::1")
            {
                text.Append("    ").Append(port.HostIp is "" or "::" ? "fib daddr type local ip6 daddr != { ::1, fe80::/10 } " : $"ip6 daddr {port.HostIp} ");
                text.Append("meta nfproto ipv6 ").Append(port.Protocol).Append(" dport ").Append(port.HostPort).Append(' ')
                    .Append(Balance.ToPorts(port.Protocol, port.Targets6, "ip6")).Append('\n');
            }
        }
    }

    // As in a container's namespace: the host's own connections to a service that nothing serves are refused, not lost on the bridge.
    private static void Refuse(StringBuilder text, HostRulesModel model)
    {
        var empty = model.Services.Where(service => service.Replicas.Count == 0).ToList();
        if (empty.Count > 0)
        {
            text.Append("  chain refuse { type filter hook output priority 0; policy accept;\n");
            NamespaceRules.Reject(text, empty);
            text.Append("  }\n");
        }
    }

    private static void Forward(StringBuilder text, HostRulesModel model)
    {
        text.Append("  chain forward { type filter hook forward priority 0; policy accept;\n");
        if (model.Bridges.Count > 0)
        {
            text.Append("    ct state established,related accept\n");
            foreach (var network in model.Bridges.Where(network => network.Internal))
            {
                text.Append("    iifname \"").Append(network.Bridge).Append("\" oifname != \"").Append(network.Bridge).Append("\" drop\n");
                text.Append("    oifname \"").Append(network.Bridge).Append("\" iifname != \"").Append(network.Bridge).Append("\" drop\n");
            }

            text.Append("    oifname @bridges ct status dnat accept\n");
            foreach (var network in model.Bridges)
            {
                Directly(text, network, model.Opened.Where(port => port.Bridge == network.Bridge));
            }

            text.Append("    oifname @bridges drop\n"); // another network, or another machine without a published port
        }

        text.Append("  }\n");
    }

    private static void Directly(StringBuilder text, NetworkRecord network, IEnumerable<OpenedPort> opened)
    {
        var settings = network.Settings;
        if (settings.AllowsPeers)
        {
            text.Append("    iifname \"").Append(network.Bridge).Append("\" oifname \"").Append(network.Bridge).Append("\" accept\n");
        }

        foreach (var (_, family, mode) in Families(network, settings))
        {
            if (mode == GatewayMode.NatUnprotected)
            {
                text.Append("    iifname != \"").Append(network.Bridge).Append("\" oifname \"").Append(network.Bridge).Append("\" meta nfproto ").Append(family == "ip" ? "ipv4" : "ipv6").Append(" accept\n");
            }
            else if (mode == GatewayMode.Routed)
            {
                text.Append("    iifname != \"").Append(network.Bridge).Append("\" oifname \"").Append(network.Bridge).Append("\" ").Append(family == "ip" ? "ip protocol icmp" : "meta l4proto icmpv6").Append(" accept\n");
            }
        }

        foreach (var port in opened)
        {
            text.Append("    oifname \"").Append(network.Bridge).Append("\" ").Append(port.Address.Contains(':', StringComparison.Ordinal) ? "ip6" : "ip").Append(" daddr ").Append(port.Address)
                .Append(' ').Append(port.Protocol).Append(" dport ").Append(port.Port).Append(" accept\n");
        }
    }

    private static void Masquerade(StringBuilder text, HostRulesModel model)
    {
        text.Append("  chain postrouting { type nat hook postrouting priority 100; policy accept;\n");
        foreach (var network in model.Bridges)
        {
            text.Append("    oifname \"").Append(network.Bridge).Append("\" ip saddr 127.0.0.0/8 masquerade\n");
            var settings = network.Settings;
            foreach (var (pool, family, mode) in Families(network, settings))
            {
                text.Append("    oifname \"").Append(network.Bridge).Append("\" ").Append(family).Append(" saddr ").Append(pool.Subnet)
                    .Append(' ').Append(family).Append(" daddr ").Append(pool.Subnet).Append(" ct status dnat masquerade\n"); // hairpin
                if (!network.Internal && settings.Masquerades && mode != GatewayMode.Routed)
                {
                    text.Append("    oifname != \"").Append(network.Bridge).Append("\" ").Append(family).Append(" saddr ").Append(pool.Subnet).Append(" masquerade\n");
                }
            }
        }

        text.Append("  }\n");
    }
}

/// <summary>The nft expression that spreads connections over several targets, by a hash of the client's port where there is one.</summary>
internal static class Balance
{
    /// <summary>To addresses and ports, for one protocol.</summary>
    /// <param name="family">That of the addresses: <c>ip</c> or <c>ip6</c>.</param>
    internal static string ToPorts(string protocol, IReadOnlyList<(string Address, int Port)> targets, string family = "ip") =>
        targets.Count == 1
            ? $"dnat {family} to {(family == "ip6" ? $"[{targets[0].Address}]" : targets[0].Address)}:{targets[0].Port}"
            : $"dnat {family} to jhash {family} saddr . {protocol} sport mod {targets.Count} map {{ {string.Join(", ", targets.Select((target, index) => $"{index} : {target.Address} . {target.Port}"))} }}";

    /// <summary>To addresses, ports unchanged, for every protocol.</summary>
    internal static string ToAddresses(IReadOnlyList<string> addresses) =>
        addresses.Count == 1
            ? $"dnat ip to {addresses[0]}"
            : $"dnat ip to numgen inc mod {addresses.Count} map {{ {string.Join(", ", addresses.Select((address, index) => $"{index} : {address}"))} }}";
}
