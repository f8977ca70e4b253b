using Berth.Linux.Processes;

namespace Berth.Linux.Tests.Processes;

public sealed class ProcessTableTests
{
    [Fact]
    public void A_process_has_its_facts()
    {
        Assert.Contains("Berth.Linux.Tests", ProcessTable.CommandLine(Environment.ProcessId), StringComparison.Ordinal);
        Assert.NotNull(ProcessTable.Name(Environment.ProcessId));
        Assert.False(ProcessTable.HasEnded(Environment.ProcessId));
    }

    /// <summary>One may end between two questions about it, and whoever asks must not fail: a daemon that did not start again while a conmon just ended.</summary>
    [Fact]
    public async Task One_that_is_gone_has_none()
    {
        using var process = System.Diagnostics.Process.Start("/bin/true");
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Null(ProcessTable.CommandLine(process.Id));
        Assert.Null(ProcessTable.Name(process.Id));
        Assert.Equal(-1, ProcessTable.StartTicks(process.Id));
        Assert.True(ProcessTable.HasEnded(process.Id));
    }
}
