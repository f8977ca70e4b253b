using Berth.Engine.Errors;

namespace Berth.Engine.Containers.Runtime;

/// <summary>capabilities(7): the ones a container gets, from Docker's default set, <c>--cap-add</c> and <c>--cap-drop</c>.</summary>
internal static class Capabilities
{
    /// <summary>All that the kernel may know, in the order of their numbers.</summary>
    internal static readonly string[] All =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
        "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
        "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
        "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    ];

    private static readonly string[] Default =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
    ];

    /// <exception cref="BerthException">A name that no kernel knows.</exception>
    internal static IReadOnlyList<string> For(bool privileged, IReadOnlyList<string>? add, IReadOnlyList<string>? drop)
    {
        var bounding = Bounding();
        if (privileged)
        {
            return bounding;
        }

        var added = Normalise("CapAdd", add);
        var dropped = Normalise("CapDrop", drop);
        var chosen = added.Contains("ALL") ? bounding : dropped.Contains("ALL") ? [] : (IEnumerable<string>)Default;
        return [.. All.Where(name => (chosen.Contains(name) || added.Contains(name)) && (added.Contains(name) || !dropped.Contains(name)))];
    }

    private static string[] Bounding()
    {
        var last = int.Parse(File.ReadAllText("/proc/sys/kernel/cap_last_cap"), System.Globalization.CultureInfo.InvariantCulture);
        var line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("CapBnd:", StringComparison.Ordinal));
        var mask = Convert.ToUInt64(line["CapBnd:".Length..].Trim(), 16);
        return [.. All.Take(last + 1).Where((_, number) => (mask >> number & 1) == 1)];
    }

    private static HashSet<string> Normalise(string field, IReadOnlyList<string>? names)
    {
        var result = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in names ?? [])
        {
            var upper = name.ToUpperInvariant();
            var full = upper == "ALL" || upper.StartsWith("CAP_", StringComparison.Ordinal) ? upper : "CAP_" + upper;
            result.Add(full == "CAP_ALL" ? "ALL" : full);
            if (full is not ("ALL" or "CAP_ALL") && !All.Contains(full))
            {
                throw BerthException.Invalid($"invalid {field}: unknown capability: \"{full}\"");
            }
        }

        return result;
    }
}
