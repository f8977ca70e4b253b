using Berth.Testing;

namespace Berth.EndToEnd.Tests.Forum;

/// <summary>
/// <c>examples/forum</c> as a stranger starts it: copied from the checkout, built and brought up on a daemon with an empty data root.
/// </summary>
public sealed class ForumStack : IAsyncLifetime
{
    private TestDaemon? _daemon;

    public TestDaemon Daemon => _daemon ?? throw new InvalidOperationException("the stack is not up");

    public string Folder => Daemon.Folder + "/forum";

    public int Port { get; } = Ports.Free();

    public Uri Address => new($"http://localhost:{Port}/");

    public async ValueTask InitializeAsync()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await DockerCli.PrepareAsync(cancellationToken);
        _daemon = await TestDaemon.StartAsync(cancellationToken);
        Example.Copy("forum", Folder);
        await File.WriteAllTextAsync(Folder + "/.env", $"FORUM_PORT={Port}\n", cancellationToken);
        await UpAsync(cancellationToken);
    }

    public async Task UpAsync(CancellationToken cancellationToken) => await RunAsync(["up", "-d", "--wait"], cancellationToken);

    public async Task DownAsync(CancellationToken cancellationToken) => await RunAsync(["down"], cancellationToken);

    /// <summary>Runs a program in a container; its exit code is the answer.</summary>
    public async Task<CommandResult> ExecAsync(string container, IReadOnlyList<string> command, CancellationToken cancellationToken) =>
        await Daemon.Docker.Docker(["exec", container, .. command]).RunAsync(cancellationToken);

    public async Task<string> InspectAsync(string container, string format, CancellationToken cancellationToken) =>
        (await Daemon.Docker.Docker("inspect", "--format", format, container).RunAsync(cancellationToken)).EnsureSuccess().Output.Trim();

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            await _daemon.DisposeAsync();
        }
    }

    private async Task RunAsync(string[] verb, CancellationToken cancellationToken) =>
        (await (Daemon.Berth(Folder, verb) with { Timeout = Example.BuildPatience }).RunAsync(cancellationToken)).EnsureSuccess();
}
