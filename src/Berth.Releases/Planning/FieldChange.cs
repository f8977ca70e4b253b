namespace Berth.Releases.Planning;

/// <summary>One thing in which a container is not as its service says.</summary>
/// <param name="Field">By the name that compose files have for it; what has a key is named with it, as <c>environment.DEBUG</c>, <c>volumes./data</c>.</param>
/// <param name="Old">What it is; null: not set.</param>
/// <param name="New">What it is to be; null: not set.</param>
public sealed record FieldChange(string Field, string? Old, string? New)
{
    private static readonly string[] s_limits =
    [
        "blkio_config.weight", "cpu_period", "cpu_quota", "cpu_shares", "cpus", "cpuset", "mem_limit", "mem_reservation", "memswap_limit", "pids_limit",
    ];

    /// <summary>Whether it can be brought about while the container runs.</summary>
    public bool IsInPlace => Field is "depends_on" or "expose" or "restart" or "stop_grace_period" or "stop_signal"
        || (Field.StartsWith("labels.", StringComparison.Ordinal) && !Field.StartsWith("labels.org.berth.", StringComparison.Ordinal))
        || Field.StartsWith("ports.", StringComparison.Ordinal)
        || s_limits.Contains(Field)
        || (Field.StartsWith("networks.", StringComparison.Ordinal) && (Old is null || New is null))
        || (Field == "healthcheck.test" ? Old is not (null or "NONE") && New is not (null or "NONE") : Field.StartsWith("healthcheck.", StringComparison.Ordinal));

    /// <summary>Whether others than Berth can have brought it about: with <c>docker update</c>, <c>docker network connect</c> or <c>disconnect</c>.</summary>
    public bool IsDrift => Field == "restart" || s_limits.Contains(Field) || Field.StartsWith("networks.", StringComparison.Ordinal);
}
