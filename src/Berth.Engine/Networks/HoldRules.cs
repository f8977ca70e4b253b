using System.Globalization;
using System.Text;

namespace Berth.Engine.Networks;

/// <summary>
/// What is held while a service is being replaced: instead of a refusal its clients hear nothing, so that TCP asks again by itself,
/// a second later for the first time. Two things would be refusals: that nobody is there, and that somebody is there who does not listen (any
/// more, or yet). For the first the question is dropped, for the second the answer.
/// </summary>
/// <param name="Vacant">Service addresses that nothing serves at present.</param>
/// <param name="Addresses">Whose refusals are kept back: service addresses and, on the host, replicas.</param>
/// <param name="VacantPorts">Published TCP ports that nothing serves at present.</param>
/// <param name="Ports">Published TCP ports whose refusals are kept back.</param>
internal sealed record HeldModel(
    IReadOnlyList<Held> Vacant, IReadOnlyList<Held> Addresses, IReadOnlyList<Held> VacantPorts, IReadOnlyList<Held> Ports)
{
    internal static HeldModel None { get; } = new([], [], [], []);

    internal bool IsEmpty => Vacant.Count + Addresses.Count + VacantPorts.Count + Ports.Count == 0;
}

/// <summary>An address or a port, and until when it is held.</summary>
internal readonly record struct Held(string What, DateTimeOffset Until);

/// <summary>
/// Renders the chains of a hold and the elements of its sets. Pure. The kernel itself ends a hold: each element has the time that is
/// left, so a daemon that dies leaves none behind for longer.
/// </summary>
internal static class HoldRules
{
    // A refusal answers a first packet, which acknowledged nothing: its number is zero. RFC 9293, 3.10.7.1.
    private const string Refusal = "tcp sequence 0 tcp flags & (rst | ack) == (rst | ack)";
    private const string Question = "tcp flags & (fin | syn | rst | ack) == syn";

    /// <summary>Sets and chains, to stand inside a table's braces; nothing when nothing is held.</summary>
    internal static void Render(StringBuilder text, HeldModel held, bool isHost)
    {
        if (held.IsEmpty)
        {
            return;
        }

        foreach (var (name, type, _) in Sets(held))
        {
            text.Append("  set ").Append(name).Append(" { type ").Append(type).Append("; flags timeout; }\n");
        }

        // Behind the translations of destinations, before the chains that refuse.
        text.Append("  chain hold_output { type filter hook output priority -10; policy accept;\n");
        Questions(text);
        text.Append("  }\n  chain hold_input { type filter hook input priority -10; policy accept;\n");
        Questions(text);
        Refusals(text);
        text.Append("  }\n");
        if (isHost)
        {
            text.Append("  chain hold_forward { type filter hook forward priority -10; policy accept;\n");
            Refusals(text);
            text.Append("  }\n");
        }
    }

    /// <summary>The commands that fill the sets, to stand behind the table in the same batch.</summary>
    internal static string Elements(string table, HeldModel held, DateTimeOffset now)
    {
        var text = new StringBuilder();
        foreach (var (name, _, elements) in Sets(held).Where(set => set.Elements.Count > 0))
        {
            text.Append("add element inet ").Append(table).Append(' ').Append(name).Append(" { ").AppendJoin(", ", elements.Select(element =>
                string.Create(CultureInfo.InvariantCulture, $"{element.What} timeout {Math.Max(1, (long)(element.Until - now).TotalMilliseconds)}ms"))).Append(" }\n");
        }

        return text.ToString();
    }

    /// <summary>Tells two holds apart whatever the time is.</summary>
    internal static string Key(HeldModel held) =>
        string.Join(' ', Sets(held).SelectMany(set => set.Elements.Select(element => string.Create(CultureInfo.InvariantCulture, $"{set.Name}:{element.What}@{element.Until.UtcTicks}"))));

    private static (string Name, string Type, IReadOnlyList<Held> Elements)[] Sets(HeldModel held) =>
    [
        ("vacant", "ipv4_addr", held.Vacant), ("held", "ipv4_addr", held.Addresses),
        ("vacant_ports", "inet_service", held.VacantPorts), ("held_ports", "inet_service", held.Ports),
    ];

    private static void Questions(StringBuilder text)
    {
        text.Append("    ip daddr @vacant ").Append(Question).Append(" drop\n");
        text.Append("    fib daddr type local tcp dport @vacant_ports ").Append(Question).Append(" drop\n");
    }

    private static void Refusals(StringBuilder text)
    {
        text.Append("    ct original ip daddr @held ").Append(Refusal).Append(" drop\n");
        text.Append("    meta l4proto tcp ct status dnat ct original proto-dst @held_ports ").Append(Refusal).Append(" drop\n");
    }
}
