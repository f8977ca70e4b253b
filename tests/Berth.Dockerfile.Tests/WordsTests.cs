namespace Berth.Dockerfile.Tests;

public class WordsTests
{
    private static readonly Dictionary<string, string> s_variables = new(StringComparer.Ordinal)
    {
        ["A"] = "abc",
        ["EMPTY"] = "",
        ["FILE"] = "foobarbaz",
        ["PORTS"] = "80 443",
        ["STAR"] = "a*b*c",
    };

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("$A", "abc")]
    [InlineData("${A}x", "abcx")]
    [InlineData("$Ax", "")]
    [InlineData("x$", "x$")]
    [InlineData("$ x", "$ x")]
    [InlineData("\\$A", "$A")]
    [InlineData("\\${A}", "${A}")]
    [InlineData("'$A'", "$A")]
    [InlineData("\"$A 'x'\"", "abc 'x'")]
    [InlineData("\"\\\"\\$\\a\"", "\"$\\a")]
    [InlineData("a\\ b", "a b")]
    [InlineData("end\\", "end")]
    [InlineData("${A:-d}", "abc")]
    [InlineData("${EMPTY:-d}", "d")]
    [InlineData("${EMPTY-d}", "")]
    [InlineData("${NONE-d}", "d")]
    [InlineData("${NONE:-${NO:-$A}}", "abc")]
    [InlineData("${NONE:-\"x}\"}", "x}")]
    [InlineData("${A:+yes}", "yes")]
    [InlineData("${EMPTY:+yes}", "")]
    [InlineData("${EMPTY+yes}", "yes")]
    [InlineData("${NONE+yes}", "")]
    [InlineData("${A:?needed}", "abc")]
    [InlineData("${EMPTY?needed}", "")]
    [InlineData("${FILE#f*b}", "arbaz")]
    [InlineData("${FILE##f*b}", "az")]
    [InlineData("${FILE%b*}", "foobar")]
    [InlineData("${FILE%%b*}", "foo")]
    [InlineData("${FILE#x}", "foobarbaz")]
    [InlineData("${FILE%%?}", "foobarba")]
    [InlineData("${FILE/ba/fo}", "fooforbaz")]
    [InlineData("${FILE//ba/fo}", "fooforfoz")]
    [InlineData("${FILE//ba}", "foorz")]
    [InlineData("${STAR//\\*/-}", "a-b-c")]
    [InlineData("${STAR#a\\*}", "b*c")]
    public void Expand_gives_a_words_value(string word, string expected) =>
        Assert.Equal(expected, Words.Expand(word, s_variables.GetValueOrDefault));

    [Theory]
    [InlineData("${NONE:?set it}", "NONE: set it")]
    [InlineData("${EMPTY:?}", "the variable 'EMPTY' must be set")]
    [InlineData("${}", "'${}': a variable's name must follow '${'")]
    [InlineData("${A", "'${A': the variable's closing brace is missing")]
    [InlineData("${A:x}", "'${A:x}': one of '-', '+' and '?' must follow the colon")]
    [InlineData("${A^^}", "'${A^^}': '^' is not a known modifier after '${A'")]
    [InlineData("it's", "it's: the closing single quote is missing")]
    public void Expand_refuses_a_malformed_word(string word, string expected) =>
        Assert.Equal(expected, Assert.Throws<WordException>(() => Words.Expand(word, s_variables.GetValueOrDefault)).Message);

    [Fact]
    public void The_escape_character_can_be_a_backtick() =>
        Assert.Equal("c:\\$A", Words.Expand("c:\\`$A", s_variables.GetValueOrDefault, '`'));

    [Fact]
    public void Words_that_come_out_of_a_variable_are_split() =>
        Assert.Equal(["80", "443", "8080"], Words.ExpandToWords("$PORTS 8080", s_variables.GetValueOrDefault));

    [Fact]
    public void A_document_keeps_its_quotes() =>
        Assert.Equal("it's \"abc\" $A \\n", Words.ExpandDocument("it's \"$A\" \\$A \\n", s_variables.GetValueOrDefault));

    [Fact]
    public void The_variables_of_a_word_are_listed() =>
        Assert.Equal(["A", "B", "C"], Words.Variables("$A-${B}${C:-x}'$D'"));

    [Fact]
    public void A_required_variable_is_no_mistake_while_parsing() => Assert.Null(Words.FindMistake("${X:?y}"));

    [Fact]
    public void Deep_nesting_is_refused()
    {
        var word = string.Concat(Enumerable.Repeat("${X:-", 5000)) + new string('}', 5000);
        Assert.Contains("nested more than 64 deep", Words.FindMistake(word), StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_that_explodes_is_refused()
    {
        var big = new string('x', 1 << 20);
        Assert.Contains("grows beyond", Assert.Throws<WordException>(() => Words.Expand("$X$X$X$X$X", _ => big)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pattern_that_would_take_hours_is_refused()
    {
        var big = new string('a', 100_000);
        Assert.Throws<WordException>(() => Words.Expand("${X%%*a*a*a*b}", _ => big));
    }
}
