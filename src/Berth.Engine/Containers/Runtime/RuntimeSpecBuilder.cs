using System.Globalization;
using Berth.Engine.Errors;
using Berth.Engine.Users;
using Berth.Linux.Cgroups;
using Berth.Linux.Files;
using Berth.Linux.Namespaces;

namespace Berth.Engine.Containers.Runtime;

/// <summary>From a container's record to the plain values of its OCI spec, by Docker's defaults.</summary>
internal static class RuntimeSpecBuilder
{
    private const string DefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private static readonly string[] InitPrograms = ["/usr/bin/tini-static", "/usr/bin/docker-init", "/usr/libexec/docker/docker-init"];

    internal static readonly string[] MaskedPaths =
    [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
        "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
    ];

    /// <summary>With those that depend on the machine.</summary>
    internal static IEnumerable<string> AllMaskedPaths => [.. MaskedPaths, .. ThermalThrottle()];

    internal static readonly string[] ReadonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    /// <param name="remapped">It has users of its own; null: the host's.</param>
    /// <param name="networkNamespace">The file of the network namespace; null for the host's.</param>
    /// <param name="resolve">Finds a container whose namespaces are shared.</param>
    internal static RuntimeSpecModel Build(
        ContainerRecord record, ContainerFiles files, EngineOptions options, RemappedFiles? remapped, CgroupLayout cgroups, string? networkNamespace, Func<string, ContainerRecord> resolve)
    {
        var (config, host) = (record.Config, record.HostConfig);
        var passwd = files.Lines("etc/passwd");
        var user = ProcessUser.Resolve(config.User, passwd, files.Lines("etc/group"), host.GroupAdd);
        var capabilities = Capabilities.For(host.Privileged, host.CapAdd, host.CapDrop);
        var init = host.Init == true ? FindInit() : null;
        var security = SecurityOptions.Parse(host.SecurityOpt, options.NoNewPrivileges);
        return new RuntimeSpecModel
        {
            Hostname = host.UtsMode == "host" || host.NetworkMode == "host" && config.Hostname == Environment.MachineName ? "" : config.Hostname,
            Domainname = config.Domainname,
            RootPath = files.Root,
            ReadonlyRoot = host.ReadonlyRootfs,
            Process = new ProcessModel
            {
                Terminal = config.Tty,
                ConsoleSize = config.Tty && host.ConsoleSize is [> 0 and var rows, > 0 and var columns] ? (rows, columns) : null,
                Args = [.. init is null ? [] : new[] { "/sbin/docker-init", "--" }, .. config.Entrypoint ?? [], .. config.Cmd ?? []],
                Env = EnvironmentOf(config, user),
                WorkingDirectory = config.WorkingDir.Length > 0 ? config.WorkingDir : "/",
                User = user,
                Capabilities = capabilities,
                Ulimits = host.Ulimits ?? [],
                NoNewPrivileges = security.NoNewPrivileges,
                AppArmorProfile = AppArmor.ProfileOf(options, security.AppArmor, host.Privileged),
                OomScoreAdj = host.OomScoreAdj,
            },
            Mounts = [.. StandardMounts(host, cgroups, security.WritableCgroups, SharedMemory(host, files, options, resolve)), .. OwnMounts(record, files, remapped, init)],
            Users = options.UsersOf(host),
            Namespaces = Namespaces(host, cgroups, networkNamespace, remapped?.UserNamespace, resolve),
            CgroupsPath = options.CgroupOf(record),
            Privileged = host.Privileged,
            SeccompUnconfined = security.Seccomp == "unconfined",
            SeccompFile = security.Seccomp is "" or "unconfined" ? null : SeccompFile.Read(security.Seccomp, capabilities.ToHashSet(StringComparer.Ordinal)),
            MaskedPaths = host.Privileged ? [] : host.MaskedPaths ?? [.. AllMaskedPaths],
            ReadonlyPaths = host.Privileged ? [] : host.ReadonlyPaths ?? ReadonlyPaths,
            Devices = Devices(host),
            DeviceRules = [.. (host.DeviceCgroupRules ?? []).Select(DeviceRule.Parse)],
            Sysctls = Sysctls(host, networkNamespace, options.UsersOf(host)),
            Resources = ResourceModel.From(host),
            Annotations = host.Annotations ?? [],
            RootfsPropagation = Propagation(record),
        };
    }

    /// <summary>The environment of a process: PATH and HOSTNAME first, HOME by the account, what was asked last.</summary>
    internal static IReadOnlyList<string> EnvironmentOf(ContainerConfig config, ProcessUser user)
    {
        var environment = new List<string> { DefaultPath, "HOSTNAME=" + config.Hostname };
        if (config.Tty)
        {
            environment.Add("TERM=xterm");
        }

        var merged = ContainerCreation.MergeEnvironment(environment, config.Env ?? []);
        return merged.Any(variable => variable.StartsWith("HOME=", StringComparison.Ordinal)) ? merged : [.. merged, "HOME=" + user.Home];
    }

    /// <param name="sharedMemory">A directory of the host that becomes /dev/shm; null for memory of its own.</param>
    internal static IEnumerable<SpecMount> StandardMounts(HostConfig host, CgroupLayout cgroups, bool writableCgroups = false, string? sharedMemory = null)
    {
        var access = host.Privileged ? "rw" : "ro";
        yield return new("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]);
        yield return new("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]);
        yield return new("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]);
        yield return new("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", access]);
        yield return new("/sys/fs/cgroup", cgroups.Mode == CgroupMode.Unified ? "cgroup2" : "cgroup", "cgroup", ["nosuid", "noexec", "nodev", writableCgroups ? "rw" : access]);
        yield return new("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]); // shows the queues of the IPC namespace
        if (sharedMemory is not null)
        {
            yield return new("/dev/shm", "bind", sharedMemory, ["rbind", "rprivate"]);
        }
        else if (host.IpcMode != "none")
        {
            yield return new("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", string.Create(CultureInfo.InvariantCulture, $"size={host.ShmSize}")]);
        }
    }

    private static string? SharedMemory(HostConfig host, ContainerFiles files, EngineOptions options, Func<string, ContainerRecord> resolve)
    {
        if (host.IpcMode.StartsWith("container:", StringComparison.Ordinal))
        {
            var donor = resolve(host.IpcMode["container:".Length..]);
            return donor.HostConfig.IpcMode switch
            {
                "shareable" => ContainerFiles.SharedMemoryPath($"{options.DataRoot}/containers/{donor.Id}"),
                "host" => "/dev/shm",
                _ => throw BerthException.Invalid($"cannot join IPC namespace of container {donor.Id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)"),
            };
        }

        return host.IpcMode switch { "host" => "/dev/shm", "shareable" => files.SharedMemory, _ => null };
    }

    private static IEnumerable<SpecMount> OwnMounts(ContainerRecord record, ContainerFiles files, RemappedFiles? remapped, string? init)
    {
        foreach (var (target, source) in new[] { ("/etc/resolv.conf", files.ResolvPath), ("/etc/hostname", files.HostnamePath), ("/etc/hosts", files.HostsPath) })
        {
            if (!record.Mounts.Any(mount => mount.Destination == target))
            {
                yield return new(target, "bind", source, ["rbind", "rprivate", .. record.HostConfig.ReadonlyRootfs ? new[] { "ro" } : []]);
            }
        }

        if (init is not null)
        {
            yield return new("/sbin/docker-init", "bind", init, ["bind", "ro"]);
        }

        foreach (var (mount, number) in record.Mounts.Select((mount, number) => (mount, number)))
        {
            yield return mount.Type == "tmpfs"
                ? new(mount.Destination, "tmpfs", "tmpfs", TmpfsOptions(mount, files))
                : Bind(mount, mount.IsStaged ? files.StagePath(number) : remapped?.SourceOf(mount) ?? mount.Source);
        }
    }

    // Nothing is mounted below a file, and crun 1.8 takes "rro" for directories only.
    private static SpecMount Bind(MountPoint mount, string source)
    {
        var access = mount.ReadWrite ? "rw" : mount.ReadOnlyNonRecursive || mount.NonRecursive || !Directory.Exists(source) ? "ro" : "rro";
        return new(mount.Destination, "bind", source, ["rbind", mount.Propagation.Length > 0 ? mount.Propagation : "rprivate", access]);
    }

    // What is asked for takes the place of the defaults that contradict it; without a mode it has that of the directory in the image.
    private static List<string> TmpfsOptions(MountPoint mount, ContainerFiles files)
    {
        var asked = mount.Options.Split(',', StringSplitOptions.RemoveEmptyEntries);
        var options = new[] { "noexec", "nosuid", "nodev" }.Where(option => !asked.Contains(option[2..])).Append(mount.ReadWrite ? "rw" : "ro").Concat(asked).ToList();
        if (!asked.Any(option => option.StartsWith("mode=", StringComparison.Ordinal)) && files.PermissionsOf(mount.Destination) is { } permissions)
        {
            options.Add("mode=" + Convert.ToString(permissions, 8));
        }

        return options;
    }

    internal static List<(string Type, string Path)> Namespaces(
        HostConfig host, CgroupLayout cgroups, string? networkNamespace, string? userNamespace, Func<string, ContainerRecord> resolve)
    {
        var namespaces = new List<(string, string)> { ("mount", "") };
        if (userNamespace is not null)
        {
            namespaces.Add(("user", userNamespace));
        }

        if (networkNamespace is not null)
        {
            namespaces.Add(("network", networkNamespace));
        }

        AddShared(namespaces, "pid", host.PidMode, resolve);
        AddShared(namespaces, "ipc", host.IpcMode is "private" or "shareable" or "none" ? "" : host.IpcMode, resolve);
        if (host.UtsMode != "host")
        {
            namespaces.Add(("uts", ""));
        }

        var cgroupMode = host.CgroupnsMode.Length > 0 ? host.CgroupnsMode : cgroups.Mode == CgroupMode.Unified && !host.Privileged ? "private" : "host";
        if (cgroupMode == "private")
        {
            namespaces.Add(("cgroup", ""));
        }

        return namespaces;
    }

    private static void AddShared(List<(string, string)> namespaces, string type, string mode, Func<string, ContainerRecord> resolve)
    {
        if (mode == "host")
        {
            return;
        }

        if (mode.StartsWith("container:", StringComparison.Ordinal))
        {
            var other = resolve(mode["container:".Length..]);
            namespaces.Add((type, other.IsRunning ? $"/proc/{other.Pid}/ns/{type}" : throw BerthException.Conflict($"cannot join {type} namespace of a non running container: {other.Name}")));
        }
        else if (mode.Length == 0)
        {
            namespaces.Add((type, ""));
        }
        else
        {
            throw BerthException.Invalid($"invalid {type} mode: {mode}");
        }
    }

    private static IReadOnlyList<DeviceMapping> Devices(HostConfig host)
    {
        if (!host.Privileged)
        {
            return [.. (host.Devices ?? []).Select(device => device with { PathInContainer = device.PathInContainer.Length > 0 ? device.PathInContainer : device.PathOnHost })];
        }

        using var directory = DirectoryHandle.Open("/dev");
        return [.. HostDevices(directory, "/dev")];
    }

    // Every device node but those that a container has of its own: its terminals and console.
    private static IEnumerable<DeviceMapping> HostDevices(DirectoryHandle directory, string path)
    {
        foreach (var name in directory.ListNames().Order(StringComparer.Ordinal))
        {
            var full = $"{path}/{name}";
            if (full is "/dev/pts" or "/dev/shm" or "/dev/fd" or "/dev/mqueue" or "/dev/console" || !directory.TryStat(name, out var status))
            {
                continue;
            }

            if (status.Kind is FileKind.CharacterDevice or FileKind.BlockDevice)
            {
                yield return new DeviceMapping { PathOnHost = full, PathInContainer = full };
            }
            else if (status.Kind == FileKind.Directory)
            {
                using var below = directory.OpenBelow(name);
                foreach (var device in below is null ? [] : HostDevices(below, full)) // null: it went meanwhile
                {
                    yield return device;
                }
            }
        }
    }

    private static Dictionary<string, string> Sysctls(HostConfig host, string? networkNamespace, IdMap? users)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        if (networkNamespace is not null && !host.NetworkMode.StartsWith("container:", StringComparison.Ordinal))
        {
            result["net.ipv4.ip_unprivileged_port_start"] = "0";
            result["net.ipv4.ping_group_range"] = string.Create(CultureInfo.InvariantCulture, $"0 {(users is null ? int.MaxValue : users.Groups[^1].Inside + users.Groups[^1].Count - 1)}"); // every group that there is
        }

        foreach (var (key, value) in host.Sysctls ?? [])
        {
            result[key] = value;
        }

        return result;
    }

    private static string Propagation(ContainerRecord record) =>
        record.Mounts.Any(mount => mount.Propagation is "shared" or "rshared") ? "shared" : record.Mounts.Any(mount => mount.Propagation is "slave" or "rslave") ? "rslave" : "";

    private static IEnumerable<string> ThermalThrottle() => Directory.Exists("/sys/devices/system/cpu")
        ? Directory.EnumerateDirectories("/sys/devices/system/cpu", "cpu*").Select(cpu => cpu + "/thermal_throttle").Where(Directory.Exists).Order(StringComparer.Ordinal)
        : [];

    private static string FindInit() => InitPrograms.FirstOrDefault(File.Exists)
        ?? throw new BerthException(ErrorKind.Failed, "--init needs the program tini, which is not installed: apt-get install tini");
}
