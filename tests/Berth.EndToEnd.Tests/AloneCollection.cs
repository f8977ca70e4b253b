namespace Berth.EndToEnd.Tests;

/// <summary>Tests that count requests which must not fail: they run after the others, one at a time, so that what they count is their own.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
