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

    /// <summary>The name behind <c>4.3.2.1.in-addr.arpa</c>, if one of the namespace's networks has that address; the longest, as it says most.</summary>
    internal static string? FindByAddress(EdgeState state, EdgeNamespace space, string reverseName)
    {
        const string Suffix = ".in-addr.arpa";
        if (!reverseName.EndsWith(Suffix, StringComparison.Ordinal))
        {
            return null;
        }

        var address = string.Join('.', reverseName[..^Suffix.Length].Split('.').Reverse());
        return space.Networks.Where(state.Networks.ContainsKey).SelectMany(network => state.Networks[network])
            .Where(entry => entry.Value.Contains(address)).Select(entry => entry.Key).OrderByDescending(name => name.Length).FirstOrDefault();
    }
}
