using Berth.Engine.Containers.Exec;
using Berth.Linux.Files;

namespace Berth.Engine.Tests.Containers;

/// <summary>Limits that a program really exceeds, and what it may not see or do.</summary>
public sealed class ConfinementTests(TestEngine engine) : IClassFixture<TestEngine>
{
    [Fact]
    public async Task Memory_beyond_the_limit_kills_the_program_and_says_so()
    {
        var container = await engine.RunAsync(
            "x=$(head -c 100000000 /dev/zero | tail -c 100000000)", host: host => host with { Memory = 32 << 20, MemorySwap = 32 << 20 });
        await container.WaitAsync(Engine.Containers.WaitCondition.NotRunning).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(container.Record.OomKilled);
        Assert.Matches("^out of memory: the kernel killed a process of it at its limit of 32 MiB; at most (31|32) MiB were in use\\.", container.Record.Error);
        using var events = engine.Host.Events.Subscribe(container.Record.Created);
        var attributes = new Dictionary<string, IReadOnlyDictionary<string, string>>();
        while (events.Reader.TryRead(out var one))
        {
            attributes[one.ActorId == container.Id ? one.Action : ""] = one.Attributes;
        }

        Assert.Equal($"{32 << 20}", attributes["oom"]["memoryLimit"]);
        Assert.InRange(long.Parse(attributes["oom"]["memory"], System.Globalization.CultureInfo.InvariantCulture), 31 << 20, 32 << 20);
        Assert.Equal(container.Record.Error, attributes["die"]["reason"]);
    }

    [Fact]
    public async Task Processes_beyond_the_limit_are_refused()
    {
        var (_, output) = await engine.ResultAsync("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1 & done; wait", host: host => host with { PidsLimit = 5 });
        Assert.Contains("can't fork", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Processor_time_is_limited()
    {
        var container = await engine.RunAsync("sleep 0.2; while true; do :; done", host: host => host with { NanoCpus = 200_000_000 });
        var parent = $"/sys/fs/cgroup/cpu/{engine.Options.CgroupParent.TrimStart('/')}/{container.Id}/cpu.cfs_quota_us";
        var unified = $"/sys/fs/cgroup/{engine.Options.CgroupParent.TrimStart('/')}/{container.Id}/cpu.max";
        var file = File.Exists(parent) ? parent : unified;
        Assert.StartsWith("20000", await File.ReadAllTextAsync(file), StringComparison.Ordinal);
        var stat = Path.GetDirectoryName(file) + "/cpu.stat";
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!File.ReadLines(stat).Any(line => line.StartsWith("nr_throttled ", StringComparison.Ordinal) && line != "nr_throttled 0"))
        {
            await Task.Delay(50, timeout.Token);
        }

        await engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
    }

    [Fact]
    public async Task Capabilities_are_dockers_default_set()
    {
        var (_, output) = await engine.ResultAsync("grep Cap /proc/self/status");
        Assert.Contains("CapEff:\t00000000a80425fb", output, StringComparison.Ordinal);
        Assert.Contains("CapBnd:\t00000000a80425fb", output, StringComparison.Ordinal);
        Assert.Contains("CapInh:\t0000000000000000", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_other_than_root_has_no_capabilities_and_its_groups()
    {
        var (_, output) = await engine.ResultAsync("id; grep CapEff /proc/self/status; echo $HOME", config => config with { User = "app" });
        Assert.Equal("uid=1000(app) gid=1001(app) groups=50(extra)\nCapEff:\t0000000000000000\n/home/app\n", output.Replace(",1001(app)", "", StringComparison.Ordinal).Replace("groups=1001(app),", "groups=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task System_calls_that_lead_out_are_refused()
    {
        var (_, output) = await engine.ResultAsync("grep Seccomp: /proc/self/status; unshare -r true 2>&1; mount -t tmpfs none /tmp 2>&1");
        Assert.Contains("Seccomp:\t2", output, StringComparison.Ordinal);
        Assert.Equal(2, output.Split('\n').Count(line => line.Contains("not permitted", StringComparison.Ordinal) || line.Contains("denied", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_filter_that_is_used_again_belongs_to_the_same_capabilities()
    {
        const string Script = "grep Seccomp /proc/self/status; unshare -m true 2>/dev/null; echo unshare $?";
        const string Refused = "Seccomp:\t2\nSeccomp_filters:\t1\nunshare 1\n";
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Refused, (await engine.ResultAsync(Script)).Output);
            Assert.Equal(
                Refused.Replace("unshare 1", "unshare 0", StringComparison.Ordinal),
                (await engine.ResultAsync(Script, host: host => host with { CapAdd = ["SYS_ADMIN"] })).Output);
            Assert.StartsWith("Seccomp:\t0\n", (await engine.ResultAsync(Script, host: host => host with { SecurityOpt = ["seccomp=unconfined"] })).Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Kernel_files_are_masked_and_settings_read_only()
    {
        var (_, output) = await engine.ResultAsync("cat /proc/kcore | head -c 1 | wc -c 2>/dev/null; ls /sys/firmware; echo 1 > /proc/sys/kernel/panic; echo $?");
        Assert.Contains("Read-only file system", output, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("acpi", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_that_the_profile_is_too_old_for_does_not_exist_and_one_that_it_refuses_is_not_permitted()
    {
        // The host's perl makes calls by number; those above 424 have one number on all architectures, and kexec_load is refused by name.
        const string Script = "$! = 0; syscall($_, 0, 0, 0, 0xdead) < 0 and print $! + 0, qq(\\n) for @ARGV";
        var call = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? 104 : 246;
        var (_, output) = await engine.ResultAsync(
            $"/usr/bin/perl -e '{Script}' 600 {call} 435", host: host => host with { Binds = ["/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro"] });
        Assert.Equal("38\n1\n38\n", output); // ENOSYS, EPERM, and clone3's own ENOSYS
    }

    [Fact]
    public async Task The_own_group_is_among_the_further_ones()
    {
        Assert.Equal("Groups:\t0 \n", (await engine.ResultAsync("grep Groups /proc/self/status")).Output);
        Assert.Equal("Groups:\t1001 \n", (await engine.ResultAsync("grep Groups /proc/self/status", config => config with { User = "1000:1001" })).Output);
    }

    [Fact]
    public async Task A_privileged_container_has_the_devices_of_the_host()
    {
        var (_, output) = await engine.ResultAsync("ls /dev", host: host => host with { Privileged = true });
        Assert.Empty(new[] { "kmsg", "full", "random" }.Except(output.Split('\n')));
    }

    [Fact]
    public async Task A_read_only_container_cannot_change_its_hosts_file()
    {
        var (_, output) = await engine.ResultAsync("echo >> /etc/hosts; echo >> /etc/resolv.conf; echo >> /etc/hostname", host: host => host with { ReadonlyRootfs = true });
        Assert.Equal(3, output.Split('\n').Count(line => line.Contains("Read-only file system", StringComparison.OrdinalIgnoreCase)));
    }

    [Fact]
    public async Task A_container_in_the_hosts_ipc_namespace_sees_its_shared_memory()
    {
        var file = Path.GetFileName(Path.GetTempFileName());
        await File.WriteAllTextAsync("/dev/shm/" + file, "shared\n");
        try
        {
            Assert.Equal("shared\n", (await engine.ResultAsync($"cat /dev/shm/{file}; test -d /dev/mqueue", host: host => host with { IpcMode = "host" })).Output);
        }
        finally
        {
            File.Delete("/dev/shm/" + file);
            File.Delete(Path.GetTempPath() + file);
        }
    }

    [Fact]
    public async Task Programs_start_with_all_signals_at_their_default() =>
        Assert.Equal("SigIgn:\t0000000000000000\n", (await engine.ResultAsync("exec grep SigIgn /proc/self/status")).Output);

    [Fact]
    public async Task Programs_find_that_they_are_in_a_container_and_where_its_mounts_are_listed() =>
        Assert.Equal("755\n/proc/mounts\n", (await engine.ResultAsync("stat -c %a /.dockerenv; busybox readlink /etc/mtab")).Output);

    [Fact]
    public async Task An_exec_does_not_give_the_hosts_null_device_to_its_user()
    {
        var before = OwnerOfNull();
        var container = await engine.RunAsync("sleep 100");
        var config = new ExecConfig { Cmd = ["sh", "-c", "stat -L -c '%F %t:%T %u' /proc/self/fd/0"], User = "4321:4322" };
        var (exitCode, output) = await engine.Host.Containers.Execs.CaptureAsync(container, config, 1 << 20, TestContext.Current.CancellationToken);
        Assert.Equal((0, "character special file 1:3 4321\n"), (exitCode, output));
        Assert.Equal(before, OwnerOfNull());
        await engine.ExecAsync(container, "sh", "-c", "busybox chmod 640 /proc/self/fd/0"); // follows to the file itself
        Assert.Equal(before, OwnerOfNull());
        await engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
    }

    private static (uint User, uint Group, uint Permissions) OwnerOfNull()
    {
        using var devices = DirectoryHandle.Open("/dev");
        var status = devices.Stat("null");
        return (status.User, status.Group, status.Permissions);
    }
}
