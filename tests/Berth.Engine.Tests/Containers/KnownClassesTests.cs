using System.Diagnostics;
using System.Formats.Tar;
using System.Security.Cryptography;
using Berth.Engine.Containers;
using Berth.Engine.Errors;

namespace Berth.Engine.Tests.Containers;

/// <summary>Ways out of containers that this field has known: <c>docs/security.md</c> lists them all.</summary>
public sealed class KnownClassesTests(TestEngine engine) : IClassFixture<TestEngine>
{
    private const string Secret = "only the host may read this";

    /// <summary>CVE-2018-15664, CVE-2019-14271: a path that becomes a link out while it is copied to.</summary>
    [Fact]
    public async Task What_is_copied_in_stays_in_though_the_container_exchanges_folders_for_links()
    {
        var outside = Directory.CreateDirectory(engine.Root + "/outside").FullName;
        var container = await engine.RunAsync($"mkdir /place; while :; do rm -rf /place; ln -s {outside} /place; rm -f /place; mkdir /place; done", config => config with { StopSignal = "KILL" });
        var (arrived, watch) = (0, Stopwatch.StartNew());
        while (watch.Elapsed < TimeSpan.FromSeconds(3))
        {
            try
            {
                await engine.Host.Containers.WriteArchiveAsync(container, "/place", new MemoryStream(Tar("planted")), keepsKinds: false, toUser: false, TestContext.Current.CancellationToken);
                arrived++;
            }
            catch (BerthException exception) when (exception.Kind is ErrorKind.NotFound or ErrorKind.Invalid)
            {
                // At that moment there was no folder.
            }
        }

        await engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
        Assert.True(arrived > 0);
        Assert.Empty(Directory.GetFileSystemEntries(outside));
    }

    /// <summary>The other way: what is copied out is the container's, wherever its links point.</summary>
    [Theory]
    [InlineData("/link")]
    [InlineData("/up/../../../../../../../../../secret-file")]
    public async Task What_is_copied_out_is_the_containers(string path)
    {
        await File.WriteAllTextAsync(engine.Root + "/secret-file", Secret, TestContext.Current.CancellationToken);
        var container = await engine.RunAsync($"ln -s {engine.Root}/secret-file /link; ln -s / /up; sleep 1000");
        using var archive = new MemoryStream();
        try
        {
            await engine.Host.Containers.ReadArchiveAsync(container, path, _ => archive, TestContext.Current.CancellationToken);
        }
        catch (BerthException exception)
        {
            Assert.Equal(ErrorKind.NotFound, exception.Kind);
        }

        Assert.DoesNotContain(Secret, System.Text.Encoding.UTF8.GetString(archive.ToArray()), StringComparison.Ordinal);
        await engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
    }

    /// <summary>CVE-2024-21626: a descriptor of the host, left open in the runtime, as the working directory.</summary>
    [Fact]
    public async Task No_descriptor_of_the_host_is_a_working_directory()
    {
        await File.WriteAllTextAsync(engine.Root + "/secret-file", Secret, TestContext.Current.CancellationToken);
        var look = $"for up in . .. ../.. ../../.. ../../../.. ../../../../.. ../../../../../..; do cat $up{engine.Root}/secret-file $up/secret-file; done 2>/dev/null; true";
        for (var descriptor = 3; descriptor < 16; descriptor++)
        {
            try
            {
                var (_, output) = await engine.ResultAsync(look, config => config with { WorkingDir = $"/proc/self/fd/{descriptor}" });
                Assert.DoesNotContain(Secret, output, StringComparison.Ordinal);
            }
            catch (BerthException exception)
            {
                Assert.NotEmpty(exception.Message); // refused, as it should be
            }
        }

        var container = await engine.RunAsync("sleep 1000");
        for (var descriptor = 3; descriptor < 16; descriptor++)
        {
            try
            {
                var (_, output) = await engine.Host.Containers.Execs.CaptureAsync(
                    container, new() { Cmd = ["sh", "-c", look], WorkingDir = $"/proc/self/fd/{descriptor}" }, 4096, TestContext.Current.CancellationToken);
                Assert.DoesNotContain(Secret, output, StringComparison.Ordinal);
            }
            catch (BerthException exception)
            {
                Assert.NotEmpty(exception.Message);
            }
        }

        await engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
    }

    /// <summary>CVE-2019-5736: the runtime's own program, reached by way of /proc/self/exe.</summary>
    [Fact]
    public async Task A_container_cannot_change_the_runtime_that_enters_it()
    {
        var runtime = new[] { "/usr/bin/crun", "/usr/bin/runc", "/usr/sbin/runc" }.First(File.Exists);
        var before = SHA256.HashData(await File.ReadAllBytesAsync(runtime, TestContext.Current.CancellationToken));
        var container = await engine.RunAsync(
            """
            printf '#!/proc/self/exe\n' >/bin/evil; chmod +x /bin/evil
            while :; do for exe in /proc/[0-9]*/exe; do echo overwritten 2>/dev/null >"$exe"; done; done 2>/dev/null
            """);
        for (var round = 0; round < 10; round++)
        {
            try
            {
                await engine.ExecAsync(container, "/bin/evil");
            }
            catch (BerthException exception)
            {
                Assert.NotEmpty(exception.Message); // it is no program
            }
        }

        await engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
        Assert.Equal(before, SHA256.HashData(await File.ReadAllBytesAsync(runtime, TestContext.Current.CancellationToken)));
    }

    /// <summary>CVE-2021-41091: other users of the host in containers' files, where programs that change their user lie.</summary>
    [Fact]
    public async Task Other_users_of_the_host_reach_nothing_below_the_data_root()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute, File.GetUnixFileMode(engine.Options.DataRoot));
        File.SetUnixFileMode(engine.Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
        foreach (var path in new[] { "", "/state.db", "/state.db-wal", "/layers" })
        {
            using var other = Process.Start("/usr/bin/setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups", "/bin/ls", engine.Options.DataRoot + path]);
            await other.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.NotEqual(0, other.ExitCode);
        }
    }

    /// <summary>What an image holds may be a pipe, a device that never ends, or larger than memory.</summary>
    [Theory]
    [InlineData("mkfifo passwd", "pipe")]
    [InlineData("mknod passwd c 1 5", "character device")] // zero
    [InlineData("mkdir passwd", "directory")]
    [InlineData("ln -s ../dev/zero passwd", "")] // in the image, where there is no such device
    [InlineData("truncate -s 100M passwd", "104857600 bytes")]
    public async Task Accounts_that_are_no_file_are_not_read(string command, string words)
    {
        var directory = engine.Host.Images.Layers.CreateDirectory();
        Directory.CreateDirectory(directory + "/etc");
        Directory.CreateDirectory(directory + "/bin");
        File.Copy("/usr/bin/busybox", directory + "/bin/sleep");
        using (var made = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { WorkingDirectory = directory + "/etc" })!)
        {
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, made.ExitCode);
        }

        await Images.TestImages.AddDirectoryAsync(engine.Host.Images, "hostile", directory);
        var container = await engine.CreateAsync(["sleep", "1000"], config => config with { Image = "hostile", User = words.Length == 0 ? "1000" : "app" });
        var start = engine.Host.Containers.StartAsync(container).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        if (words.Length == 0)
        {
            await start;
        }
        else
        {
            Assert.Contains(words, (await Assert.ThrowsAsync<BerthException>(() => start)).Message, StringComparison.Ordinal);
        }

        await engine.Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: false);
    }

    /// <summary>Text that ends what it stands in, and goes on as something else: rules, configuration, files that resolvers read.</summary>
    [Theory]
    [InlineData("a\nnameserver 203.0.113.6\n203.0.113.6 injected")]
    [InlineData("a\"; }; add table inet injected; #")]
    [InlineData("$(touch injected)`touch injected`; touch injected")]
    [InlineData("a\",\"process\":{\"args\":[\"injected\"]},\"x\":\"")]
    [InlineData("../../../injected")]
    [InlineData("a b\tinjected\r\n")]
    public async Task Words_of_a_client_stay_words(string words)
    {
        // What may be any text arrives as it is.
        var ours = await engine.CreateAsync(["sh", "-c", "echo \"$WORDS\"; cat /etc/resolv.conf /etc/hosts; exec sleep 1000"],
            config => config with { Labels = new(StringComparer.Ordinal) { ["key"] = words, [words] = "value" }, Env = ["WORDS=" + words] },
            host => host with { NetworkMode = "bridge", Annotations = new(StringComparer.Ordinal) { ["org.example.key"] = words }, LogConfig = new() { Type = "json-file", Config = new(StringComparer.Ordinal) { ["tag"] = words } } });
        await engine.Host.Containers.StartAsync(ours);
        var (_, environment) = await engine.ExecAsync(ours, "sh", "-c", "echo \"$WORDS\"");
        Assert.Equal(words + "\n", environment);
        Assert.Equal(words, ours.Record.Config.Labels!["key"]);
        Assert.Equal("value", ours.Record.Config.Labels[words]);
        await IsWholeAsync(ours);
        await engine.Host.Containers.RemoveAsync(ours, force: true, withAnonymousVolumes: true);

        // What has a form of its own is refused, or does no more than it says.
        (string Field, Func<Task<Container>> Create)[] fields =
        [
            ("name", () => engine.CreateAsync(["sleep", "1000"], host: OnBridge, name: words)),
            ("hostname", () => engine.CreateAsync(["sleep", "1000"], config => config with { Hostname = words }, OnBridge)),
            ("domain", () => engine.CreateAsync(["sleep", "1000"], config => config with { Domainname = words }, OnBridge)),
            ("user", () => engine.CreateAsync(["sleep", "1000"], config => config with { User = words }, OnBridge)),
            ("extra host", () => engine.CreateAsync(["sleep", "1000"], host: host => OnBridge(host) with { ExtraHosts = [words + ":203.0.113.7"] })),
            ("search", () => engine.CreateAsync(["sleep", "1000"], host: host => OnBridge(host) with { DnsSearch = [words] })),
            ("option", () => engine.CreateAsync(["sleep", "1000"], host: host => OnBridge(host) with { DnsOptions = [words] })),
            ("server", () => engine.CreateAsync(["sleep", "1000"], host: host => OnBridge(host) with { Dns = [words] })),
            ("sysctl", () => engine.CreateAsync(["sleep", "1000"], host: host => OnBridge(host) with { Sysctls = new(StringComparer.Ordinal) { ["net.ipv4.ping_group_range"] = words } })),
        ];
        foreach (var (field, create) in fields)
        {
            Container? made = null;
            try
            {
                made = await create();
                await engine.Host.Containers.StartAsync(made);
                await IsWholeAsync(made, field);
            }
            catch (BerthException exception)
            {
                Assert.True(exception.Kind is ErrorKind.Invalid or ErrorKind.Failed or ErrorKind.NotFound, $"{field}: {exception}");
            }

            if (made is not null)
            {
                await engine.Host.Containers.RemoveAsync(made, force: true, withAnonymousVolumes: true);
            }
        }

        Assert.DoesNotContain("injected", Berth.Linux.Nftables.Nft.Query("list ruleset"), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Environment.CurrentDirectory, "injected"));
        Assert.Empty(Directory.GetFiles(engine.Root, "injected*", SearchOption.AllDirectories));

        HostConfig OnBridge(HostConfig host) => host with { NetworkMode = "bridge" };
    }

    // Its resolvers are the ones that they would be, and its hosts file leads nowhere new.
    private async Task IsWholeAsync(Container container, string field = "")
    {
        var (_, resolver) = await engine.ExecAsync(container, "cat", "/etc/resolv.conf");
        Assert.DoesNotContain(resolver.Split('\n'), line => line.StartsWith("nameserver", StringComparison.Ordinal) && line.Contains("203.0.113.6", StringComparison.Ordinal));
        var (_, hosts) = await engine.ExecAsync(container, "cat", "/etc/hosts");
        Assert.True(!hosts.Split('\n').Any(line => line.StartsWith("203.0.113.6", StringComparison.Ordinal)), $"{field}: {hosts}");
    }

    /// <summary>CVE-2020-15257: sockets without a file, which whoever shares the host's network reaches.</summary>
    [Fact]
    public async Task No_socket_of_the_engine_is_reached_by_the_hosts_network()
    {
        var (_, output) = await engine.ResultAsync("cat /proc/net/unix", host: host => host with { NetworkMode = "host" });
        var names = output.Split('\n').Select(line => line.Split(' ')[^1]).Where(name => name.StartsWith('@')).ToList();
        Assert.DoesNotContain(names, name => new[] { "conmon", "crun", "runc", "berthd", "berth-edge", "attach" }.Any(name[1..].Contains));
    }

    private static byte[] Tar(string name)
    {
        using var bytes = new MemoryStream();
        using (var writer = new TarWriter(bytes, TarEntryFormat.Ustar, leaveOpen: true))
        {
            writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream("x"u8.ToArray()) });
        }

        return bytes.ToArray();
    }
}
