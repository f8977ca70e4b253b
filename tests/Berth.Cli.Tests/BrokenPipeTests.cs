using System.Diagnostics;

namespace Berth.Cli.Tests;

public sealed class BrokenPipeTests
{
    [Theory]
    [InlineData("--help >&3")]
    [InlineData("--nonsense 2>&3")]
    public async Task A_reader_that_has_gone_ends_the_program_without_a_word(string words)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "berth-cli");
        var script = $"exec 3> >(true); wait $!; '{program}' {words}";
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-c", script]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var error = await bash.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("", error);
        Assert.Equal(141, bash.ExitCode);
    }
}
