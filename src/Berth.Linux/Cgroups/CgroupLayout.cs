namespace Berth.Linux.Cgroups;

public enum CgroupMode
{
    /// <summary>One v2 tree at /sys/fs/cgroup.</summary>
    Unified,

    /// <summary>v1 hierarchies only.</summary>
    Legacy,

    /// <summary>v1 hierarchies with an additional v2 tree at /sys/fs/cgroup/unified.</summary>
    Hybrid,
}

/// <summary>How this host's control groups are laid out. cgroups(7).</summary>
public sealed class CgroupLayout
{
    public const string Root = "/sys/fs/cgroup";

    /// <summary>The v2 tree of a hybrid host.</summary>
    public const string UnifiedTree = Root + "/unified";

    private CgroupLayout(CgroupMode mode, IReadOnlyDictionary<string, string> hierarchies, bool hasV2Controllers)
    {
        Mode = mode;
        Hierarchies = hierarchies;
        HasV2ControllersBesideV1 = mode == CgroupMode.Hybrid && hasV2Controllers;
    }

    public CgroupMode Mode { get; }

    /// <summary>Controller (or <c>name=systemd</c>) → mount point of its hierarchy; for v2 the single key <c>""</c>.</summary>
    public IReadOnlyDictionary<string, string> Hierarchies { get; }

    /// <summary>True on a hybrid host whose v2 tree still has a controller: crun 1.8 refuses to work there.</summary>
    public bool HasV2ControllersBesideV1 { get; }

    public static CgroupLayout Detect()
    {
        var hierarchies = new Dictionary<string, string>(StringComparer.Ordinal);
        var hasV2 = false;
        var controllers = false;
        foreach (var line in File.ReadLines("/proc/self/mountinfo"))
        {
            var fields = line.Split(' ');
            var separator = Array.IndexOf(fields, "-", 6);
            var (point, type, options) = (fields[4], fields[separator + 1], fields[separator + 3]);
            if (type == "cgroup2" && (point == Root || point == UnifiedTree))
            {
                hasV2 = true;
                if (point == Root)
                {
                    return new(CgroupMode.Unified, new Dictionary<string, string>(StringComparer.Ordinal) { [""] = Root }, true);
                }

                controllers = File.ReadAllText(point + "/cgroup.controllers").Trim().Length > 0;
            }
            else if (type == "cgroup")
            {
                foreach (var option in options.Split(','))
                {
                    if (option is not ("rw" or "ro" or "xattr" or "clone_children") && !option.StartsWith("release_agent=", StringComparison.Ordinal))
                    {
                        hierarchies.TryAdd(option, point);
                    }
                }
            }
        }

        return new(hasV2 ? CgroupMode.Hybrid : CgroupMode.Legacy, hierarchies, controllers);
    }

    /// <summary>
    /// Every directory that makes up the group of that name, such as <c>/berth/conmon</c>: one for v2, one per hierarchy for v1, and on
    /// a hybrid host the one in the v2 tree too, which runc makes.
    /// </summary>
    public IEnumerable<string> Directories(string group) => Hierarchies.Values.Distinct(StringComparer.Ordinal)
        .Concat(Mode == CgroupMode.Hybrid ? [UnifiedTree] : []).Select(point => point + "/" + group.TrimStart('/'));

    /// <summary>Ids of the processes in the group of that name, ascending.</summary>
    public IReadOnlyList<int> Processes(string group) =>
    [
        .. Directories(group).Select(directory => directory + "/cgroup.procs").Where(File.Exists).SelectMany(File.ReadLines)
            .Select(line => int.Parse(line, System.Globalization.CultureInfo.InvariantCulture)).Distinct().Order(),
    ];

    /// <summary>
    /// How many processes of the group the kernel has killed for want of memory, since the group was made: <c>oom_kill</c> of <c>memory.events</c> (Linux, cgroup-v2.rst), for v1
    /// of <c>memory.oom_control</c> (since Linux 4.13). 0 when the group is gone.
    /// </summary>
    public long OutOfMemoryKills(string group)
    {
        var (point, file) = Mode == CgroupMode.Unified ? (Root, "memory.events") : (Hierarchies.GetValueOrDefault("memory"), "memory.oom_control");
        const string Key = "oom_kill ";
        try
        {
            var line = point is null ? null : File.ReadLines($"{point}/{group.TrimStart('/')}/{file}").FirstOrDefault(one => one.StartsWith(Key, StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.AsSpan(Key.Length), System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0; // it has just gone
        }
    }

    /// <summary>The group's directory in the hierarchy of one controller (for v2: of all); null where there is no such hierarchy.</summary>
    public string? DirectoryOf(string controller, string group) =>
        Hierarchies.TryGetValue(Mode == CgroupMode.Unified ? "" : controller, out var point) ? $"{point}/{group.TrimStart('/')}" : null;

    /// <summary>
    /// Takes a limit away from a group, as if it had been made without: to a runtime, a limit that is left out is one that stays. Linux, cgroup-v2.rst ("Controllers"); cgroup-v1/memory.rst,
    /// cpusets.rst, pids.rst, blkio-controller.rst and scheduler/sched-bwc.rst. What this kernel has no file for cannot have been limited.
    /// </summary>
    /// <exception cref="IOException">The group is gone, or the kernel refuses.</exception>
    public void Lift(CgroupLimit limit, string group)
    {
        // Memory with swap first: memory alone cannot be more than that.
        (string Controller, string File, string Value)[] files = (limit, Mode == CgroupMode.Unified) switch
        {
            (CgroupLimit.Memory, true) => [("memory", "memory.swap.max", "max"), ("memory", "memory.max", "max")],
            (CgroupLimit.Memory, false) => [("memory", "memory.memsw.limit_in_bytes", "-1"), ("memory", "memory.limit_in_bytes", "-1")],
            (CgroupLimit.MemoryReservation, true) => [("memory", "memory.low", "0")],
            (CgroupLimit.MemoryReservation, false) => [("memory", "memory.soft_limit_in_bytes", "-1")],
            (CgroupLimit.Processes, _) => [("pids", "pids.max", "max")],
            (CgroupLimit.CpuTime, true) => [("cpu", "cpu.max", "max 100000")],
            (CgroupLimit.CpuTime, false) => [("cpu", "cpu.cfs_quota_us", "-1"), ("cpu", "cpu.cfs_period_us", "100000")],
            (CgroupLimit.CpuShare, true) => [("cpu", "cpu.weight", "100")],
            (CgroupLimit.CpuShare, false) => [("cpu", "cpu.shares", "1024")],
            (CgroupLimit.Cpus, true) => [("cpuset", "cpuset.cpus", "\n")], // nothing: its parent's
            (CgroupLimit.Cpus, false) => [("cpuset", "cpuset.cpus", ParentsCpus(group))],
            (CgroupLimit.DiskShare, true) => [("io", "io.weight", "default 100"), ("io", "io.bfq.weight", "default 100")],
            (CgroupLimit.DiskShare, false) => [("blkio", "blkio.weight", "500"), ("blkio", "blkio.bfq.weight", "100")],
            _ => throw new ArgumentOutOfRangeException(nameof(limit)),
        };
        foreach (var (controller, file, value) in files)
        {
            if (DirectoryOf(controller, group) is { } directory && File.Exists($"{directory}/{file}"))
            {
                File.WriteAllText($"{directory}/{file}", value);
            }
        }
    }

    private string ParentsCpus(string group) =>
        DirectoryOf("cpuset", group) is { } directory && File.Exists(directory + "/../cpuset.cpus") ? File.ReadAllText(directory + "/../cpuset.cpus").Trim() : "";

    /// <summary>Whether the group's processes are stopped by the freezer. cgroup-v1/freezer-subsystem.rst; <c>cgroup.freeze</c> of cgroup-v2.rst.</summary>
    public bool IsFrozen(string group)
    {
        var (file, frozen) = Mode == CgroupMode.Unified ? ("cgroup.freeze", "1") : ("freezer.state", "FROZEN");
        try
        {
            return DirectoryOf("freezer", group) is { } directory && File.ReadAllText($"{directory}/{file}").Trim() == frozen;
        }
        catch (IOException)
        {
            return false; // it has just gone
        }
    }

    /// <summary>Makes the group and moves a process into it. A hierarchy that refuses new members (an unset cpuset) is passed over.</summary>
    public void Place(int pid, string group)
    {
        foreach (var (controller, point) in Hierarchies)
        {
            if (controller == "cpuset")
            {
                continue; // an empty cpuset accepts no process, and conmon needs no limits there
            }

            var directory = point + "/" + group.TrimStart('/');
            Directory.CreateDirectory(directory);
            File.WriteAllText(directory + "/cgroup.procs", pid.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    /// <summary>The directories of the groups that a process is in, one for each hierarchy. proc_pid_cgroup(5).</summary>
    public IReadOnlyList<string> DirectoriesOf(int pid)
    {
        var directories = new List<string>();
        foreach (var line in File.ReadLines($"/proc/{pid}/cgroup"))
        {
            // HIERARCHY-ID:CONTROLLERS:PATH, where v2 has the id 0 and no controllers.
            var fields = line.Split(':', 3);
            var point = fields[1].Length == 0
                ? Mode == CgroupMode.Hybrid ? Root + "/unified" : Hierarchies.GetValueOrDefault("")
                : fields[1].Split(',').Select(controller => Hierarchies.GetValueOrDefault(controller)).FirstOrDefault(found => found is not null);
            if (point is not null)
            {
                directories.Add((point + fields[2]).TrimEnd('/'));
            }
        }

        return directories;
    }

    /// <summary>Moves a process into groups as <see cref="DirectoriesOf"/> names them; where one is gone, into the nearest above it.</summary>
    public static void Enter(int pid, IEnumerable<string> directories)
    {
        foreach (var directory in directories)
        {
            var nearest = directory;
            while (!File.Exists(nearest + "/cgroup.procs") && nearest.Length > Root.Length)
            {
                nearest = Path.GetDirectoryName(nearest)!;
            }

            if (nearest.Length > Root.Length || File.Exists(nearest + "/cgroup.procs"))
            {
                File.WriteAllText(nearest + "/cgroup.procs", pid.ToString(System.Globalization.CultureInfo.InvariantCulture));
            }
        }
    }

    /// <summary>Removes the group, children first, where it is empty of processes. Returns false while one is still in it.</summary>
    public bool Remove(string group)
    {
        var removed = true;
        foreach (var directory in Directories(group))
        {
            removed &= RemoveTree(directory);
        }

        return removed;
    }

    private static bool RemoveTree(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return true;
        }

        var removed = true;
        foreach (var child in Directory.GetDirectories(directory))
        {
            removed &= RemoveTree(child);
        }

        if (!removed)
        {
            return false;
        }

        if (Libc.rmdir(directory) == 0 || Libc.LastErrno == Errno.ENOENT)
        {
            return true;
        }

        return Libc.LastErrno == Errno.EBUSY ? false : throw new LinuxException(Libc.LastErrno, "rmdir", $"'{directory}'");
    }
}
