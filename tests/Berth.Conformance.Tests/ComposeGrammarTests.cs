using System.Text.RegularExpressions;
using Berth.Testing;

namespace Berth.Conformance.Tests;

/// <summary>
/// <c>berth compose VERB</c> knows every option of <c>docker compose VERB</c>, by its long name and by its letter, as both tell in their help; and each of them is used in a scenario that is compared
/// with Docker Compose, or in a test that is named here.
/// </summary>
public sealed partial class ComposeGrammarTests
{
    private const string OnlyBuildKit = "Berth's builder has no such output";
    private const string NoModel = "compose-go's own forms between the files and the result, which Berth does not have";

    private static readonly Dictionary<string, string> s_left = new(StringComparer.Ordinal)
    {
        ["build --check"] = OnlyBuildKit, ["build --print"] = OnlyBuildKit, ["config --no-normalize"] = NoModel, ["config --no-env-resolution"] = NoModel,
    };

    // What no scenario can show: it needs a terminal, a registry, an agent or somebody who changes files.
    private static readonly Dictionary<string, string> s_elsewhere = new(StringComparer.Ordinal)
    {
        ["build --ssh"] = "ComposeKeysTests.A_build_with_an_agent_or_a_key_and_one_with_all_rights",
        ["build --pull"] = "ServiceVerbTests.What_needs_a_registry_is_fetched_pinned_and_sent", ["build --push"] = "ServiceVerbTests.What_needs_a_registry_is_fetched_pinned_and_sent",
        ["config --resolve-image-digests"] = "ServiceVerbTests.What_needs_a_registry_is_fetched_pinned_and_sent", ["config --lock-image-digests"] = "ServiceVerbTests.What_needs_a_registry_is_fetched_pinned_and_sent",
        ["build --builder"] = "ServiceVerbTests.A_build_says_what_it_does_not_make", ["build --provenance"] = "ServiceVerbTests.A_build_says_what_it_does_not_make",
        ["build --sbom"] = "ServiceVerbTests.A_build_says_what_it_does_not_make", ["build --memory"] = "ServiceVerbTests.A_build_says_what_it_does_not_make",
        ["up --watch"] = "WatchTests.Containers_follow_the_files", ["watch --no-up"] = "WatchTests.Containers_follow_the_files",
        ["watch --quiet"] = "WatchTests.A_watch_removes_the_images_that_it_has_built_itself", ["watch --prune"] = "WatchTests.A_watch_removes_the_images_that_it_has_built_itself",
    };

    public static TheoryData<string> Verbs =>
    [
        "", "attach", "build", "commit", "config", "cp", "create", "down", "events", "exec", "export", "images", "kill", "logs", "ls", "pause", "port", "ps", "pull", "push", "restart", "rm", "run", "scale", "start", "stats",
        "stop", "top", "unpause", "up", "version", "volumes", "wait", "watch",
    ];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_option_is_known(string verb)
    {
        var berth = Options((await new Command(Checkout.Program("Berth.Cli", "berth-cli"), ["compose", .. verb.Length == 0 ? ["up"] : new[] { verb }, "--help"]).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess().Output);
        Assert.Empty((await DockersAsync(verb))
            .Where(option => !berth.TryGetValue(option.Key, out var letter) || letter != option.Value)
            .Where(option => !s_left.ContainsKey($"{verb} {option.Key}")).Select(option => $"{option.Value} {option.Key}"));
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_option_is_used_in_a_test(string verb)
    {
        var commands = new[] { "projects", "services" }.SelectMany(file => File.ReadLines($"{ScenarioFolder}/{file}.sh")).SelectMany(line => CommandStart().Split(line)).ToList();
        bool IsUsed(string option) => commands.Any(command => verb.Length == 0
            ? Regex.IsMatch(command, $@"(^| ){option}[ =]")
            : Regex.IsMatch(command, $@"^(\S* )*?{verb}( .*)? {option}($|[ =;)])", RegexOptions.IgnoreCase));
        List<string> unused = [.. (await DockersAsync(verb)).Keys.Where(option => option != "--dry-run" && !IsUsed(option)).Select(option => $"{verb} {option}").Except(s_left.Keys).Except(s_elsewhere.Keys)];
        Assert.Empty(unused);
    }

    [Fact]
    public void The_tests_that_are_named_are_there() => Assert.All(s_elsewhere.Values.Distinct(), name =>
    {
        var (type, method) = (name.Split('.')[0], name.Split('.')[1]);
        var file = Assert.Single(Directory.GetFiles(Checkout.Root + "/tests", type + ".cs", SearchOption.AllDirectories));
        Assert.Contains($" {method}(", File.ReadAllText(file), StringComparison.Ordinal);
    });

    private static string ScenarioFolder => Checkout.Root + "/tests/Berth.Conformance.Tests/Scenarios";

    private static async Task<Dictionary<string, string>> DockersAsync(string verb)
    {
        await DockerCli.PrepareAsync(TestContext.Current.CancellationToken);
        var help = (await new DockerCli("/nowhere", Path.GetTempPath()).Compose("/", [.. verb.Length == 0 ? Array.Empty<string>() : [verb], "--help"]).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess().Output;
        var options = Options(help);
        options.Remove("--help");
        return options;
    }

    // Long name and letter; the letter is empty without one.
    private static Dictionary<string, string> Options(string help) =>
        OptionLine().Matches(help).ToDictionary(match => match.Groups["long"].Value.ToLowerInvariant(), match => match.Groups["letter"].Value, StringComparer.Ordinal);

    [GeneratedRegex(@"^ {2,6}(?:(?<letter>-[a-zA-Z]), )?(?<long>--[a-zA-Z0-9-]+)", RegexOptions.Multiline)]
    private static partial Regex OptionLine();

    [GeneratedRegex(@"\bcompose |\$COMPOSE ")]
    private static partial Regex CommandStart();
}
