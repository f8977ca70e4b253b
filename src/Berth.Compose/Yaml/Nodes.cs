namespace Berth.Compose.Yaml;

/// <summary>A place in a file; line and column from one, zero when unknown.</summary>
internal readonly record struct Place(string File, int Line, int Column)
{
    public static Place Nowhere { get; } = new(string.Empty, 0, 0);
}

/// <summary>A piece of a YAML document that knows where it stands. Immutable; an alias shares its anchor's node.</summary>
/// <param name="Place">Where it begins.</param>
/// <param name="Tag">How merging treats it.</param>
/// <param name="Size">How many nodes it holds when every alias is written out.</param>
internal abstract record YamlNode(Place Place, MergeTag Tag, long Size);

internal enum MergeTag
{
    None,

    /// <summary><c>!reset</c>: takes the value of the files before away.</summary>
    Reset,

    /// <summary><c>!override</c>: replaces the value of the files before as a whole.</summary>
    Override,
}

/// <param name="IsPlain">Not quoted, so that <c>null</c> means null.</param>
internal sealed record ScalarNode(Place Place, MergeTag Tag, string Text, bool IsPlain) : YamlNode(Place, Tag, 1)
{
    public bool IsNull => IsPlain && Text is "" or "~" or "null" or "Null" or "NULL";
}

internal sealed record ListNode(Place Place, MergeTag Tag, IReadOnlyList<YamlNode> Items)
    : YamlNode(Place, Tag, 1 + Items.Sum(item => item.Size));

internal sealed record MapNode(Place Place, MergeTag Tag, IReadOnlyList<MapEntry> Entries)
    : YamlNode(Place, Tag, 1 + Entries.Sum(entry => entry.Value.Size))
{
    public YamlNode? this[string key] => Entries.FirstOrDefault(entry => entry.Key == key)?.Value;
}

/// <param name="KeyPlace">Where the key stands; its value may stand on another line.</param>
internal sealed record MapEntry(string Key, Place KeyPlace, YamlNode Value);
