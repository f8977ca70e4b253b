using System.Text.RegularExpressions;
using Berth.Testing;

namespace Berth.Conformance.Tests;

/// <summary><c>berth docker VERB</c> knows every option of <c>docker VERB</c>, by its long name and by its letter, as both tell in their help.</summary>
public sealed partial class GrammarTests
{
    private const string Windows = "for Windows";
    private const string Swarm = "for a swarm";
    private const string Gone = "without effect in Docker itself";
    private const string Experimental = "experimental in Docker";

    private static readonly Dictionary<string, string> s_left = new(StringComparer.Ordinal)
    {
        ["--cpu-count"] = Windows, ["--cpu-percent"] = Windows, ["--io-maxbandwidth"] = Windows, ["--io-maxiops"] = Windows, ["--isolation"] = Windows, ["--security-opt (build)"] = Windows,
        ["--disable-content-trust"] = Gone, ["--kernel-memory"] = Gone,
        ["--squash"] = Experimental, ["--checkpoint"] = Experimental, ["--checkpoint-dir"] = Experimental, ["--use-api-socket"] = Experimental, ["--tree"] = Experimental,
        ["--ingress"] = Swarm, ["--config-from"] = Swarm, ["--config-only"] = Swarm, ["--scope (network create)"] = Swarm, ["--scope (volume create)"] = Swarm, ["--verbose (network inspect)"] = Swarm, ["--cluster"] = Swarm, ["--availability"] = Swarm, ["--group"] = Swarm,
        ["--limit-bytes"] = Swarm, ["--required-bytes"] = Swarm, ["--secret"] = Swarm, ["--sharing"] = Swarm, ["--topology-preferred"] = Swarm, ["--topology-required"] = Swarm, ["--type (volume create)"] = Swarm,
        ["--platform (rmi)"] = "an image here is for one platform", ["--platform (image rm)"] = "an image here is for one platform", ["--platform (image inspect)"] = "an image here is for one platform",
    };

    public static TheoryData<string> Verbs =>
    [
        "run", "create", "exec", "logs", "ps", "inspect", "start", "stop", "restart", "kill", "rm", "rmi", "pull", "push", "build", "images", "tag", "save", "load", "commit", "cp", "attach", "wait", "top", "stats", "port",
        "pause", "unpause", "update", "rename", "diff", "export", "import", "history", "login", "logout", "search", "events", "info", "version",
        "network create", "network connect", "network disconnect", "network ls", "network rm", "network inspect", "network prune", "volume create", "volume ls", "volume rm", "volume prune", "volume inspect",
        "system df", "system prune", "system info", "system events", "builder prune", "image prune", "image ls", "image rm", "image inspect", "image history", "image build",
        "container prune", "container ls", "container inspect", "container run", "container rm",
    ];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_option_is_known(string verb)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await DockerCli.PrepareAsync(cancellationToken);
        var words = verb.Split(' ');
        var docker = Options((await new DockerCli("/nowhere", Path.GetTempPath()).Docker([.. words, "--help"]).RunAsync(cancellationToken)).EnsureSuccess().Output);
        var berth = Options((await new Command(Checkout.Program("Berth.Cli", "berth-cli"), ["docker", .. words, "--help"]).RunAsync(cancellationToken)).EnsureSuccess().Output);

        Assert.True(docker.ContainsKey("--help") || docker.Count > 0 || verb is "wait" or "pause" or "unpause" or "rename" or "diff" or "tag" or "top" or "port" or "logout", "Docker's help could not be read");
        var missing = docker.Where(option => !berth.TryGetValue(option.Key, out var letter) || letter != option.Value)
            .Where(option => option.Key != "--help" && !s_left.ContainsKey(option.Key) && !s_left.ContainsKey($"{option.Key} ({verb.Split(' ')[^1]})") && !s_left.ContainsKey($"{option.Key} ({verb})"))
            .Select(option => $"{option.Value} {option.Key}");
        Assert.Empty(missing);
    }

    // Long name and letter; the letter is empty without one.
    private static Dictionary<string, string> Options(string help) =>
        OptionLine().Matches(help).ToDictionary(match => match.Groups["long"].Value, match => match.Groups["letter"].Value, StringComparer.Ordinal);

    [GeneratedRegex(@"^ +(?:(?<letter>-[a-zA-Z]), +| +)?(?<long>--[a-z0-9-]+)", RegexOptions.Multiline)]
    private static partial Regex OptionLine();
}
