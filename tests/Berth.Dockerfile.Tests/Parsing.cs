namespace Berth.Dockerfile.Tests;

/// <summary>Short ways to parse in a test.</summary>
internal static class Parsing
{
    public static DockerfileModel Good(params string[] lines)
    {
        var result = DockerfileParser.Parse(string.Join('\n', lines), "Dockerfile");
        Assert.Empty(result.Diagnostics.Select(one => one.ToString()));
        return result.Dockerfile!;
    }

    /// <summary>The one instruction after <c>FROM a</c>.</summary>
    public static T One<T>(params string[] lines)
        where T : Instruction =>
        Assert.IsType<T>(Assert.Single(Good(["FROM a", .. lines]).Stages[0].Instructions));

    public static string[] Mistakes(params string[] lines)
    {
        var result = DockerfileParser.Parse(string.Join('\n', lines), "Dockerfile");
        Assert.Null(result.Dockerfile);
        return [.. result.Diagnostics.Select(one => one.ToString())];
    }

    public static string Mistake(params string[] lines) => Assert.Single(Mistakes(lines));
}
