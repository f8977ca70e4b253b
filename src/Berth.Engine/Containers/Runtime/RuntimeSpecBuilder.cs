using System.Globalization;
using Berth.Engine.Errors;
using Berth.Linux.Cgroups;
using Berth.Linux.Files;

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

    internal static readonly string[] ReadonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    /// <param name="networkNamespace">The file of the network namespace; null for the host's.</param>
    /// <param name="resolve">Finds a container whose namespaces are shared.</param>
    internal static RuntimeSpecModel Build(
        ContainerRecord record, ContainerFiles files, EngineOptions options, CgroupLayout cgroups, string? networkNamespace, Func<string, ContainerRecord> resolve)
    {
        var (config, host) = (record.Config, record.HostConfig);
        var passwd = files.Lines("etc/passwd");
        var user = ProcessUser.Resolve(config.User, passwd, files.Lines("etc/group"), host.GroupAdd);
        var capabilities = Capabilities.For(host.Privileged, host.CapAdd, host.CapDrop);
        var init = host.Init == true ? FindInit() : null;
        return new RuntimeSpecModel
        {
            Hostname = host.UtsMode == "host" || host.NetworkMode == "host" && config.Hostname == Environment.MachineName ? "" : config.Hostname,
            Domainname = config.Domainname,
            RootPath = files.Root,
            ReadonlyRoot = host.ReadonlyRootfs,
            Process = new ProcessModel
            {
                Terminal = config.Tty,
                Args = [.. init is null ? [] : new[] { "/sbin/docker-init", "--" }, .. config.Entrypoint ?? [], .. config.Cmd ?? []],
                Env = EnvironmentOf(config, user),
                WorkingDirectory = config.WorkingDir.Length > 0 ? config.WorkingDir : "/",
                User = user,
                Capabilities = capabilities,
                Ulimits = host.Ulimits ?? [],
                NoNewPrivileges = host.SecurityOpt?.Any(option => option is "no-new-privileges" or "no-new-privileges:true" or "no-new-privileges=true") ?? false,
                OomScoreAdj = host.OomScoreAdj,
            },
            Mounts = [.. StandardMounts(host, cgroups), .. OwnMounts(record, files, init)],
            Namespaces = Namespaces(host, cgroups, networkNamespace, resolve),
            CgroupsPath = options.CgroupOf(record),
            Privileged = host.Privileged,
            SeccompUnconfined = host.SecurityOpt?.Any(option => option.Replace('=', ':') == "seccomp:unconfined") ?? false,
            MaskedPaths = host.Privileged ? [] : host.MaskedPaths ?? [.. MaskedPaths, .. ThermalThrottle()],
            ReadonlyPaths = host.Privileged ? [] : host.ReadonlyPaths ?? ReadonlyPaths,
            Devices = Devices(host),
            Sysctls = Sysctls(host, networkNamespace),
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

    internal static IEnumerable<SpecMount> StandardMounts(HostConfig host, CgroupLayout cgroups)
    {
        var access = host.Privileged ? "rw" : "ro";
        yield return new("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]);
        yield return new("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]);
        yield return new("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]);
        yield return new("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", access]);
        yield return new("/sys/fs/cgroup", cgroups.Mode == CgroupMode.Unified ? "cgroup2" : "cgroup", "cgroup", ["nosuid", "noexec", "nodev", access]);
        yield return new("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]); // shows the queues of the IPC namespace
        if (host.IpcMode == "host")
        {
            yield return new("/dev/shm", "bind", "/dev/shm", ["rbind", "rprivate"]);
        }
        else if (host.IpcMode != "none")
        {
            yield return new("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", string.Create(CultureInfo.InvariantCulture, $"size={host.ShmSize}")]);
        }
    }

    private static IEnumerable<SpecMount> OwnMounts(ContainerRecord record, ContainerFiles files, string? init)
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

        foreach (var mount in record.Mounts)
        {
            var access = mount.ReadWrite ? "rw" : "ro";
            yield return mount.Type == "tmpfs"
                ? new(mount.Destination, "tmpfs", "tmpfs", ["noexec", "nosuid", "nodev", access, .. mount.Options.Split(',', StringSplitOptions.RemoveEmptyEntries)])
                : new(mount.Destination, "bind", mount.Source, ["rbind", mount.Propagation.Length > 0 ? mount.Propagation : "rprivate", access]);
        }
    }

    internal static List<(string Type, string Path)> Namespaces(
        HostConfig host, CgroupLayout cgroups, string? networkNamespace, Func<string, ContainerRecord> resolve)
    {
        var namespaces = new List<(string, string)> { ("mount", "") };
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

    private static Dictionary<string, string> Sysctls(HostConfig host, string? networkNamespace)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        if (networkNamespace is not null && !host.NetworkMode.StartsWith("container:", StringComparison.Ordinal))
        {
            result["net.ipv4.ip_unprivileged_port_start"] = "0";
            result["net.ipv4.ping_group_range"] = "0 2147483647";
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
