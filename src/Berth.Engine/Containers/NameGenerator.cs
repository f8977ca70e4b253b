using System.Security.Cryptography;

namespace Berth.Engine.Containers;

/// <summary>Names for containers that were given none: an adjective and a harbour word.</summary>
internal static class NameGenerator
{
    private static readonly string[] Adjectives =
    [
        "able", "amber", "ample", "brave", "brisk", "bright", "calm", "clear", "clever", "cosy", "crisp", "deft", "eager", "fair", "fleet", "fresh",
        "gentle", "glad", "golden", "grand", "happy", "hardy", "honest", "jolly", "keen", "kind", "lively", "loyal", "lucid", "merry", "mild", "neat",
        "nimble", "noble", "patient", "plain", "proud", "quick", "quiet", "rapid", "ready", "sharp", "silent", "silver", "smooth", "snug", "solid",
        "spry", "steady", "stout", "sunny", "swift", "tidy", "trim", "true", "vivid", "warm", "wise", "witty", "zesty",
    ];

    private static readonly string[] Nouns =
    [
        "anchor", "ballast", "barge", "bay", "beacon", "boom", "bow", "bridge", "buoy", "cable", "capstan", "cargo", "channel", "clipper", "compass",
        "cove", "crane", "current", "cutter", "deck", "dinghy", "dock", "ferry", "fjord", "galley", "gangway", "gull", "harbour", "hatch", "hawser",
        "helm", "hull", "jetty", "keel", "ketch", "lagoon", "lantern", "ledger", "lighthouse", "lock", "mast", "mooring", "oar", "pier", "pilot",
        "port", "quay", "reef", "rigging", "rudder", "sail", "schooner", "sloop", "spar", "starboard", "stern", "tide", "tiller", "tug", "wharf",
    ];

    internal static string Next() => $"{Pick(Adjectives)}_{Pick(Nouns)}";

    private static string Pick(string[] words) => words[RandomNumberGenerator.GetInt32(words.Length)];
}
