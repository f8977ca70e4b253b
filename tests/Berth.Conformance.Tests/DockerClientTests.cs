namespace Berth.Conformance.Tests;

/// <summary>Docker's own command line, unmodified, on the verbs that people have in their fingers.</summary>
public sealed class DockerClientTests(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Fact]
    public async Task Version_and_info_name_the_engine()
    {
        Assert.Contains("Server: Berth", await docker.OutputAsync("version"), StringComparison.Ordinal);
        Assert.Contains("Storage Driver: overlay2", await docker.OutputAsync("info"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_passes_on_output_exit_code_and_input()
    {
        var result = await docker.DockerAsync("run", "--rm", "box", "sh", "-c", "echo out; echo err >&2; exit 7");
        Assert.Equal((7, "out\n", "err\n"), (result.ExitCode, result.Output, result.Error));
        Assert.Equal("typed\n", (await docker.DockerWithInputAsync("typed\n", "run", "-i", "--rm", "box", "cat")).EnsureSuccess().Output);
    }

    [Fact]
    public async Task Run_loses_no_line_of_a_short_program()
    {
        for (var round = 0; round < 25; round++)
        {
            Assert.Equal($"{round}\n", await docker.OutputAsync("run", "--rm", "box", "echo", $"{round}"));
        }
    }

    [Theory]
    [InlineData(127, "/no/such/program")]
    [InlineData(126, "/desk")]
    public async Task Run_of_what_cannot_be_executed_ends_with_dockers_codes(int code, string program) =>
        Assert.Equal(code, (await docker.DockerAsync("run", "--rm", "box", program)).ExitCode);

    [Fact]
    public async Task A_terminal_is_given_and_the_detached_run_goes_on()
    {
        var id = (await docker.OutputAsync("run", "-dit", "--name", "terminal", "box", "sh")).Trim();
        Assert.Contains("/dev/pts/", await docker.OutputAsync("exec", "-t", "terminal", "tty"), StringComparison.Ordinal);
        Assert.Equal("true", (await docker.OutputAsync("inspect", "-f", "{{.State.Running}}", id)).Trim());
        await docker.OutputAsync("rm", "-f", "terminal");
    }

    [Fact]
    public async Task Exec_keeps_what_comes_after_the_clients_input_has_ended()
    {
        await docker.OutputAsync("run", "-d", "--name", "execs", "box", "sleep", "1000");
        var result = await docker.DockerWithInputAsync("first\n", "exec", "-i", "execs", "sh", "-c", "cat; sleep 1; echo tail");
        Assert.Equal("first\ntail\n", result.EnsureSuccess().Output);
        Assert.Equal(3, (await docker.DockerAsync("exec", "execs", "sh", "-c", "exit 3")).ExitCode);
        Assert.Equal(127, (await docker.DockerAsync("exec", "execs", "nothing")).ExitCode);
        await docker.OutputAsync("rm", "-f", "execs");
    }

    [Fact]
    public async Task Logs_follow_to_the_end_and_tail_counts_lines()
    {
        await docker.OutputAsync("run", "-d", "--name", "talks", "box", "sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done");
        Assert.Equal("1\n2\n3\n4\n5\n", await docker.OutputAsync("logs", "-f", "talks"));
        Assert.Equal("4\n5\n", await docker.OutputAsync("logs", "--tail", "2", "talks"));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT[\d:]+\.\d{9}Z 5\n$", await docker.OutputAsync("logs", "-t", "--tail", "1", "talks"));
        await docker.OutputAsync("rm", "talks");
    }

    [Fact]
    public async Task Stop_start_restart_and_rm_change_what_ps_lists()
    {
        await docker.OutputAsync("run", "-d", "--name", "life", "box", "sleep", "1000");
        Assert.Contains("life", await docker.OutputAsync("ps"), StringComparison.Ordinal);
        await docker.OutputAsync("stop", "-t", "0", "life");
        Assert.DoesNotContain("life", await docker.OutputAsync("ps"), StringComparison.Ordinal);
        Assert.Contains("Exited (137)", await docker.OutputAsync("ps", "-a", "--filter", "name=life"), StringComparison.Ordinal);
        await docker.OutputAsync("start", "life");
        await docker.OutputAsync("restart", "-t", "0", "life");
        Assert.Equal(1, (await docker.DockerAsync("rm", "life")).ExitCode);
        await docker.OutputAsync("rm", "-f", "life");
        Assert.Contains("No such container", (await docker.DockerAsync("inspect", "--type", "container", "life")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_shows_the_output_of_its_steps_and_uses_its_cache()
    {
        var context = Directory.CreateDirectory(docker.Daemon.Folder + "/built").FullName;
        await File.WriteAllTextAsync(context + "/Dockerfile", "FROM box\nARG WHO\nRUN echo hello-$WHO\nLABEL a=b\nEXPOSE 80\n");
        var first = await docker.DockerAsync("build", "--build-arg", "WHO=you", "-t", "built:v1", context);
        Assert.Contains("hello-you", first.EnsureSuccess().Output, StringComparison.Ordinal);
        var second = await docker.DockerAsync("build", "--build-arg", "WHO=you", "-t", "built:v2", context);
        Assert.Contains("Using cache", second.EnsureSuccess().Output, StringComparison.Ordinal);
        Assert.Equal("b", (await docker.OutputAsync("inspect", "-f", "{{.Config.Labels.a}}", "built:v2")).Trim());
        Assert.Contains("built", await docker.OutputAsync("images"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_dockerfile_is_refused_with_its_line()
    {
        var context = Directory.CreateDirectory(docker.Daemon.Folder + "/broken").FullName;
        await File.WriteAllTextAsync(context + "/Dockerfile", "FROM box\nRUNN echo\n");
        var result = await docker.DockerAsync("build", context);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("Dockerfile:2:1", result.Output + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Networks_and_volumes_are_listed_made_and_removed()
    {
        Assert.Contains("bridge", await docker.OutputAsync("network", "ls"), StringComparison.Ordinal);
        await docker.OutputAsync("network", "create", "--subnet", "10.199.7.0/24", "made");
        Assert.Equal("10.199.7.0/24", (await docker.OutputAsync("network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", "made")).Trim());
        await docker.OutputAsync("network", "rm", "made");
        await docker.OutputAsync("volume", "create", "--label", "x=y", "made");
        Assert.Contains("made", await docker.OutputAsync("volume", "ls", "--filter", "label=x"), StringComparison.Ordinal);
        await docker.OutputAsync("volume", "rm", "made");
    }

    [Fact]
    public async Task Init_reaps_what_lost_its_parent()
    {
        // An orphan that ends. The first process is a sleep, which waits for no child; what exec starts has no parent in there.
        const string Orphan = "sh -c 'sleep 0.2 &'; exec sleep 300";
        const string Children = "grep -ls '^PPid:.1$' /proc/[0-9]*/status | wc -l";
        const string Zombies = "grep -ls '^State:.Z' /proc/[0-9]*/status | wc -l";
        await docker.OutputAsync("run", "-d", "--name", "reaped", "--init", "box", "sh", "-c", Orphan);
        await docker.OutputAsync("run", "-d", "--name", "unreaped", "box", "sh", "-c", Orphan);
        Assert.Equal("docker-init\n", await docker.OutputAsync("exec", "reaped", "cat", "/proc/1/comm"));
        await docker.OutputAsync("exec", "unreaped", "sh", "-c", $"until [ $({Zombies}) = 1 ]; do sleep 0.05; done");
        await docker.OutputAsync("exec", "reaped", "sh", "-c", $"until [ $({Children}) = 1 ]; do sleep 0.05; done");
        Assert.Equal("0\n", await docker.OutputAsync("exec", "reaped", "sh", "-c", Zombies));
        await docker.OutputAsync("rm", "-f", "reaped", "unreaped");
    }

    [Fact]
    public async Task Init_forwards_the_signal_of_stop()
    {
        await docker.OutputAsync("run", "-d", "--name", "asked", "--init", "box", "sh", "-c", "trap 'echo asked; exit 5' TERM; echo ready; while :; do sleep 0.05; done");
        await docker.OutputAsync("run", "-d", "--name", "deaf", "--init", "box", "sleep", "300"); // as first process it would not hear it
        while (await docker.OutputAsync("logs", "asked") != "ready\n")
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        var waited = System.Diagnostics.Stopwatch.StartNew();
        await docker.OutputAsync("stop", "-t", "30", "asked", "deaf");
        Assert.InRange(waited.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(15));
        Assert.Equal("ready\nasked\n", await docker.OutputAsync("logs", "asked"));
        Assert.Equal("5 143", (await docker.OutputAsync("inspect", "-f", "{{.State.ExitCode}}", "asked", "deaf")).Trim().Replace('\n', ' '));
        await docker.OutputAsync("rm", "asked", "deaf");
    }

    [Fact]
    public async Task What_is_not_supported_is_said_and_not_ignored()
    {
        var result = await docker.DockerAsync("run", "--rm", "--log-driver", "syslog", "box", "true");
        Assert.Equal(125, result.ExitCode);
        Assert.Contains("error looking up logging plugin syslog: plugin \"syslog\" not found; Berth has json-file, local and none", result.Error, StringComparison.Ordinal);
    }
}
