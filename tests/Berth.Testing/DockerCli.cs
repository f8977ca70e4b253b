namespace Berth.Testing;

/// <summary>
/// The real <c>docker</c> client and Docker Compose, pointed at one daemon. They come from <c>tests/tools/modern-docker.sh</c>, which
/// unpacks them below <c>artifacts/</c> once; nothing is installed.
/// </summary>
/// <param name="socket">The daemon's unix socket.</param>
/// <param name="configFolder">An empty folder for the client's own settings, so that the developer's have no effect.</param>
public sealed class DockerCli(string socket, string configFolder)
{
    private static readonly string Folder = Checkout.Artifacts + "/peers/modern-docker";

    /// <summary>Unpacks the clients if this checkout doesn't have them yet.</summary>
    public static async Task PrepareAsync(CancellationToken cancellationToken)
    {
        var script = new Command(Checkout.Root + "/tests/tools/modern-docker.sh", Folder) { Timeout = TimeSpan.FromMinutes(5) };
        (await script.RunAsync(cancellationToken)).EnsureSuccess();
    }

    /// <summary>The client with these words.</summary>
    public Command Docker(params IReadOnlyList<string> arguments) => new(Folder + "/usr/bin/docker", arguments) { Environment = Environment };

    /// <summary>Docker Compose, run in the folder of a project.</summary>
    public Command Compose(string projectFolder, params IReadOnlyList<string> arguments) =>
        new(Folder + "/usr/libexec/docker/cli-plugins/docker-compose", arguments) { Environment = Environment, WorkingDirectory = projectFolder };

    private Dictionary<string, string?> Environment => new()
    {
        ["DOCKER_HOST"] = "unix://" + socket,
        ["DOCKER_CONFIG"] = configFolder,
        ["DOCKER_BUILDKIT"] = "0",
        ["DOCKER_CONTEXT"] = null,
        ["COMPOSE_PROJECT_NAME"] = null,
        ["COMPOSE_FILE"] = null,
    };
}
