using Berth.Cli.Doctor;
using Berth.Linux.Cgroups;

namespace Berth.Cli.Tests;

public sealed class ExaminationTests
{
    private static readonly MachineFacts s_well = new()
    {
        Kernel = new(6, 1),
        Modules = new HashSet<string> { "overlay", "nf_tables", "veth", "bridge", "nf_conntrack", "nf_nat" },
        Programs = new HashSet<string> { "conmon", "crun", "mount", "mmdebstrap" },
        Cgroups = CgroupMode.Unified,
        Controllers = new HashSet<string> { "memory", "cpu", "pids", "cpuset", "io" },
        DataRoot = "/var/lib/berth",
        FreeBytes = 100L << 30,
        FileSystem = "ext4",
        InotifyInstances = 1024,
    };

    [Fact]
    public void Nothing_is_found_where_nothing_is_wrong() => Assert.Empty(Examination.Of(s_well));

    [Theory]
    [InlineData("kernel")]
    [InlineData("module")]
    [InlineData("program")]
    [InlineData("runtime")]
    [InlineData("disk")]
    [InlineData("daemon")]
    public void What_keeps_containers_from_running_is_grave_and_has_its_command(string wrong)
    {
        var (facts, what, mend) = wrong switch
        {
            "kernel" => (s_well with { Kernel = new(4, 19) }, "the kernel is 4.19; 5.6 or newer is needed", "apt-get install linux-image-amd64"),
            "module" => (s_well with { Modules = new HashSet<string>(s_well.Modules!.Except(["overlay"])) }, "the kernel has no module overlay", "modprobe overlay"),
            "program" => (s_well with { Programs = new HashSet<string>(s_well.Programs.Except(["conmon"])) }, "the program conmon is not installed", "apt-get install conmon"),
            "runtime" => (s_well with { Programs = new HashSet<string>(s_well.Programs.Except(["crun"])) }, "neither crun nor runc is installed", "apt-get install crun"),
            "disk" => (s_well with { FileSystem = "nfs4" }, "/var/lib/berth lies on nfs4", "data-root"),
            _ => (s_well with { DaemonTrouble = "No daemon answers" }, "the daemon does not answer: No daemon answers", "systemctl start berth"),
        };
        var finding = Assert.Single(Examination.Of(facts));
        Assert.True(finding.IsGrave);
        Assert.Equal(what, finding.What);
        Assert.Contains(mend, finding.Mend, StringComparison.Ordinal);
        Assert.NotEmpty(finding.Why);
    }

    [Fact]
    public void What_only_could_be_better_is_told_all_at_once()
    {
        var findings = Examination.Of(s_well with
        {
            Cgroups = CgroupMode.Hybrid, HasV2ControllersBesideV1 = true, Controllers = new HashSet<string> { "cpu", "pids", "cpuset" }, FreeBytes = 1 << 20, InotifyInstances = 8, HasAppArmor = true,
        });
        Assert.All(findings, finding => Assert.False(finding.IsGrave));
        Assert.Equal(
            ["control groups are of both versions here, and runc is not installed", "there is no memory controller of control groups", "the kernel has AppArmor, and the program apparmor_parser is not installed", "/var/lib/berth has 1 MiB left", "fs.inotify.max_user_instances is 8"],
            findings.Select(finding => finding.What));
        Assert.Equal("mkdir -p /sys/fs/cgroup/memory && mount -t cgroup -o memory cgroup /sys/fs/cgroup/memory", findings[1].Mend);
    }

    [Theory]
    [InlineData("6.1.0-18-amd64", "6.1")]
    [InlineData("5.15.0+", "5.15")]
    [InlineData("6.18.44-fc-v669", "6.18")]
    [InlineData("strange", "0.0")]
    public void A_kernels_name_begins_with_its_numbers(string release, string version) => Assert.Equal(Version.Parse(version), MachineFacts.VersionOf(release));
}
