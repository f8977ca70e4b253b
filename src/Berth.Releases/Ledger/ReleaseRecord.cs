using System.Text.Json.Serialization;

namespace Berth.Releases.Ledger;

public enum ReleaseStatus
{
    /// <summary>Its containers are being put into place.</summary>
    Running,

    /// <summary>It serves; the old copies wait in case it does badly.</summary>
    Watched,

    /// <summary>It is being taken back.</summary>
    GoingBack,

    /// <summary>It serves, or served until the next release.</summary>
    Done,

    /// <summary>It could not be put into place; the release before it serves.</summary>
    Failed,

    /// <summary>It served, did badly or was called back, and the release before it serves again.</summary>
    WentBack,
}

/// <summary>One change of a project as it was carried out: all that is needed to know what ran, and to bring it back.</summary>
public sealed record ReleaseRecord
{
    public required string Project { get; init; }

    /// <summary>From one, in order, never used twice.</summary>
    public required int Number { get; init; }

    public required ReleaseStatus Status { get; init; }

    /// <summary>What was asked for: <c>up</c>, <c>deploy</c>, <c>rollback to 3</c>.</summary>
    public required string Command { get; init; }

    public required DateTimeOffset Started { get; init; }

    /// <summary>When its containers were in place, or it had failed.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>The caller's user name; empty when it is not known.</summary>
    public string User { get; init; } = "";

    /// <summary>Where the project's folder stood: a commit's id; empty without git.</summary>
    public string GitCommit { get; init; } = "";

    /// <summary>Absolute; relative paths of the model start there.</summary>
    public string Folder { get; init; } = "";

    /// <summary>What stands between the parts of the containers' names.</summary>
    public string Separator { get; init; } = Compose.ComposeNames.Separator;

    /// <summary>The resolved project as a compose file in JSON.</summary>
    public string Model { get; init; } = "";

    /// <summary>Image ids by the reference that the model names.</summary>
    public SortedDictionary<string, string> Images { get; init; } = [];

    /// <summary>What its secrets and configs held, by <c>secret/KEY</c> and <c>config/KEY</c>: digests of contents that the ledger keeps beside the releases.</summary>
    public SortedDictionary<string, string> Files { get; init; } = [];

    /// <summary>What the plan said it would do, a line each.</summary>
    public IReadOnlyList<string> Plan { get; init; } = [];

    /// <summary>Seconds by phase: <c>images</c>, <c>release</c>, <c>containers</c>.</summary>
    public SortedDictionary<string, double> Durations { get; init; } = [];

    /// <summary>What the jobs of the release phase did, by service.</summary>
    public SortedDictionary<string, JobResult> Jobs { get; init; } = [];

    /// <summary>Seconds that each service replaced stop-first was away, from the end of its old container to the start of its new one.</summary>
    public SortedDictionary<string, double> Gaps { get; init; } = [];

    /// <summary>Why it failed or went back; empty otherwise.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Seconds for which the caller wanted it watched; null for what its services say.</summary>
    public double? AskedWatch { get; init; }

    /// <summary>Until when it is watched.</summary>
    public DateTimeOffset? WatchEnds { get; init; }

    /// <summary>The containers that took over from others, for as long as those are there.</summary>
    public IReadOnlyList<RolledService> Rolled { get; init; } = [];

    /// <summary>Whether it put its containers into place, and can be brought back.</summary>
    [JsonIgnore]
    public bool Served => Status is ReleaseStatus.Done or ReleaseStatus.Watched;

    /// <summary>Whether nothing would change from one to the other.</summary>
    public bool IsSameAs(ReleaseRecord other) => Model == other.Model && Images.SequenceEqual(other.Images) && Files.SequenceEqual(other.Files);
}

/// <param name="Output">The end of what it printed, at most 64 Ki letters.</param>
public sealed record JobResult(double Seconds, string Output);

/// <summary>A service whose containers took over from others.</summary>
public sealed record RolledService(string Service, Planning.RollSettings Settings, IReadOnlyList<RolledContainer> Containers);

/// <param name="OldId">Null for one that came on top.</param>
public sealed record RolledContainer(string Name, int Number, string NewId, string? OldId);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ReleaseRecord))]
internal sealed partial class LedgerJson : JsonSerializerContext;
