using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Berth.Compose.Model;
using Berth.Compose.Output;
using Berth.Testing;

namespace Berth.Compose.Tests;

/// <summary>
/// Docker Compose 2 as the judge of what a project means: for each that a test loads, its <c>config --format json</c> says the same as Berth's, but for what is listed here with its
/// reason. With <c>BERTH_TEST_JUDGE=no</c> in the environment, as in <c>./test --quick</c>, which fetches no packages, nobody is asked.
/// </summary>
internal static partial class ComposeJudge
{
    // What may differ, and why.
    private static readonly (Regex Difference, string Reason)[] s_exceptions =
    [
        (Extension(), "Compose leaves the extensions of services out of its JSON; a release keeps Berth's own with the rest"),
        (Number(), "Compose makes numbers of what looks like some and writes them in its own way; a value keeps every byte"),
        (NameAlone(), "a name alone in an environment file has the caller's value (05-services.md, env_file); Compose gives it to a variable without a name"),
        (NoDetails(), "an anonymous volume of a second file has no empty mapping in Compose's output, in which it says nothing"),
        (LastSlash(), "the same folder, with and without a slash at its end"),
        (CreateHostPath(), "Compose leaves 'false' out of its JSON, where it says something else than nothing"),
        (Surrogates(), "it is JSON with pairs of escapes for one character, which Compose's reader of YAML does not take"),
        (AbsentDependency(), "one that is not required need not be there (05-services.md, depends_on); Compose has to know a service of the name, though its own output has none"),
        (NoSwapLimit(), "Compose writes -1 as a text, which it does not read"),
        (Microseconds(), "05-services.md, cpu_rt_runtime: a duration or a number of microseconds; Compose takes the number only"),
        (SshPath(), "build.md, \"ssh\"; Compose cannot write an agent with a path as JSON"),
    ];

    private static readonly string s_compose = Checkout.Artifacts + "/peers/modern-docker/usr/libexec/docker/cli-plugins/docker-compose";
    private static readonly Lazy<Task> s_prepared = new(() => DockerCli.PrepareAsync(CancellationToken.None));

    private static bool IsAsked { get; } = Environment.GetEnvironmentVariable("BERTH_TEST_JUDGE") != "no";

    /// <summary>What the two say differently, each as <c>path: Compose's value | Berth's value</c>.</summary>
    internal static IReadOnlyList<string> Compare(ComposeLoadOptions options, ProjectModel project)
    {
        if (!IsAsked)
        {
            return [];
        }

        s_prepared.Value.GetAwaiter().GetResult();
        var result = Command(options).RunAsync(CancellationToken.None).GetAwaiter().GetResult();
        if (result.ExitCode != 0)
        {
            var refusal = $"Compose refuses it: {result.Error.Trim()}";
            return IsException(refusal) ? [] : [refusal];
        }

        var differences = new List<string>();
        Compare("", JsonNode.Parse(result.Output), JsonNode.Parse(ComposeWriter.WriteJson(ProjectSelection.Of(project, options.NamedServices))), differences);
        return [.. differences.Where(difference => !IsException(difference))];
    }

    private static Command Command(ComposeLoadOptions options) => new(
        "/usr/bin/env",
        [
            "-i", .. options.Environment.Select(pair => $"{pair.Key}={pair.Value}"), s_compose,
            .. options.Files.SelectMany(file => new[] { "--file", file }),
            .. options.EnvFiles.SelectMany(file => new[] { "--env-file", file }),
            .. options.Profiles.SelectMany(profile => new[] { "--profile", profile }),
            .. options.ProjectName is { } name ? new[] { "--project-name", name } : [],
            .. options.ProjectDirectory is { } folder ? new[] { "--project-directory", folder } : [],
            "config", "--format", "json", .. options.NamedServices,
        ])
    {
        WorkingDirectory = options.CurrentFolder, Input = options.StandardInput ?? "",
    };

    private static void Compare(string path, JsonNode? theirs, JsonNode? ours, List<string> differences)
    {
        switch (theirs, ours)
        {
            case (JsonObject left, JsonObject right):
                foreach (var key in left.Select(pair => pair.Key).Union(right.Select(pair => pair.Key)).Order(StringComparer.Ordinal))
                {
                    if (left.ContainsKey(key) && right.ContainsKey(key))
                    {
                        Compare($"{path}/{key}", left[key], right[key], differences);
                    }
                    else
                    {
                        differences.Add($"{path}/{key}: {(left.ContainsKey(key) ? Text(left[key]) : "-")} | {(right.ContainsKey(key) ? Text(right[key]) : "-")}");
                    }
                }

                break;
            case (JsonArray left, JsonArray right) when left.Count == right.Count:
                for (var index = 0; index < left.Count; index++)
                {
                    Compare($"{path}/{index}", left[index], right[index], differences);
                }

                break;
            default:
                if (!JsonNode.DeepEquals(theirs, ours))
                {
                    differences.Add($"{path}: {Text(theirs)} | {Text(ours)}");
                }

                break;
        }
    }

    private static string Text(JsonNode? node) => node?.ToJsonString(JsonSerializerOptions.Web) ?? "null";

    private static bool IsException(string difference) => s_exceptions.Any(one => one.Difference.IsMatch(difference));

    [GeneratedRegex(@"^/services/[^/]+/x-berth: - \|")]
    private static partial Regex Extension();

    [GeneratedRegex(@"^/services/[^/]+/environment/\w+: ""[-+.0-9a-fA-F]+"" \| ""[-+.0-9a-zA-Z_]+""$")]
    private static partial Regex Number();

    [GeneratedRegex(@"^/services/[^/]+/environment/(: ""A"" \| -|A: - \| ""caller"")$")]
    private static partial Regex NameAlone();

    [GeneratedRegex(@"^/services/[^/]+/volumes/\d+/volume: - \| \{\}$")]
    private static partial Regex NoDetails();

    [GeneratedRegex(@"^/services/[^/]+/volumes/\d+/source: ""(.*)/"" \| ""\1""$")]
    private static partial Regex LastSlash();

    [GeneratedRegex(@"^/services/[^/]+/volumes/\d+/bind/create_host_path: - \| false$")]
    private static partial Regex CreateHostPath();

    [GeneratedRegex("^Compose refuses it: .*invalid Unicode character escape code$", RegexOptions.Singleline)]
    private static partial Regex Surrogates();

    [GeneratedRegex("^Compose refuses it: service \"web\" depends on undefined service \"off\"")]
    private static partial Regex AbsentDependency();

    [GeneratedRegex("memswap_limit' invalid size: '-1'$")]
    private static partial Regex NoSwapLimit();

    [GeneratedRegex("^Compose refuses it: .*services.a.cpu_[a-z_]+: failed to cast to expected type: .*parsing \"[0-9]+[mu]?s\"", RegexOptions.Singleline)]
    private static partial Regex Microseconds();

    [GeneratedRegex("^Compose refuses it: json: error calling MarshalJSON for type types.SSHKey")]
    private static partial Regex SshPath();
}
