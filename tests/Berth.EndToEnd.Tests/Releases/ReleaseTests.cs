using System.Diagnostics;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary>Releases good and bad, on the real engine: whatever a new copy does, somebody serves.</summary>
public sealed class ReleaseTests(SmallSite site) : IClassFixture<SmallSite>
{
    private const string Checked = "healthcheck: {test: [CMD, wget, -q, -O, /dev/null, 'http://127.0.0.1:8080/'], interval: 200ms, timeout: 1s, retries: 3}";

    [Fact]
    public async Task A_good_release_takes_over_and_the_old_copy_waits_until_the_watch_has_passed()
    {
        var project = await StartedAsync("good");
        await project.WriteAsync(2);
        (await project.RunAsync("up", "-d", "--watch", "3s")).EnsureSuccess();
        Assert.Equal("2", await project.AnswerAsync());
        Assert.Equal("good-web-1 good-web-1-previous", await project.ContainersAsync());
        Assert.Equal(["2 watched", "1 done"], await project.ReleasesAsync());
        await UntilAsync(async () => await project.ContainersAsync() == "good-web-1", "the old copy goes");
        Assert.Equal(["2 done", "1 done"], await project.ReleasesAsync());
        (await project.RunAsync("up", "-d")).EnsureSuccess();
        Assert.Equal(2, (await project.ReleasesAsync()).Count); // nothing to do is no release
    }

    [Theory]
    [InlineData("sick", "httpd -p 8080 -h .; rm -f index.html; sleep 1000", "is unhealthy", Checked)]
    [InlineData("crash", "echo no database here; exit 3", "ended (3) before it could serve; its last lines:\n    no database here", "")]
    [InlineData("loop", "echo again; exit 3", "ended (3) before it could serve", "restart: always")]
    [InlineData("deaf", "sleep 1000", "was not ready within 2 s: nothing in it listens on port 8080; it has written nothing", "x-berth: {ready: {timeout: 2s}}")]
    [InlineData("glutton", "dd if=/dev/zero of=/dev/null bs=200M count=5", "ended (137, out of memory) before it could serve", "mem_limit: 32m")]
    [InlineData("missing", "exec nothing-of-that-name", "ended (127) before it could serve", "")]
    public async Task A_bad_release_leaves_the_old_one_serving(string name, string command, string reason, string keys)
    {
        var project = await StartedAsync(name);
        await project.WriteAsync(2, command, keys);
        var up = await project.RunAsync("up", "-d");
        Assert.Equal(1, up.ExitCode);
        Assert.Contains($"Release 2 of '{name}' failed; release 1 serves.", up.Error, StringComparison.Ordinal);
        Assert.Contains(reason, up.Error, StringComparison.Ordinal);
        Assert.Equal("1", await project.AnswerAsync());
        Assert.Equal($"{name}-web-1", await project.ContainersAsync());
        Assert.Equal(["2 failed", "1 done"], await project.ReleasesAsync());
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Ports_that_somebody_has_are_refused_before_anything_changes()
    {
        var project = await StartedAsync("ports");
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Any, 0);
        listener.Start();
        var taken = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        var other = await StartedAsync("ports-before");
        await project.WriteAsync(2, rest: $"""
              more:
                image: box
                command: [sleep, "1000"]
                ports: ["{taken}:80", "{other.Port}:81"]
            """);
        var up = await project.RunAsync("up", "-d");
        Assert.Equal(1, up.ExitCode);
        Assert.Contains($"service 'more': Bind for 0.0.0.0:{taken} failed: port is already allocated: it is in use by \"", up.Error, StringComparison.Ordinal);
        Assert.Contains($"service 'more': Bind for 0.0.0.0:{other.Port} failed: port is already allocated: it is in use by container \"{other.ContainerName}\"", up.Error, StringComparison.Ordinal);
        Assert.Equal("1", await project.AnswerAsync());
        Assert.Equal(project.ContainerName, await project.ContainersAsync());
        Assert.Equal(["1 done"], await project.ReleasesAsync());
    }

    [Theory]
    [InlineData("fleeting", "httpd -p 8080 -h .; sleep 2; exit 7", "ended (7)", "")]
    [InlineData("fleeting-alone", "httpd -p 8080 -h .; sleep 2; exit 7", "ended (7)", "x-berth: {roll: stop-first}")]
    [InlineData("sickening", "httpd -p 8080 -h .; sleep 2; rm index.html; exec sleep 1000", "is unhealthy", Checked)]
    [InlineData("greedy", "httpd -p 8080 -h .; sleep 2; dd if=/dev/zero of=/dev/null bs=200M count=5; exec sleep 1000", "ran out of memory", "mem_limit: 32m")]
    [InlineData("rude", "exec nc -ll -p 8080 -e sh -c 'echo $RELEASE; sleep 0.1'", "connections to the new container rude-web-1 were cut off", "")]
    [Trait("Speed", "slow")]
    public async Task A_copy_that_passes_its_check_and_does_badly_then_is_taken_back(string name, string command, string reason, string keys)
    {
        var project = await StartedAsync(name);
        await project.WriteAsync(2, "printf $RELEASE >index.html; " + command, keys);
        using var ending = new CancellationTokenSource();
        var visiting = project.VisitAsync([], ending.Token); // some have bad luck
        var deploy = await project.RunAsync("deploy", "--watch", "20s");
        await ending.CancelAsync();
        await visiting;
        Assert.Equal(1, deploy.ExitCode);
        Assert.Contains($"Release 2 of '{name}' went back: ", deploy.Error, StringComparison.Ordinal);
        Assert.Contains(reason, deploy.Error, StringComparison.Ordinal);
        Assert.Equal("1", await project.AnswerAsync());
        Assert.Equal($"{name}-web-1", await project.ContainersAsync());
        Assert.Equal(["2 went back", "1 done"], await project.ReleasesAsync());
    }

    [Theory]
    [Trait("Speed", "slow")]
    [InlineData("stop")]
    [InlineData("rm", "-f")]
    public async Task What_somebody_stops_or_removes_during_the_watch_stays_so(params string[] verb)
    {
        var project = await StartedAsync("hands-" + verb[0]);
        await project.WriteAsync(2);
        (await project.RunAsync("up", "-d", "--watch", "3s")).EnsureSuccess();
        (await site.Daemon.Docker.Docker([.. verb, project.ContainerName]).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess();
        await UntilAsync(async () => (await project.ReleasesAsync())[0] == "2 done", "the watch passes");
        Assert.Equal(verb[0] == "rm" ? "" : project.ContainerName, await project.ContainersAsync());
        Assert.Equal("", (await project.RunAsync("ps", "-q")).EnsureSuccess().Output);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task An_old_copy_that_ignores_the_signal_goes_all_the_same()
    {
        var project = new SmallProject(site.Daemon, "stubborn");
        await project.WriteAsync(1, "trap '' TERM; printf $RELEASE >index.html; httpd -p 8080 -h .; while true; do sleep 1; done");
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        await project.WriteAsync(2);
        (await project.RunAsync("up", "-d", "--no-watch")).EnsureSuccess();
        Assert.Equal("2", await project.AnswerAsync());
        Assert.Equal("stubborn-web-1", await project.ContainersAsync());
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task A_slow_first_answer_on_a_connection_is_waited_for()
    {
        const string Asker = "  asker:\n    image: box\n    stop_grace_period: 1s\n    command: [sleep, \"1000\"]\n";
        const string Program =
            "mkdir cgi-bin; { echo '#!/bin/sh'; echo 'touch /asked.$$; sleep 4; echo Content-Type: text/plain; echo; echo $RELEASE'; } >cgi-bin/slow; "
            + "chmod 755 cgi-bin/slow; touch index.html; exec httpd -f -p 8080 -h .";
        var project = new SmallProject(site.Daemon, "slow");
        await project.WriteAsync(1, Program, rest: Asker);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        using var client = new HttpClient();
        Task<string> here = client.GetStringAsync(new Uri($"http://127.0.0.1:{project.Port}/cgi-bin/slow"), TestContext.Current.CancellationToken);
        var beside = project.RunAsync("exec", "-T", "asker", "wget", "-q", "-O", "-", "http://web:8080/cgi-bin/slow");
        await UntilAsync(
            async () => (await project.RunAsync("exec", "-T", "web", "sh", "-c", "ls -d /asked.* | wc -l")).EnsureSuccess().Output.Trim() == "2", "both have asked");
        await project.WriteAsync(2, Program, rest: Asker);
        (await project.RunAsync("up", "-d", "--no-watch")).EnsureSuccess();
        Assert.Equal("1\n", (await beside).EnsureSuccess().Output);
        Assert.Equal("1\n", await here);
        Assert.Equal("slow-web-1", (await project.ContainersAsync()).Replace("slow-asker-1 ", "", StringComparison.Ordinal));
    }

    // The kernel keeps the way of a connection that its server has reset for 10 s, and leads the next one from the same client's port there.
    [Theory]
    [InlineData("--no-watch")] // the copy that answered is gone
    [InlineData("--watch=30s")] // it waits out of service
    [Trait("Speed", "slow")]
    public async Task A_port_that_a_reset_connection_had_leads_to_the_new_copy(string watch)
    {
        const string Asker = "  asker:\n    image: box\n    stop_grace_period: 1s\n    command: [sleep, \"1000\"]\n    sysctls: {net.ipv4.ip_local_port_range: 5555 5555}\n";
        const string Resetting = "exec nc -ll -p 8080 -e sh -c 'echo $RELEASE; sleep 0.5'"; // it ends with the question unread
        string[] ask = ["exec", "-T", "asker", "sh", "-c", "(echo x; sleep 2) | nc -w 4 web 8080 2>&1"];
        var project = new SmallProject(site.Daemon, "reset" + watch.Length);
        await project.WriteAsync(1, Resetting, rest: Asker);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        Assert.StartsWith("1\n", (await project.RunAsync(ask)).Output, StringComparison.Ordinal);
        await project.WriteAsync(2, Resetting, rest: Asker);
        (await project.RunAsync("up", "-d", watch)).EnsureSuccess();
        Assert.StartsWith("2\n", (await project.RunAsync(ask)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rollback_brings_the_copy_back_that_still_waits_within_a_second()
    {
        var project = await StartedAsync("regret");
        await project.WriteAsync(2);
        (await project.RunAsync("up", "-d")).EnsureSuccess();
        Assert.Equal("2", await project.AnswerAsync());
        var began = Stopwatch.GetTimestamp();
        var back = project.RunAsync("rollback");
        await UntilAsync(async () => await project.AnswerAsync() == "1", "the old copy serves");
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 1.5); // the program's own start is in it
        (await back).EnsureSuccess();
        Assert.Equal("regret-web-1", await project.ContainersAsync());
        Assert.Equal(["2 went back", "1 done"], await project.ReleasesAsync());
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Rollback_makes_an_earlier_release_anew_when_its_containers_are_gone()
    {
        var project = await StartedAsync("later");
        await project.WriteAsync(2);
        (await project.RunAsync("up", "-d", "--no-watch")).EnsureSuccess();
        await project.WriteAsync(3, keys: "labels: {third: release}");
        (await project.RunAsync("up", "-d", "--no-watch")).EnsureSuccess();
        Assert.Equal("later-web-1", await project.ContainersAsync());
        var back = (await project.RunAsync("rollback", "--no-watch")).EnsureSuccess();
        Assert.Contains("Release 2 of later serves again.", back.Error, StringComparison.Ordinal);
        Assert.Equal("2", await project.AnswerAsync());
        (await project.RunAsync("rollback", "1", "--no-watch")).EnsureSuccess();
        Assert.Equal("1", await project.AnswerAsync());
        var shown = (await project.RunAsync("release", "show", "5")).EnsureSuccess().Output;
        Assert.Contains("rollback to 1", shown, StringComparison.Ordinal);
        var diff = (await project.RunAsync("diff", "1", "3")).EnsureSuccess().Output;
        Assert.Equal("- services.web.environment.RELEASE: 1\n+ services.web.environment.RELEASE: 3\n+ services.web.labels.third: release\n", diff);
        Assert.Equal(1, (await project.RunAsync("rollback", "77")).ExitCode);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Rollback_brings_the_contents_of_configs_and_secrets_back()
    {
        var project = new SmallProject(site.Daemon, "written");
        await WriteAsync(1, "one", "alpha");
        (await project.RunAsync("up", "-d", "--no-watch")).EnsureSuccess();
        Assert.Equal("one alpha", await project.UntilAnswersAsync()); // nobody has waited for the first to listen
        await WriteAsync(2, "two", "beta");
        (await project.RunAsync("up", "-d")).EnsureSuccess();
        Assert.Equal("two beta", await project.AnswerAsync());
        (await project.RunAsync("restart")).EnsureSuccess();
        Assert.Matches("- configs.page.holds: sha256:[0-9a-f]{64}\n\\+ configs.page.holds: sha256:[0-9a-f]{64}\n", (await project.RunAsync("diff", "1", "2")).EnsureSuccess().Output);
        var shown = (await project.RunAsync("release", "show", "2", "--format", "json")).EnsureSuccess().Output;
        Assert.DoesNotContain("beta", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("secret/", shown, StringComparison.Ordinal);
        (await project.RunAsync("up", "-d", "--no-watch", "--force-recreate")).EnsureSuccess(); // the old copies are gone
        (await project.RunAsync("rollback", "1", "--no-watch")).EnsureSuccess();
        Assert.Equal("one alpha", await project.AnswerAsync());
        (await project.RunAsync("restart")).EnsureSuccess();
        await UntilAsync(async () => (await project.RunAsync("exec", "-T", "web", "cat", "index.html")).Output == "one alpha", "it starts again with what it had");
        (await project.RunAsync("rollback", "2", "--no-watch")).EnsureSuccess();
        Assert.Equal("two beta", await project.AnswerAsync());

        async Task WriteAsync(int release, string page, string word)
        {
            await project.WriteAsync(
                release, "printf '%s %s' $(cat /page) $(cat /run/secrets/word) >index.html; exec httpd -f -p 8080 -h .", "configs: [page]\nsecrets: [word]",
                "configs:\n  page: {file: ./page.txt}\nsecrets:\n  word: {environment: WORD}");
            await File.WriteAllTextAsync($"{site.Daemon.Folder}/written/page.txt", page);
            await File.WriteAllTextAsync($"{site.Daemon.Folder}/written/.env", $"WORD={word}\n");
        }
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Pruning_leaves_the_images_of_earlier_releases_alone()
    {
        var project = new SmallProject(site.Daemon, "kept");
        for (var release = 1; release <= 3; release++)
        {
            await project.WriteAsync(release, "cat /built >index.html; exec httpd -f -p 8080 -h .", "pull_policy: build\nbuild: {context: ., dockerfile_inline: \"FROM box\\nRUN printf built-" + release + " >/built\\n\"}", image: "kept-web");
            (await project.RunAsync("up", "-d", "--build", "--no-watch")).EnsureSuccess();
        }

        Assert.Equal("built-3", await project.AnswerAsync());
        (await site.Daemon.Docker.Docker("image", "prune", "-a", "-f").RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess();
        (await project.RunAsync("rollback", "1", "--no-watch")).EnsureSuccess();
        Assert.Equal("built-1", await project.AnswerAsync());
        (await project.RunAsync("up", "-d", "--no-build")).EnsureSuccess(); // the files say release 3, its image's name means release 1's
        Assert.Equal("built-1", await project.AnswerAsync());
    }

    [Fact]
    public async Task A_fixed_name_moves_to_the_new_copy()
    {
        var project = new SmallProject(site.Daemon, "named");
        await project.WriteAsync(1, keys: "container_name: the-site");
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        await project.WriteAsync(2, keys: "container_name: the-site");
        (await project.RunAsync("up", "-d")).EnsureSuccess();
        Assert.Equal("2", await project.AnswerAsync());
        Assert.Equal("the-site the-site-previous", await project.ContainersAsync());
        (await project.RunAsync("down")).EnsureSuccess();
        Assert.Equal("", await project.ContainersAsync());
        Assert.Equal(["2 done", "1 done"], await project.ReleasesAsync());
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Two_deploys_at_once_come_one_after_the_other()
    {
        var project = await StartedAsync("twice");
        await project.WriteAsync(2);
        var first = project.RunAsync("deploy", "--no-watch", "--force-recreate");
        var second = project.RunAsync("deploy", "--no-watch", "--force-recreate");
        (await first).EnsureSuccess();
        (await second).EnsureSuccess();
        Assert.Equal("2", await project.AnswerAsync());
        Assert.Equal(["3 done", "2 done", "1 done"], await project.ReleasesAsync());
        Assert.Equal("twice-web-1", await project.ContainersAsync());
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task A_dependent_of_what_failed_is_not_touched_and_what_had_rolled_before_goes_back()
    {
        const string Base = "  base:\n    image: box\n    environment: {{RELEASE: \"{0}\"}}\n    expose: [\"9090\"]\n    stop_grace_period: 1s\n    command: [sh, -c, 'exec httpd -f -p 9090 -h .']";
        var project = new SmallProject(site.Daemon, "chain");
        await project.WriteAsync(1, keys: "depends_on: [base]", rest: string.Format(System.Globalization.CultureInfo.InvariantCulture, Base, 1));
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        var before = await IdAsync("chain-base-1");
        await project.WriteAsync(2, "exit 1", "depends_on: [base]", string.Format(System.Globalization.CultureInfo.InvariantCulture, Base, 2));
        Assert.Equal(1, (await project.RunAsync("up", "-d")).ExitCode);
        Assert.Equal("1", await project.AnswerAsync());
        Assert.Equal("chain-base-1 chain-web-1", await project.ContainersAsync());
        Assert.Equal(before, await IdAsync("chain-base-1"));
    }

    [Fact]
    public async Task Jobs_run_once_in_a_release_before_anything_is_replaced()
    {
        var project = new SmallProject(site.Daemon, "jobs");
        string Jobs(int release, string end) =>
            $"  migrate:\n    image: box\n    x-berth: {{release: true}}\n    environment: {{RELEASE: \"{release}\"}}\n    volumes: [\"data:/data\"]\n    command: [sh, -c, 'echo migrating to $$RELEASE; echo $$RELEASE >>/data/runs; {end}']\nvolumes: {{data: }}";
        await project.WriteAsync(1, rest: Jobs(1, "true"));
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        (await project.RunAsync("up", "-d")).EnsureSuccess(); // nothing to do: no release, and no job
        await project.WriteAsync(2, rest: Jobs(2, "sleep 1; wget -q -O - http://web:8080/"));
        (await project.RunAsync("up", "-d", "--no-watch")).EnsureSuccess();
        var shown = (await project.RunAsync("release", "show", "2")).EnsureSuccess().Output;
        Assert.Contains("migrating to 2\n                1", shown, StringComparison.Ordinal); // the old release served while it ran
        Assert.Equal("2", await project.AnswerAsync());

        await project.WriteAsync(3, rest: Jobs(3, "echo out of disk; exit 4"));
        var failed = await project.RunAsync("up", "-d");
        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("service \"migrate\" didn't complete successfully: container jobs-migrate-1 exited with 4", failed.Error, StringComparison.Ordinal);
        Assert.Equal("2", await project.AnswerAsync());
        Assert.Contains("out of disk", (await project.RunAsync("release", "show", "3")).EnsureSuccess().Output, StringComparison.Ordinal);
        var runs = await site.Daemon.Docker.Docker("run", "--rm", "-v", "jobs_data:/data", "box", "cat", "/data/runs").RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal("1\n2\n3\n", runs.EnsureSuccess().Output);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Evidence_is_verified_elsewhere_and_no_letter_of_it_can_be_changed()
    {
        var project = await StartedAsync("proven");
        var file = site.Daemon.Folder + "/evidence.json";
        (await project.RunAsync("evidence", "-o", file)).EnsureSuccess();
        await using var elsewhere = await TestDaemon.StartAsync(TestContext.Current.CancellationToken);
        var verified = (await elsewhere.Berth("/", "evidence", "--verify", file).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess().Output;
        Assert.Matches("^Signed by sha256:[0-9a-f]{64}; unchanged since 20", verified);
        Assert.Contains("\"name\": \"proven-web-1\"", verified, StringComparison.Ordinal);
        var fingerprint = verified.Split(' ')[2].TrimEnd(';');
        (await elsewhere.Berth("/", "evidence", "--verify", file, "--key", fingerprint).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess();
        Assert.Equal(1, (await elsewhere.Berth("/", "evidence", "--verify", file, "--key", "sha256:other").RunAsync(TestContext.Current.CancellationToken)).ExitCode);

        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("proven-web-1", "proven-web-2", StringComparison.Ordinal));
        var changed = await elsewhere.Berth("/", "evidence", "--verify", file).RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1, changed.ExitCode);
        Assert.Contains("it has been changed since", changed.Error, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, "{\"statement\": 1}");
        Assert.Contains("is no evidence", (await elsewhere.Berth("/", "evidence", "--verify", file).RunAsync(TestContext.Current.CancellationToken)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scaling_down_and_up_again_keeps_serving()
    {
        var project = await StartedAsync("elastic");
        (await project.RunAsync("up", "-d", "--scale", "web=3")).EnsureSuccess();
        Assert.Equal("elastic-web-1 elastic-web-2 elastic-web-3", await project.ContainersAsync());
        (await project.RunAsync("up", "-d", "--scale", "web=1")).EnsureSuccess();
        Assert.Equal("elastic-web-1", await project.ContainersAsync());
        Assert.Equal("1", await project.AnswerAsync());
    }

    private async Task<SmallProject> StartedAsync(string name)
    {
        var project = new SmallProject(site.Daemon, name);
        await project.WriteAsync(1);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        Assert.Equal("1", await project.AnswerAsync());
        return project;
    }

    private async Task<string> IdAsync(string container) =>
        (await site.Daemon.Docker.Docker("inspect", "-f", "{{.Id}}", container).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess().Output.Trim();

    private static async Task UntilAsync(Func<Task<bool>> isSo, string what)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await isSo())
        {
            Assert.False(patience.IsCancellationRequested, $"{what}: not within 30 s");
            await Task.Delay(50, CancellationToken.None);
        }
    }
}
