namespace Berth.Cli.Tests;

public class CommandLineTests
{
    private static readonly Option[] s_options =
    [
        Option.Flag("detach", 'd', ""), Option.Flag("tty", 't', ""), Option.Flag("interactive", 'i', ""), Option.Value("name", "NAME", ""), Option.List("env", 'e', "N=V", ""), Option.Value("memory", 'm', "BYTES", ""),
        Option.OptionalDuration("watch", 'w', ""),
    ];

    [Fact]
    public void Options_after_the_image_belong_to_the_command()
    {
        var line = Parse("-d", "debian", "ls", "-t", "--name", "x");
        Assert.True(line.Flag("detach"));
        Assert.False(line.Flag("tty"));
        Assert.Equal(["debian", "ls", "-t", "--name", "x"], line.Arguments);
    }

    [Theory]
    [InlineData("--name=web")]
    [InlineData("--name", "web")]
    public void A_value_stands_behind_an_equals_sign_or_in_the_next_word(params string[] words) => Assert.Equal("web", Parse([.. words, "image"]).Value("name"));

    [Theory]
    [InlineData("-m512m")]
    [InlineData("-m", "512m")]
    [InlineData("-m=512m")]
    [InlineData("-itm512m")]
    public void A_short_option_takes_the_rest_of_its_word_or_the_next(params string[] words) => Assert.Equal("512m", Parse([.. words, "image"]).Value("memory"));

    [Theory]
    [InlineData("", "web", "--watch", "web")]
    [InlineData("", "web", "-w", "web")]
    [InlineData("", "web", "-dw", "web")]
    [InlineData("", "", "--watch")]
    [InlineData("90s", "web", "--watch", "90s", "web")]
    [InlineData("5m", "web", "--watch=5m", "web")]
    public void A_flag_that_may_have_a_duration_takes_no_name_for_one(string value, string argument, params string[] words)
    {
        var line = Parse(words);
        Assert.Equal((value, argument), (line.Value("watch"), string.Concat(line.Arguments)));
    }

    [Fact]
    public void Letters_are_joined()
    {
        var line = Parse("-itd", "image");
        Assert.True(line.Flag("interactive") && line.Flag("tty") && line.Flag("detach"));
    }

    [Fact]
    public void A_list_keeps_all_its_values_and_their_order() => Assert.Equal(["A=1", "B=--x"], Parse("-e", "A=1", "--env", "B=--x", "i").Values("env"));

    [Fact]
    public void A_flag_can_be_switched_off() => Assert.False(Parse("-d", "--detach=false", "i").Flag("detach"));

    [Fact]
    public void Two_dashes_end_the_options() => Assert.Equal(["-d", "x"], CommandLine.Parse(["--", "-d", "x"], s_options, stopsAtArgument: false).Arguments);

    [Fact]
    public void Compose_options_may_stand_behind_arguments()
    {
        var line = CommandLine.Parse(["app", "-d", "web"], s_options, stopsAtArgument: false);
        Assert.Equal(["app", "web"], line.Arguments);
        Assert.True(line.Flag("detach"));
    }

    [Theory]
    [InlineData("unknown flag: --nope", "--nope")]
    [InlineData("unknown shorthand flag: 'z' in -dz", "-dz")]
    [InlineData("flag needs an argument: --name", "--name")]
    [InlineData("flag needs an argument: 'm' in -m", "-m")]
    [InlineData("invalid argument \"maybe\" for \"--detach\" flag: it is true or false", "--detach=maybe")]
    public void What_is_wrong_is_said_in_Dockers_words(string message, string word) => Assert.Equal(message, Assert.Throws<UsageException>(() => Parse(word)).Message);

    [Fact]
    public void Help_is_asked_for_by_word_or_letter() => Assert.True(Parse("--help").WantsHelp && Parse("-h").WantsHelp);

    private static ParsedLine Parse(params string[] words) => CommandLine.Parse(words, s_options, stopsAtArgument: true);
}
