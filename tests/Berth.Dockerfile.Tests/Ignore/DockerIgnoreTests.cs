using Berth.Dockerfile.Ignore;

namespace Berth.Dockerfile.Tests.Ignore;

public class DockerIgnoreTests
{
    [Theory]
    [InlineData("*.md", "README.md", true)]
    [InlineData("*.md", "docs/README.md", false)]
    [InlineData("**/*.md", "README.md", true)]
    [InlineData("**/*.md", "a/b/README.md", true)]
    [InlineData("**/*.md", "a/b/README.mdx", false)]
    [InlineData("docs", "docs/a/b", true)]
    [InlineData("docs", "docs2", false)]
    [InlineData("/docs/", "docs/a", true)]
    [InlineData("./docs/../src", "src/a", true)]
    [InlineData("docs/**", "docs/a/b", true)]
    [InlineData("docs/**", "docs", false)]
    [InlineData("a/**/z", "a/z", true)]
    [InlineData("a/**/z", "a/b/c/z", true)]
    [InlineData("a/**/z", "a/bz", false)]
    [InlineData("**", "a/b", true)]
    [InlineData("a**z", "abc/dez", true)]
    [InlineData("**/**/x", "a/x", true)]
    [InlineData(".*", ".git/config", true)]
    [InlineData(".*", "a/.git", false)]
    [InlineData("*", "a/b", true)]
    [InlineData("?.sqlite3", "a.sqlite3", true)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[^a-c]x", "bx", false)]
    [InlineData("[^a-c]x", "dx", true)]
    [InlineData("a\\*b", "a*b", true)]
    [InlineData("a\\*b", "axb", false)]
    [InlineData("*.md\n!README.md", "README.md", false)]
    [InlineData("*.md\n!README.md\nREADME*", "README.md", true)]
    [InlineData("node_modules\n!node_modules/keep", "node_modules/keep/x", false)]
    [InlineData("# *.md\n\n  *.txt  ", "a.md", false)]
    [InlineData("# *.md\n\n  *.txt  ", "a.txt", true)]
    [InlineData("", "x", false)]
    public void The_last_matching_pattern_decides(string patterns, string path, bool expected) =>
        Assert.Equal(expected, DockerIgnore.Parse(patterns).Excludes(path));

    [Theory]
    [InlineData("node_modules", "node_modules", true)]
    [InlineData("node_modules\n!*.md", "node_modules", true)]
    [InlineData("node_modules\n!**/*.md", "node_modules", false)]
    [InlineData("node_modules\n!node_modules/keep", "node_modules", false)]
    [InlineData("node_modules\n!node_modules/keep", "node_modules/other", true)]
    [InlineData("!node_modules/keep\nnode_modules", "node_modules", true)]
    [InlineData("*\n!src", "src", false)]
    [InlineData("*\n!src", "docs", true)]
    [InlineData("*\n!s*/x", "src", false)]
    public void A_folder_is_pruned_only_when_nothing_below_it_can_stay(string patterns, string folder, bool expected) =>
        Assert.Equal(expected, DockerIgnore.Parse(patterns).ExcludesTree(folder));

    [Theory]
    [InlineData("ok\n!", ".dockerignore:2:1: '!': a pattern is missing")]
    [InlineData("[a", ".dockerignore:1:1: '[a': the closing ']' is missing")]
    [InlineData("a\\", ".dockerignore:1:1: 'a\\': nothing follows the backslash")]
    public void A_malformed_pattern_is_refused_with_its_line(string patterns, string expected) =>
        Assert.Equal(expected, Assert.Throws<FormatException>(() => DockerIgnore.Parse(patterns)).Message);

    [Fact]
    public void A_pattern_of_many_stars_is_matched_in_bounded_time()
    {
        var ignore = DockerIgnore.Parse(string.Concat(Enumerable.Repeat("*a", 1000)) + "b");
        Assert.False(ignore.Excludes(new string('a', 4000)));
    }

    [Fact]
    public void Thousands_of_stars_cost_no_more_than_their_number()
    {
        var ignore = DockerIgnore.Parse(new string('*', 4000) + "x\n" + string.Concat(Enumerable.Repeat("**/", 1300)) + "x");
        var (path, watch) = (string.Join('/', Enumerable.Repeat("part", 100)), System.Diagnostics.Stopwatch.StartNew());
        for (var i = 0; i < 20; i++)
        {
            Assert.False(ignore.Excludes(path));
        }

        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5)); // their square would take minutes
        Assert.True(ignore.Excludes(path + "x"));
    }
}
