using System.Globalization;
using Berth.Linux.Cgroups;

namespace Berth.Cli.Doctor;

/// <summary>Something that is not as it should be.</summary>
/// <param name="IsGrave">Containers do not run with it; else it is only worse than it could be.</param>
/// <param name="What">What is wrong.</param>
/// <param name="Why">Why it matters.</param>
/// <param name="Mend">A command, or what to do.</param>
internal sealed record Finding(bool IsGrave, string What, string Why, string Mend);

/// <summary>Pure: what is wrong with a machine.</summary>
internal static class Examination
{
    private const long LittleBytes = 2L << 30;
    private const long FewInotifyInstances = 128;
    private static readonly Version s_oldestKernel = new(5, 6); // openat2(2), by which a path inside a container is followed without leaving it
    private static readonly string[] s_controllers = ["memory", "cpu", "pids", "cpuset"];

    private static readonly (string Name, string Why)[] s_modules =
    [
        ("overlay", "containers' root file systems are overlays of their images' layers"), ("nf_tables", "names, service addresses and published ports are rules of nftables"),
        ("veth", "a container's network link is a pair of virtual Ethernet devices"), ("bridge", "a network is a bridge"), ("nf_conntrack", "connections that exist stay where they are while rules change"),
        ("nf_nat", "published ports and ways out are translated addresses"),
    ];

    private static readonly (string Name, string Why, string Package)[] s_programs =
    [
        ("conmon", "it holds each container's output and exit code, so that they outlive the daemon", "conmon"), ("mount", "volumes with options are mounted by it", "mount"),
    ];

    internal static IReadOnlyList<Finding> Of(MachineFacts facts)
    {
        var findings = new List<Finding>();
        if (facts.Kernel < s_oldestKernel)
        {
            findings.Add(new(true, $"the kernel is {facts.Kernel}; {s_oldestKernel} or newer is needed", "paths inside containers are followed by openat2(2), so that no link leads out of them", "apt-get install linux-image-amd64, then restart the machine"));
        }

        findings.AddRange(s_modules.Where(module => facts.Modules?.Contains(module.Name) == false)
            .Select(module => new Finding(true, $"the kernel has no module {module.Name}", module.Why, $"modprobe {module.Name}; if there is none, install the distribution's full kernel: apt-get install linux-image-amd64")));
        findings.AddRange(s_programs.Where(program => !facts.Programs.Contains(program.Name))
            .Select(program => new Finding(true, $"the program {program.Name} is not installed", program.Why, $"apt-get install {program.Package}")));
        Runtime(facts, findings);
        Cgroups(facts, findings);
        if (!facts.Programs.Contains("mmdebstrap"))
        {
            findings.Add(new(false, "the program mmdebstrap is not installed", "where no registry can be reached, debian and ubuntu images are built by it", "apt-get install mmdebstrap"));
        }

        if (facts.HasAppArmor && !facts.Programs.Contains("apparmor_parser"))
        {
            findings.Add(new(false, "the kernel has AppArmor, and the program apparmor_parser is not installed", "containers' programs have no profile of it, one wall less", "apt-get install apparmor, then restart the daemon"));
        }

        if (facts.FreeBytes < LittleBytes)
        {
            findings.Add(new(false, string.Create(CultureInfo.InvariantCulture, $"{facts.DataRoot} has {facts.FreeBytes >> 20} MiB left"), "images, volumes and logs need room; what does not fit fails", "berth system prune -a, or a larger disk"));
        }

        if (facts.FileSystem is "nfs" or "nfs4" or "cifs" or "vfat" or "ntfs" or "fuseblk" or "overlay" or "overlayfs")
        {
            findings.Add(new(true, $"{facts.DataRoot} lies on {facts.FileSystem}", "overlays cannot have their changes there", "another --data-root, on ext4, xfs or btrfs: \"data-root\" in /etc/berth/daemon.json"));
        }

        if (facts.InotifyInstances < FewInotifyInstances)
        {
            findings.Add(new(false, string.Create(CultureInfo.InvariantCulture, $"fs.inotify.max_user_instances is {facts.InotifyInstances}"), "programs that watch files, inside containers too, run out of them", "sysctl -w fs.inotify.max_user_instances=1024, and the same line in /etc/sysctl.d/"));
        }

        if (facts.DaemonTrouble is { } trouble)
        {
            findings.Add(new(true, "the daemon does not answer: " + trouble, "without it nothing can be started or changed; what runs goes on", "systemctl start berth, or berthd; its log says why it ended: journalctl -u berth -n 50"));
        }

        return findings;
    }

    private static void Runtime(MachineFacts facts, List<Finding> findings)
    {
        const string why = "it makes a container out of its root file system and its settings";
        if (!facts.Programs.Contains("crun") && !facts.Programs.Contains("runc"))
        {
            findings.Add(new(true, "neither crun nor runc is installed", why, "apt-get install crun"));
        }
        else if (facts.HasV2ControllersBesideV1 && !facts.Programs.Contains("runc"))
        {
            findings.Add(new(false, "control groups are of both versions here, and runc is not installed", "crun 1.8 refuses such hosts; Berth hides the v2 tree from it, which costs some time at each start", "apt-get install runc"));
        }
    }

    private static void Cgroups(MachineFacts facts, List<Finding> findings)
    {
        foreach (var controller in s_controllers.Where(controller => !facts.Controllers.Contains(controller)))
        {
            findings.Add(new(false, $"there is no {controller} controller of control groups", $"limits on {controller} have no effect", facts.Cgroups == CgroupMode.Unified
                ? $"echo +{controller} >/sys/fs/cgroup/cgroup.subtree_control" : $"mkdir -p /sys/fs/cgroup/{controller} && mount -t cgroup -o {controller} cgroup /sys/fs/cgroup/{controller}"));
        }
    }
}
