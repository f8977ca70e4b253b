using System.Globalization;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers.Runtime;

/// <summary>The numbers behind <c>USER</c>: <c>name|uid[:group|gid]</c>, looked up in the container's own passwd(5) and group(5).</summary>
internal sealed record ProcessUser(uint Uid, uint Gid, IReadOnlyList<uint> AdditionalGids, string Home)
{
    /// <param name="text">What was asked; empty for root.</param>
    /// <param name="passwd">Lines of the container's /etc/passwd; none when it has no such file.</param>
    /// <param name="groups">Lines of its /etc/group.</param>
    /// <param name="groupAdd">More groups, by name or number.</param>
    /// <exception cref="BerthException">A name that the files do not hold.</exception>
    internal static ProcessUser Resolve(string text, IReadOnlyList<string> passwd, IReadOnlyList<string> groups, IReadOnlyList<string>? groupAdd)
    {
        var separator = text.IndexOf(':', StringComparison.Ordinal);
        var userPart = separator < 0 ? text : text[..separator];
        var groupPart = separator < 0 ? "" : text[(separator + 1)..];
        var asked = userPart.Length == 0 ? "0" : userPart;
        var entry = passwd.Select(line => line.Split(':')).FirstOrDefault(
            fields => fields.Length >= 6 && (fields[0] == asked || fields[2] == asked));
        uint uid;
        uint gid = 0;
        var home = "/";
        if (entry is not null && TryNumber(entry[2], out uid) && TryNumber(entry[3], out gid))
        {
            home = entry[5].Length == 0 ? "/" : entry[5];
        }
        else if (!TryNumber(asked, out uid))
        {
            throw BerthException.Invalid($"unable to find user {asked}: no matching entries in passwd file");
        }

        if (groupPart.Length > 0)
        {
            gid = Group(groupPart, groups);
        }

        // Its own group too, as in Docker: were it not among them, setgid alone could shed it and with it what is denied to that group.
        var additional = new SortedSet<uint> { gid };
        if (groupPart.Length == 0 && entry is not null)
        {
            additional.UnionWith(MemberOf(entry[0], groups));
        }

        additional.UnionWith((groupAdd ?? []).Select(name => Group(name, groups)));
        return new(uid, gid, [.. additional], home);
    }

    private static uint Group(string name, IReadOnlyList<string> groups)
    {
        var entry = groups.Select(line => line.Split(':')).FirstOrDefault(fields => fields.Length >= 3 && fields[0] == name);
        if (entry is not null && TryNumber(entry[2], out var gid))
        {
            return gid;
        }

        return TryNumber(name, out gid) ? gid : throw BerthException.Invalid($"unable to find group {name}: no matching entries in group file");
    }

    private static IEnumerable<uint> MemberOf(string user, IReadOnlyList<string> groups)
    {
        foreach (var fields in groups.Select(line => line.Split(':')))
        {
            if (fields.Length >= 4 && fields[3].Split(',').Contains(user) && TryNumber(fields[2], out var gid))
            {
                yield return gid;
            }
        }
    }

    private static bool TryNumber(string text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
