using System.Diagnostics;
using System.Formats.Tar;
using System.Security.Cryptography;
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
