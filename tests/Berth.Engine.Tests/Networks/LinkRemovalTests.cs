using Berth.Engine.Networks;

namespace Berth.Engine.Tests.Networks;

public sealed class LinkRemovalTests
{
    [Fact]
    public async Task Those_that_come_while_others_go_are_taken_together()
    {
        using var hold = new SemaphoreSlim(0);
        var begun = new TaskCompletionSource();
        var batches = new List<string>();
        var removal = new LinkRemoval(links =>
        {
            begun.TrySetResult();
            hold.Wait(TestContext.Current.CancellationToken);
            batches.Add(string.Join(' ', links));
        });
        var first = removal.RemoveAsync(["a"]);
        await begun.Task;
        var later = new[] { removal.RemoveAsync(["b", "c"]), removal.RemoveAsync([]), removal.RemoveAsync(["d"]) };
        Assert.True(later[1].IsCompleted);
        Assert.False(first.IsCompleted);
        hold.Release(2);
        await Task.WhenAll([first, .. later]);
        Assert.Equal(["a", "b c d"], batches);
    }

    [Fact]
    public async Task A_failure_is_told_to_those_who_asked_and_the_next_goes_on()
    {
        var removal = new LinkRemoval(links =>
        {
            if (links.Contains("stuck"))
            {
                throw new IOException("stuck");
            }
        });
        await Assert.ThrowsAsync<IOException>(() => removal.RemoveAsync(["stuck"]));
        await removal.RemoveAsync(["free"]);
    }
}
