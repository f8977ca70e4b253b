using System.Text;
using System.Text.RegularExpressions;
using Berth.Linux.Nftables;
using Microsoft.Extensions.Logging;

namespace Berth.Engine.Networks;

/// <summary>
/// Lets packets of our bridges pass where the host's own firewall drops what it does not know: Docker, for one, sets the policy of
/// iptables' FORWARD to drop, and an accept in a table of ours does not undo a drop in another. A tagged rule for each bridge goes
/// to where that firewall has a place for such rules, behind the rules that are there, so that what they drop stays dropped. What may
/// reach a bridge at all is still decided by <see cref="HostRules"/>, which drops too. firewalld rejects what none of its zones knows in the middle of its chain, so there
/// they stand before its zones.
/// </summary>
/// <remarks>The rules have the form that iptables-nft gives its own, so that it can list, save and restore them.</remarks>
internal sealed partial class ForwardAccept(string owner, ILogger<ForwardAccept> logger)
{
    private const string FirewalldZones = "jump filter_FORWARD_";
    private bool _isFailing; // said once, not at each change that somebody makes
    private HashSet<string> _places = []; // where our rules may be, from the last run

    /// <summary>The chains of the calling thread's namespace that forward packets, our own left out; pure.</summary>
    /// <param name="listing">What <c>nft list chains</c> prints.</param>
    /// <param name="owner">Name of our own table.</param>
    internal static IReadOnlyList<ForwardChain> Chains(string listing, string owner)
    {
        var chains = new List<ForwardChain>();
        var (family, table, chain) = ("", "", "");
        foreach (var line in listing.Split('\n').Select(line => line.Trim()))
        {
            if (TableLine().Match(line) is { Success: true } ofTable)
            {
                (family, table) = (ofTable.Groups[1].Value, ofTable.Groups[2].Value);
            }
            else if (ChainLine().Match(line) is { Success: true } ofChain)
            {
                chain = ofChain.Groups[1].Value;
                if (IsDockerUser(family, table, chain))
                {
                    chains.Add(DockerUser(family));
                }
            }
            else if (line.StartsWith("type filter hook forward ", StringComparison.Ordinal) && family is "ip" or "ip6" or "inet" && table != owner)
            {
                chains.Add(new(family, table, chain, line.Contains("policy drop", StringComparison.Ordinal) || IsFirewalld(family, table, chain)));
            }
        }

        return chains;
    }

    /// <summary>Which of the chains shall have our rules; pure. iptables' FORWARD has a chain of its own for that where Docker is installed.</summary>
    internal static IReadOnlyList<ForwardChain> Places(IReadOnlyList<ForwardChain> chains) =>
        [.. chains.Where(chain => chain.Drops).Select(chain => IsFilterForward(chain) && chains.Contains(DockerUser(chain.Family)) ? DockerUser(chain.Family) : chain)];

    /// <summary>The batch that leaves exactly the wanted rules of ours in a chain; empty when that is so already. Pure.</summary>
    /// <param name="chain">Which chain.</param>
    /// <param name="listing">What <c>nft --handle --stateless list chain</c> prints of it.</param>
    /// <param name="owner">Goes into the tag.</param>
    /// <param name="accepted">Bridges that shall pass; none to take our rules away.</param>
    /// <param name="known">All bridges that are ours: a rule for one of them is ours also if another tool has lost its tag.</param>
    internal static string Change(ForwardChain chain, string listing, string owner, IReadOnlyList<string> accepted, IReadOnlyCollection<string> known)
    {
        var rules = listing.Split('\n').Select(line => RuleLine().Match(line)).Where(match => match.Success)
            .Select(match => (Text: Normal(match.Groups[1].Value), Tag: match.Groups[2].Value, Handle: match.Groups[3].Value)).ToList();
        var wanted = accepted.SelectMany(Accepts).ToList();
        var possible = known.Concat(accepted).SelectMany(Accepts).ToHashSet(StringComparer.Ordinal);
        var ours = rules.Where(rule => rule.Tag == Tag(owner) || possible.Contains(rule.Text)).ToList();
        if (ours.Select(rule => rule.Text).SequenceEqual(wanted, StringComparer.Ordinal))
        {
            return "";
        }

        var batch = new StringBuilder();
        foreach (var rule in ours)
        {
            batch.Append("delete rule ").Append(chain).Append(" handle ").Append(rule.Handle).Append('\n');
        }

        // Docker ended its chain with a return for long; behind that nothing is reached.
        var end = IsFirewalld(chain.Family, chain.Table, chain.Name) ? rules.Find(rule => rule.Text.StartsWith(FirewalldZones, StringComparison.Ordinal)).Handle
            : rules.Count > 0 && rules[^1].Text is "return" or "counter return" ? rules[^1].Handle : null;
        foreach (var rule in wanted)
        {
            batch.Append(end is null ? "add rule " : "insert rule ").Append(chain);
            batch.Append(end is null ? "" : $" handle {end}").Append(' ').Append(rule).Append(" comment \"").Append(Tag(owner)).Append("\"\n");
        }

        return batch.ToString();
    }

    /// <summary>Makes the host's firewall pass these bridges. What cannot be done is logged; the next change tries again.</summary>
    /// <param name="accepted">The bridges in use; none takes all rules of ours away.</param>
    /// <param name="accepted6">Those of them that have IPv6.</param>
    /// <param name="known">All bridges of this daemon.</param>
    /// <param name="run">Loads a batch.</param>
    internal void Apply(IReadOnlyList<string> accepted, IReadOnlyList<string> accepted6, IReadOnlyCollection<string> known, Action<string> run)
    {
        try
        {
            var chains = Chains(Nft.Query("list chains"), owner);
            var places = Places(chains).Select(chain => chain.ToString()).ToHashSet(StringComparer.Ordinal);
            foreach (var chain in chains.Where(chain => places.Contains(chain.ToString()) || _places.Contains(chain.ToString()) || IsDockerUser(chain.Family, chain.Table, chain.Name) || IsFilterForward(chain)))
            {
                var passing = !places.Contains(chain.ToString()) ? [] : chain.Family == "ip6" ? accepted6 : accepted;
                var change = Change(chain, Nft.QueryRules($"list chain {chain}"), owner, passing, known);
                if (change.Length > 0)
                {
                    run(change);
                    LogChanged(chain.ToString(), passing.Count > 0 ? string.Join(", ", passing) : "none");
                }
            }

            (_places, _isFailing) = (places, false);
        }
        catch (NftException exception)
        {
            if (!_isFailing)
            {
                LogNotApplied(exception);
            }

            _isFailing = true;
        }
    }

    // firewalld.nftables; its zones' chains have had several names.
    private static bool IsFirewalld(string family, string table, string name) => (family, table, name) is ("inet", "firewalld", "filter_FORWARD");

    private static bool IsFilterForward(ForwardChain chain) => chain is { Family: "ip" or "ip6", Table: "filter", Name: "FORWARD" };

    private static bool IsDockerUser(string family, string table, string name) => (family, table, name) is ("ip" or "ip6", "filter", "DOCKER-USER");

    private static ForwardChain DockerUser(string family) => new(family, "filter", "DOCKER-USER", Drops: false);

    private static IEnumerable<string> Accepts(string bridge) => [$"iifname \"{bridge}\" counter accept", $"oifname \"{bridge}\" counter accept"];

    private static string Tag(string owner) => $"berth: {owner}";

    private static string Normal(string rule) => string.Join(' ', rule.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    [GeneratedRegex("^table (\\S+) (\\S+) \\{")]
    private static partial Regex TableLine();

    [GeneratedRegex("^chain (\\S+) \\{")]
    private static partial Regex ChainLine();

    [GeneratedRegex("^\\s*(\\S.*?)(?: comment \"([^\"]*)\")? # handle (\\d+)$")]
    private static partial Regex RuleLine();

    [LoggerMessage(4005, LogLevel.Information, "The host's firewall drops what it does not know; accepted in {Chain}: {Bridges}")]
    private partial void LogChanged(string chain, string bridges);

    [LoggerMessage(4006, LogLevel.Warning, "The host's firewall could not be asked to pass containers' packets; if its forward chain drops, published ports and the way out do not work")]
    private partial void LogNotApplied(Exception exception);
}

/// <summary>A chain in the way of forwarded packets, and whether it drops what no rule of it accepts. Reads as nft names it.</summary>
internal sealed record ForwardChain(string Family, string Table, string Name, bool Drops)
{
    public override string ToString() => $"{Family} {Table} {Name}";
}
