using System.Globalization;
using System.Text.Json.Serialization;

namespace Berth.Linux.Namespaces;

/// <summary>A run of ids of a user namespace, and the same number of the host's that they are. user_namespaces(7), "User and group ID mappings".</summary>
/// <param name="Inside">The first in the namespace.</param>
/// <param name="Outside">The first on the host.</param>
/// <param name="Count">How many.</param>
public readonly record struct IdRange(uint Inside, uint Outside, uint Count);

/// <summary>Which users and groups of the host those of a user namespace are. Both lists begin with the namespace's id 0 and go on without a gap.</summary>
public sealed record IdMap(IReadOnlyList<IdRange> Users, IReadOnlyList<IdRange> Groups)
{
    /// <summary>Who an owner is that the namespace has no id for: what the kernel shows then (<c>/proc/sys/kernel/overflowuid</c>).</summary>
    public const uint Nobody = 65534;

    /// <summary>The namespace's root, as the host sees it.</summary>
    [JsonIgnore]
    public (uint User, uint Group) Root => (Users[0].Outside, Groups[0].Outside);

    /// <summary>An owner in the namespace, as the host sees it; null for one that it has not.</summary>
    public (uint User, uint Group)? ToHost(uint user, uint group) =>
        Translate(Users, user, toHost: true) is { } hostUser && Translate(Groups, group, toHost: true) is { } hostGroup ? (hostUser, hostGroup) : null;

    /// <summary>An owner on the host, as the namespace sees it.</summary>
    public (uint User, uint Group) ToNamespace(uint user, uint group) =>
        (Translate(Users, user, toHost: false) ?? Nobody, Translate(Groups, group, toHost: false) ?? Nobody);

    /// <summary>
    /// The map by which a mount shows files to the namespace, with one id more for the host's own root: it may then write to the mount as well, and
    /// what it makes there has that id on the disk until it is given to somebody. mount_setattr(2), "ID-mapped mounts".
    /// </summary>
    public IdMap ForMounts() => new(WithHostRoot(Users), WithHostRoot(Groups));

    /// <summary>As <c>/proc/PID/uid_map</c> and <c>gid_map</c> take it.</summary>
    public static string Text(IReadOnlyList<IdRange> ranges) =>
        string.Concat(ranges.Select(range => string.Create(CultureInfo.InvariantCulture, $"{range.Inside} {range.Outside} {range.Count}\n")));

    private static IReadOnlyList<IdRange> WithHostRoot(IReadOnlyList<IdRange> ranges) => [.. ranges, new(ranges[^1].Inside + ranges[^1].Count, 0, 1)];

    private static uint? Translate(IReadOnlyList<IdRange> ranges, uint id, bool toHost)
    {
        foreach (var range in ranges)
        {
            var (from, to) = toHost ? (range.Inside, range.Outside) : (range.Outside, range.Inside);
            if (id >= from && id - from < range.Count)
            {
                return to + (id - from);
            }
        }

        return null;
    }
}
