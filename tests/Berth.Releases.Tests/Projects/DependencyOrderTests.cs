using Berth.Releases.Projects;

namespace Berth.Releases.Tests.Projects;

public class DependencyOrderTests
{
    [Fact]
    public async Task Who_needs_another_goes_before_it_and_comes_after_it()
    {
        Assert.Equal(["web", "app", "db"], await RunAsync(DependencyOrder.NeededLastAsync, ("db", []), ("app", ["db"]), ("web", ["app"])));
        Assert.Equal(["db", "app", "web"], await RunAsync(DependencyOrder.NeededFirstAsync, ("web", ["app"]), ("app", ["db", "nobody"]), ("db", [])));
    }

    [Fact]
    public async Task A_circle_in_the_labels_ends_all_the_same()
    {
        Assert.Equal(2, (await RunAsync(DependencyOrder.NeededLastAsync, ("a", ["b"]), ("b", ["a"]))).Count);
        Assert.Equal(2, (await RunAsync(DependencyOrder.NeededFirstAsync, ("a", ["b"]), ("b", ["a"]))).Count);
    }

    [Fact]
    public async Task Those_that_do_not_need_one_another_go_side_by_side_and_who_needs_one_that_failed_is_left_out()
    {
        var both = new TaskCompletionSource();
        var (begun, acted) = (0, new List<string>());
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => DependencyOrder.NeededFirstAsync(
            [("a", []), ("b", []), ("c", ["b"])], item => item.Item1, item => item.Item2,
            async ((string Service, string[] Needs) item, CancellationToken _) =>
            {
                acted.Add(item.Service);
                if (Interlocked.Increment(ref begun) == 2)
                {
                    both.SetResult();
                }

                await both.Task;
                throw new InvalidOperationException(item.Service);
            },
            CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(5)));
        Assert.Equal(["a", "b"], acted);
        Assert.Equal("a", failure.Message);
    }

    private delegate Task Order(
        IReadOnlyList<(string Service, string[] Needs)> items, Func<(string Service, string[] Needs), string> service, Func<(string Service, string[] Needs), IReadOnlyList<string>> needs,
        Func<(string Service, string[] Needs), CancellationToken, Task> act, CancellationToken cancellationToken);

    private static async Task<List<string>> RunAsync(Order run, params (string Service, string[] Needs)[] items)
    {
        var order = new List<string>();
        await run(
            items, item => item.Service, item => item.Needs,
            (item, _) =>
            {
                order.Add(item.Service);
                return Task.CompletedTask;
            },
            CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(5));
        return order;
    }
}
