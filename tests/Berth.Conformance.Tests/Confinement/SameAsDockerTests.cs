using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Berth.Conformance.Tests.Confinement;

/// <summary>
/// What a program finds inside a container is the same under Berth and under Docker 28: capabilities, system calls, masked and read-only
/// paths, mounts, devices, limits, control groups, names, namespaces. Everything that differs by nature is listed, with its reason.
/// </summary>
[Trait("Speed", "long")]
public sealed class SameAsDockerTests(TwoEngines engines) : IClassFixture<TwoEngines>
{
    private const string Any = ".*";
    private const string Nothing = "\\(nothing\\)"; // the probe has no such line

    /// <summary>The only difference where both use runc.</summary>
    private static readonly Difference Propagation = new(
        "mount\\.(/|/named)", @"(\S+ r[wo],relatime) \[\] (.*)", @"(\S+ r[wo],relatime) \[master:N\] (.*)",
        "Docker's data root is a shared mount of which containers are slaves; Berth's mounts are private to their container");

    /// <summary>Keys and values are regular expressions for the whole text; a difference that is listed may be there, it need not.</summary>
    private static readonly Difference[] ByNature =
    [
        Propagation,
        new("mount\\.(/proc/(acpi|asound|scsi)|/sys/firmware|/sys/devices/virtual/powercap)", "/ ro,relatime \\[\\] tmpfs tmpfs rw,size=0k", "/ ro,relatime \\[\\] tmpfs tmpfs ro",
            "crun masks a folder with a tmpfs of no size, runc with a read-only one; neither can be written to"),
        new("mount\\.(/proc/.*|/sys/.*)", "/null ro,relatime \\[\\] devtmpfs .*", "/null rw,nosuid \\[\\] tmpfs tmpfs .*", "crun masks a file with the host's null device, runc with the container's"),
        new("mount\\./proc/(bus|fs|irq|sys|sysrq-trigger)", "(/[^ ]+) ro,relatime \\[\\] proc proc rw", "(/[^ ]+) ro,nosuid,nodev,noexec,relatime \\[\\] proc proc rw",
            "crun 1.8 forgets the flags of proc below it; proc has no programs and no devices"),
        new("mount\\./sys", "/ ro,nosuid,nodev,noexec,relatime \\[\\] sysfs sysfs rw", "/ ro,nosuid,nodev,noexec,relatime \\[\\] sysfs sysfs ro",
            "crun makes the mount read-only, runc its superblock as well"),
        new("write\\./sys/.*", "EACCES", "EROFS", "as above: of two reasons to refuse, the kernel names the other one first"),
        new("mount\\./dev/console", "/0 rw,relatime (.*)", "/0 rw,nosuid,noexec,relatime (.*)", "crun binds the terminal without the flags of its devpts"),
        new("device\\./dev/core", "link /proc/kcore 0777 0:0", Nothing, "crun makes this link wherever it runs, runc where the host has a /proc/kcore"),
        new("device\\./dev/null", "char 0666 \\d+:\\d+ 1:3", "char 0666 0:0 1:3", "crun gives a program's standard streams to its user, the container's own null device included"),
        new("mknod\\.tun", "made, opens: EPERM", "made, opens: ok", "runc before 1.2 lets every container open /dev/net/tun, later ones and crun do not"),
        new("cgroup\\.devices/devices\\.list", "(.*)", "(.*)c 10:200 rwm, (.*)", "as above"),

        // Hosts whose control groups are of version 1 only.
        new("cgroup\\./", "blkio .* net_cls net_prio pids systemd", "blkio .* pids systemd", "crun makes folders for hierarchies that the host has not mounted"),
        new("mount\\./sys/fs/cgroup", "/ rw,nosuid,nodev,noexec,relatime \\[\\] tmpfs cgroup rw,size=1024k", "/ rw,nosuid,nodev,noexec,relatime \\[\\] tmpfs tmpfs rw,mode=755", "the folder above the hierarchies is crun's or runc's own tmpfs"),
        new("device\\./sys/fs/cgroup", "directory 1777 0:0", "directory 0555 0:0", "as above"),
        new("create\\./sys/fs/cgroup", "ok", "EACCES", "as above: without capabilities it can be written to under crun, up to a megabyte that counts as the container's memory"),
        new("self\\.cgroup", "(.*) 0::/", "(.*) 0::/PARENT/ID", "on a hybrid host crun is run without sight of the v2 tree, which has no controller that it could use"),
        new("mount\\./sys/fs/cgroup/.*", "/ ro,(\\S+) \\[\\] cgroup /sys/fs/cgroup/\\S+ rw,(.*)", "/ ro,(\\S+) \\[\\] cgroup \\S+ rw,(.*)", "the source of a cgroup mount is a name without meaning"),
    ];

    /// <summary>Docker runs in a network namespace of its own here, so with <c>--network host</c> the two show different hosts.</summary>
    private static readonly Difference[] ByNetwork =
        [new("interfaces|routes|addresses6|sysctl\\.net/ipv[46]/conf/eth0/.*|sysctl\\.net/ipv[46]/(ip_forward|conf/all/forwarding)|file\\./etc/hosts", Any, Any, "the host's network is that of another namespace")];

    public static TheoryData<string> Flags =>
    [
        "",
        "-i",
        "-t",
        "--init",
        "--privileged",
        "--cap-add NET_ADMIN --cap-add SYS_ADMIN",
        "--cap-add ALL",
        "--cap-drop ALL",
        "--cap-drop ALL --cap-add CHOWN --cap-add SYS_PTRACE --cap-add SYS_NICE",
        "--user 1000:1000",
        "--user 1000 --group-add 1234 --group-add audio",
        "--security-opt seccomp=unconfined",
        "--security-opt no-new-privileges",
        "--read-only --tmpfs /tmp",
        "-m 64m --pids-limit 50 --cpus 0.5",
        "--network none",
        "--pid host",
        "--ipc host",
        "--uts host",
        "--cgroupns private",
        "--ulimit nofile=1024:2048 --ulimit core=0",
        "--device /dev/null:/dev/mine:r --sysctl net.core.somaxconn=512 --shm-size 10m --oom-score-adj 100",
        "-v named:/named:ro --mount type=tmpfs,target=/made,tmpfs-size=1m --hostname me --workdir /usr -e A=b",
    ];

    [Theory]
    [MemberData(nameof(Flags))]
    public async Task A_program_finds_the_same(string flags) => AssertSame(await ProbeAsync(flags), ByNature);

    [Fact]
    public async Task A_program_finds_the_same_in_the_hosts_network() => AssertSame(await ProbeAsync("--network host"), [.. ByNature, .. ByNetwork]);

    [Theory]
    [InlineData("")]
    [InlineData("-t")]
    [InlineData("--privileged")]
    [InlineData("--cap-drop ALL --user 1000:1000 --read-only --tmpfs /tmp")]
    [InlineData("--cap-add SYS_ADMIN -m 64m --pids-limit 50 --cpus 0.5 --init")]
    [InlineData("--device /dev/null:/dev/mine:r --ipc host --pid host --cgroupns private")]
    public async Task With_dockers_runtime_a_program_finds_nothing_else(string flags)
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "the probe calls by x86-64's numbers");
        AssertSame(await engines.ProbeWithRuncAsync(Words(flags)), [Propagation]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-i")]
    [InlineData("-t")]
    [InlineData("--user 1000:1000")]
    [InlineData("--privileged")]
    [InlineData("-e A=b --workdir /usr")]
    public async Task A_program_that_is_added_finds_the_same(string flags)
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "the probe calls by x86-64's numbers");
        AssertSame(await engines.ProbeByExecAsync(Words(flags)), ByNature);
    }

    private Task<IReadOnlyDictionary<string, (string? Berth, string? Docker)>> ProbeAsync(string flags)
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "the probe calls by x86-64's numbers");
        return engines.ProbeAsync(Words(flags));
    }

    private static string[] Words(string flags) => flags.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static void AssertSame(IReadOnlyDictionary<string, (string? Berth, string? Docker)> found, IReadOnlyList<Difference> known)
    {
        var unexpected = found.Where(pair => pair.Value.Berth != pair.Value.Docker)
            .Select(pair => (pair.Key, Berth: pair.Value.Berth ?? "(nothing)", Docker: pair.Value.Docker ?? "(nothing)"))
            .Where(difference => !known.Any(one => one.Explains(difference.Key, difference.Berth, difference.Docker)))
            .Select(difference => $"{difference.Key}\n  Berth:  {difference.Berth}\n  Docker: {difference.Docker}").Order(StringComparer.Ordinal).ToList();
        Assert.True(unexpected.Count == 0, $"{unexpected.Count} of {found.Count} findings differ:\n{string.Join('\n', unexpected)}");
    }

    /// <summary>A difference that is there by nature. What the two values capture in groups must be the same text.</summary>
    private sealed record Difference(string Key, string Berth, string Docker, string Reason)
    {
        internal bool Explains(string key, string berth, string docker) =>
            Whole(Key, key).Success && Whole(Berth, berth) is { Success: true } one && Whole(Docker, docker) is { Success: true } other && Captured(one) == Captured(other);

        private static Match Whole(string pattern, string text) => Regex.Match(text, $"^(?:{pattern})$", RegexOptions.None, TimeSpan.FromSeconds(1));

        private static string Captured(Match match) => string.Concat(match.Groups.Values.Skip(1).Select(group => group.Value));
    }
}
