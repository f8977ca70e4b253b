using Berth.Engine.Images;
using Berth.Oci;

namespace Berth.Engine.Tests.Images;

public class BootstrapRecipeTests
{
    [Theory]
    [InlineData("debian", "bookworm", false)]
    [InlineData("debian:12", "bookworm", false)]
    [InlineData("debian:12.5-slim", "bookworm", true)]
    [InlineData("debian:trixie-slim", "trixie", true)]
    [InlineData("ubuntu:22.04", "jammy", false)]
    public void A_release_is_recognised(string name, string suite, bool slim)
    {
        var recipe = BootstrapRecipe.For(ImageReference.Parse(name))!;
        Assert.Equal((suite, slim), (recipe.Suite, recipe.IsSlim));
    }

    [Theory]
    [InlineData("debian:bookworm-20240513")]
    [InlineData("debian:bookworm-backports")]
    [InlineData("nginx")]
    [InlineData("ghcr.io/library/debian:bookworm")]
    [InlineData("me/debian:bookworm")]
    public void Anything_else_only_a_registry_has(string name) => Assert.Null(BootstrapRecipe.For(ImageReference.Parse(name)));

    [Fact]
    public void Only_the_distributions_own_sources_are_taken_with_the_suite_substituted()
    {
        var recipe = BootstrapRecipe.For(ImageReference.Parse("debian:trixie"))!;
        var lines = recipe.Sources(
            [
                ("a.sources", "Types: deb deb-src\n# note\nURIs: http://deb.example.org/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /usr/share/keyrings/d.gpg\n\nTypes: deb\nEnabled: no\nURIs: http://x\nSuites: bookworm\nComponents: main"),
                ("b.list", "# deb http://no bookworm main\ndeb [arch=amd64] http://mirror/security bookworm-security main contrib # c\ndeb https://third.party/node nodistro main\ndeb-src http://mirror bookworm main"),
            ],
            "debian", "bookworm");
        Assert.Equal(
            [
                "deb [signed-by=/usr/share/keyrings/d.gpg] http://deb.example.org/debian trixie main",
                "deb [signed-by=/usr/share/keyrings/d.gpg] http://deb.example.org/debian trixie-updates main",
                "deb [arch=amd64] http://mirror/security trixie-security main contrib",
            ], lines);
    }
}
