using Berth.Testing;

namespace Berth.Conformance.Tests.Clients;

/// <summary>
/// Jobs that programs do through a library, as scripts in the library's language. A script fails when one of its assertions does; it removes what it made, as all of a class share
/// one engine.
/// </summary>
public static class ClientScripts
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    internal static string Folder => Checkout.Root + "/tests/Berth.Conformance.Tests/Clients";

    /// <summary>The names of those in a folder, in their order.</summary>
    public static TheoryData<string> In(string folder, string pattern) =>
        [.. Directory.GetFiles($"{Folder}/{folder}", pattern).Select(path => Path.GetFileName(path)!).Where(name => !name.StartsWith("common.", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>Runs one against the engine that a client is pointed at.</summary>
    /// <param name="networkOf">A process in the engine's network namespace; null for the host's.</param>
    /// <param name="patience">A minute when null.</param>
    /// <exception cref="InvalidOperationException">With all that the script printed.</exception>
    internal static async Task RunAsync(
        DockerCli client, int? networkOf, string interpreter, string script, TimeSpan? patience = null, params (string Name, string Value)[] variables)
    {
        var temporary = Directory.CreateTempSubdirectory("berth-client-"); // Testcontainers leaves a file there
        var environment = new Dictionary<string, string?>(client.Docker().Environment) { ["PYTHONDONTWRITEBYTECODE"] = "1", ["TMPDIR"] = temporary.FullName };
        foreach (var (name, value) in variables)
        {
            environment[name] = value;
        }

        string[] words = networkOf is { } process ? ["nsenter", $"--net=/proc/{process}/ns/net", interpreter, script] : [interpreter, script];
        var command = new Command(words[0], words[1..]) { Environment = environment, WorkingDirectory = Path.GetDirectoryName(script)!, Timeout = patience ?? s_patience };
        try
        {
            (await command.RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess();
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }
}

/// <summary>Not a test of Berth: what the scripts expect is what Docker does. Needs containerd, runc and iptables, which <c>./test --all</c> installs. ONLY, if set, is a part of their names.</summary>
public sealed class ClientScriptsOnDocker
{
    [Fact(Explicit = true)]
    public async Task All()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await NodePackages.PrepareAsync();
        await using var neighbour = await TestDaemon.StartAsync(cancellationToken);
        await BoxImage.BuildAsync(neighbour, cancellationToken);
        await using var peer = await DockerDaemon.StartAsync(neighbour, cancellationToken);
        var archive = neighbour.Folder + "/box.tar";
        (await neighbour.Docker.Docker("save", "-o", archive, "box").RunAsync(cancellationToken)).EnsureSuccess();
        (await peer.Docker.Docker("load", "-q", "-i", archive).RunAsync(cancellationToken)).EnsureSuccess();
        var scripts = Directory.GetFiles(ClientScripts.Folder + "/python", "*.py").Select(path => ("/usr/bin/python3", path))
            .Concat(Directory.GetFiles(NodePackages.Folder, "dockerode-*.mjs").Select(path => ("node", path)));
        var failures = new List<string>();
        foreach (var (interpreter, script) in scripts.Where(one => one.path.Contains(Environment.GetEnvironmentVariable("ONLY") ?? "", StringComparison.Ordinal)))
        {
            try
            {
                await ClientScripts.RunAsync(peer.Docker, peer.ProcessId, interpreter, script);
            }
            catch (Exception exception) when (exception is InvalidOperationException or TimeoutException)
            {
                failures.Add(exception.Message);
            }

            // A failed build leaves the container of its step, and a failed script what it had.
            var left = (await peer.Docker.Docker("ps", "-aq").RunAsync(cancellationToken)).EnsureSuccess().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (left.Length > 0)
            {
                (await peer.Docker.Docker(["rm", "-f", .. left]).RunAsync(cancellationToken)).EnsureSuccess();
            }
        }

        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
    }
}
