using System.Globalization;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Engine.Build;

/// <summary>Who a <c>user[:group]</c> is in a root file system.</summary>
public sealed record ResolvedUser(uint User, uint Group, IReadOnlyList<uint> AdditionalGroups, string Home);

/// <summary>Reads passwd(5) and group(5) of a root file system, which may be hostile: links stay inside it and sizes are bounded.</summary>
public static class UserDatabase
{
    private const int SizeLimit = 4 << 20;

    /// <summary>Resolves as Docker does: a number needs no entry, a user without a group gets its entry's, else root's.</summary>
    /// <exception cref="FormatException">The name is not in the file.</exception>
    public static ResolvedUser Resolve(DirectoryHandle root, string user)
    {
        var colon = user.IndexOf(':', StringComparison.Ordinal);
        var (name, groupName) = colon < 0 ? (user, "") : (user[..colon], user[(colon + 1)..]);
        name = name.Length == 0 ? "0" : name;
        var isNumber = uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id);
        var entry = Entries(root, "etc/passwd", 7).FirstOrDefault(fields => fields[0] == name)
            ?? (isNumber ? Entries(root, "etc/passwd", 7).FirstOrDefault(fields => fields[2] == name) : null);
        if (entry is null && !isNumber)
        {
            throw new FormatException($"unable to find user {name}: no matching entries in passwd file");
        }

        var userId = entry is null ? id : Number(entry[2]);
        var home = entry is null || entry[5].Length == 0 ? (userId == 0 ? "/root" : "/") : entry[5];
        if (groupName.Length > 0)
        {
            return new(userId, Group(root, groupName), [], home);
        }

        var own = entry is null ? 0 : Number(entry[3]);
        var further = entry is null
            ? []
            : Entries(root, "etc/group", 4).Where(fields => fields[3].Split(',').Contains(entry[0], StringComparer.Ordinal))
                .Select(fields => Number(fields[2])).Where(group => group != own).Distinct().ToList();
        return new(userId, own, further, home);
    }

    /// <summary>The owner that <c>--chown</c> names: a lone user is its own group too, as in Docker.</summary>
    public static (uint User, uint Group) ResolveOwner(DirectoryHandle root, string owner)
    {
        if (owner.Contains(':', StringComparison.Ordinal))
        {
            var both = Resolve(root, owner);
            return (both.User, both.Group);
        }

        if (uint.TryParse(owner, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            return (id, id);
        }

        var user = Resolve(root, owner);
        return (user.User, user.Group);
    }

    private static uint Group(DirectoryHandle root, string name) =>
        Entries(root, "etc/group", 4).FirstOrDefault(fields => fields[0] == name) is { } entry ? Number(entry[2])
        : uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id
        : throw new FormatException($"unable to find group {name}: no matching entries in group file");

    private static uint Number(string text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static IEnumerable<string[]> Entries(DirectoryHandle root, string path, int fieldCount)
    {
        string text;
        try
        {
            using var file = new FileStream(root.OpenRegularBelow(path), FileAccess.Read);
            using var reader = new StreamReader(file.Length <= SizeLimit
                ? file
                : throw new FormatException($"/{path} has {file.Length} bytes; {SizeLimit} are read"));
            text = reader.ReadToEnd();
        }
        catch (LinuxException exception) when (exception.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return []; // an image without users, such as one from scratch
        }
        catch (LinuxException exception) when (exception.Errno is Errno.EINVAL or Errno.EISDIR)
        {
            throw new FormatException($"/{path} cannot be read: {exception.Message}", exception);
        }

        return text.Split('\n').Select(line => line.Split(':')).Where(fields => fields.Length >= fieldCount);
    }
}
