using Berth.Linux.Namespaces;
using Berth.Linux.Nftables;

namespace Berth.Linux.Tests.Nftables;

public sealed class NftMonitorTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-nft-").FullName;

    [Fact]
    public async Task A_change_is_told_with_its_number_and_only_if_it_touched_a_table_of_interest()
    {
        NftMonitor? monitor = null;
        uint? first = null;
        uint? second = null;
        await NetworkNamespace.CreateAsync(_directory + "/ns", () =>
        {
            monitor = new NftMonitor(table => table == new NftTable("inet", "ours"));
            first = Nft.RunAsGeneration("table inet ours { chain c { type filter hook output priority 0; }; }\n");
            Nft.Run("table inet theirs { set s { type ipv4_addr; elements = { 10.0.0.1 }; }; }\n");
            second = Nft.RunAsGeneration("flush ruleset\n");
        });
        using (monitor)
        {
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            var made = await monitor!.Changes.ReadAsync(timeout.Token);
            var flushed = await monitor.Changes.ReadAsync(timeout.Token);
            Assert.NotNull(first);
            Assert.Equal(first, made.Generation);
            Assert.Equal(first + 2, second);
            Assert.Equal(second, flushed.Generation);
            Assert.Equal([new NftTable("inet", "ours")], flushed.Tables);
        }

        Assert.False(await monitor.Changes.WaitToReadAsync()); // ends with the monitor
    }

    public void Dispose()
    {
        NetworkNamespace.Delete(_directory + "/ns");
        Directory.Delete(_directory, recursive: true);
    }
}
