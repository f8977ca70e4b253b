using System.Text;
using Berth.Engine.Build;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Files;
using Berth.Engine.Errors;
using Berth.Engine.Images;
using Berth.Engine.Tests.Containers;
using Berth.Linux.Files;
using Berth.Oci.Layers;

namespace Berth.Engine.Tests.Users;

/// <summary>An engine whose containers have ids of their own.</summary>
public sealed class RemappedEngine : TestEngine
{
    internal const uint FirstUser = 1_300_000;
    internal const uint FirstGroup = 1_400_000;

    public RemappedEngine()
        : base(static options => options with { Users = new([new(0, FirstUser, 65536)], [new(0, FirstGroup, 65536)]) }) =>
        File.SetUnixFileMode(Root, File.GetUnixFileMode(Root) | UnixFileMode.OtherExecute);
}

/// <summary><c>userns-remap</c> on the real kernel: who a container's root is on the host, and whose the files are on both sides.</summary>
public sealed class RemappedContainersTests(RemappedEngine engine) : IClassFixture<RemappedEngine>
{
    [Fact]
    public async Task Root_in_a_container_is_nobody_on_the_host()
    {
        var container = await engine.RunAsync("echo; cat /proc/self/uid_map; exec sleep 1000");
        var status = await File.ReadAllLinesAsync($"/proc/{container.Record.Pid}/status", TestContext.Current.CancellationToken);
        Assert.Contains("Uid:\t1300000\t1300000\t1300000\t1300000", status);
        Assert.Contains("Gid:\t1400000\t1400000\t1400000\t1400000", status);
        Assert.Equal("0", (await engine.ExecAsync(container, "id", "-u")).Output.Trim());
        Assert.Equal(["0", "1300000", "65536"], (await engine.ExecAsync(container, "cat", "/proc/self/uid_map")).Output.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.NotEqual(UserNamespaceOf("self"), UserNamespaceOf($"{container.Record.Pid}"));
        foreach (var way in new[] { engine.Options.DataRoot, engine.Options.ExecRoot + "/remapped" })
        {
            Assert.Equal((0u, RemappedEngine.FirstGroup), OwnerOf(way)); // nobody else of the host comes this way
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute, File.GetUnixFileMode(way));
        }

        var (exitCode, output) = await engine.ResultAsync("id -u; id -g; id -G", config => config with { User = "app" });
        Assert.Equal((0, "1000\n1001\n1001 50\n"), (exitCode, output));
        Assert.Equal((0u, 0u), OwnerOf("/dev/null")); // which a runtime that enters a user namespace gives away as its input
    }

    [Fact]
    public async Task Where_there_can_be_no_device_of_its_own_the_setting_is_refused()
    {
        var root = Directory.CreateTempSubdirectory("berth-nodev-").FullName;
        await MountAsync("mount", "-t", "tmpfs", "-o", "nodev", "none", root);
        try
        {
            var refused = Assert.Throws<BerthException>(() => EngineHost.CreateParts(
                engine.Options with { DataRoot = root + "/data" }, engine.Host.State, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, TimeProvider.System, engine.Host.State.Faults));
            Assert.Contains("Mount that file system without nodev, or remove the setting", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await MountAsync("umount", root);
            Directory.Delete(root);
        }
    }

    private static async Task MountAsync(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task Owners_on_the_disk_are_those_in_the_container()
    {
        var container = await engine.RunAsync("stat -c '%u:%g %a' /bin/busybox /etc/passwd; touch /mine; mkdir /tmp/d; touch /tmp/d/f; chown 1000:1001 /tmp/d/f; chown 7 /etc/passwd; stat -c '%u:%g' /mine /tmp/d/f /etc/passwd /etc/hosts; echo x >> /etc/hosts; exec sleep 1000");
        Assert.Equal(["0:0", "0:0", "0:0", "1000:1001", "7:0", "0:0"], (await UntilLogAsync(container, 6)).Select(line => line.Split(' ')[0]));
        Assert.Equal(
            [(0u, 0u), (1000u, 1001u), (7u, 0u)],
            new[] { "mine", "tmp/d/f", "etc/passwd" }.Select(path => OwnerOf($"{Upper(container)}/{path}")));
        Assert.Equal(
            [("/etc", FileChangeKind.Modified), ("/etc/passwd", FileChangeKind.Modified), ("/mine", FileChangeKind.Added), ("/tmp", FileChangeKind.Modified), ("/tmp/d", FileChangeKind.Added), ("/tmp/d/f", FileChangeKind.Added)],
            engine.Host.Containers.Changes(container).Select(change => (change.Path, change.Kind)).Order());
    }

    [Fact]
    public async Task A_volume_knows_nothing_of_it()
    {
        static HostConfig WithVolume(HostConfig host) => host with { Binds = ["shared-ids:/data"] };
        Assert.Equal("0:0\n0:0\n", (await engine.ResultAsync("rm -f /data/a; stat -c %u:%g /data /data/from-image; echo a > /data/a; chown 33:33 /data/a", host: WithVolume)).Output);
        var data = engine.Options.DataRoot + "/volumes/shared-ids/_data";
        Assert.Equal([(0u, 0u), (33u, 33u)], new[] { "from-image", "a" }.Select(name => OwnerOf($"{data}/{name}")));
        Assert.Equal("33:33\n", (await engine.ResultAsync("stat -c %u:%g /data/a; chown 34 /data/a", host: host => WithVolume(host) with { UsernsMode = "host" })).Output);
        Assert.Equal("34:33\n", (await engine.ResultAsync("stat -c %u:%g /data/a", host: WithVolume)).Output);
        var part = new MountConfig { Type = "volume", Source = "shared-ids", Target = "/part", VolumeOptions = new() { Subpath = "a" } };
        Assert.Equal("34:33\n", (await engine.ResultAsync("stat -c %u:%g /part", host: host => host with { Mounts = [part] })).Output);
        var image = new MountConfig { Type = "image", Source = "box", Target = "/image" };
        Assert.Equal("0:0\n", (await engine.ResultAsync("stat -c %u:%g /image/bin/busybox", host: host => host with { Mounts = [image] })).Output);
    }

    [Fact]
    public async Task What_belongs_to_the_hosts_root_is_out_of_reach()
    {
        var folder = Directory.CreateDirectory(engine.Root + "/bound").FullName;
        await File.WriteAllTextAsync(folder + "/secret", "of the host", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(folder + "/secret", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var (_, output) = await engine.ResultAsync(
            "stat -c %u /bound/secret; cat /bound/secret 2>&1; touch /bound/new 2>&1; chown 0 /bound/secret 2>&1; mount -t tmpfs none /tmp 2>&1; sh -c 'echo 1 > /proc/sys/kernel/panic' 2>&1; echo done", host: host => host with { Binds = [folder + ":/bound"] });
        Assert.Equal(
            "65534\ncat: can't open '/bound/secret': Permission denied\ntouch: /bound/new: Permission denied\nchown: /bound/secret: Operation not permitted\nmount: permission denied (are you root?)\n"
            + "sh: can't create /proc/sys/kernel/panic: Read-only file system\ndone\n",
            output);
    }

    [Fact]
    public async Task Its_network_is_its_roots_to_administer()
    {
        var network = await engine.Host.Networks.CreateAsync(new() { Name = "remapped" });
        var server = await engine.RunAsync("mkdir /www; echo hello > /www/index.html; exec httpd -f -p 80 -h /www", host: host => host with { NetworkMode = "remapped" }, name: "remapped-server");
        var (_, output) = await engine.ResultAsync(
            "wget -qO- http://remapped-server/; busybox ip addr add 10.9.9.9/32 dev lo && busybox ip -o addr show lo | grep -o 'inet 10.9.9.9/32'",
            host: host => host with { NetworkMode = "remapped", CapAdd = ["NET_ADMIN"] });
        Assert.Equal("hello\ninet 10.9.9.9/32\n", output);
        Assert.Equal("hello\n", (await engine.ResultAsync("wget -qO- http://127.0.0.1/", host: host => host with { NetworkMode = "container:" + server.Name })).Output);
        var other = await engine.CreateAsync(["true"], host: host => host with { NetworkMode = "container:" + server.Name, UsernsMode = "host" });
        var refused = await Assert.ThrowsAsync<BerthException>(() => engine.Host.Containers.StartAsync(other));
        Assert.StartsWith(
            $"cannot share a namespace of container {server.Name} with {other.Name}: one of them has the host's users",
            refused.Message, StringComparison.Ordinal);
        foreach (var container in new[] { other, server })
        {
            await engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: true);
        }

        await engine.Host.Networks.RemoveAsync(network.Id, () => engine.Host.Containers.All);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Files_are_copied_with_the_owners_that_the_container_sees(bool running)
    {
        var container = await engine.RunAsync("mkdir /place; touch /place/own; chown 21:22 /place/own; echo made; exec sleep 1000", host: host => host with { Binds = [$"copied-{running}:/vol"] });
        await UntilLogAsync(container, 1);
        if (!running)
        {
            await engine.Host.Containers.StopAsync(container, "KILL", 1);
        }

        foreach (var target in new[] { "/place", "/vol" })
        {
            await engine.Host.Containers.WriteArchiveAsync(container, target, Archive(("in", 5, 7), ("deep/er", 0, 0)), keepsKinds: true, toUser: false, TestContext.Current.CancellationToken);
        }

        Assert.Equal([("place/", 0u, 0u), ("place/deep/", 0u, 0u), ("place/deep/er", 0u, 0u), ("place/in", 5u, 7u), ("place/own", 21u, 22u)], await ReadAsync(container, "/place"));
        Assert.Equal([("vol/", 0u, 0u), ("vol/deep/", 0u, 0u), ("vol/deep/er", 0u, 0u), ("vol/in", 5u, 7u)], await ReadAsync(container, "/vol"));
        Assert.Equal([(5u, 7u), (0u, 0u), (0u, 0u)], new[] { "in", "deep", "deep/er" }.Select(name => OwnerOf($"{Upper(container)}/place/{name}")));
        using var exported = new MemoryStream();
        await engine.Host.Containers.ExportAsync(container, exported, TestContext.Current.CancellationToken);
        Assert.Contains(("place/in", 5u, 7u), Entries(exported));
        if (running)
        {
            Assert.Equal("5:7\n0:0\n5:7\n0:0\n", (await engine.ExecAsync(container, "stat", "-c", "%u:%g", "/place/in", "/place/deep/er", "/vol/in", "/vol/deep/er")).Output);
            var exception = await Assert.ThrowsAsync<BerthException>(() =>
                engine.Host.Containers.WriteArchiveAsync(container, "/place", Archive(("far", 70000, 0)), keepsKinds: true, toUser: false, TestContext.Current.CancellationToken));
            Assert.Equal("\"far\" belongs to 70000:0; the users of the container's namespace do not reach that far", exception.Message);
        }
    }

    [Fact]
    public async Task Builds_have_the_same_users_and_their_images_know_nothing_of_it()
    {
        var context = Directory.CreateDirectory(engine.Root + "/context").FullName;
        await File.WriteAllTextAsync(context + "/file", "content", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            context + "/Dockerfile",
            """
            FROM box AS first
            COPY --chown=8:9 file /copied
            RUN touch /private && busybox chmod 600 /private && chown 11:12 /private
            FROM box
            COPY --from=first /copied /private /
            RUN --mount=type=cache,target=/cache,uid=3 --mount=type=bind,from=first,source=/,target=/first --mount=type=bind,source=file,target=/f --mount=type=tmpfs,target=/t \
                cat /proc/self/uid_map && stat -c '%n %u:%g' /copied /private /cache /first/private /f /t && cat /first/private /f && touch /made /cache/kept && chown 5:6 /made && mkdir /open && chown 1000 /open && busybox ip -o link | busybox wc -l
            USER app
            RUN id -u && touch /open/apps
            """,
            TestContext.Current.CancellationToken);
        var output = new StringBuilder();
        Image? image = null;
        await foreach (var one in engine.Host.Builder.BuildAsync(new() { ContextDirectory = context }, TestContext.Current.CancellationToken))
        {
            output.Append(one is StepPrinted printed ? Encoding.UTF8.GetString(printed.Output.Bytes.Span) : one is BuildFailed ? one.ToString() : "");
            image = (one as BuildSucceeded)?.Image;
        }

        var lines = output.ToString().Split('\n');
        Assert.True(lines.Length == 10, output.ToString());
        Assert.Equal("0 1300000 65536", string.Join(' ', lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal(["/copied 8:9", "/private 11:12", "/cache 3:0", "/first/private 11:12", "/f 0:0", "/t 0:0", "content2", "1000", ""], lines[1..]);
        var layers = engine.Host.Images.LowerDirectories(image!);
        Assert.Equal((1000u, 1001u), OwnerOf(layers[0] + "/open/apps"));
        Assert.Equal((5u, 6u), OwnerOf(layers[1] + "/made"));
        Assert.Equal([], Directory.EnumerateDirectories(engine.Options.DataRoot + "/layers", "*-work"));
        Assert.Equal((0u, 0u), OwnerOf("/dev/null"));
        var failures = new List<string>();
        await foreach (var one in engine.Host.Builder.BuildAsync(new() { ContextDirectory = context, Network = "host", NoCache = true }, TestContext.Current.CancellationToken))
        {
            failures.AddRange(one is BuildFailed failed ? [failed.Message] : []);
        }

        Assert.Equal(["cannot share the host's network namespace when user namespaces are enabled"], failures);
    }

    [Fact]
    public async Task The_other_runtime_does_it_too()
    {
        await engine.RestartAsync(static options => options with { Runtime = "runc" });
        try
        {
            await Root_in_a_container_is_nobody_on_the_host();
            await A_volume_knows_nothing_of_it();
            await Its_network_is_its_roots_to_administer();
        }
        finally
        {
            await engine.RestartAsync(static options => options with { Runtime = null });
        }
    }

    [Theory]
    [InlineData("Privileged", "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode")]
    [InlineData("NetworkMode", "cannot share the host's network namespace when user namespaces are enabled")]
    [InlineData("PidMode", "cannot share the host PID namespace when user namespaces are enabled")]
    [InlineData("IpcMode", "cannot share the host's IPC namespace when user namespaces are enabled; give the container --userns=host")]
    public async Task What_is_the_hosts_is_for_containers_with_the_hosts_users(string what, string message)
    {
        HostConfig Ask(HostConfig host) => what switch
        {
            "Privileged" => host with { Privileged = true },
            "NetworkMode" => host with { NetworkMode = "host" },
            "PidMode" => host with { PidMode = "host" },
            _ => host with { IpcMode = "host" },
        };
        Assert.Equal(message, (await Assert.ThrowsAsync<BerthException>(() => engine.CreateAsync(["true"], host: Ask))).Message);
        var (exitCode, output) = await engine.ResultAsync("cat /proc/self/uid_map", host: host => Ask(host) with { UsernsMode = "host" });
        Assert.Equal((0, "4294967295"), (exitCode, output.Trim().Split(' ')[^1]));
    }

    [Fact]
    public async Task The_setting_is_changed_under_containers_that_run()
    {
        var container = await engine.RunAsync("test -e /mine || { touch /mine; chown 9 /mine; }; stat -c %u /mine; exec sleep 1000", host: host => host with { Binds = ["changing:/data"] });
        await UntilLogAsync(container, 1);
        var user = UserNamespaceOf($"{container.Record.Pid}");
        await engine.RestartAsync();
        var second = await engine.RunAsync("exec sleep 1000", host: host => host with { NetworkMode = "container:" + engine.Host.Containers.Resolve(container.Id).Name });
        Assert.Equal(user, UserNamespaceOf($"{second.Record.Pid}"));
        var users = engine.Options.Users;
        await engine.RestartAsync(options => options with { Users = null });
        try
        {
            container = engine.Host.Containers.Resolve(container.Id);
            Assert.Equal("0", (await engine.ExecAsync(container, "id", "-u")).Output.Trim());
            await engine.Host.Containers.WriteArchiveAsync(container, "/data", Archive(("in", 5, 7)), keepsKinds: true, toUser: false, TestContext.Current.CancellationToken);
            Assert.Equal("5:7\n", (await engine.ExecAsync(container, "stat", "-c", "%u:%g", "/data/in")).Output);
            await engine.Host.Containers.RestartAsync(container, "KILL", 1);
            Assert.Equal(["9", "9"], await UntilLogAsync(container, 2));
            Assert.Contains("Uid:\t0\t0\t0\t0", await File.ReadAllLinesAsync($"/proc/{container.Record.Pid}/status", TestContext.Current.CancellationToken));
            await engine.RestartAsync(options => options with { Users = new([new(0, 1_500_000, 70000)], [new(0, 1_600_000, 70000)]) });
            container = engine.Host.Containers.Resolve(container.Id);
            await engine.Host.Containers.RestartAsync(container, "KILL", 1);
            Assert.Equal(["9", "9", "9"], await UntilLogAsync(container, 3));
            Assert.Contains("Uid:\t1500000\t1500000\t1500000\t1500000", await File.ReadAllLinesAsync($"/proc/{container.Record.Pid}/status", TestContext.Current.CancellationToken));
        }
        finally
        {
            await engine.RestartAsync(options => options with { Users = users });
        }
    }

    private static string UserNamespaceOf(string process) => Path.GetFileName(File.ResolveLinkTarget($"/proc/{process}/ns/user", returnFinalTarget: false)!.FullName);

    private string Upper(Container container) => $"{engine.Options.DataRoot}/containers/{container.Id}/upper";

    private async Task<string[]> UntilLogAsync(Container container, int lines)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            if ((await engine.LogAsync(container)).Split('\n', StringSplitOptions.RemoveEmptyEntries) is var log && log.Length >= lines)
            {
                return log;
            }

            await Task.Delay(50, timeout.Token);
        }
    }

    private static (uint User, uint Group) OwnerOf(string path)
    {
        using var folder = DirectoryHandle.Open(Path.GetDirectoryName(path)!);
        var status = folder.Stat(Path.GetFileName(path));
        return (status.User, status.Group);
    }

    private static MemoryStream Archive(params (string Name, uint User, uint Group)[] files)
    {
        var archive = new MemoryStream();
        var writer = new TarEntryWriter(archive);
        foreach (var (name, user, group) in files)
        {
            writer.Begin(new TarEntry { Name = name, Kind = TarEntryKind.File, Permissions = 0x1a4, User = user, Group = group, Modified = new(0) });
        }

        writer.End();
        archive.Position = 0;
        return archive;
    }

    private async Task<IEnumerable<(string Name, uint User, uint Group)>> ReadAsync(Container container, string path)
    {
        using var archive = new MemoryStream();
        await engine.Host.Containers.ReadArchiveAsync(container, path, _ => archive, TestContext.Current.CancellationToken);
        return Entries(archive);
    }

    private static IEnumerable<(string Name, uint User, uint Group)> Entries(MemoryStream archive)
    {
        using var copy = new MemoryStream(archive.ToArray());
        var reader = new TarEntryReader(copy);
        var entries = new List<(string, uint, uint)>();
        while (reader.Next() is { } entry)
        {
            entries.Add((entry.Name, entry.User, entry.Group));
        }

        return entries.Order();
    }
}
