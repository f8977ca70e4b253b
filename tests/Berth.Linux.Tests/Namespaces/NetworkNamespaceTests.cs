using System.Net;
using Berth.Linux.Mounts;
using Berth.Linux.Namespaces;
using Berth.Linux.Netlink;

namespace Berth.Linux.Tests.Namespaces;

public sealed class NetworkNamespaceTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-ns-").FullName;

    [Fact]
    public async Task Two_namespaces_reach_each_other_over_a_bridge_and_leave_nothing()
    {
        var router = _directory + "/router";
        var member = _directory + "/member";
        await NetworkNamespace.CreateAsync(router, () =>
        {
            using var own = new RouteSocket();
            own.CreateBridge("br0", 1500);
            own.AddAddress(own.IndexOf("br0"), IPAddress.Parse("10.1.0.1"), 24);
            own.SetUp(own.IndexOf("br0"));
            using var created = new ManualResetEventSlim();
            NetworkNamespace.CreateAsync(member, () =>
            {
                using var self = File.OpenHandle("/proc/thread-self/ns/net");
                own.CreateVeth("port0", "eth0", (int)self.DangerousGetHandle(), [2, 0x42, 10, 1, 0, 2], 1500, own.IndexOf("br0"));
                using var inner = new RouteSocket();
                var index = inner.IndexOf("eth0");
                inner.AddAddress(index, IPAddress.Parse("10.1.0.2"), 24);
                inner.SetUp(index);
                inner.SetDefaultRoute(index, IPAddress.Parse("10.1.0.1"));
                created.Set();
            });
            Assert.True(created.Wait(TimeSpan.FromSeconds(10)));
        });
        Assert.True(await NetworkNamespace.TryRunAsync(member, () => { }));
        var links = "";
        await NetworkNamespace.RunAsync(router, () =>
        {
            using var own = new RouteSocket();
            links = $"{own.IndexOf("port0") > 0} {own.Delete("port0")} {own.Delete("port0")}";
        });
        Assert.Equal("True True False", links);
        NetworkNamespace.Delete(member);
        NetworkNamespace.Delete(router);
        Assert.DoesNotContain(MountTable.MountPoints(), point => point.StartsWith(_directory, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_that_is_no_namespace_is_refused()
    {
        await File.WriteAllTextAsync(_directory + "/plain", "");
        var exception = await Assert.ThrowsAsync<LinuxException>(() => NetworkNamespace.RunAsync(_directory + "/plain", () => { }));
        Assert.Equal(Errno.EINVAL, exception.Errno);
        Assert.False(await NetworkNamespace.TryRunAsync(_directory + "/plain", () => { }));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
