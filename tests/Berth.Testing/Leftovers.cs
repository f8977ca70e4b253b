namespace Berth.Testing;

/// <summary>What a daemon has in the kernel and in its roots beside its own state, at one moment: what operations must give back.</summary>
/// <remarks>Layers, blobs and names are not compared: an operation that was cut off may leave what the next one uses again.</remarks>
public sealed class Leftovers
{
    private readonly TestDaemon _daemon;
    private readonly HostState _before;

    private Leftovers(TestDaemon daemon, HostState before) => (_daemon, _before) = (daemon, before);

    /// <summary>Remembers what is there now, so that only what is added counts.</summary>
    public static async Task<Leftovers> SinceAsync(TestDaemon daemon) => new(daemon, await HostState.CaptureAsync(Folders(daemon)));

    /// <summary>What is there now and was not then: mounts, links, control groups, rules, processes, files. Waits for what goes a little later.</summary>
    public Task<IReadOnlyList<string>> FindAsync() => HostState.LeftSinceAsync(_before, IsMine, TimeSpan.FromSeconds(10), Folders(_daemon));

    // The daemon itself is another process after a restart.
    private bool IsMine(string thing) => !thing.Contains("/berthd --config-file ", StringComparison.Ordinal) && (
        thing.Contains(_daemon.Folder + "/", StringComparison.Ordinal) || thing.Contains(_daemon.CgroupParent, StringComparison.Ordinal)
        || thing.Contains(_daemon.NftTable, StringComparison.Ordinal) || thing.StartsWith("link: " + _daemon.BridgePrefix, StringComparison.Ordinal));

    // Network namespaces are files below the exec root, and mounts.
    private static string[] Folders(TestDaemon daemon) =>
    [
        daemon.ExecRoot + "/containers", daemon.ExecRoot + "/netns", daemon.ExecRoot + "/build", daemon.ExecRoot + "/runtime", daemon.DataRoot + "/tmp",
        daemon.DataRoot + "/containers", daemon.DataRoot + "/volumes",
    ];
}
