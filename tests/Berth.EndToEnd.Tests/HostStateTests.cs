using Berth.Testing;

namespace Berth.EndToEnd.Tests;

/// <summary>The comparison that proves that nothing leaks has to see a leak of every kind.</summary>
public sealed class HostStateTests
{
    private const string Name = "berthleak";
    private static readonly string Folder = Path.GetTempPath() + Name;
    private static readonly string Cgroup = (Directory.Exists("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids/" : "/sys/fs/cgroup/") + Name;

    [Fact]
    public async Task A_leak_of_each_kind_is_caught_and_its_removal_too()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var hadFolder = Directory.Exists("/run/netns");
        var before = await HostState.CaptureAsync(Folder);
        using var leaked = System.Diagnostics.Process.Start("sleep", "600");
        try
        {
            await LeakAsync(cancellationToken);
            var added = (await HostState.CaptureAsync(Folder)).AddedSince(before);
            string[] expected =
            [
                $"mount: {Folder}/mount", $"link: {Name}0", $"cgroup: {Cgroup}", $"nft rule: table inet {Name} / chain drops / ip daddr 192.0.2.1 drop",
                $"file: {Folder}/file",
            ];
            Assert.All(expected, thing => Assert.Contains(thing, added));
            Assert.Single(added, thing => thing.StartsWith($"process: {leaked.Id} ", StringComparison.Ordinal));
            Assert.Contains(added, thing => thing.StartsWith("network namespace: net:[", StringComparison.Ordinal));
        }
        finally
        {
            await RemoveAsync(leaked, hadFolder, cancellationToken);
        }

        bool IsMine(string thing) => thing.Contains(Name, StringComparison.Ordinal) || thing.StartsWith($"process: {leaked.Id} ", StringComparison.Ordinal);
        Assert.Empty(await HostState.LeftSinceAsync(before, IsMine, TimeSpan.FromSeconds(5), Folder));
    }

    private static async Task LeakAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Folder + "/mount");
        await File.WriteAllTextAsync(Folder + "/file", "", cancellationToken);
        Directory.CreateDirectory(Cgroup);
        string script =
            $$"""
            mount -t tmpfs none {{Folder}}/mount
            ip netns add {{Name}}
            ip link add {{Name}}0 type bridge
            nft 'table inet {{Name}} { chain drops { ip daddr 192.0.2.1 drop ; } ; }'
            """;
        (await new Command("sh", "-ec", script).RunAsync(cancellationToken)).EnsureSuccess();
    }

    private static async Task RemoveAsync(System.Diagnostics.Process leaked, bool hadFolder, CancellationToken cancellationToken)
    {
        leaked.Kill();
        await leaked.WaitForExitAsync(cancellationToken);
        var folder = hadFolder ? "" : "umount /run/netns; rmdir /run/netns; "; // ip-netns(8) makes it for the first one, and leaves it
        var script = $"umount {Folder}/mount; ip netns delete {Name}; {folder}ip link delete {Name}0; nft delete table inet {Name}; rm -r {Folder}; rmdir {Cgroup}";
        await new Command("sh", "-c", script).RunAsync(cancellationToken);
    }
}
