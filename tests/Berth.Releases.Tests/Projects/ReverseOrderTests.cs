using Berth.Releases.Projects;

namespace Berth.Releases.Tests.Projects;

public class ReverseOrderTests
{
    [Fact]
    public async Task Who_needs_another_goes_before_it()
    {
        var order = await RunAsync(("db", []), ("app", ["db"]), ("web", ["app"]));
        Assert.Equal(["web", "app", "db"], order);
    }

    [Fact]
    public async Task A_circle_in_the_labels_ends_all_the_same() => Assert.Equal(2, (await RunAsync(("a", ["b"]), ("b", ["a"]))).Count);

    private static async Task<List<string>> RunAsync(params (string Service, string[] Needs)[] items)
    {
        var order = new List<string>();
        await ReverseOrder.RunAsync(
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
