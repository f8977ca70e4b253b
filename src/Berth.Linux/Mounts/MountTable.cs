using System.Text;

namespace Berth.Linux.Mounts;

/// <summary>/proc/self/mountinfo, proc(5).</summary>
public static class MountTable
{
    /// <summary>All mount points of this process's namespace, oldest first; octal escapes undone. Some may be missing while others are mounted or unmounted: the kernel gives the table in pieces.</summary>
    public static IEnumerable<string> MountPoints()
    {
        foreach (var line in File.ReadLines("/proc/self/mountinfo"))
        {
            yield return Unescape(line.Split(' ')[4]);
        }
    }

    private static string Unescape(string field)
    {
        if (!field.Contains('\\', StringComparison.Ordinal))
        {
            return field;
        }

        var bytes = new List<byte>(field.Length);
        for (var i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + 3 < field.Length)
            {
                bytes.Add((byte)Convert.ToInt32(field.Substring(i + 1, 3), 8));
                i += 3;
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(field, i, 1));
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
