using System.Globalization;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Releases.Planning;

namespace Berth.Releases.Rollouts;

/// <summary>Whether this machine has the memory for old and new copies side by side. A new copy is taken to need what the one before it uses now.</summary>
internal static class MemoryRoom
{
    /// <summary>What speaks against the plan; empty when nothing does.</summary>
    internal static IReadOnlyList<string> Problems(EngineHost engine, Plan plan) =>
    [
        .. plan.Actions.OfType<RollService>().Where(roll => roll.Settings.Order == RollOrder.StartFirst)
            .Select(roll => (roll, Copies: roll.Replacements.Take(roll.Settings.Parallelism).Select(replace => engine.Containers.All.FirstOrDefault(container => container.Id == replace.Existing.Id)).OfType<Container>().ToList()))
            .Select(pair => Problem(pair.roll.Service.Name, pair.Copies.Count, pair.Copies.Sum(engine.Containers.MemoryOf), AvailableBytes(File.ReadLines("/proc/meminfo"))))
            .OfType<string>(),
    ];

    internal static string? Problem(string service, int copies, long neededBytes, long availableBytes) => neededBytes <= availableBytes
        ? null
        : $"service '{service}': {copies} new {(copies == 1 ? "copy needs" : "copies need")} about {Megabytes(neededBytes)} beside the old, but {Megabytes(availableBytes)} of memory are available; "
            + "free some, or replace it stop-first (x-berth: {roll: stop-first})";

    /// <summary>proc(5), /proc/meminfo: what new programs can have without swapping.</summary>
    internal static long AvailableBytes(IEnumerable<string> lines) =>
        lines.FirstOrDefault(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal))?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var number, ..]
        && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var kibibytes)
            ? kibibytes * 1024
            : long.MaxValue;

    private static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1_000_000} MB");
}
