using Berth.Testing;

namespace Berth.EndToEnd.Tests.Containers;

/// <summary>Berth's own command line on containers and images: what Docker's does with the same words.</summary>
public sealed class VerbTests
{
    [Fact]
    public async Task Files_are_copied_out_and_in_under_the_names_that_were_asked_for()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartAsync(cancellationToken);
        var folder = Directory.CreateDirectory(daemon.Folder + "/here").FullName;
        Directory.CreateDirectory(folder + "/site/css");
        await File.WriteAllTextAsync(folder + "/site/index.html", "page", cancellationToken);
        await File.WriteAllTextAsync(folder + "/site/css/a.css", "style", cancellationToken);
        File.CreateSymbolicLink(folder + "/site/link", "index.html");
        File.CreateSymbolicLink(folder + "/site/styles", "css");
        await RunAsync("run", "-d", "--name", "web", "box", "sleep", "1000");

        await RunAsync("cp", "site", "web:/srv");
        await RunAsync("cp", "site", "web:/srv");
        await RunAsync("cp", "site/.", "web:/desk");
        await RunAsync("cp", "site/index.html", "web:/renamed");
        Assert.Equal("page page page page style index.html css ",
            (await RunAsync("exec", "web", "sh", "-c", "for f in /srv/index.html /srv/site/index.html /desk/index.html /renamed /desk/css/a.css; do echo -n \"$(cat $f) \"; done; echo -n \"$(readlink /srv/link) $(readlink /srv/styles) \"")).Output);

        await RunAsync("exec", "web", "sh", "-c", "mkdir -p /out/deep; echo x >/out/deep/x; ln -s deep/x /out/x; chown 5:6 /out/deep/x");
        await RunAsync("stop", "-t", "0", "web");
        await RunAsync("cp", "web:/out", "new");
        await RunAsync("cp", "web:/out", ".");
        await RunAsync("cp", "-a", "web:/out/deep/x", "renamed");
        await RunAsync("cp", "-L", "web:/out/x", "followed");
        await RunAsync("cp", "web:/out/.", "site");
        Assert.Equal("x\n", await File.ReadAllTextAsync(folder + "/new/deep/x", cancellationToken));
        Assert.Equal("deep/x", new FileInfo(folder + "/out/x").LinkTarget);
        Assert.Equal("x\n", await File.ReadAllTextAsync(folder + "/followed", cancellationToken));
        Assert.Equal("x\n", await File.ReadAllTextAsync(folder + "/site/deep/x", cancellationToken));
        Assert.Equal("5:6 0:0", (await new Command("sh", "-c", $"echo $(stat -c %u:%g {folder}/renamed {folder}/new/deep/x)").RunAsync(cancellationToken)).Output.Trim());
        Assert.Equal("", string.Join(' ', Directory.GetFileSystemEntries(folder, ".berth*")));

        var packed = await new Command("sh", "-c", $"tar c -C {folder}/site css | {daemon.Berth(folder, "cp", "-", "web:/desk").Program} -H unix://{daemon.Socket} cp - web:/renamed-not").RunAsync(cancellationToken);
        Assert.Equal(1, packed.ExitCode); // there is no such folder
        Assert.Contains("renamed-not", packed.Error, StringComparison.Ordinal);
        var missing = await daemon.Berth(folder, "cp", "web:/not-there", ".").RunAsync(cancellationToken);
        Assert.Equal((1, "berth: Could not find the file /not-there in container web\n"), (missing.ExitCode, missing.Error));
        var two = await daemon.Berth(folder, "cp", "web:/out", "web:/x").RunAsync(cancellationToken);
        Assert.Contains("copying between containers is not supported", two.Error, StringComparison.Ordinal);

        async Task<CommandResult> RunAsync(params string[] words) => (await daemon.Berth(folder, words).RunAsync(cancellationToken)).EnsureSuccess();
    }

    [Fact]
    public async Task A_container_is_told_apart_from_its_image_and_made_into_another_one()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartAsync(cancellationToken);
        async Task<string> RunAsync(params string[] words) => (await daemon.Berth(daemon.Folder, words).RunAsync(cancellationToken)).EnsureSuccess().Output;
        await RunAsync("run", "--name", "web", "box", "sh", "-c", "echo new >/desk/file; rm /bin/ls");
        Assert.Equal("C /bin\nD /bin/ls\nC /desk\nA /desk/file\n", await RunAsync("diff", "web"));

        Assert.StartsWith("sha256:", await RunAsync("commit", "-m", "with a file", "-a", "me", "-c", "ENV A=1", "-c", "CMD [\"sh\", \"-c\", \"cat /desk/file; echo $A\"]", "web", "made:v1"), StringComparison.Ordinal);
        Assert.Equal("new\n1\n", await RunAsync("run", "--rm", "made:v1"));
        Assert.Contains("with a file", await RunAsync("history", "made:v1"), StringComparison.Ordinal);

        await RunAsync("export", "-o", "flat.tar", "web");
        await RunAsync("import", "-c", "CMD [\"cat\", \"/desk/file\"]", "flat.tar", "flat");
        Assert.Equal("new\n", await RunAsync("run", "--rm", "flat"));
    }

    [Fact]
    public async Task Usage_limits_and_ports_are_shown_and_changed()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartAsync(cancellationToken);
        async Task<string> RunAsync(params string[] words) => (await daemon.Berth(daemon.Folder, words).RunAsync(cancellationToken)).EnsureSuccess().Output;
        var port = Ports.Free();
        await RunAsync("run", "-d", "--name", "web", "-p", $"127.0.0.1:{port}:80", "--expose", "81", "-m", "64m", "--oom-score-adj", "9", "--cgroupns", "private", "--annotation", "a=b", "--cidfile", "web.id", "box", "httpd", "-f");
        Assert.Equal(await File.ReadAllTextAsync(daemon.Folder + "/web.id", cancellationToken) + "\n", await RunAsync("inspect", "-f", "{{.Id}}", "web"));
        Assert.Equal("9 private b", (await RunAsync("inspect", "-f", "{{.HostConfig.OomScoreAdj}} {{.HostConfig.CgroupnsMode}} {{.HostConfig.Annotations.a}}", "web")).Trim());
        Assert.Equal($"80/tcp -> 127.0.0.1:{port}\n", await RunAsync("port", "web"));
        Assert.Equal($"127.0.0.1:{port}\n", await RunAsync("port", "web", "80"));
        Assert.Matches("^web [0-9.]+% [0-9.]+[KMG]iB / 64MiB 1\n$", await RunAsync("stats", "--no-stream", "--format", "{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}"));
        await RunAsync("update", "--memory", "128m", "--memory-swap", "-1", "--restart", "on-failure:3", "web");
        Assert.Contains("/ 128MiB", await RunAsync("stats", "--no-stream", "web"), StringComparison.Ordinal);
        Assert.Equal("on-failure 3\n", await RunAsync("inspect", "-f", "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}", "web"));
        Assert.Matches("Images +1 +1 ", await RunAsync("system", "df"));
        Assert.Contains("box:latest", await RunAsync("system", "df", "--verbose"), StringComparison.Ordinal);
        Assert.Contains("httpd -f", await RunAsync("top", "web", "-o", "pid,args"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_shell_completes_verbs_options_and_names()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartAsync(cancellationToken);
        async Task<string> CompleteAsync(params string[] words) => (await daemon.Berth(daemon.Folder, ["__complete", .. words]).RunAsync(cancellationToken)).EnsureSuccess().Output;
        (await daemon.Berth(daemon.Folder, "run", "-d", "--name", "running", "box", "sleep", "1000").RunAsync(cancellationToken)).EnsureSuccess();
        (await daemon.Berth(daemon.Folder, "create", "--name", "resting", "box").RunAsync(cancellationToken)).EnsureSuccess();
        Assert.Equal("start\nstats\nstop\n", await CompleteAsync("st"));
        Assert.Equal("running\n", await CompleteAsync("stop", "r"));
        Assert.Equal("resting\nrunning\n", await CompleteAsync("rm", "-f", "r"));
        Assert.Equal("box:latest\n", await CompleteAsync("run", "b"));
        Assert.Equal("--force\n", await CompleteAsync("rm", "--fo"));
        Assert.Equal("connect\ncreate\n", await CompleteAsync("network", "c"));
        Assert.Equal("bridge\n", await CompleteAsync("network", "inspect", "b"));
        var script = (await daemon.Berth(daemon.Folder, "completion", "bash").RunAsync(cancellationToken)).EnsureSuccess().Output;
        var completed = await new Command("bash", "-c", $"berth() {{ {daemon.Berth("/").Program} -H unix://{daemon.Socket} \"$@\"; }}\n{script}\nCOMP_WORDS=(berth stop r) COMP_CWORD=2; _berth; echo \"${{COMPREPLY[@]}}\"").RunAsync(cancellationToken);
        Assert.Equal("running\n", completed.EnsureSuccess().Output);
    }

    [Fact]
    public async Task A_login_is_kept_for_its_owner_alone_and_sent_with_what_needs_it()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartAsync(cancellationToken);
        await using var registry = await RegistryProcess.StartAsync();
        var name = $"localhost:{registry.Port}";
        var login = await (daemon.Berth(daemon.Folder, "login", "-u", "me", "--password-stdin", name) with { Input = "secret\n" }).RunAsync(cancellationToken);
        Assert.Equal("Login Succeeded\n", login.EnsureSuccess().Output);
        var file = daemon.Folder + "/docker/config.json";
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Contains(Convert.ToBase64String("me:secret"u8), await File.ReadAllTextAsync(file, cancellationToken), StringComparison.Ordinal);
        (await daemon.Berth(daemon.Folder, "tag", "box", name + "/box").RunAsync(cancellationToken)).EnsureSuccess();
        (await daemon.Berth(daemon.Folder, "push", name + "/box").RunAsync(cancellationToken)).EnsureSuccess();
        Assert.Equal($"Removing login credentials for {name}\n", (await daemon.Berth(daemon.Folder, "logout", name).RunAsync(cancellationToken)).EnsureSuccess().Output);
        Assert.DoesNotContain(name, await File.ReadAllTextAsync(file, cancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_tags_of_a_repository_go_and_come_together()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartAsync(cancellationToken);
        await using var registry = await RegistryProcess.StartAsync();
        async Task<string> RunAsync(params string[] words) => (await daemon.Berth(daemon.Folder, words).RunAsync(cancellationToken)).EnsureSuccess().Output;
        var name = $"localhost:{registry.Port}/team/box";
        await RunAsync("tag", "box", name + ":1");
        await RunAsync("tag", "box", name + ":2");
        await RunAsync("push", "-a", name);
        await RunAsync("rmi", name + ":1", name + ":2");
        await RunAsync("pull", "-a", name);
        Assert.Equal("1\n2\n", string.Concat((await RunAsync("images", "--format", "{{.Tag}}\n", name)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal).Select(tag => tag + "\n")));
        Assert.Matches("sha256:[0-9a-f]{64}", await RunAsync("images", "--digests", name));

        var refused = await daemon.Berth(daemon.Folder, "pull", "-a", name + ":1").RunAsync(cancellationToken);
        Assert.Contains("tag can't be used with --all-tags", refused.Error, StringComparison.Ordinal);
        Assert.Equal(125, refused.ExitCode);
        var missing = await daemon.Berth(daemon.Folder, "pull", "-a", $"localhost:{registry.Port}/nothing").RunAsync(cancellationToken);
        Assert.NotEqual(0, missing.ExitCode);
    }

    [Fact]
    public async Task A_build_reads_a_Dockerfile_or_a_whole_folder_from_its_input()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartAsync(cancellationToken);
        var folder = Directory.CreateDirectory(daemon.Folder + "/source").FullName;
        await File.WriteAllTextAsync(folder + "/word", "from the folder\n", cancellationToken);
        async Task<string> ShellAsync(string line) => (await new Command("bash", "-c", $"berth() {{ {daemon.Berth("/").Program} -H unix://{daemon.Socket} docker \"$@\"; }}\nset -euo pipefail\n{line}") { WorkingDirectory = folder }.RunAsync(cancellationToken)).EnsureSuccess().Output;
        await ShellAsync("printf 'FROM box\\nRUN echo alone >/word\\n' | berth build -t alone --iidfile id -");
        Assert.Equal("alone\n", await ShellAsync("berth run --rm alone cat /word"));
        Assert.Equal(await ShellAsync("berth inspect -f '{{.Id}}' alone"), await File.ReadAllTextAsync(folder + "/id", cancellationToken) + "\n");

        await ShellAsync("printf 'FROM box\\nCOPY word /word\\n' | berth build -q -t beside -f - . >out; rm id");
        Assert.Equal("from the folder\n", await ShellAsync("berth run --rm beside cat /word"));

        await ShellAsync("printf 'FROM box\\nCOPY word /w\\nRUN cat /w /w >/word; ulimit -n >>/word\\n' >Other; tar -cz . | berth build -t packed -f Other --ulimit nofile=77 -");
        Assert.Equal("from the folder\nfrom the folder\n77\n", await ShellAsync("berth run --rm packed cat /word"));
    }

    [Fact]
    public async Task A_container_is_started_with_its_output_and_streams_are_chosen()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartAsync(cancellationToken);
        async Task<CommandResult> RunAsync(params string[] words) => await (daemon.Berth(daemon.Folder, words) with { Input = "typed\n" }).RunAsync(cancellationToken);
        var chosen = await RunAsync("run", "--rm", "-a", "stderr", "box", "sh", "-c", "echo out; echo err >&2");
        Assert.Equal(("", "err\n"), (chosen.Output, chosen.Error));

        (await RunAsync("create", "-i", "--name", "asks", "box", "sh", "-c", "read word; echo got $word; exit 3")).EnsureSuccess();
        var started = await RunAsync("start", "-a", "-i", "asks");
        Assert.Equal(("got typed\n", 3), (started.Output, started.ExitCode));
        Assert.Matches(@"^\d+(\.\d+)?k?B \(virtual [0-9.]+[kM]B\)\n$", (await RunAsync("ps", "-a", "--format", "{{.Size}}")).EnsureSuccess().Output);
    }

    [Fact]
    public async Task A_network_is_joined_in_every_way_that_Docker_knows()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await StartAsync(cancellationToken);
        async Task<string> RunAsync(params string[] words) => (await daemon.Berth(daemon.Folder, ["docker", .. words]).RunAsync(cancellationToken)).EnsureSuccess().Output;
        await RunAsync("network", "create", "front");
        await RunAsync("network", "create", "back");
        await RunAsync("run", "-d", "--name", "both", "--network", "name=front,alias=site,driver-opt=com.docker.network.endpoint.ifname=front0", "--network", "name=back,gw-priority=3", "box", "sleep", "1000");
        Assert.Equal("eth0\nfront0\nlo\n", await RunAsync("exec", "both", "ls", "/sys/class/net"));
        Assert.Contains("dev eth0", (await RunAsync("exec", "both", "sh", "-c", "ip route | grep default")), StringComparison.Ordinal);
        await RunAsync("run", "--rm", "--network", "front", "box", "ping", "-c", "1", "-W", "2", "site");

        await RunAsync("network", "create", "third");
        await RunAsync("network", "connect", "--driver-opt", "com.docker.network.endpoint.ifname=third0", "--link-local-ip", "169.254.9.9", "--gw-priority", "9", "third", "both");
        Assert.Contains("169.254.9.9/16", await RunAsync("exec", "both", "ip", "-4", "addr", "show", "third0"), StringComparison.Ordinal);
        var taken = await daemon.Berth(daemon.Folder, "docker", "run", "--rm", "--network", "front", "--network", "name=back,driver-opt=com.docker.network.endpoint.ifname=eth0", "box", "true").RunAsync(cancellationToken);
        Assert.Contains("cannot be named eth0", taken.Error, StringComparison.Ordinal);
        var unknown = await daemon.Berth(daemon.Folder, "docker", "network", "connect", "--driver-opt", "com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.no_such=1", "bridge", "both").RunAsync(cancellationToken);
        Assert.Contains("is not a sysctl file", unknown.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("bridge", await RunAsync("inspect", "-f", "{{json .NetworkSettings.Networks}}", "both"), StringComparison.Ordinal);
        Assert.Equal("eth0\nfront0\nlo\nthird0\n", await RunAsync("exec", "both", "ls", "/sys/class/net"));
        await RunAsync("network", "rm", "-f", "nothing");
    }

    private static async Task<TestDaemon> StartAsync(CancellationToken cancellationToken)
    {
        var daemon = await TestDaemon.StartAsync(cancellationToken);
        await BoxImage.BuildAsync(daemon, cancellationToken);
        return daemon;
    }
}
