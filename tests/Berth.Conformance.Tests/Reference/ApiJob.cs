using System.Text.RegularExpressions;
using Berth.Conformance.Tests.Clients;
using Berth.Conformance.Tests.Scenarios;
using Berth.Testing;

namespace Berth.Conformance.Tests.Reference;

/// <summary>What a test does with the API, as text.</summary>
/// <param name="Title">As the page names it.</param>
/// <param name="Text">In which flags and words are looked for; a test in C# is written as the command lines that it runs.</param>
/// <param name="Differs">What is missing, if it is known not to be as on Docker; else null.</param>
internal sealed partial record ApiJob(string Title, string Text, string? Differs)
{
    // What makes or changes things other than containers.
    private static readonly Dictionary<string, string> s_verbs = new(StringComparer.Ordinal)
    {
        ["Update"] = "update", ["New execution"] = "exec", ["New network"] = "network create", ["New volume"] = "volume create", ["Build"] = "build",
    };

    // Options, each with a value or without.
    private const string Options = @"( -[^ ]+( [^- \n]('[^']*'|[^' \n])*)?)*?";

    /// <summary>All scenarios, scripts of clients, and tests of this project.</summary>
    internal static IReadOnlyList<ApiJob> All() => [.. Scenarios(), .. Scripts("python", "*.py"), .. Scripts("node", "*.mjs"), .. Tests()];

    /// <summary>Whether an endpoint is asked for, or a field set.</summary>
    internal bool Exercises(ApiEntry entry) => Pattern(entry).IsMatch(Text);

    private static Regex Pattern(ApiEntry entry)
    {
        var choices = entry.Words.Select(Regex.Escape).ToList();
        if (entry.IsEndpoint)
        {
            choices.AddRange(entry.Flags.Select(verb => $@"\bdocker (container )?{Regex.Escape(verb)}\b(?! (ls|rm|create|inspect|prune|connect|disconnect|df)\b)"));
            var path = Regex.Replace(Regex.Escape(entry.Path), @"\\\{[a-z]+}", """[^/ '"?]+""");
            choices.Add(entry.Method == "HEAD" ? $"head_of ['\"]?{path}(?![/a-z])" : $"api {entry.Method} ['\"]?{path}(?![/a-z])");
        }
        else if (s_verbs.TryGetValue(entry.Group, out var verb))
        {
            // Among its options, each with a value or without.
            choices.AddRange(entry.Flags.Select(flag => $@"\bdocker {verb}{Options} {Flag(flag)}"));
            choices.AddRange(entry.Flags.Select(flag => $@"(^|; )build{Options} {Flag(flag)}").Where(_ => verb == "build")); // the function of a scenario
        }
        else
        {
            // Up to the image's name: what follows is the program's.
            choices.AddRange(entry.Flags.Where(flag => !flag.StartsWith("box", StringComparison.Ordinal))
                .Select(flag => $@"\bdocker (run|create|network connect)\b((?! (box|users|envs)\b)[^\n|;])*? {Flag(flag)}"));
            choices.AddRange(entry.Flags.Where(flag => flag.StartsWith("box", StringComparison.Ordinal)).Select(flag => $@"\bdocker (run|create)\b[^\n]* {Regex.Escape(flag)}\b"));
            if (entry.Group.EndsWith("Config", StringComparison.Ordinal)) // names of the others are names of much else
            {
                choices.Add($"\\b{entry.Name}\"?: ?(?!None|null)");
            }
        }

        return new(choices.Count > 0 ? string.Join('|', choices) : @"\z\A.", RegexOptions.ExplicitCapture | RegexOptions.Multiline);
    }

    // --mount *size= is an option somewhere in the flag's value; others stand for themselves, with a value behind a blank or =.
    private static string Flag(string flag) => flag.Split(" *") is [var name, var option]
        ? $@"{name}[ =][^ \n]*{Regex.Escape(option)}"
        : Regex.Escape(flag) + (flag.Contains('/', StringComparison.Ordinal) ? "" : @"(?=[ =\n])");

    private static IEnumerable<ApiJob> Scenarios()
    {
        var open = ScenarioFile.Open();
        foreach (var group in ScenarioFile.All().Where(one => one.File != "mistakes").GroupBy(one => one.File)) // what is refused shows no effect
        {
            var parts = ("\n" + File.ReadAllText($"{ScenarioFile.Folder}/{group.Key}.sh")).Split("\n#: ").Skip(1).ToDictionary(part => part.Split('\n', 2)[0], part => part);
            foreach (var (file, title) in group)
            {
                yield return new($"{file}: {title}", parts[title].Replace("\\\n", " ", StringComparison.Ordinal), open.GetValueOrDefault((file, title)));
            }
        }
    }

    private static IEnumerable<ApiJob> Scripts(string folder, string pattern) => Directory.GetFiles($"{ClientScripts.Folder}/{folder}", pattern).Order(StringComparer.Ordinal)
        .Where(path => !Path.GetFileName(path).StartsWith("common.", StringComparison.Ordinal)).Select(path => new ApiJob(Path.GetFileName(path), File.ReadAllText(path), null));

    private static IEnumerable<ApiJob> Tests()
    {
        foreach (var path in new[] { "", "/Clients" }.SelectMany(folder => Directory.GetFiles(Checkout.Root + "/tests/Berth.Conformance.Tests" + folder, "*Tests.cs")).Order(StringComparer.Ordinal))
        {
            foreach (var part in TestMethod().Split(File.ReadAllText(path)).Skip(1).Chunk(2))
            {
                var text = Call().Replace(part[1], "docker ").Replace("\", \"", " ", StringComparison.Ordinal);
                yield return new($"{Path.GetFileNameWithoutExtension(path)}: {part[0].Replace('_', ' ')}", text, null);
            }
        }
    }

    [GeneratedRegex(@"    public async Task ([A-Z]\w*)\(")]
    private static partial Regex TestMethod();

    [GeneratedRegex(@"docker\.(Output|Docker|DockerWithInput)Async\([^""]*""", RegexOptions.ExplicitCapture)]
    private static partial Regex Call();
}
