using System.Globalization;
using Berth.Engine.Errors;
using Berth.Linux.Namespaces;

namespace Berth.Engine.Users;

/// <summary>Which ids of this host containers may have for their own: <c>userns-remap</c> of dockerd(8), by subuid(5) and subgid(5).</summary>
public static class SubordinateIds
{
    /// <summary>Whose ids <c>default</c> are. Docker's own name for it: a host that is prepared for Docker is so for Berth.</summary>
    public const string DefaultUser = "dockremap";

    /// <exception cref="BerthException">There is no such user or group, or it has no ids.</exception>
    /// <param name="setting"><c>default</c>, <c>USER</c>, <c>USER:GROUP</c>, as names or numbers.</param>
    public static IdMap Read(string setting) => Resolve(
        setting, File.ReadAllLines("/etc/passwd"), File.ReadAllLines("/etc/group"), Lines("/etc/subuid"), Lines("/etc/subgid"));

    /// <summary>As <see cref="Read"/>, on the lines of the four files.</summary>
    /// <exception cref="BerthException">There is no such user or group, or it has no ids.</exception>
    public static IdMap Resolve(string setting, IReadOnlyList<string> passwd, IReadOnlyList<string> group, IReadOnlyList<string> subuid, IReadOnlyList<string> subgid)
    {
        var parts = setting.Split(':');
        if (parts.Length > 2 || parts.Any(part => part.Length == 0))
        {
            throw BerthException.Invalid($"userns-remap \"{setting}\": write default, USER or USER:GROUP");
        }

        var user = parts[0] == "default" ? DefaultUser : parts[0];
        var named = Account(passwd, user);
        if (named is null && (parts[0] != "default" || Ranges(subuid, user, "").Count == 0))
        {
            throw BerthException.Invalid(parts[0] == "default"
                ? $"userns-remap \"default\" takes the ids of the user {DefaultUser}, whom this machine does not have. Make it: {Making(DefaultUser)}"
                : $"userns-remap \"{setting}\": there is no user {user} in /etc/passwd");
        }

        var groupName = parts.Length == 2 ? parts[1] : named?.Name ?? user;
        var namedGroup = Account(group, groupName);
        if (namedGroup is null && parts.Length == 2)
        {
            throw BerthException.Invalid($"userns-remap \"{setting}\": there is no group {groupName} in /etc/group");
        }

        return new(
            Required(Ranges(subuid, named?.Name ?? user, named?.Id ?? ""), setting, named?.Name ?? user, "uid"),
            Required(Ranges(subgid, namedGroup?.Name ?? groupName, namedGroup?.Id ?? ""), setting, namedGroup?.Name ?? groupName, "gid"));
    }

    private static IReadOnlyList<IdRange> Required(List<IdRange> ranges, string setting, string owner, string kind)
    {
        if (ranges.Count == 0)
        {
            throw BerthException.Invalid($"userns-remap \"{setting}\": {owner} has no ids in /etc/sub{kind}. Give it some: usermod --add-sub{kind}s 1000000-1065535 {owner}");
        }

        if (ranges.FirstOrDefault(range => range.Outside == 0 || range.Outside + (ulong)range.Count > uint.MaxValue) is { Count: > 0 } bad)
        {
            throw BerthException.Invalid($"userns-remap \"{setting}\": /etc/sub{kind} gives {owner} the ids from {bad.Outside}, {bad.Count} of them, which are not {owner}'s to have");
        }

        return ranges;
    }

    private static string Making(string user) =>
        $"useradd --system --no-create-home --shell /usr/sbin/nologin {user} && usermod --add-subuids 1000000-1065535 --add-subgids 1000000-1065535 {user}";

    // NAME:PASSWORD:ID:…, found by name, or by number where no name is that number.
    private static (string Name, string Id)? Account(IReadOnlyList<string> lines, string asked)
    {
        var accounts = lines.Select(line => line.Split(':')).Where(fields => fields.Length > 2).ToList();
        return (accounts.Find(fields => fields[0] == asked) ?? accounts.Find(fields => fields[2] == asked)) is { } found ? (found[0], found[2]) : null;
    }

    // NAME:FIRST:COUNT, or the number in the place of the name; one after the other in the namespace.
    private static List<IdRange> Ranges(IReadOnlyList<string> lines, string name, string id)
    {
        var ranges = new List<IdRange>();
        var next = 0u;
        foreach (var fields in lines.Select(line => line.Split(':')).Where(fields => fields.Length == 3 && (fields[0] == name || (id.Length > 0 && fields[0] == id))))
        {
            if (uint.TryParse(fields[1], CultureInfo.InvariantCulture, out var first) && uint.TryParse(fields[2], CultureInfo.InvariantCulture, out var count)
                && count > 0 && next + (ulong)count < uint.MaxValue)
            {
                ranges.Add(new(next, first, count));
                next += count;
            }
        }

        return ranges;
    }

    private static string[] Lines(string path) => File.Exists(path) ? File.ReadAllLines(path) : [];
}
