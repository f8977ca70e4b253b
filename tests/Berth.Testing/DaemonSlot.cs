using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Berth.Linux.Mounts;

namespace Berth.Testing;

/// <summary>
/// A number that no other test on this machine holds, and the names made of it: bridges, control groups, tables and addresses of
/// one test daemon. A bound socket in the abstract namespace holds it, so the kernel gives it back when a test run is killed; whoever
/// takes it next clears away what that run left. unix(7).
/// </summary>
internal sealed class DaemonSlot : IDisposable
{
    private const int Count = 40; // one /16 each, 10.200.0.0 to 10.239.0.0
    private readonly Socket _claim;

    private DaemonSlot(int number, Socket claim) => (Number, _claim) = (number, claim);

    internal int Number { get; }

    internal string Name => string.Create(CultureInfo.InvariantCulture, $"t{Number:00}");

    internal string Folder => $"{AllSlots}/{Name}";

    internal string NftTable => "berth_" + Name;

    internal string BridgePrefix => Name + "-";

    internal string CgroupParent => "/berth-" + Name;

    internal string AddressPool => string.Create(CultureInfo.InvariantCulture, $"10.{200 + Number}.0.0/16");

    private static string AllSlots => Path.GetTempPath() + "berth-tests";

    /// <summary>Makes a folder in this slot's own.</summary>
    internal void Make(string name)
    {
        for (var patience = 100; ; patience--)
        {
            try
            {
                Directory.CreateDirectory($"{Folder}/{name}");
                return;
            }
            catch (DirectoryNotFoundException) when (patience > 0)
            {
                // Another slot was given back, and took the folder of all away between the two steps of making ours.
            }
        }
    }

    /// <exception cref="InvalidOperationException">All are taken.</exception>
    internal static async Task<DaemonSlot> TakeAsync()
    {
        for (var number = 0; number < Count; number++)
        {
            if (Claim(number) is { } claim)
            {
                var slot = new DaemonSlot(number, claim);
                await slot.ClearAsync();
                return slot;
            }
        }

        throw new InvalidOperationException($"all {Count} test daemons of this machine are in use; see {AllSlots}");
    }

    /// <summary>Of all that no test holds.</summary>
    internal static async Task ClearUnusedAsync()
    {
        for (var number = 0; number < Count; number++)
        {
            if (Claim(number) is { } claim)
            {
                using var slot = new DaemonSlot(number, claim);
                await slot.ClearAsync();
            }
        }
    }

    private static Socket? Claim(int number)
    {
        var claim = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            claim.Bind(new UnixDomainSocketEndPoint(string.Create(CultureInfo.InvariantCulture, $"\0berth-tests/{number}")));
            return claim;
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            claim.Dispose();
            return null;
        }
    }

    /// <summary>Removes everything in the kernel and on disk that bears this slot's names. Works in whatever state it is.</summary>
    internal async Task ClearAsync()
    {
        await LosePowerAsync();
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }

        try
        {
            Directory.Delete(AllSlots);
        }
        catch (IOException)
        {
            // Not there, or another test's folder is in it.
        }
    }

    /// <summary>Removes what is in the kernel alone, as a restart of the machine does. What is on disk stays.</summary>
    internal async Task LosePowerAsync()
    {
        await KillProcessesAsync();
        foreach (var mount in MountTable.MountPoints().Where(path => path.StartsWith(Folder + "/", StringComparison.Ordinal)).Reverse().ToList())
        {
            await new Command("umount", "--lazy", mount).RunAsync(CancellationToken.None);
        }

        foreach (var link in Directory.GetDirectories("/sys/class/net").Select(path => Path.GetFileName(path)!).Where(IsMine))
        {
            await new Command("ip", "link", "delete", link).RunAsync(CancellationToken.None);
        }

        await new Command("nft", "delete", "table", "inet", NftTable).RunAsync(CancellationToken.None);
        foreach (var group in Cgroups().OrderByDescending(path => path.Length))
        {
            Directory.Delete(group);
        }
    }

    private bool IsMine(string link) => link.StartsWith(BridgePrefix, StringComparison.Ordinal);

    /// <summary>Of every hierarchy: the containers' group, those beside it for conmon and the edge, and all below them.</summary>
    private IEnumerable<string> Cgroups()
    {
        var mine = new Regex($"^{Regex.Escape(CgroupParent[1..])}(-.*)?$");
        return new[] { "/sys/fs/cgroup" }.Concat(Directory.GetDirectories("/sys/fs/cgroup"))
            .SelectMany(Directory.GetDirectories)
            .Where(path => mine.IsMatch(Path.GetFileName(path)))
            .SelectMany(path => Directory.GetDirectories(path, "*", SearchOption.AllDirectories).Prepend(path))
            .ToList();
    }

    /// <summary>Kills what runs in this slot's control groups, and a daemon of it that lost its test; waits until they are gone.</summary>
    private async Task KillProcessesAsync()
    {
        while (true)
        {
            var processes = Cgroups().SelectMany(path => File.ReadLines(path + "/cgroup.procs")).Concat(Daemons()).Distinct().ToList();
            if (processes.Count == 0)
            {
                return;
            }

            await new Command("kill", ["-KILL", .. processes]).RunAsync(CancellationToken.None);
            await ThawAsync();
            await Task.Delay(50);
        }
    }

    // What is frozen dies only when it thaws: of version 1 freezer.state, of version 2 cgroup.freeze.
    private async Task ThawAsync()
    {
        foreach (var (file, text) in Cgroups().SelectMany(path => new[] { (path + "/freezer.state", "THAWED"), (path + "/cgroup.freeze", "0") }).Where(one => File.Exists(one.Item1)))
        {
            await File.WriteAllTextAsync(file, text);
        }
    }

    private IEnumerable<string> Daemons() =>
        Directory.GetDirectories("/proc").Select(path => Path.GetFileName(path)!).Where(pid => pid.All(char.IsAsciiDigit)).Where(IsMyDaemon);

    private bool IsMyDaemon(string pid)
    {
        try
        {
            var arguments = File.ReadAllText($"/proc/{pid}/cmdline").Split('\0');
            return Path.GetFileName(arguments[0]) == "berthd" && arguments.Contains(Folder + "/data");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false; // it ended meanwhile
        }
    }

    public void Dispose() => _claim.Dispose();
}
