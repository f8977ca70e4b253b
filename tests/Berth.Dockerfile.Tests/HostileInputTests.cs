using Berth.Dockerfile.Ignore;

namespace Berth.Dockerfile.Tests;

/// <summary>Whatever a file holds, parsing ends with instructions or with diagnostics, never with an unforeseen exception.</summary>
public class HostileInputTests
{
    private const string Sample = """
        # syntax=docker/dockerfile:1
        # escape=\
        ARG V=1
        FROM --platform=$P a:${V:-2} AS x
        ENV A=1 B="x y" C='z'
        RUN --mount=type=cache,target=/c,ro --mount=type=secret,id=k --network=none a && \
            # note
            b
        RUN <<EOF cat > "/x y"
        one ${A##*b}
        EOF
        COPY --from=x --chown=1:2 --exclude=*.md <<-'F' a b /c/
        	two
        	F
        ADD ["a b", "/c"]
        HEALTHCHECK --interval=1m30s --retries=3 CMD curl ${A//b/c}
        EXPOSE 80 53/udp 1-2
        ONBUILD RUN echo
        CMD ["a", "b\u00e9"]
        VOLUME /a "/b c"
        """;

    private static readonly Func<string, string?> s_lookup = name => name.Length % 2 == 0 ? null : "a*b/c";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Damaged_files_are_told_not_thrown(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 2000; round++)
        {
            var result = DockerfileParser.Parse(Damage(Sample, random), "Dockerfile");
            Assert.Equal(result.Dockerfile is null, result.Errors.Any());
            Assert.All(result.Diagnostics, one => Assert.True(one.Line > 0 && one.Column > 0 && one.Message.Length > 0));
        }
    }

    [Fact]
    public void Ranges_of_all_ports_are_no_lists_of_all_ports()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.NotNull(DockerfileParser.Parse("FROM a\n" + string.Concat(Enumerable.Repeat("EXPOSE 1-65535\n", 10_000)), "Dockerfile").Dockerfile);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 << 20);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Damaged_words_expand_or_are_refused(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 5000; round++)
        {
            var word = Damage("a${B:-\"c$D\"}'e'${F##*\\?g}\\h${I//j/k}${L:?m}", random);
            var mistake = Words.FindMistake(word);
            try
            {
                Words.Expand(word, s_lookup);
                Assert.Null(mistake);
            }
            catch (WordException)
            {
                // refused, as it should be
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Damaged_ignore_files_match_or_are_refused(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 5000; round++)
        {
            try
            {
                var ignore = DockerIgnore.Parse(Damage("a/**/b\n!*.m[a-z]\n?/c\\*\n**/x/**\n", random));
                var pruned = ignore.ExcludesTree("a/q");
                Assert.False(pruned && !ignore.Excludes("a/q/b/x.md"), "a pruned folder must not hold anything that stays");
            }
            catch (FormatException)
            {
                // refused, as it should be
            }
        }
    }

    private static string Damage(string text, Random random)
    {
        const string Signs = "{}[]:,-\"'#&*!|>$%@`\\ \n\t~?=/<\0é0^";
        var characters = text.ToList();
        for (var change = random.Next(1, 6); change > 0; change--)
        {
            var at = random.Next(characters.Count);
            switch (random.Next(3))
            {
                case 0:
                    characters.RemoveRange(at, Math.Min(random.Next(1, 6), characters.Count - at));
                    break;
                case 1:
                    characters.Insert(at, Signs[random.Next(Signs.Length)]);
                    break;
                default:
                    characters.InsertRange(at, characters.Skip(random.Next(characters.Count)).Take(random.Next(20)).ToList());
                    break;
            }
        }

        return new string([.. characters]);
    }
}
