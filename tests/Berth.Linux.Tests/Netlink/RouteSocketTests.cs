using Berth.Linux.Namespaces;
using Berth.Linux.Netlink;

namespace Berth.Linux.Tests.Netlink;

public sealed class RouteSocketTests
{
    [Fact]
    public async Task Several_links_are_deleted_together_and_no_other()
    {
        var path = Path.Combine(Path.GetTempPath(), $"berth-links-{Guid.NewGuid():N}");
        await NetworkNamespace.CreateAsync(path, () =>
        {
            using var links = new RouteSocket();
            foreach (var name in new[] { "one", "two", "three" })
            {
                links.CreateBridge(name, 1500);
            }

            links.DeleteAll(["one", "gone", "three"]);
            Assert.Equal((0, 0), (links.IndexOf("one"), links.IndexOf("three")));
            Assert.NotEqual(0, links.IndexOf("two"));
            Assert.NotEqual(0, links.IndexOf("lo"));
            links.DeleteAll(["gone", "never"]);
            links.DeleteAll(["two"]);
            Assert.Equal(0, links.IndexOf("two"));
        });
        NetworkNamespace.Delete(path);
    }
}
