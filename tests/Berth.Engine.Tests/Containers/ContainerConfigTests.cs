using Berth.Engine.Containers;
using Berth.Engine.Containers.Attach;
using Berth.Engine.Containers.Health;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;

namespace Berth.Engine.Tests.Containers;

public sealed class ContainerConfigTests
{
    [Fact]
    public void An_own_entrypoint_drops_the_images_command()
    {
        var image = new ContainerConfig { Entrypoint = ["/entry"], Cmd = ["serve"] };
        Assert.Equal(["serve"], ContainerCreation.Merge(new(), image).Cmd!);
        Assert.Null(ContainerCreation.Merge(new() { Entrypoint = ["sh"] }, image).Cmd);
        Assert.Equal(["other"], ContainerCreation.Merge(new() { Cmd = ["other"] }, image).Cmd!);
        Assert.Null(ContainerCreation.Merge(new() { Entrypoint = [""], Cmd = ["x"] }, image).Entrypoint);
    }

    [Fact]
    public void Environment_of_the_caller_wins_and_a_bare_name_takes_away() =>
        Assert.Equal(["A=2", "C=3"], ContainerCreation.MergeEnvironment(["A=1", "B=1"], ["A=2", "B", "C=3"]));

    [Theory]
    [InlineData("/host:/in", "bind", "", "/host", true)]
    [InlineData("/host:/in:ro", "bind", "", "/host", false)]
    [InlineData("data:/in", "volume", "data", "", true)]
    [InlineData("/in", "volume", "", "", true)]
    public void Binds_are_read(string text, string type, string name, string source, bool readWrite)
    {
        var mount = MountPlan.ParseBind(text);
        Assert.Equal((type, name, source, "/in", readWrite), (mount.Type, mount.Name, mount.Source, mount.Destination, mount.ReadWrite));
    }

    [Theory]
    [InlineData("/a:b", "'/a:b'")]
    [InlineData("/a:/b:rx", "invalid mode: rx")] // Docker's words
    [InlineData("a::/b", "'a::/b'")]
    [InlineData("/a:/b:ro:x", "'/a:/b:ro:x'")]
    public void Bad_binds_are_refused_with_their_text(string text, string part) =>
        Assert.Contains(part, Assert.Throws<BerthException>(() => MountPlan.ParseBind(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Mounts_come_parents_first()
    {
        var mounts = MountPlan.Build(new(), new() { Binds = ["static:/code/static", "/src:/code"] }, []);
        Assert.Equal(["/code", "/code/static"], mounts.Select(mount => mount.Destination));
    }

    [Theory]
    [InlineData("SIGTERM", 15)]
    [InlineData("term", 15)]
    [InlineData("9", 9)]
    [InlineData("SIGRTMIN+3", 37)]
    [InlineData("", 2)]
    public void Signals_are_read(string text, int number) => Assert.Equal(number, Signals.Parse(text, 2));

    [Fact]
    public void Unknown_signals_are_refused() => Assert.Throws<BerthException>(() => Signals.Parse("SIGNOPE", 15));

    [Fact]
    public void Capabilities_are_added_to_and_taken_from_the_default()
    {
        Assert.Contains("CAP_NET_ADMIN", Capabilities.For(false, ["NET_ADMIN"], null));
        Assert.DoesNotContain("CAP_CHOWN", Capabilities.For(false, null, ["chown"]));
        Assert.Equal(["CAP_KILL"], Capabilities.For(false, ["KILL"], ["ALL"]));
        Assert.Throws<BerthException>(() => Capabilities.For(false, ["NO_SUCH"], null));
    }

    [Fact]
    public void Health_needs_retries_to_fail_and_the_start_period_forgives()
    {
        var failed = new HealthResult(default, default, 1, "x");
        var state = new HealthState { Status = "starting" };
        Assert.Equal("starting", HealthMonitor.Next(state, failed, 1, inStartPeriod: true).Status);
        var once = HealthMonitor.Next(state, failed, 2, inStartPeriod: false);
        Assert.Equal(("starting", 1), (once.Status, once.FailingStreak));
        Assert.Equal("unhealthy", HealthMonitor.Next(once, failed, 2, inStartPeriod: false).Status);
        Assert.Equal("healthy", HealthMonitor.Next(once, failed with { ExitCode = 0 }, 2, inStartPeriod: false).Status);
    }

    [Fact]
    public void Detach_keys_are_read()
    {
        Assert.Equal([16, 17], DetachKeySequence.Parse(null));
        Assert.Equal([1, (byte)'x'], DetachKeySequence.Parse("ctrl-a,x"));
        Assert.Throws<BerthException>(() => DetachKeySequence.Parse("ctrl-"));
    }

    [Theory]
    [InlineData("exec: \"x\": executable file not found in $PATH", 127)]
    [InlineData("exec: \"/etc\": permission denied", 126)]
    [InlineData("something else", null)]
    public void Runtime_errors_have_dockers_exit_codes(string text, int? code) => Assert.Equal(code, RuntimeFailure.ExitCode(text));
}
