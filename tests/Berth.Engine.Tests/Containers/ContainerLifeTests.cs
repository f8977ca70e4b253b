using System.Formats.Tar;
using System.Diagnostics;
using Berth.Engine.Containers;
using Berth.Engine.Errors;

namespace Berth.Engine.Tests.Containers;

public sealed class ContainerLifeTests(TestEngine engine) : IClassFixture<TestEngine>
{
    private ContainerService Containers => engine.Host.Containers;

    [Fact]
    public async Task Exit_code_and_both_streams_are_recorded()
    {
        var (exitCode, output) = await engine.ResultAsync("echo out; echo err >&2; exit 7");
        Assert.Equal(7, exitCode);
        Assert.Equal("out\nerr\n", output);
    }

    [Fact]
    public async Task A_killed_program_exits_with_128_and_the_signal()
    {
        var container = await engine.RunAsync("sleep 100");
        await Containers.KillAsync(container, "KILL");
        Assert.Equal(137, container.Record.ExitCode);
        await Containers.RemoveAsync(container, force: false, withAnonymousVolumes: false);
        Assert.Throws<BerthException>(() => Containers.Resolve(container.Id));
    }

    [Fact]
    public async Task Stop_sends_the_stop_signal_and_waits_for_the_program()
    {
        var container = await engine.RunAsync("trap 'echo bye; exit 3' USR1; echo ready; while true; do sleep 0.05; done", config => config with { StopSignal = "SIGUSR1" });
        await UntilLogAsync(container, "ready");
        await Containers.StopAsync(container, null, 20);
        Assert.Equal(3, container.Record.ExitCode);
        Assert.Contains("bye", await engine.LogAsync(container), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_kills_what_ignores_the_signal()
    {
        var container = await engine.RunAsync("trap '' TERM; while true; do sleep 0.1; done");
        await Containers.StopAsync(container, null, 1);
        Assert.Equal(137, container.Record.ExitCode);
    }

    [Fact]
    public async Task A_command_that_does_not_exist_is_refused_with_127_and_leaves_nothing()
    {
        var container = await engine.CreateAsync(["/no/such/program"]);
        var exception = await Assert.ThrowsAsync<BerthException>(() => Containers.StartAsync(container));
        Assert.Contains("no such file", exception.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(127, container.Record.ExitCode);
        Assert.False(Directory.Exists($"{engine.Options.ExecRoot}/containers/{container.Id}"));
        Assert.False(File.Exists($"{engine.Options.ExecRoot}/netns/{container.Id}"));
    }

    [Fact]
    public async Task A_name_can_be_taken_only_once()
    {
        await engine.CreateAsync(["true"], name: "twice");
        var exception = await Assert.ThrowsAsync<BerthException>(() => engine.CreateAsync(["true"], name: "twice"));
        Assert.Equal(ErrorKind.Conflict, exception.Kind);
        Assert.StartsWith("Conflict. The container name \"/twice\" is already in use by container", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restart_policy_starts_a_failed_program_again_and_gives_up_in_time()
    {
        var container = await engine.RunAsync("echo run; exit 1", host: host => host with { RestartPolicy = new() { Name = "on-failure", MaximumRetryCount = 2 } });
        await container.WaitAsync(WaitCondition.NotRunning).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal("run\nrun\nrun\n", await engine.LogAsync(container));
        Assert.Equal(2, container.Record.RestartCount);
        Assert.Equal(ContainerStatus.Exited, container.Record.Status);
    }

    [Fact]
    public async Task A_container_that_was_stopped_stays_stopped_whatever_its_policy()
    {
        var container = await engine.RunAsync("sleep 100", host: host => host with { RestartPolicy = new() { Name = "always" } });
        await Containers.StopAsync(container, "KILL", 5);
        Assert.Equal(ContainerStatus.Exited, container.Record.Status);
    }

    [Fact]
    public async Task A_container_with_rm_goes_when_it_ends()
    {
        var container = await engine.CreateAsync(["true"], host: host => host with { AutoRemove = true });
        var removed = container.WaitAsync(WaitCondition.Removed);
        await Containers.StartAsync(container);
        await removed.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Throws<BerthException>(() => Containers.Resolve(container.Id));
        Assert.False(Directory.Exists(Containers.DataDirectory(container.Id)));
    }

    [Fact]
    public async Task Whose_files_are_copied_out_when_it_is_removed_is_not_found()
    {
        var container = await engine.RunAsync("sleep 1000");
        Assert.Equal(0, (await engine.ExecAsync(container, "sh", "-c", "mkdir /place; echo > /place/file")).ExitCode);
        var exception = await Assert.ThrowsAsync<BerthException>(() => engine.Host.Containers.ReadArchiveAsync(
            container,
            "/place",
            _ =>
            {
                engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false).Wait(TestContext.Current.CancellationToken);
                return Stream.Null;
            },
            TestContext.Current.CancellationToken));
        Assert.Equal((ErrorKind.NotFound, true), (exception.Kind, exception.Message.Contains("was removed while", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Whose_files_are_copied_in_when_it_is_removed_is_not_found()
    {
        var container = await engine.RunAsync("sleep 1000");
        Assert.Equal(0, (await engine.ExecAsync(container, "mkdir", "/place")).ExitCode);
        using var archive = new ArchiveOfRemover(() => engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false));
        var exception = await Assert.ThrowsAsync<BerthException>(() =>
            engine.Host.Containers.WriteArchiveAsync(container, "/place", archive, keepsKinds: false, toUser: false, TestContext.Current.CancellationToken));
        Assert.Equal((ErrorKind.NotFound, true), (exception.Kind, exception.Message.Contains("was removed while", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Exec_returns_exit_code_and_output_and_sees_the_container()
    {
        var container = await engine.RunAsync("echo here > /tmp/mark; sleep 100");
        var (exitCode, output) = await engine.ExecAsync(container, "sh", "-c", "cat /tmp/mark; exit 5");
        Assert.Equal((5, "here\n"), (exitCode, output));
    }

    [Fact]
    public async Task Pause_stops_time_for_the_program_and_unpause_lets_it_go_on()
    {
        var container = await engine.RunAsync("sleep 100");
        await Containers.PauseAsync(container, pause: true);
        await Assert.ThrowsAsync<BerthException>(() => engine.ExecAsync(container, "true"));
        await Containers.PauseAsync(container, pause: false);
        Assert.Equal(0, (await engine.ExecAsync(container, "true")).ExitCode);
    }

    [Fact]
    public async Task A_paused_one_whose_conmon_was_killed_ends_like_any_other()
    {
        var container = await engine.RunAsync("sleep 100");
        await Containers.PauseAsync(container, pause: true);
        var (pid, exit) = (container.Record.Pid, container.WaitAsync(WaitCondition.NotRunning));
        System.Diagnostics.Process.GetProcessById(container.Record.ConmonPid).Kill();
        Assert.Equal(137, (await exit.WaitAsync(TimeSpan.FromSeconds(20))).ExitCode);
        Assert.True(Berth.Linux.Processes.ProcessTable.HasEnded(pid)); // whoever has inherited it may not have taken notice yet
        Assert.Contains("conmon, which watches the container, was killed", container.Record.Error, StringComparison.Ordinal);
        await Containers.StartAsync(container);
        Assert.Equal(0, (await engine.ExecAsync(container, "true")).ExitCode);
    }

    [Fact]
    public async Task A_paused_one_that_went_while_no_daemon_lived_does_not_keep_the_next_from_starting()
    {
        var container = await engine.RunAsync("sleep 100");
        await Containers.PauseAsync(container, pause: true);
        var record = container.Record;
        await engine.RestartAsync(options =>
        {
            Process.GetProcessById(record.ConmonPid).Kill();
            using var init = Process.GetProcessById(record.Pid);
            init.Kill();
            Freeze(options.CgroupOf(record), freeze: false);
            while (!Berth.Linux.Processes.ProcessTable.HasEnded(record.Pid) || !Berth.Linux.Processes.ProcessTable.HasEnded(record.ConmonPid))
            {
                Thread.Yield();
            }

            Directory.Delete(Directory.GetDirectories(options.ExecRoot + "/runtime", record.Id, SearchOption.AllDirectories).Single(), recursive: true); // as by a runtime that was told to delete it
            return options;
        });
        container = engine.Host.Containers.Resolve(record.Id);
        Assert.Equal((ContainerStatus.Exited, 137), (container.Record.Status, container.Record.ExitCode));
        await engine.Host.Containers.StartAsync(container);
        Assert.Equal(0, (await engine.ExecAsync(container, "true")).ExitCode);
    }

    [Fact]
    public async Task Health_check_becomes_healthy_and_then_unhealthy_with_the_last_words()
    {
        var container = await engine.RunAsync("touch /tmp/ok; sleep 100", config => config with
        {
            Healthcheck = new() { Test = ["CMD-SHELL", "test -e /tmp/ok || { echo gone; exit 1; }"], Interval = 200_000_000, Timeout = 5_000_000_000, Retries = 2 },
        });
        Assert.Equal("starting", container.Health!.Status);
        await engine.UntilAsync(() => container.Health?.Status == "healthy", "healthy");
        await engine.ExecAsync(container, "rm", "/tmp/ok");
        await engine.UntilAsync(() => container.Health?.Status == "unhealthy", "unhealthy");
        Assert.Equal("gone\n", container.Health!.Log[^1].Output);
    }

    [Fact]
    public async Task Checks_that_cannot_start_hold_up_no_others()
    {
        static ContainerConfig Checked(ContainerConfig config) => config with { Healthcheck = new() { Test = ["CMD", "true"], Interval = 200_000_000, Timeout = 1_000_000_000 } };
        var stuck = new List<Container>();
        for (var i = 0; i < Containers.Execs.CheckStarts.CurrentCount + 1; i++)
        {
            stuck.Add(await engine.RunAsync("sleep 100", Checked));
        }

        await engine.UntilAsync(() => stuck.TrueForAll(container => container.Health?.Status == "healthy"), "healthy");
        try
        {
            stuck.ForEach(container => Freeze(engine.Options.CgroupOf(container.Record), freeze: true)); // by another program: the engine does not know
            await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken); // so that all of them are at it
            var other = await engine.RunAsync("sleep 100", Checked);
            await engine.UntilAsync(() => other.Health?.Status == "healthy", "healthy");
        }
        finally
        {
            stuck.ForEach(container => Freeze(engine.Options.CgroupOf(container.Record), freeze: false));
        }
    }

    private static void Freeze(string group, bool freeze)
    {
        var (path, word) = Directory.Exists("/sys/fs/cgroup/freezer")
            ? ($"/sys/fs/cgroup/freezer{group}/freezer.state", freeze ? "FROZEN" : "THAWED") : ($"/sys/fs/cgroup{group}/cgroup.freeze", freeze ? "1" : "0");
        File.WriteAllText(path, word);
    }

    [Fact]
    public async Task One_whose_label_asks_for_it_is_started_again_when_it_becomes_unhealthy()
    {
        using var events = engine.Host.Events.Subscribe(null);
        var container = await engine.RunAsync("touch /tmp/ok; trap 'exit 0' TERM; while :; do sleep 0.1; done", config => config with
        {
            Labels = new() { [ContainerService.RestartUnhealthyLabel] = "true" },
            Healthcheck = new() { Test = ["CMD", "test", "-e", "/tmp/ok"], Interval = 200_000_000, Timeout = 5_000_000_000, Retries = 2 },
        });
        var first = container.Record.Pid;
        await engine.UntilAsync(() => container.Health?.Status == "healthy", "healthy");
        await engine.ExecAsync(container, "rm", "/tmp/ok");
        await engine.UntilAsync(() => container.Record.Pid != first && container.Health?.Status == "healthy", "healthy again");
        Assert.Equal((1, false), (container.Record.RestartCount, container.Record.EndedForHealth));
        var reason = "";
        while (events.Reader.TryRead(out var one))
        {
            reason += one.Action == "die" && one.ActorId == container.Id ? one.Attributes["reason"] : "";
        }

        Assert.Equal("it was unhealthy and has the label org.berth.restart-unhealthy: it is started again", reason);
        await Containers.StopAsync(container, null, 1);
        Assert.Equal(ContainerStatus.Exited, container.Record.Status);
    }

    [Fact]
    public async Task Containers_run_on_when_the_daemon_goes_and_are_adopted_by_the_next()
    {
        var runs = await engine.RunAsync("echo before; sleep 2; echo after; exit 4", name: "adopted");
        var ends = await engine.RunAsync("sleep 0.3; exit 9", name: "ended-meanwhile");
        var pid = runs.Record.Pid;
        await engine.RestartAsync();
        var adopted = Containers.Resolve("adopted");
        Assert.Equal(pid, adopted.Record.Pid);
        Assert.Equal(0, (await engine.ExecAsync(adopted, "true")).ExitCode);
        Assert.Equal(4, (await adopted.WaitAsync(WaitCondition.NotRunning).WaitAsync(TimeSpan.FromSeconds(20))).ExitCode);
        Assert.Equal("before\nafter\n", await engine.LogAsync(adopted));
        Assert.Equal(9, (await Containers.Resolve("ended-meanwhile").WaitAsync(WaitCondition.NotRunning).WaitAsync(TimeSpan.FromSeconds(20))).ExitCode);
        Assert.NotEqual(runs, adopted);
        Assert.Equal(ends.Id, Containers.Resolve("ended-meanwhile").Id);
    }

    [Fact]
    public async Task A_rotated_log_keeps_its_size_and_loses_no_line_that_it_keeps()
    {
        var container = await engine.RunAsync(
            "i=0; while [ $i -lt 3000 ]; do echo line-$i-abcdefghijklmnopqrstuvwxyz; i=$((i+1)); done; sleep 0.3",
            host: host => host with { LogConfig = new() { Type = "json-file", Config = new() { ["max-size"] = "64k", ["max-file"] = "3" } } });
        var followed = new System.Text.StringBuilder();
        await foreach (var line in Containers.Logs(container).ReadAsync(new() { Stdout = true, Stderr = true, Follow = true }, default))
        {
            followed.Append(System.Text.Encoding.UTF8.GetString(line.Text.Span)).Append(line.IsPartial ? "" : "\n");
        }

        var files = Directory.GetFiles(Containers.DataDirectory(container.Id), "*.log*");
        Assert.InRange(files.Length, 2, 3);
        var kept = (await engine.LogAsync(container)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("line-2999-abcdefghijklmnopqrstuvwxyz", kept[^1]);
        Assert.Equal(Enumerable.Range(3000 - kept.Length, kept.Length).Select(i => $"line-{i}-abcdefghijklmnopqrstuvwxyz"), kept);
        Assert.EndsWith("line-2999-abcdefghijklmnopqrstuvwxyz\n", followed.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2500)]
    [InlineData(5000)]
    public async Task Tail_returns_the_last_lines(int tail)
    {
        var container = await engine.RunAsync("i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done");
        await container.WaitAsync(WaitCondition.NotRunning).WaitAsync(TimeSpan.FromSeconds(20));
        var text = await engine.LogAsync(container, tail);
        Assert.Equal(string.Concat(Enumerable.Range(0, 3000).TakeLast(tail).Select(i => $"{i}\n")), text);
    }

    private async Task UntilLogAsync(Container container, string text)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await foreach (var line in Containers.Logs(container).ReadAsync(new() { Stdout = true, Stderr = true, Follow = true }, timeout.Token))
        {
            if (System.Text.Encoding.UTF8.GetString(line.Text.Span).Contains(text, StringComparison.Ordinal))
            {
                return;
            }
        }
    }

    /// <summary>A tar with one file that removes the container as soon as it is read.</summary>
    private sealed class ArchiveOfRemover : MemoryStream
    {
        private readonly Func<Task> _remove;

        internal ArchiveOfRemover(Func<Task> remove)
        {
            _remove = remove;
            using (var writer = new TarWriter(this, leaveOpen: true))
            {
                writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "file"));
            }

            Position = 0;
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position == 0)
            {
                await _remove();
            }

            return await base.ReadAsync(buffer, cancellationToken);
        }
    }
}
