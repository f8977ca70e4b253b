using Berth.Testing;

namespace Berth.Conformance.Tests.Confinement;

/// <summary>
/// Berth, with crun and with runc, and Docker side by side with one image, <c>debian:bookworm-slim</c> as Berth builds it, and a probe that runs in all.
/// </summary>
public sealed class TwoEngines : IAsyncLifetime
{
    private const string Image = "debian:bookworm-slim";
    private static readonly string[] Namespaces = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];
    private readonly List<IAsyncDisposable> _daemons = [];
    private Engine? _berth;
    private Engine? _berthWithRunc;
    private Engine? _docker;

    public async ValueTask InitializeAsync()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await DockerCli.PrepareAsync(cancellationToken);
        var berth = await TestDaemon.StartAsync(cancellationToken);
        _daemons.Add(berth);
        var docker = await DockerDaemon.StartAsync(berth, cancellationToken);
        _daemons.Add(docker);
        var berthWithRunc = await TestDaemon.StartAsync(["--default-runtime", "runc"], cancellationToken);
        _daemons.Add(berthWithRunc);
        _berth = new(berth.Docker, "self", berth.CgroupParent);
        _berthWithRunc = new(berthWithRunc.Docker, "self", berthWithRunc.CgroupParent);
        _docker = new(docker.Docker, $"{docker.ProcessId}", docker.CgroupParent);
        var archive = berth.Folder + "/image.tar";
        (await (_berth.Client.Docker("pull", "-q", Image) with { Timeout = TimeSpan.FromMinutes(5) }).RunAsync(cancellationToken)).EnsureSuccess();
        await OutputAsync(_berth.Client.Docker("save", "-o", archive, Image));
        await OutputAsync(_berthWithRunc.Client.Docker("load", "-q", "-i", archive));
        await OutputAsync(_docker.Client.Docker("load", "-q", "-i", archive));
        File.Delete(archive);
    }

    /// <summary>Runs the probe in a container of each engine, with the same flags.</summary>
    /// <returns>For each thing that either found: what both did; null for what it did not find at all.</returns>
    public async Task<IReadOnlyDictionary<string, (string? Berth, string? Docker)>> ProbeAsync(params string[] flags) =>
        Pairs(await RunAsync(_berth!, flags), await RunAsync(_docker!, flags));

    /// <summary>As <see cref="ProbeAsync"/>, with Berth on the runtime that Docker uses.</summary>
    public async Task<IReadOnlyDictionary<string, (string? Berth, string? Docker)>> ProbeWithRuncAsync(params string[] flags) =>
        Pairs(await RunAsync(_berthWithRunc!, flags), await RunAsync(_docker!, flags));

    /// <summary>Runs the probe by <c>exec</c>, with the same flags, in a container of each engine.</summary>
    public async Task<IReadOnlyDictionary<string, (string? Berth, string? Docker)>> ProbeByExecAsync(params string[] flags) =>
        Pairs(await ExecAsync(_berth!, flags), await ExecAsync(_docker!, flags));

    private static async Task<Dictionary<string, string>> RunAsync(Engine engine, string[] flags) =>
        Parse(await OutputAsync(engine.Client.Docker(["run", "--rm", .. flags, Image, .. Probe(engine.Process)])), engine.CgroupParent);

    private static async Task<Dictionary<string, string>> ExecAsync(Engine engine, string[] flags)
    {
        await OutputAsync(engine.Client.Docker("run", "-d", "--name", "probed", Image, "sleep", "600"));
        var output = await OutputAsync(engine.Client.Docker(["exec", .. flags, "probed", .. Probe(engine.Process)]));
        await OutputAsync(engine.Client.Docker("rm", "-f", "probed"));
        return Parse(output, engine.CgroupParent);
    }

    // The probe travels as an argument, so that nothing of it is mounted or copied into the container.
    private static IReadOnlyList<string> Probe(string engine) =>
    [
        "perl", "-e", File.ReadAllText(Checkout.Root + "/tests/Berth.Conformance.Tests/Confinement/probe.pl"),
        .. Namespaces.Select(name => new FileInfo($"/proc/{engine}/ns/{name}").LinkTarget ?? throw new InvalidOperationException($"/proc/{engine}/ns/{name} is not a link")),
    ];

    private static async Task<string> OutputAsync(Command command) => (await command.RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess().Output;

    private static Dictionary<string, string> Parse(string output, string cgroupParent)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd('\r')))
        {
            var separator = line.IndexOf(" = ", StringComparison.Ordinal);
            Assert.True(separator > 0, $"the probe printed '{line}'");
            found.Add(line[..separator], line[(separator + 3)..].Replace(cgroupParent + "/", "/PARENT/", StringComparison.Ordinal));
        }

        Assert.True(found.Count > 350, $"the probe printed {found.Count} lines only");
        return found;
    }

    private static Dictionary<string, (string? Berth, string? Docker)> Pairs(Dictionary<string, string> berth, Dictionary<string, string> docker) =>
        berth.Keys.Union(docker.Keys).ToDictionary(key => key, key => (berth.GetValueOrDefault(key), docker.GetValueOrDefault(key)), StringComparer.Ordinal);

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in Enumerable.Reverse(_daemons))
        {
            await daemon.DisposeAsync();
        }
    }

    /// <param name="Process">Below /proc: whose namespaces are "the engine's".</param>
    private sealed record Engine(DockerCli Client, string Process, string CgroupParent);
}
