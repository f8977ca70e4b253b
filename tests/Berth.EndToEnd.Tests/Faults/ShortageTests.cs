using System.Diagnostics;
using System.Globalization;
using System.Net;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Faults;

/// <summary>What is not a full disk: no inodes, a disk that stands still or can only be read, no descriptors, no processes. Each is said, containers run on, and all is well when it is over.</summary>
[Collection(AloneCollection.Name)]
public sealed class ShortageTests
{
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(5);

    [Fact]
    [Trait("Speed", "slow")]
    public async Task A_disk_without_inodes()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartOnAsync(daemon => MountAsync(daemon, "-t", "tmpfs", "-o", "size=200m,mode=755,nr_inodes=1200", "few"));
        var process = daemon.ProcessId;
        var fillers = Directory.CreateDirectory(daemon.DataRoot + "/fillers").FullName;
        await new Command("sh", "-c", $"i=0; while : >{fillers}/$i; do i=$((i+1)); done 2>/dev/null").RunAsync(cancellationToken);
        foreach (var (exitCode, words) in new[] { (125, "docker run --rm box true"), (1, "docker volume create kept") })
        {
            var said = await FailsAsync(daemon, exitCode, words);
            Assert.Contains("can hold no more files (inodes)", said, StringComparison.Ordinal);
            Assert.Contains(daemon.DataRoot, said, StringComparison.Ordinal);
        }

        await RunsOnAsync(daemon, process);
        (await BerthAsync(daemon, "docker rm -f other")).EnsureSuccess();
        Directory.Delete(fillers, recursive: true);
        await IsWellAsync(daemon);
        Assert.Equal(process, daemon.ProcessId);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task A_disk_that_stands_still()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartOnAsync(MountImageAsync);
        var process = daemon.ProcessId;
        Task<CommandResult> late;
        (await new Command("fsfreeze", "-f", daemon.DataRoot).RunAsync(cancellationToken)).EnsureSuccess();
        try
        {
            late = BerthAsync(daemon, "docker volume create late");
            foreach (var question in new[] { "docker ps", "docker inspect runs", "docker images", "docker network ls", "docker logs runs", "docker stats --no-stream runs" })
            {
                Assert.Equal(0, (await BerthAsync(daemon, question).WaitAsync(AtOnce, cancellationToken)).ExitCode);
            }

            Assert.False(late.IsCompleted);
            await RunsOnAsync(daemon, process);
        }
        finally
        {
            (await new Command("fsfreeze", "-u", daemon.DataRoot).RunAsync(CancellationToken.None)).EnsureSuccess();
        }

        Assert.Equal("late\n", (await late).EnsureSuccess().Output);
        await IsWellAsync(daemon);
        Assert.Equal(process, daemon.ProcessId);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task A_disk_that_can_only_be_read()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartOnAsync(MountImageAsync);
        var process = daemon.ProcessId;
        (await new Command("sync", "-f", daemon.DataRoot).RunAsync(cancellationToken)).EnsureSuccess(); // what is not on the disk by then is lost with it
        await File.WriteAllTextAsync($"/sys/fs/ext4/{await LoopAsync(daemon)}/trigger_fs_error", "1", cancellationToken); // as an error of the disk does
        foreach (var (exitCode, words) in new[] { (125, "docker run --rm box true"), (1, "docker volume create kept"), (125, "docker create box"), (1, "docker network create more") })
        {
            var said = await FailsAsync(daemon, exitCode, words);
            Assert.Contains("can only be read", said, StringComparison.Ordinal);
            Assert.Contains("dmesg", said, StringComparison.Ordinal);
        }

        Assert.Contains("runs", (await BerthAsync(daemon, "docker ps")).EnsureSuccess().Output, StringComparison.Ordinal);
        await RunsOnAsync(daemon, process);

        // The machine is mended: everything ends, the disk is checked, and all is started again.
        await daemon.LosePowerAsync();
        Assert.InRange((await new Command("e2fsck", "-fy", Image(daemon)).RunAsync(cancellationToken)).ExitCode, 0, 1); // 1: mended
        await MountAsync(daemon, "-o", "loop,errors=remount-ro", Image(daemon));
        await daemon.RestartAsync(cancellationToken);
        Assert.Equal("exited\n", (await BerthAsync(daemon, "docker inspect -f {{.State.Status}} runs")).EnsureSuccess().Output);
        (await BerthAsync(daemon, "docker start runs")).EnsureSuccess();
        await IsWellAsync(daemon);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task No_descriptors()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartOnAsync(_ => Task.CompletedTask);
        var process = daemon.ProcessId!.Value;
        var limit = int.Parse(File.ReadLines($"/proc/{process}/limits").First(line => line.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[3], CultureInfo.InvariantCulture);
        await IsWellAsync(daemon); // so that what a request takes is known below
        await LimitAsync(process, Directory.GetFileSystemEntries($"/proc/{process}/fd").Length + 100, cancellationToken);
        var clients = new List<HttpResponseMessage>();
        CommandResult result;
        do
        {
            Assert.InRange(clients.Count, 0, 99);
            clients.Add(await daemon.Api.GetAsync("events", HttpCompletionOption.ResponseHeadersRead, cancellationToken)); // each has a connection of its own
            result = await BerthAsync(daemon, "docker run --rm box true");
        }
        while (result.ExitCode == 0);
        var said = $"with {clients.Count} clients: {result.Error}";
        Assert.True(result.Error.Contains("No more files can be opened", StringComparison.Ordinal) && result.Error.Contains("LimitNOFILE", StringComparison.Ordinal), said);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
        foreach (var words in new[] { "docker ps", "docker logs runs", "docker rm -f other", "docker container prune -f" })
        {
            (await BerthAsync(daemon, words)).EnsureSuccess();
        }

        await RunsOnAsync(daemon, process);
        clients.ForEach(client => client.Dispose());
        using var patience = new CancellationTokenSource(AtOnce);
        while ((await BerthAsync(daemon, "docker run --rm box true")).ExitCode != 0)
        {
            await Task.Delay(50, patience.Token); // until the daemon has noticed that they have left
        }

        await LimitAsync(process, limit, cancellationToken);
        await IsWellAsync(daemon);
        Assert.Equal(process, daemon.ProcessId);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task No_room_for_another_process()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartOnAsync(_ => Task.CompletedTask);
        var process = daemon.ProcessId!.Value;
        var stopped = (await BerthAsync(daemon, "docker run -d --name stopped box sleep 1000")).EnsureSuccess().Output.Trim();
        (await BerthAsync(daemon, "docker run -d --name ends --restart always box sleep 1000")).EnsureSuccess();
        await IsWellAsync(daemon);
        var mapped = (await BerthAsync(daemon, "docker port runs 80")).EnsureSuccess().Output.Trim().Split('\n')[0];
        var ends = (await BerthAsync(daemon, "docker inspect -f {{.State.Pid}} ends")).EnsureSuccess().Output.Trim();
        bool IsAlive() => File.Exists($"/proc/{process}/exe"); // not of one that has ended and was not taken notice of
        var own = File.ReadLines($"/proc/{process}/cgroup").Select(line => line.Split(':', 3)).First(line => line[1].Length == 0 || line[1].Split(',').Contains("pids"));
        var hierarchy = Directory.Exists("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup";
        var group = Directory.CreateDirectory($"{hierarchy}/{Path.GetFileName(daemon.Folder)}-few-processes").FullName;
        var number = process.ToString(CultureInfo.InvariantCulture);
        try
        {
            await File.WriteAllTextAsync(group + "/cgroup.procs", number, cancellationToken);
            await File.WriteAllTextAsync(group + "/pids.max", "1", cancellationToken); // no more than there are
            foreach (var words in new[] { "docker run --rm box true", "docker exec runs true", "docker restart stopped" })
            {
                var result = await BerthAsync(daemon, words);
                Assert.NotEqual(0, result.ExitCode);
                Assert.True((result.Output + result.Error).Contains("No more processes can be started", StringComparison.Ordinal) || await HasEndedAsync(), words + result.Output + result.Error);
            }

            (await new Command("kill", "-9", ends).RunAsync(cancellationToken)).EnsureSuccess();
            if (IsAlive())
            {
                await BerthAsync(daemon, "docker logs runs");
            }

            using var client = new HttpClient();
            using (var answer = await client.GetAsync(new Uri($"http://{mapped}/busybox"), HttpCompletionOption.ResponseHeadersRead, cancellationToken))
            {
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            }

            await File.WriteAllTextAsync(group + "/pids.max", "max", cancellationToken);
            if (!IsAlive())
            {
                await daemon.RestartAsync(cancellationToken); // as whoever watches it does: .NET ends a process that needs a thread and gets none
            }

            await IsWellAsync(daemon);
            var patience = Stopwatch.StartNew();
            while (await StateAsync("ends") != "running") // what could not be finished is, by itself
            {
                await WaitAsync($"it is {await StateAsync("ends")}");
            }

            (await BerthAsync(daemon, "docker rm -f stopped")).EnsureSuccess(); // a daemon that ended amid its restart finishes that
            Assert.Equal("well\n", (await BerthAsync(daemon, "docker exec ends echo well")).EnsureSuccess().Output);
            while (File.ReadLines("/proc/mounts").Any(line => line.Contains($"{daemon.DataRoot}/containers/{stopped}", StringComparison.Ordinal)))
            {
                await WaitAsync("its root is still mounted");
            }

            async Task WaitAsync(string what)
            {
                Assert.True(patience.Elapsed < TimeSpan.FromSeconds(30), what + "\n" + await File.ReadAllTextAsync(daemon.LogPath, cancellationToken));
                await Task.Delay(100, cancellationToken);
            }
        }
        finally
        {
            if (IsAlive())
            {
                await File.WriteAllTextAsync($"{hierarchy}{own[2]}/cgroup.procs", number, CancellationToken.None);
            }

            Directory.Delete(group);
        }

        async Task<string> StateAsync(string name) => (await BerthAsync(daemon, "docker inspect -f {{.State.Status}} " + name)).EnsureSuccess().Output.Trim();

        async Task<bool> HasEndedAsync()
        {
            for (var patience = 40; IsAlive() && patience > 0; patience--)
            {
                await Task.Delay(50, cancellationToken);
            }

            return !IsAlive();
        }
    }

    private static async Task LimitAsync(int process, int descriptors, CancellationToken cancellationToken) =>
        (await new Command("prlimit", "--pid", process.ToString(CultureInfo.InvariantCulture), string.Create(CultureInfo.InvariantCulture, $"--nofile={descriptors}:")).RunAsync(cancellationToken)).EnsureSuccess();

    private static async Task<TestDaemon> StartOnAsync(Func<TestDaemon, Task> prepare)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var daemon = await TestDaemon.StartAsync([], cancellationToken, prepare);
        try
        {
            await BoxImage.BuildAsync(daemon, cancellationToken);
            (await BerthAsync(daemon, "docker run -d --name runs --restart on-failure -p 127.0.0.1::80 box httpd -f -p 80 -h /bin")).EnsureSuccess();
            (await BerthAsync(daemon, "docker create --name other box true")).EnsureSuccess();
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    private static string Image(TestDaemon daemon) => daemon.Folder + "/disk.ext4";

    private static async Task MountImageAsync(TestDaemon daemon)
    {
        await using (var image = File.Create(Image(daemon)))
        {
            image.SetLength(200 << 20);
        }

        (await new Command("mkfs.ext4", "-q", Image(daemon)).RunAsync(CancellationToken.None)).EnsureSuccess();
        await MountAsync(daemon, "-o", "loop,errors=remount-ro", Image(daemon));
    }

    private static async Task MountAsync(TestDaemon daemon, params string[] words)
    {
        Directory.CreateDirectory(daemon.DataRoot);
        (await new Command("mount", [.. words, daemon.DataRoot]).RunAsync(CancellationToken.None)).EnsureSuccess();
    }

    private static async Task<string> LoopAsync(TestDaemon daemon) =>
        Path.GetFileName((await new Command("findmnt", "-n", "-o", "SOURCE", daemon.DataRoot).RunAsync(CancellationToken.None)).EnsureSuccess().Output.Trim());

    private static async Task<string> FailsAsync(TestDaemon daemon, int exitCode, string words)
    {
        var result = await BerthAsync(daemon, words);
        var said = $"'{words}' ended with {result.ExitCode}:\n{result.Output}{result.Error}";
        Assert.True(result.ExitCode == exitCode, said);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
        return said;
    }

    // The container answers requests as before.
    private static async Task RunsOnAsync(TestDaemon daemon, int? process)
    {
        var mapped = (await BerthAsync(daemon, "docker port runs 80")).EnsureSuccess().Output.Trim().Split('\n')[0];
        using var client = new HttpClient();
        using var answer = await client.GetAsync(new Uri($"http://{mapped}/busybox"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(process, daemon.ProcessId);
    }

    private static async Task IsWellAsync(TestDaemon daemon)
    {
        Assert.Equal("well\n", (await BerthAsync(daemon, "docker run --rm -v kept:/data box echo well")).EnsureSuccess().Output);
        await RunsOnAsync(daemon, daemon.ProcessId);
    }

    private static Task<CommandResult> BerthAsync(TestDaemon daemon, string words) => daemon.Berth("/", words.Split(' ')).RunAsync(TestContext.Current.CancellationToken);
}
