using Berth.Testing;

namespace Berth.Conformance.Tests.Clients;

/// <summary>A copy of <c>project/</c> and the Docker Compose that works on it.</summary>
internal sealed class ComposeProject
{
    private readonly DockerFixture _docker;
    private readonly Func<string, string[], Command> _compose;

    /// <param name="compose">The command for a folder and arguments.</param>
    internal ComposeProject(DockerFixture docker, string name, Func<string, string[], Command> compose)
    {
        (_docker, _compose, Name) = (docker, compose, name);
        Folder = $"{docker.Daemon.Folder}/{name}";
        foreach (var file in Directory.GetFiles(ClientScripts.Folder + "/project", "*", SearchOption.AllDirectories))
        {
            var copy = Folder + file[(ClientScripts.Folder + "/project").Length..];
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    internal string Name { get; }

    internal string Folder { get; }

    /// <summary>What the compose file's variables are.</summary>
    internal Dictionary<string, string?> Variables { get; } = [];

    internal async Task<CommandResult> RunAsync(params string[] arguments)
    {
        var command = _compose(Folder, ["-p", Name, .. arguments]);
        return await (command with { Environment = command.Environment.Concat(Variables).ToDictionary() }).RunAsync(TestContext.Current.CancellationToken);
    }

    internal async Task<string> OutputAsync(params string[] arguments) => (await RunAsync(arguments)).EnsureSuccess().Output;

    /// <summary>What the client sees at an address.</summary>
    internal async Task<string> FetchAsync(string url = "http://site/index.html") => await OutputAsync("exec", "-T", "client", "wget", "-q", "-O", "-", url);

    /// <summary>Returns once the client sees that at an address.</summary>
    /// <exception cref="Xunit.Sdk.XunitException">It did not come about within 15 s.</exception>
    internal async Task UntilServedAsync(string content)
    {
        for (var patience = System.Diagnostics.Stopwatch.StartNew(); ;)
        {
            var answer = await RunAsync("exec", "-T", "client", "wget", "-q", "-O", "-", "http://site/index.html");
            if (answer.Output == content)
            {
                return;
            }

            Assert.True(patience.Elapsed < TimeSpan.FromSeconds(15), $"not '{content}' but: {answer.Output}{answer.Error}");
        }
    }

    /// <summary>Ids of a service's containers.</summary>
    internal async Task<string[]> ContainersAsync(string service) => (await OutputAsync("ps", "-q", service)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Berth takes the project over: nothing is made anew, a change replaces what it touches, and at the end nothing is left.</summary>
    internal async Task IsCarriedOnAsync()
    {
        var (web, client) = (await ContainersAsync("web"), await ContainersAsync("client"));
        await BerthAsync("up", "-d");
        var plan = await BerthAsync("plan");
        Assert.StartsWith($"{Name}: nothing to do", plan, StringComparison.Ordinal);
        Assert.Equal(web, await ContainersAsync("web"));
        Assert.Equal(client, await ContainersAsync("client"));
        Variables["GREETING"] = "bye";
        plan = await BerthAsync("plan");
        Assert.Contains("environment.GREETING", plan, StringComparison.Ordinal);
        await BerthAsync("up", "-d", "--no-watch");
        await UntilServedAsync("bye from a file\n");
        Assert.NotEqual(web, await ContainersAsync("web"));
        Assert.Equal(client, await ContainersAsync("client"));
        await BerthAsync("down", "-v");
        Assert.Equal("", await LeftAsync());
    }

    private async Task<string> BerthAsync(params string[] words)
    {
        var command = _docker.Daemon.Berth(Folder, ["-p", Name, .. words]);
        return (await (command with { Environment = command.Environment.Concat(Variables).ToDictionary() }).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess().Output;
    }

    /// <summary>Everything in the engine that bears the project's label.</summary>
    internal async Task<string> LeftAsync()
    {
        var label = "label=com.docker.compose.project=" + Name;
        return await _docker.OutputAsync("ps", "-aq", "--filter", label) + await _docker.OutputAsync("network", "ls", "-q", "--filter", label) + await _docker.OutputAsync("volume", "ls", "-q", "--filter", label);
    }
}
