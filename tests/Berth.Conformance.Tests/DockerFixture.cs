using Berth.Testing;

namespace Berth.Conformance.Tests;

/// <summary>A daemon of the tests' own with Docker's real client, and an image <c>box</c> built by it from this host's busybox.</summary>
public sealed class DockerFixture : IAsyncLifetime
{
    private TestDaemon? _daemon;

    public TestDaemon Daemon => _daemon ?? throw new InvalidOperationException("the daemon is not up");

    public async ValueTask InitializeAsync()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await DockerCli.PrepareAsync(cancellationToken);
        _daemon = await TestDaemon.StartAsync(cancellationToken);
        await BoxImage.BuildAsync(Daemon, cancellationToken);
    }

    public async Task<CommandResult> DockerAsync(params string[] arguments) =>
        await Daemon.Docker.Docker(arguments).RunAsync(TestContext.Current.CancellationToken);

    public async Task<CommandResult> DockerWithInputAsync(string input, params string[] arguments) =>
        await (Daemon.Docker.Docker(arguments) with { Input = input }).RunAsync(TestContext.Current.CancellationToken);

    public async Task<string> OutputAsync(params string[] arguments) => (await DockerAsync(arguments)).EnsureSuccess().Output;

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            await _daemon.DisposeAsync();
        }
    }
}
