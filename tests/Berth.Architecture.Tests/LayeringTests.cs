using System.Reflection;
using System.Runtime.CompilerServices;

namespace Berth.Architecture.Tests;

/// <summary>Who may know whom: references point down only, and each project's list is said here.</summary>
public sealed class LayeringTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Berth.Linux"] = [],
        ["Berth.Dockerfile"] = [],
        ["Berth.Compose"] = [],
        ["Berth.Oci"] = ["Berth.Linux"],
        ["berth-edge"] = ["Berth.Linux"],
        ["Berth.Engine"] = ["Berth.Dockerfile", "Berth.Linux", "Berth.Oci"],
        ["Berth.Releases"] = ["Berth.Compose", "Berth.Dockerfile", "Berth.Engine", "Berth.Linux", "Berth.Oci"],
        ["Berth.Api"] = ["Berth.Compose", "Berth.Dockerfile", "Berth.Engine", "Berth.Linux", "Berth.Oci", "Berth.Releases"],
        ["Berth.Client"] = ["Berth.Linux"],
        ["berth-cli"] = ["Berth.Client", "Berth.Linux"],
    };

    public static TheoryData<string> Projects => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_knows_only_those_below_it(string name)
    {
        var known = Assembly.Load(name).GetReferencedAssemblies().Select(reference => reference.Name!)
            .Where(reference => reference.StartsWith("Berth.", StringComparison.OrdinalIgnoreCase) || reference.StartsWith("berth-", StringComparison.Ordinal));
        Assert.Empty(known.Except(Allowed[name]));
    }

    [Theory]
    [InlineData("Berth.Linux")]
    [InlineData("Berth.Oci")]
    [InlineData("Berth.Engine")]
    [InlineData("Berth.Releases")]
    [InlineData("Berth.Compose")]
    [InlineData("berth-edge")]
    public void Nothing_below_the_api_knows_the_web_server(string name) =>
        Assert.DoesNotContain(Assembly.Load(name).GetReferencedAssemblies(), reference => reference.Name!.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));

    [Fact]
    public void Only_the_linux_layer_calls_into_native_libraries()
    {
        var offenders = Sources().Where(file => !file.Contains("/Berth.Linux/", StringComparison.Ordinal))
            .Where(file => File.ReadAllText(file) is var text && (text.Contains("[LibraryImport", StringComparison.Ordinal) || text.Contains("[DllImport", StringComparison.Ordinal)));
        Assert.Empty(offenders);
    }

    [Fact]
    public void The_architecture_page_names_every_project_and_no_other()
    {
        var page = File.ReadAllText(Root() + "/ARCHITECTURE.md");
        var projects = Directory.GetDirectories(Root() + "/src").Select(Path.GetFileName).ToList();
        Assert.All(projects, project => Assert.Contains($"`{project}`", page, StringComparison.Ordinal));
        var named = System.Text.RegularExpressions.Regex.Matches(page, "`(Berth\\.[A-Z][A-Za-z]+)`").Select(match => match.Groups[1].Value).Distinct();
        Assert.All(named, name => Assert.True(projects.Contains(name) || Directory.Exists($"{Root()}/tests/{name}"), $"ARCHITECTURE.md names {name}, which does not exist"));
    }

    private static IEnumerable<string> Sources() => Directory.EnumerateFiles(Root() + "/src", "*.cs", SearchOption.AllDirectories);

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../.."));
}
