using Berth.Releases.Rollouts;

namespace Berth.Releases.Tests.Rollouts;

public sealed class MemoryRoomTests
{
    [Fact]
    public void Two_copies_that_do_not_fit_are_refused_with_the_way_out()
    {
        Assert.Null(MemoryRoom.Problem("app", 1, 100_000_000, 100_000_000));
        Assert.Equal(
            "service 'app': 1 new copy needs about 300 MB beside the old, but 200 MB of memory are available; free some, or replace it stop-first (x-berth: {roll: stop-first})",
            MemoryRoom.Problem("app", 1, 300_000_000, 200_000_000));
    }

    [Fact]
    public void The_kernel_says_what_is_available()
    {
        Assert.Equal(2048, MemoryRoom.AvailableBytes(["MemTotal:  9 kB", "MemAvailable:       2 kB"]));
        Assert.Equal(long.MaxValue, MemoryRoom.AvailableBytes(["MemTotal:  9 kB"])); // a kernel before 3.14 does not say
    }
}
