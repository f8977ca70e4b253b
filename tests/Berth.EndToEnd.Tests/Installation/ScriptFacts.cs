using Berth.Testing;

namespace Berth.EndToEnd.Tests.Installation;

/// <summary>Scripts below <c>tests/tools</c> that try a build that needs no .NET in throw-away systems.</summary>
internal static class ScriptFacts
{
    /// <summary>The facts that the script found, up to its end; fails with what is broken.</summary>
    /// <param name="script">Below <c>tests/tools</c>; it is given the checkout, the build, and a folder that it makes.</param>
    internal static async Task<List<string>> OfAsync(string script, string folder, TimeSpan patience)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var build = new Command(Checkout.Root + "/berth", "install", "--build-only") { Timeout = TimeSpan.FromMinutes(10) };
        (await build.RunAsync(cancellationToken)).EnsureSuccess();
        var attempt = new Command($"{Checkout.Root}/tests/tools/{script}", Checkout.Root, Checkout.Artifacts + "/installation", folder + "/work") { Timeout = patience };
        var result = await attempt.RunAsync(cancellationToken);
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        return [.. result.Output.Split('\n').Where(line => line.StartsWith("fact: ", StringComparison.Ordinal)).Select(line => line["fact: ".Length..])];
    }
}
