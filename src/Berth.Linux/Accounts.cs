using System.Globalization;

namespace Berth.Linux;

/// <summary>Users and groups of the host. group(5).</summary>
public static class Accounts
{
    public static bool IsRoot => Libc.geteuid() == 0;

    /// <summary>The number of a group; null when there is none of that name.</summary>
    public static uint? GroupId(string name)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        var line = File.ReadLines("/etc/group").FirstOrDefault(text => text.StartsWith(name + ":", StringComparison.Ordinal));
        return line is null ? null : uint.Parse(line.Split(':')[2], CultureInfo.InvariantCulture);
    }

    /// <summary>The name of a user; null when there is none of that number. passwd(5).</summary>
    public static string? UserName(uint id)
    {
        var number = id.ToString(CultureInfo.InvariantCulture);
        return File.ReadLines("/etc/passwd").Select(line => line.Split(':')).FirstOrDefault(fields => fields.Length > 2 && fields[2] == number)?[0];
    }

    /// <summary>Gives a file to a group; its owner stays.</summary>
    public static void SetGroup(string path, uint group)
    {
        if (Libc.chown(path, uint.MaxValue, group) < 0)
        {
            throw new LinuxException(Libc.LastErrno, "chown", $"'{path}'");
        }
    }
}
