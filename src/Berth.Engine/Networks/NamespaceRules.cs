using System.Text;

namespace Berth.Engine.Networks;

/// <summary>All that decides the rules inside one container's network namespace.</summary>
internal sealed record NamespaceRulesModel(int DnsPort, IReadOnlyList<ServiceAddress> Services, HeldModel Held);

/// <summary>
/// Renders the nftables table inside a container's namespace: DNS at 127.0.0.11 is led to the data plane's socket there, and
/// service addresses to healthy replicas. Pure; replaced in one transaction.
/// </summary>
internal static class NamespaceRules
{
    internal const string Table = "berth";

    internal static string Render(NamespaceRulesModel model)
    {
        var text = new StringBuilder();
        text.Append("table inet ").Append(Table).Append("\ndelete table inet ").Append(Table).Append("\ntable inet ").Append(Table).Append(" {\n");
        text.Append("  chain output { type nat hook output priority -100; policy accept;\n");
        if (model.DnsPort > 0)
        {
            text.Append("    ip daddr 127.0.0.11 udp dport 53 dnat ip to 127.0.0.11:").Append(model.DnsPort).Append('\n');
            text.Append("    ip daddr 127.0.0.11 tcp dport 53 dnat ip to 127.0.0.11:").Append(model.DnsPort).Append('\n');
        }

        foreach (var service in model.Services.Where(service => service.Replicas.Count > 0))
        {
            if (service.Replicas.Count > 1)
            {
                text.Append("    ip daddr ").Append(service.Address).Append(" meta l4proto tcp dnat ip to jhash tcp sport mod ").Append(service.Replicas.Count)
                    .Append(" map { ").AppendJoin(", ", service.Replicas.Select((address, index) => $"{index} : {address}")).Append(" }\n");
            }

            text.Append("    ip daddr ").Append(service.Address).Append(' ').Append(Balance.ToAddresses(service.Replicas)).Append('\n');
        }

        text.Append("  }\n");
        var empty = model.Services.Where(service => service.Replicas.Count == 0).ToList();
        if (empty.Count > 0)
        {
            text.Append("  chain refuse { type filter hook output priority 0; policy accept;\n");
            Reject(text, empty);
            text.Append("  }\n");
        }

        HoldRules.Render(text, model.Held, isHost: false);
        return text.Append("}\n").ToString();
    }

    /// <summary>The rules of a filter chain that refuse what goes to the addresses of services.</summary>
    internal static void Reject(StringBuilder text, IEnumerable<ServiceAddress> services)
    {
        foreach (var service in services)
        {
            text.Append("    ip daddr ").Append(service.Address).Append(" meta l4proto tcp reject with tcp reset\n");
            text.Append("    ip daddr ").Append(service.Address).Append(" reject\n");
        }
    }
}
