using Berth.Testing;

namespace Berth.Conformance.Tests.Scenarios;

/// <summary>Jobs that users do with Docker's client, as shell scripts, and what they saw on Docker.</summary>
public static class ScenarioFile
{
    private const string TitleMark = "#: ";

    /// <summary>For what is compared with Docker's.</summary>
    internal static string BerthsCompose => Checkout.Program("Berth.Cli", "berth-cli") + " compose";

    internal static string Folder => Checkout.Root + "/tests/Berth.Conformance.Tests/Scenarios";

    /// <summary>All scenarios: the file's name without extension, and the title.</summary>
    internal static IEnumerable<(string File, string Title)> All() => Directory.GetFiles(Folder, "*.sh").Where(path => Path.GetFileName(path) != "run.sh").Order(StringComparer.Ordinal)
        .SelectMany(path => File.ReadLines(path).Where(line => line.StartsWith(TitleMark, StringComparison.Ordinal)).Select(line => (Path.GetFileNameWithoutExtension(path), line[TitleMark.Length..])));

    /// <summary>The titles in one file.</summary>
    public static TheoryData<string> Titles(string file) => [.. All().Where(one => one.File == file).Select(one => one.Title)];

    /// <summary>Runs one on Berth and compares what it prints. One that is known to differ, in <c>Open.txt</c>, is skipped with what is missing.</summary>
    internal static async Task CheckAsync(DockerFixture docker, string file, string title)
    {
        var missing = Open().GetValueOrDefault((file, title));
        Assert.SkipWhen(missing is not null, missing ?? "");
        Assert.True(ReadRecorded(file).TryGetValue(title, out var expected), "it was not recorded on Docker yet: tests/tools/record-scenarios.sh");
        var printed = await RunAsync(docker.Daemon.Docker, BerthsCompose, networkOf: null, file, title, TestContext.Current.CancellationToken);
        Assert.True(expected!.TrimEnd('\n') == printed.TrimEnd('\n'), $"Docker printed:\n{expected}\nBerth printed:\n{printed}");
    }

    // FILE: TITLE | WHAT IS MISSING
    internal static Dictionary<(string File, string Title), string> Open() => File.ReadLines(Folder + "/Open.txt").Select(line => line.Split(" | ", 2)).Where(parts => parts.Length == 2)
        .ToDictionary(parts => (parts[0].Split(": ", 2)[0], parts[0].Split(": ", 2)[1]), parts => parts[1]);

    /// <summary>Runs one against the engine that a client is pointed at. Returns what it printed.</summary>
    /// <param name="compose">The program and first words of the Compose that is used.</param>
    /// <param name="networkOf">A process in the engine's network namespace; null for the host's.</param>
    internal static async Task<string> RunAsync(DockerCli client, string compose, int? networkOf, string file, string title, CancellationToken cancellationToken)
    {
        var docker = client.Docker();
        var environment = new Dictionary<string, string?>(docker.Environment)
        {
            ["PATH"] = $"{Path.GetDirectoryName(docker.Program)}:{Environment.GetEnvironmentVariable("PATH")}",
            ["COMPOSE"] = compose,
            ["NETWORK_OF"] = networkOf?.ToString(System.Globalization.CultureInfo.InvariantCulture),
        };
        var command = new Command(Folder + "/run.sh", $"{Folder}/{file}.sh", title) { Environment = environment, Timeout = TimeSpan.FromSeconds(120) };
        return (await command.RunAsync(cancellationToken)).Output;
    }

    /// <summary>What Docker printed, by title.</summary>
    internal static Dictionary<string, string> ReadRecorded(string file)
    {
        var recorded = new Dictionary<string, string>(StringComparer.Ordinal);
        var path = $"{Folder}/Recorded/{file}.txt";
        foreach (var part in File.Exists(path) ? File.ReadAllText(path).Split('\n' + TitleMark).Skip(1) : [])
        {
            var end = part.IndexOf('\n', StringComparison.Ordinal);
            recorded[part[..end]] = part[(end + 1)..];
        }

        return recorded;
    }

    internal static void WriteRecorded(string file, string engine, IEnumerable<(string Title, string Output)> recorded) =>
        File.WriteAllText($"{Folder}/Recorded/{file}.txt", $"# {engine}" + string.Concat(recorded.Select(one => $"\n{TitleMark}{one.Title}\n{one.Output.TrimEnd('\n')}")) + "\n");
}
