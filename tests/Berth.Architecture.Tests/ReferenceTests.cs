using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Berth.Architecture.Tests;

/// <summary>The tests that <c>docs/reference/compose.md</c> and <c>docs/security.md</c> name are there.</summary>
public sealed partial class ReferenceTests
{
    [Theory]
    [InlineData("docs/reference/compose.md", 45)]
    [InlineData("docs/security.md", 10)]
    public void Every_test_that_is_named_is_there(string document, int atLeast)
    {
        var root = Root();
        var sources = Directory.EnumerateFiles(root + "/tests", "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText).ToList();
        var named = Named().Matches(File.ReadAllText($"{root}/{document}")).Select(match => (Class: match.Groups[1].Value, Method: match.Groups[2].Value)).Distinct().ToList();
        Assert.True(named.Count >= atLeast, $"{named.Count} tests are named");
        Assert.Empty(named.Where(one => !sources.Any(source => Regex.IsMatch(source, $@"class {one.Class}\b") && (one.Method.Length == 0 || source.Contains(" " + one.Method, StringComparison.Ordinal)))).Select(one => $"{one.Class}.{one.Method}"));
    }

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../.."));

    // `SomeTests`, `SomeTests.Method`, or the beginning of a method's name before "…".
    [GeneratedRegex(@"`([A-Z][A-Za-z]*Tests)(?:\.([A-Za-z0-9_]+))?…?`")]
    private static partial Regex Named();
}
