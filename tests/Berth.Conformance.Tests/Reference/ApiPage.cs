using System.Text;
using System.Text.RegularExpressions;
using Berth.Testing;

namespace Berth.Conformance.Tests.Reference;

/// <summary><c>docs/reference/docker-api.md</c>: what works of Docker's API, and what shows it.</summary>
internal static class ApiPage
{
    private const int TestsShown = 3;

    internal static string File => Checkout.Root + "/docs/reference/docker-api.md";

    internal static IReadOnlyList<ApiEntry> Entries { get; } = ApiEntry.Read(Checkout.Root + "/docs/reference/docker-api.txt");

    /// <summary>The page as it should be.</summary>
    internal static string Write()
    {
        var jobs = ApiJob.All();
        var rows = Entries.Select(entry => (Entry: entry, Jobs: jobs.Where(job => job.Exercises(entry)).ToList())).ToList();
        var page = new StringBuilder();
        page.Append(
            """
            # Docker's API in Berth

            Every endpoint of the Docker Engine API 1.52, every field of containers, executions, networks and volumes, and every parameter of a build: whether it works, and which tests exercise it. Made by
            `docs/reference/make-docker-api.sh` from `docker-api.txt` beside it and the tests themselves; a test fails when this page is not what it would make, when an
            endpoint answers otherwise than is said here, or when a field that works is one that Berth's types do not have.

            Tests are scenarios (`FILE: TITLE`, jobs with Docker's client whose output is compared with Docker 28), scripts of client libraries (`*.py`, `*.mjs`), and tests with other clients.
            That a test exercises a field means that its text sets it. A test *differs* if Berth is known not to do all that Docker does in it. Windows, swarm, plugins and
            BuildKit's sessions are refused; what has *no effect* is taken and not acted upon.


            """);
        Count(page, rows);
        foreach (var group in rows.GroupBy(row => row.Entry.Group))
        {
            page.Append(System.Globalization.CultureInfo.InvariantCulture, $"\n## {group.Key}\n\n| {(group.First().Entry.IsEndpoint ? "endpoint" : "field")} | | tests |\n|---|---|---|\n");
            foreach (var (entry, exercising) in group)
            {
                page.Append(System.Globalization.CultureInfo.InvariantCulture, $"| `{entry.Name}` | {Verdict(entry)} | {Shown(entry, exercising)} |\n");
            }
        }

        return page.ToString();
    }

    /// <summary>Names of the fields that Berth reads from requests.</summary>
    internal static IReadOnlySet<string> KnownFields() => Directory.GetFiles(Checkout.Root + "/src/Berth.Engine/Containers", "*Config.cs")
        .Append(Checkout.Root + "/src/Berth.Api/ApiJson.cs").Append(Checkout.Root + "/src/Berth.Engine/Containers/Exec/ExecService.cs").Append(Checkout.Root + "/src/Berth.Api/DockerApi/Build/BuildEndpoints.cs")
        .SelectMany(path => Regex.Matches(System.IO.File.ReadAllText(path), """(?:JsonPropertyName\("(?<name>\w+)"\)|public [^;(){]* (?<name>\w+) \{ get; set; \}|(?:Query|Flag|List|Size|Pairs)\((?:context, )?"(?<name>\w+)"|Query\["(?<name>\w+)"\])""").Select(match => match.Groups["name"].Value))
        .ToHashSet(StringComparer.Ordinal);

    private static void Count(StringBuilder page, List<(ApiEntry Entry, List<ApiJob> Jobs)> rows)
    {
        page.Append("| | works | refused | no effect | works, no test |\n|---|---|---|---|---|\n");
        foreach (var (kind, of) in rows.GroupBy(row => row.Entry.IsEndpoint ? "endpoints" : "fields").Select(group => (group.Key, group.ToList())))
        {
            int Having(string beginning) => of.Count(row => row.Entry.Exception.StartsWith(beginning, StringComparison.Ordinal));
            page.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $"| {kind} | {of.Count(row => row.Entry.Exception.Length == 0)} | {Having("refused")} | {Having("no effect")} | {of.Count(row => row.Entry.Exception.Length == 0 && row.Jobs.Count == 0)} |\n");
        }
    }

    private static string Verdict(ApiEntry entry) => entry switch
    {
        { Exception: "" } => "works",
        { Refusal: var (status, message) } => $"refused: {status} {message}",
        _ => entry.Exception,
    };

    // Those first that are as on Docker.
    private static string Shown(ApiEntry entry, List<ApiJob> jobs)
    {
        if (jobs.Count == 0)
        {
            return entry.Exception.Length == 0 ? "**no test**" : entry.IsEndpoint ? "that it is refused" : "";
        }

        var shown = jobs.OrderBy(job => job.Differs is not null).Take(TestsShown).Select(job => job.Title + (job.Differs is { } missing ? $" (differs: {missing})" : ""));
        var more = jobs.Count > TestsShown ? $"; {jobs.Count - TestsShown} more" : "";
        return (string.Join("; ", shown) + more).Replace("|", "\\|", StringComparison.Ordinal);
    }
}
