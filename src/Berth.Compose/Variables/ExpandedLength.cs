namespace Berth.Compose.Variables;

/// <summary>How long all values of a file with variables in them are together, once these are replaced: short files can say much.</summary>
internal sealed class ExpandedLength
{
    internal const int LimitMebibytes = 8;
    private int _letters;

    internal bool IsExceeded => _letters > LimitMebibytes << 20;

    /// <summary>Whether the limit is exceeded by this value, for the first time: nothing is replaced any more then.</summary>
    internal bool Exceeds(string value)
    {
        _letters += value.Length;
        return IsExceeded;
    }
}
