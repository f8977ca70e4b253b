using System.Globalization;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers;

/// <summary>Lists of processors and memory nodes: <c>0-3,5</c>. cpuset(7), "List format".</summary>
internal static class CpuSets
{
    private const int Largest = 8192; // as many as a kernel is built for

    /// <param name="onlinePath">The host's own list; one that is not there allows the number 0.</param>
    /// <exception cref="BerthException">No such list, or it has what the host does not.</exception>
    internal static void Validate(string what, string text, string onlinePath, string kind)
    {
        if (text.Length == 0)
        {
            return;
        }

        var asked = Parse(text) ?? throw BerthException.Invalid($"Invalid value {text} for {what}: invalid format: {text}");
        var online = File.Exists(onlinePath) ? File.ReadAllText(onlinePath).Trim() : "0";
        if (!asked.IsSubsetOf(Parse(online) ?? []))
        {
            throw BerthException.Invalid($"Requested {kind} are not available - requested {text}, available: {online}");
        }
    }

    private static HashSet<int>? Parse(string text)
    {
        var numbers = new HashSet<int>();
        foreach (var part in text.Split(','))
        {
            var ends = part.Split('-');
            if (ends.Length > 2 || !int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last) || first > last || last > Largest)
            {
                return null;
            }

            numbers.UnionWith(Enumerable.Range(first, last - first + 1));
        }

        return numbers;
    }
}
