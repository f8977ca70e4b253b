using System.Net;
using Berth.Edge.State;

namespace Berth.Edge.Names;

/// <summary>What a name means in one namespace, by the state. Pure.</summary>
internal static class NameLookup
{
    /// <summary>The addresses of a name; null when no container has it.</summary>
    internal static IReadOnlyList<IPAddress>? Find(EdgeState state, EdgeNamespace space, string name)
    {
        if (space.OwnNames.TryGetValue(name, out var own))
        {
            return [.. own.Select(IPAddress.Parse)];
        }

        var found = space.Networks.Where(state.Networks.ContainsKey)
            .SelectMany(network => state.Networks[network].TryGetValue(name, out var addresses) ? addresses : []).Distinct().ToList();
        return found.Count == 0 ? null : [.. found.Select(IPAddress.Parse)];
    }

    /// <summary>
    /// The name behind <c>4.3.2.1.in-addr.arpa</c> or its like in <c>ip6.arpa</c>, if one of the namespace's networks has that address; the longest, as it says most.
    /// </summary>
    internal static string? FindByAddress(EdgeState state, EdgeNamespace space, string reverseName)
    {
        if (ReversedAddress(reverseName) is not { } address)
        {
            return null;
        }

        return space.Networks.Where(state.Networks.ContainsKey).SelectMany(network => state.Networks[network])
            .Where(entry => entry.Value.Contains(address)).Select(entry => entry.Key).OrderByDescending(name => name.Length).FirstOrDefault();
    }

    // RFC 1035, 3.5, and RFC 3596, 2.5: one label a byte, or a hexadecimal digit, the last one first.
    private static string? ReversedAddress(string name)
    {
        const string Suffix4 = ".in-addr.arpa";
        const string Suffix6 = ".ip6.arpa";
        if (name.EndsWith(Suffix4, StringComparison.Ordinal))
        {
            return string.Join('.', name[..^Suffix4.Length].Split('.').Reverse());
        }

        var digits = name.EndsWith(Suffix6, StringComparison.Ordinal) ? string.Concat(name[..^Suffix6.Length].Split('.').Reverse()) : "";
        return digits.Length == 32 && digits.All(char.IsAsciiHexDigit) ? new IPAddress(Convert.FromHexString(digits)).ToString() : null;
    }
}
