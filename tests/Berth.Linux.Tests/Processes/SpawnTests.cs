using Berth.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Berth.Linux.Tests.Processes;

public sealed class SpawnTests : IDisposable
{
    private readonly ExitWatcher _exits = new();

    [Fact]
    public async Task A_child_gets_its_arguments_and_descriptors_and_nothing_else()
    {
        var (read, write) = Pipes.Create();
        using var leaked = File.OpenHandle("/dev/null");
        ChildProcess child;
        using (write)
        {
            child = Start("ls /proc/self/fd | tr '\\n' ' ' >&5; echo \"$A\" >&5", new() { [5] = write }, "A=b c");
        }

        await using var stream = new FileStream(read, FileAccess.Read);
        using var reader = new StreamReader(stream);
        Assert.Equal("0 1 2 3 5 \nb c\n".Replace(" \n", " ", StringComparison.Ordinal), await reader.ReadToEndAsync());
        Assert.Equal(0, await child.WaitAsync(_exits));
    }

    [Fact]
    public async Task Descriptors_arrive_however_many_are_open_here()
    {
        var open = Enumerable.Range(0, 300).Select(_ => File.OpenHandle("/dev/null")).ToList();
        var pairs = Enumerable.Range(0, 3).Select(_ => Pipes.Create()).ToList();
        open.ForEach(handle => handle.Dispose());
        var early = Pipes.Create(); // a low number again, between high ones
        var child = Start("echo a >&3; echo b >&4; echo c >&5; echo d >&6", new() { [3] = pairs[0].Write, [4] = early.Write, [5] = pairs[1].Write, [6] = pairs[2].Write });
        foreach (var (pair, expected) in new[] { (pairs[0], "a\n"), (early, "b\n"), (pairs[1], "c\n"), (pairs[2], "d\n") })
        {
            pair.Write.Dispose();
            using var reader = new StreamReader(new FileStream(pair.Read, FileAccess.Read));
            Assert.Equal(expected, await reader.ReadToEndAsync());
        }

        Assert.Equal(0, await child.WaitAsync(_exits));
    }

    [Fact]
    public async Task A_child_ignores_no_signal_not_even_glibcs_own()
    {
        var (read, write) = Pipes.Create();
        ChildProcess child;
        using (write)
        {
            child = Start("exec grep SigIgn /proc/self/status >&3", new() { [3] = write });
        }

        using var reader = new StreamReader(new FileStream(read, FileAccess.Read));
        Assert.Equal("SigIgn:\t0000000000000000\n", await reader.ReadToEndAsync());
        Assert.Equal(0, await child.WaitAsync(_exits));
    }

    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("kill -9 $$", 137)]
    public async Task Exit_codes_are_dockers(string script, int code) => Assert.Equal(code, await Start(script, []).WaitAsync(_exits));

    [Fact]
    public void A_program_that_is_not_there_is_named()
    {
        var exception = Assert.Throws<LinuxException>(() => Spawn.Start(new SpawnConfig { Path = "/no/such", Arguments = ["x"], Environment = [] }));
        Assert.Equal("posix_spawn failed for '/no/such': No such file or directory (ENOENT).", exception.Message);
    }

    [Fact]
    public async Task Many_exits_at_once_are_all_told()
    {
        var children = Enumerable.Range(0, 50).Select(i => Start($"exit {i}", [])).ToList();
        Assert.Equal(Enumerable.Range(0, 50), await Task.WhenAll(children.Select(child => child.WaitAsync(_exits))));
    }

    [Fact]
    public async Task A_recorded_process_is_known_again_only_while_it_is_the_same()
    {
        var child = Start("exec sleep 100", []);
        var ticks = ProcessTable.StartTicks(child.Pid);
        using (var same = PidFd.OpenRecorded(child.Pid, ticks))
        {
            Assert.NotNull(same);
        }

        Assert.Null(PidFd.OpenRecorded(child.Pid, ticks + 1));
        child.Signal(9);
        await child.WaitAsync(_exits);
        Assert.Null(PidFd.OpenRecorded(child.Pid, ticks));
    }

    public void Dispose() => _exits.Dispose();

    private static ChildProcess Start(string script, Dictionary<int, SafeFileHandle> descriptors, params string[] environment) => Spawn.Start(new SpawnConfig
    {
        Path = "/bin/sh", Arguments = ["sh", "-c", script], Environment = ["PATH=/usr/bin:/bin", .. environment], Descriptors = descriptors,
    });
}
