using Berth.Engine.Containers.Health;

namespace Berth.Engine.Tests.Containers;

public sealed class ListeningPortsTests
{
    [Theory]
    [InlineData("   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1", 8000)]
    [InlineData("   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1", 80)]
    [InlineData("   1: 0200070A:1F40 0300070A:C350 01 00000000:00000000 00:00000000 00000000     0        0 1 1", null)] // established
    [InlineData("   2: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1", null)] // loopback only
    [InlineData("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", null)]
    public void A_line_of_the_kernel_is_a_listener_that_others_reach_or_nothing(string line, int? port) =>
        Assert.Equal(port is { } number ? [number] : [], ListeningPorts.Parse(line));
}
