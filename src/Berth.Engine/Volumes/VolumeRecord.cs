namespace Berth.Engine.Volumes;

/// <summary>A named volume: a directory that outlives containers. Docker Engine API, "Volume".</summary>
public sealed record VolumeRecord
{
    public required string Name { get; init; }

    public required DateTimeOffset Created { get; init; }

    public SortedDictionary<string, string> Labels { get; init; } = [];

    public SortedDictionary<string, string> Options { get; init; } = [];
}
