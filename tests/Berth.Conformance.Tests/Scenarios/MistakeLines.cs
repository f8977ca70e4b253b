using System.Text.Json;
using System.Text.RegularExpressions;

namespace Berth.Conformance.Tests.Scenarios;

/// <summary>
/// Compares what two engines answer to mistakes, a request a line: <c>REQUEST: ANSWER STATUS</c>. The status is the same and Berth's message begins with Docker's: it may go on with what to do.
/// Docker's 500 is a 4xx here, or 503 when another host does not answer, and where Docker lets the words of a library through (of Go's JSON or number parser), only what stands before them is compared. <c>Differences.txt</c> has the
/// requests that are answered otherwise, with the reason.
/// </summary>
public static partial class MistakeLines
{
    private static readonly string[] s_library = [": strconv.", " (strconv.", "strconv.", "json: cannot unmarshal", ": invalid character", ": unexpected end of JSON input", " user specified IP address is supported only when"];

    /// <summary>The mistakes' answers that differ, and entries of Differences.txt that are not needed.</summary>
    internal static IReadOnlyList<string> Compare(string title, string docker, string berth)
    {
        var (expected, found) = (docker.Split('\n'), berth.Split('\n'));
        if (expected.Length != found.Length)
        {
            return [$"Docker printed {expected.Length} lines, Berth {found.Length}"];
        }

        var known = Differences().Where(one => one.Title == title).Select(one => one.Line).ToList();
        var needed = new HashSet<string>(StringComparer.Ordinal);
        var wrong = new List<string>();
        for (var i = 0; i < expected.Length; i++)
        {
            if (Fits(expected[i], found[i]))
            {
                continue;
            }

            if (known.FirstOrDefault(one => expected[i].StartsWith(one, StringComparison.Ordinal)) is { } listed)
            {
                needed.Add(listed);
                continue;
            }

            wrong.Add($"Docker: {expected[i]}\nBerth:  {found[i]}");
        }

        return [.. wrong, .. known.Except(needed).Select(one => $"not needed in Differences.txt: {title}: {one}")];
    }

    // FILE: TITLE | BEGINNING OF THE LINE | WHY
    internal static IEnumerable<(string Title, string Line, string Why)> Differences() => File.ReadLines(ScenarioFile.Folder + "/Differences.txt").Select(line => line.Split(" | "))
        .Where(parts => parts.Length == 3).Select(parts => (parts[0], parts[1], parts[2]));

    internal static bool Fits(string docker, string berth)
    {
        if (docker.TrimEnd() == berth.TrimEnd())
        {
            return true;
        }

        if (Answer().Match(docker) is not { Success: true } expected || Answer().Match(berth) is not { Success: true } found || expected.Groups["request"].Value != found.Groups["request"].Value)
        {
            return false;
        }

        if (expected.Groups["status"].Value == "500")
        {
            return found.Groups["status"].Value[0] == '4' || found.Groups["status"].Value == "503";
        }

        if (expected.Groups["status"].Value[0] is '2')
        {
            return found.Groups["status"].Value[0] is '2'; // no mistake for either; what lists hold is not looked at here
        }

        var message = Message(expected.Groups["answer"].Value);
        var end = s_library.Select(words => message.IndexOf(words, StringComparison.Ordinal)).Where(at => at >= 0).DefaultIfEmpty(message.Length).Min();
        return expected.Groups["status"].Value == found.Groups["status"].Value && Message(found.Groups["answer"].Value).StartsWith(message[..end].TrimEnd(), StringComparison.Ordinal);
    }

    // It may be cut off by the scenario.
    private static string Message(string answer) =>
        MessageField().Match(answer) is { Success: true } field ? JsonSerializer.Deserialize<string>($"\"{field.Groups["text"].Value}\"")! : answer;

    [GeneratedRegex("""^\{?"message":"(?<text>(\\.|[^"\\])*)""")]
    private static partial Regex MessageField();

    [GeneratedRegex(@"^(?<request>.*?): (?<answer>.*?) ?(?<status>[0-9]{3}) *\z")]
    private static partial Regex Answer();
}
