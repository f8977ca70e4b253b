using Berth.Testing;

namespace Berth.EndToEnd.Tests.Installation;

/// <summary>
/// <c>berth install</c> and <c>berth uninstall</c> for real, in throw-away systems: the scripts in <c>tests/tools/installation</c> print
/// a fact for each promise that was kept, and end at the first that was not.
/// </summary>
[Trait("Speed", "long")]
public sealed class InstallationTests : IDisposable
{
    private readonly string _work = Directory.CreateTempSubdirectory("berth-installation-").FullName;

    [Fact]
    public async Task Without_systemd_it_installs_upgrades_and_leaves_nothing()
    {
        var facts = await ScriptFacts.OfAsync("installation/without-systemd.sh", _work, TimeSpan.FromMinutes(10));
        string[] promised =
        [
            "a missing package was installed", "the command line works without .NET", "it installs after having been interrupted", "a killed daemon is started again",
            "no request failed during the upgrade", "uninstall refuses while containers run without a daemon", "no file is left", "nothing is left in the kernel",
        ];
        Assert.Empty(promised.Except(facts));
    }

    [Fact]
    public async Task With_systemd_sites_come_back_after_a_reboot_and_uninstall_leaves_nothing()
    {
        (await new Command("/bin/sh", "-c", "command -v qemu-system-x86_64 mke2fs").RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess();
        var facts = await ScriptFacts.OfAsync("installation/in-machine.sh", _work, TimeSpan.FromMinutes(45));
        string[] promised =
        [
            "a container has a profile of AppArmor", "with it nothing is mounted", "root in a container is nobody on the host", "its files are its own", "systemd starts a killed daemon again", "no request failed during the upgrade", "so is the data plane", "no question to the daemon failed during the upgrade",
            "who asks starts the service", "a daemon that stands still is started anew", "one that is well is not", "stopping the service leaves the site", "the site comes back after a reboot",
            "what had no restart policy stays down", "data stays", "no file is left", "nothing is left in the kernel",
        ];
        Assert.Empty(promised.Except(facts));
    }

    public void Dispose() => Directory.Delete(_work, recursive: true);
}
