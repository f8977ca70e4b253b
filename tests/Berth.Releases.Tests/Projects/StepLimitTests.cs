using Berth.Releases.Projects;

namespace Berth.Releases.Tests.Projects;

public class StepLimitTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(null)]
    public async Task No_more_steps_go_on_at_once_than_is_asked(int? limit)
    {
        StepLimit.Set(limit);
        var (running, most) = (0, 0);
        var all = new TaskCompletionSource();
        async Task ActAsync()
        {
            var now = Interlocked.Increment(ref running);
            InterlockedExtensions.Max(ref most, now);
            if (limit is null && now == 5)
            {
                all.SetResult();
            }

            await (limit is null ? all.Task : Task.Delay(10));
            Interlocked.Decrement(ref running);
        }

        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => StepAsync("Starting", ActAsync))).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(limit ?? 5, most);
    }

    [Fact]
    public async Task A_step_within_a_step_and_a_wait_take_no_turn()
    {
        StepLimit.Set(1);
        var done = false;
        await StepAsync("Recreate", () => StepAsync("Stopping", async () =>
        {
            await Task.Yield();
            await StepAsync("Removing", () =>
            {
                done = true;
                return Task.CompletedTask;
            });
        })).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.True(done);

        var started = new TaskCompletionSource();
        var waiting = StepAsync("Waiting", () => started.Task);
        await StepAsync("Starting", () =>
        {
            started.SetResult();
            return Task.CompletedTask;
        }).WaitAsync(TimeSpan.FromSeconds(10));
        await waiting;
        await StepAsync("Starting", () => Task.CompletedTask).WaitAsync(TimeSpan.FromSeconds(10)); // every turn was given back
    }

    private static Task StepAsync(string doing, Func<Task> act) => ((ProjectProgress)(_ => { })).StepAsync(TimeProvider.System, ProjectEventKind.Container, "one", doing, "Done", act);

    private static class InterlockedExtensions
    {
        internal static void Max(ref int target, int value)
        {
            for (var seen = Volatile.Read(ref target); value > seen; seen = Volatile.Read(ref target))
            {
                Interlocked.CompareExchange(ref target, value, seen);
            }
        }
    }
}
