using System.Security.Cryptography;
using System.Text;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Exec;
using Berth.Engine.Containers.Logs;
using Berth.Engine.State;
using Berth.Engine.Tests.Images;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Engine.Tests.Containers;

/// <summary>
/// A whole engine on the real kernel with roots, rules, links and cgroups of its own, its data plane included, and an image
/// <c>box</c> of this host's busybox. Disposing it leaves nothing behind.
/// </summary>
public class TestEngine : IAsyncLifetime
{
    private readonly string _root = Directory.CreateTempSubdirectory("berth-engine-").FullName;
    private EngineOptions _options;

    public TestEngine()
        : this(static options => options)
    {
    }

    protected TestEngine(Func<EngineOptions, EngineOptions> adapt)
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3));
        _options = adapt(new EngineOptions
        {
            DataRoot = _root + "/data", ExecRoot = _root + "/run", Name = "be" + id, DefaultBridge = "be" + id, BridgePrefix = "be-", CgroupParent = "/be" + id,
            AddressPools = [new($"10.{RandomNumberGenerator.GetInt32(213, 229)}.{RandomNumberGenerator.GetInt32(0, 16) * 16}.0/20", 26)],
            EdgePath = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "berth-edge")),
        });
    }

    public EngineHost Host { get; private set; } = null!;

    public EngineOptions Options => _options;

    public string Root => _root;

    public async ValueTask InitializeAsync()
    {
        await StartAsync();
        var directory = Host.Images.Layers.CreateDirectory();
        foreach (var folder in new[] { "bin", "etc", "tmp", "root", "proc", "sys", "dev", "data" })
        {
            Directory.CreateDirectory($"{directory}/{folder}");
        }

        File.Copy("/usr/bin/busybox", directory + "/bin/busybox");
        foreach (var applet in new[] { "sh", "cat", "echo", "ls", "sleep", "true", "false", "id", "env", "nc", "httpd", "nslookup", "wget", "stat", "trap", "grep", "hostname", "mkdir", "chown", "dd", "tail", "seq", "test", "touch", "rm", "mount", "unshare", "head", "timeout" })
        {
            File.CreateSymbolicLink($"{directory}/bin/{applet}", "busybox");
        }

        await File.WriteAllTextAsync(directory + "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n");
        await File.WriteAllTextAsync(directory + "/etc/group", "root:x:0:\napp:x:1001:\nextra:x:50:app\n");
        await File.WriteAllTextAsync(directory + "/data/from-image", "image\n");
        await TestImages.AddDirectoryAsync(Host.Images, "box", directory);
    }

    /// <summary>Ends the engine as a killed daemon would, containers running on, and starts another on the same roots.</summary>
    /// <param name="adapt">Changes the options of the next one.</param>
    public async Task RestartAsync(Func<EngineOptions, EngineOptions>? adapt = null)
    {
        await Host.DisposeAsync();
        _options = adapt?.Invoke(_options) ?? _options;
        await StartAsync();
    }

    /// <summary>Makes and starts a container that runs a shell script.</summary>
    public async Task<Container> RunAsync(string script, Func<ContainerConfig, ContainerConfig>? config = null, Func<HostConfig, HostConfig>? host = null, string? name = null)
    {
        var container = await CreateAsync(["sh", "-c", script], config, host, name);
        await Host.Containers.StartAsync(container);
        return container;
    }

    public Task<Container> CreateAsync(
        IReadOnlyList<string> command, Func<ContainerConfig, ContainerConfig>? config = null, Func<HostConfig, HostConfig>? host = null, string? name = null,
        NetworkingConfig? networking = null)
    {
        var asked = new ContainerConfig { Image = "box", Cmd = command };
        var onHost = new HostConfig { NetworkMode = "none" };
        return Host.Containers.CreateAsync(name, config?.Invoke(asked) ?? asked, host?.Invoke(onHost) ?? onHost, networking);
    }

    /// <summary>Runs a script to its end and returns its exit code and output.</summary>
    public async Task<(int ExitCode, string Output)> ResultAsync(string script, Func<ContainerConfig, ContainerConfig>? config = null, Func<HostConfig, HostConfig>? host = null)
    {
        var container = await RunAsync(script, config, host);
        var exit = await container.WaitAsync(WaitCondition.NotRunning).WaitAsync(TimeSpan.FromSeconds(60));
        var output = await LogAsync(container);
        await Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: true);
        return (exit.ExitCode, output);
    }

    public async Task<string> LogAsync(Container container, int? tail = null)
    {
        var text = new StringBuilder();
        await foreach (var line in Host.Containers.Logs(container).ReadAsync(new LogOptions { Stdout = true, Stderr = true, Tail = tail }, default))
        {
            text.Append(Encoding.UTF8.GetString(line.Text.Span)).Append(line.IsPartial ? "" : "\n");
        }

        return text.ToString();
    }

    /// <summary>Runs a command in a container and returns its exit code and output.</summary>
    public Task<(int ExitCode, string Output)> ExecAsync(Container container, params string[] command) =>
        Host.Containers.Execs.CaptureAsync(container, new ExecConfig { Cmd = command }, 1 << 20, new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token);

    /// <summary>Waits until the engine reports what is expected of a container.</summary>
    public async Task UntilAsync(Func<bool> condition, string what)
    {
        using var events = Host.Events.Subscribe(null);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition())
        {
            try
            {
                await events.Reader.ReadAsync(timeout.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"{what} did not happen within 30 s");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var container in Host.Containers.All)
        {
            await Host.Containers.RemoveAsync(container, force: true, withAnonymousVolumes: true);
        }

        await Host.CleanUpAsync();
        await Host.DisposeAsync();
        Directory.Delete(_root, recursive: true);
        GC.SuppressFinalize(this);
    }

    private async Task StartAsync() => Host = await EngineHost.StartAsync(_options, new(), NullLoggerFactory.Instance, TimeProvider.System, FaultPoints.None);
}
