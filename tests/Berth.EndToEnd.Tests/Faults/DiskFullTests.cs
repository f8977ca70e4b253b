using Berth.Testing;

namespace Berth.EndToEnd.Tests.Faults;

/// <summary>A data root without room: each verb fails with one message that says so and what to do, and works again once there is room.</summary>
public sealed class DiskFullTests
{
    private const int DiskMegabytes = 48;
    private const int ImageMegabytes = 80;

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Each_verb_says_that_the_disk_is_full_and_works_again_with_room()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var source = await TestDaemon.StartAsync(cancellationToken);
        await BoxImage.BuildAsync(source, cancellationToken);
        await using var registry = await RegistryProcess.StartAsync();
        var (big, archive) = ($"localhost:{registry.Port}/big:1", source.Folder + "/big.tar");
        await BuildBigAsync(source, big, archive, cancellationToken);

        await using var daemon = await TestDaemon.StartAsync([], cancellationToken, MountSmallDiskAsync);
        await BoxImage.BuildAsync(daemon, cancellationToken);
        var process = daemon.ProcessId;
        await FailsAsync(daemon, 1, ["docker", "load", "-i", archive]);
        await FailsAsync(daemon, 1, ["docker", "pull", big]);
        await FailsAsync(daemon, 1, ["docker", "build", source.Folder + "/big-context"]); // the context is larger than the disk
        await FailsAsync(daemon, 1, ["docker", "build", Context(daemon, "FROM box\nRUN dd if=/dev/zero of=/fills bs=1M count=1000\n")]);

        // Nothing of all that has kept its room; so fill it on purpose, to the last byte.
        Assert.Equal("fits\n", (await BerthAsync(daemon, ["docker", "run", "--rm", "box", "echo", "fits"])).EnsureSuccess().Output);
        (await BerthAsync(daemon, ["docker", "create", "--name", "made", "box", "true"])).EnsureSuccess();
        var filler = daemon.DataRoot + "/filler";
        await new Command("sh", "-c", $"cat /dev/zero >{filler}").RunAsync(cancellationToken);
        await FailsAsync(daemon, 125, ["docker", "run", "--rm", "box", "echo", "too late"]);
        await FailsAsync(daemon, 1, ["docker", "start", "made"]);
        await FailsAsync(daemon, 1, ["docker", "volume", "create", "kept"]);
        await FailsAsync(daemon, 1, ["docker", "build", Context(daemon, "FROM box\nRUN echo more >/file\n")]);
        Assert.Contains("made", (await BerthAsync(daemon, ["docker", "ps", "-a"])).EnsureSuccess().Output, StringComparison.Ordinal);

        File.Delete(filler);
        Assert.Equal("again\n", (await BerthAsync(daemon, ["docker", "run", "--rm", "box", "echo", "again"])).EnsureSuccess().Output);
        await FreesItselfAsync(daemon, filler);
        Assert.Equal("again\n", (await BerthAsync(daemon, ["docker", "run", "--rm", "box", "echo", "again"])).EnsureSuccess().Output);
        (await BerthAsync(daemon, ["docker", "start", "made"])).EnsureSuccess();
        (await BerthAsync(daemon, ["docker", "build", "-t", "more", Context(daemon, "FROM box\nRUN echo more >/file\n")])).EnsureSuccess();
        (await BerthAsync(daemon, ["docker", "volume", "create", "kept"])).EnsureSuccess();
        Assert.Equal(process, daemon.ProcessId);
        Assert.DoesNotContain("failed unexpectedly", await File.ReadAllTextAsync(daemon.LogPath, cancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_ends_when_its_end_cannot_be_recorded_is_not_waited_for_in_vain()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync([], cancellationToken, MountSmallDiskAsync);
        await BoxImage.BuildAsync(daemon, cancellationToken);
        (await BerthAsync(daemon, ["docker", "run", "-d", "--name", "ends", "--log-driver", "none", "box", "sh", "-c", "trap 'exit 7' USR1; while :; do sleep 0.1; done"])).EnsureSuccess();
        var filler = daemon.DataRoot + "/filler";
        await new Command("sh", "-c", $"cat /dev/zero >{filler}").RunAsync(cancellationToken);
        (await BerthAsync(daemon, ["docker", "kill", "-s", "USR1", "ends"])).EnsureSuccess();
        Assert.Equal("7\n", (await BerthAsync(daemon, ["docker", "wait", "ends"])).EnsureSuccess().Output);
        File.Delete(filler);
        (await BerthAsync(daemon, ["docker", "start", "ends"])).EnsureSuccess();

        // An intent that could not be closed then does not end what runs now.
        await daemon.KillAsync();
        await daemon.RestartAsync(cancellationToken);
        Assert.Equal("true\n", (await BerthAsync(daemon, ["docker", "inspect", "-f", "{{.State.Running}}", "ends"])).EnsureSuccess().Output);
    }

    // What takes things away works on a disk that has no byte left, time after time.
    private static async Task FreesItselfAsync(TestDaemon daemon, string filler)
    {
        (await BerthAsync(daemon, ["docker", "tag", "box", "other:1"])).EnsureSuccess();
        (await BerthAsync(daemon, ["docker", "build", "-t", "gone:1", Context(daemon, "FROM box\nRUN echo gone >/file\n")])).EnsureSuccess();
        (await BerthAsync(daemon, ["docker", "run", "-d", "--name", "runs", "box", "sleep", "1000"])).EnsureSuccess();
        (await BerthAsync(daemon, ["docker", "run", "-d", "--name", "stops", "box", "sleep", "1000"])).EnsureSuccess();
        (await BerthAsync(daemon, ["docker", "volume", "create", "empty"])).EnsureSuccess();
        (await BerthAsync(daemon, ["docker", "network", "create", "unused"])).EnsureSuccess();
        foreach (var verb in new[] { "stop -t 1 stops", "rm stops", "rm -f runs", "volume rm empty", "network rm unused", "rmi gone:1", "builder prune -f", "container prune -f" })
        {
            await new Command("sh", "-c", $"cat /dev/zero >>{filler}").RunAsync(TestContext.Current.CancellationToken);
            Assert.True(new DriveInfo(daemon.DataRoot).AvailableFreeSpace < 4096, verb);
            (await BerthAsync(daemon, ["docker", .. verb.Split(' ')])).EnsureSuccess();
        }

        Assert.Empty((await BerthAsync(daemon, ["docker", "ps", "-aq"])).EnsureSuccess().Output);
        File.Delete(filler);
        (await BerthAsync(daemon, ["docker", "create", "--name", "made", "box", "true"])).EnsureSuccess();
        Assert.Equal(8 << 20, new FileInfo(daemon.DataRoot + "/reserve").Length); // taken again
    }

    private static async Task BuildBigAsync(TestDaemon source, string name, string archive, CancellationToken cancellationToken)
    {
        var context = Directory.CreateDirectory(source.Folder + "/big-context").FullName;
        await using (var file = File.Create(context + "/big"))
        {
            var buffer = new byte[1 << 20];
            for (var i = 0; i < ImageMegabytes; i++)
            {
                Random.Shared.NextBytes(buffer); // what cannot be compressed
                await file.WriteAsync(buffer, cancellationToken);
            }
        }

        await File.WriteAllTextAsync(context + "/Dockerfile", "FROM box\nCOPY big /big\n", cancellationToken);
        (await BerthAsync(source, ["docker", "build", "-t", name, context])).EnsureSuccess();
        (await BerthAsync(source, ["docker", "save", "-o", archive, name])).EnsureSuccess();
        (await BerthAsync(source, ["docker", "push", name])).EnsureSuccess();
    }

    private static async Task MountSmallDiskAsync(TestDaemon daemon)
    {
        Directory.CreateDirectory(daemon.DataRoot);
        (await new Command("mount", "-t", "tmpfs", "-o", $"size={DiskMegabytes}m,mode=755", "small", daemon.DataRoot).RunAsync(CancellationToken.None)).EnsureSuccess();
    }

    private static string Context(TestDaemon daemon, string dockerfile)
    {
        var folder = Directory.CreateDirectory(daemon.Folder + "/context").FullName;
        File.WriteAllText(folder + "/Dockerfile", dockerfile);
        return folder;
    }

    private static async Task FailsAsync(TestDaemon daemon, int exitCode, string[] arguments)
    {
        var result = await BerthAsync(daemon, arguments);
        var said = $"'{result.Command}' ended with {result.ExitCode}:\n{result.Output}{result.Error}";
        Assert.True(result.ExitCode == exitCode, said);
        Assert.True(result.Error.Split("The disk is full").Length == 2, said); // once
        Assert.Contains(daemon.DataRoot, result.Error, StringComparison.Ordinal);
        Assert.Contains("prune", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    private static Task<CommandResult> BerthAsync(TestDaemon daemon, string[] arguments) => daemon.Berth("/", arguments).RunAsync(TestContext.Current.CancellationToken);
}
