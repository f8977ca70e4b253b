using static Berth.Dockerfile.Tests.Parsing;

namespace Berth.Dockerfile.Tests;

public class DockerfileParserTests
{
    [Fact]
    public void A_flask_image_is_read_into_its_instructions()
    {
        var file = Good(
            "FROM python:3.8-alpine",
            "ENV PYTHONUNBUFFERED 1",
            "RUN sed -i 's/dl-cdn.example.org/mirror.example.org/g' /etc/apk/repositories",
            "WORKDIR /app",
            "COPY requirements.txt /app/",
            "RUN pip install -r requirements.txt && \\",
            "    # the mirror is quicker",
            "",
            "    chmod +x /start.sh",
            "ADD . /app",
            "EXPOSE 8000",
            "CMD [\"gunicorn\", \"-w4\", \"myapp:app\"]");

        var instructions = file.Stages[0].Instructions;
        Assert.Equal("python:3.8-alpine", file.Stages[0].From);
        Assert.Equal([new Assignment("PYTHONUNBUFFERED", "1")], ((EnvInstruction)instructions[0]).Variables);
        Assert.Equal("/app", ((WorkdirInstruction)instructions[2]).Path);
        Assert.Equal("pip install -r requirements.txt &&     chmod +x /start.sh", ((RunInstruction)instructions[4]).Command.ShellText);
        Assert.Equal(6, instructions[4].Line);
        Assert.Equal(10, instructions[5].Line);
        Assert.Equal(["8000"], ((ExposeInstruction)instructions[6]).Ports);
        Assert.Equal(["gunicorn", "-w4", "myapp:app"], ((CmdInstruction)instructions[7]).Command.Arguments);
    }

    [Fact]
    public void Instructions_may_be_written_in_lower_case_with_leading_space_and_crlf()
    {
        var file = DockerfileParser.Parse("\uFEFF  from a\r\n\trun echo hi\r\n", "Dockerfile").Dockerfile!;
        Assert.Equal("echo hi", ((RunInstruction)file.Stages[0].Instructions[0]).Command.ShellText);
    }

    [Fact]
    public void A_hash_inside_an_instruction_is_no_comment() =>
        Assert.Equal("echo '# x' # y", One<RunInstruction>("RUN echo '# x' # y").Command.ShellText);

    [Fact]
    public void The_escape_directive_changes_the_continuation_character()
    {
        var file = Good("# escape=`", "FROM a", "COPY x c:\\", "RUN a `", "  b");
        Assert.Equal('`', file.Escape);
        Assert.Equal("c:\\", ((CopyInstruction)file.Stages[0].Instructions[0]).Destination);
        Assert.Equal("a   b", ((RunInstruction)file.Stages[0].Instructions[1]).Command.ShellText);
    }

    [Fact]
    public void Directives_are_read_only_at_the_top()
    {
        var file = Good("#syntax = docker/dockerfile:1", "# check=skip=all", "# note", "# escape=`", "FROM a");
        Assert.Equal("docker/dockerfile:1", file.Directives["syntax"]);
        Assert.Equal("skip=all", file.Directives["check"]);
        Assert.Equal('\\', file.Escape);
    }

    [Theory]
    [InlineData("# escape=x", "Dockerfile:1:1: the escape character must be '\\' or '`', not 'x'")]
    [InlineData("# syntax=a\n# syntax=b", "Dockerfile:2:1: the parser directive 'syntax' is given twice")]
    public void Wrong_directives_are_mistakes(string directives, string expected) =>
        Assert.Equal(expected, Mistake(directives, "FROM a"));

    [Fact]
    public void A_doubled_backslash_at_the_end_does_not_continue_the_line()
    {
        var file = Good("FROM a", "RUN echo \\\\", "RUN b");
        Assert.Equal(2, file.Stages[0].Instructions.Count);
    }

    [Fact]
    public void All_mistakes_are_reported_at_once_in_the_files_order()
    {
        Assert.Equal(
            [
                "Dockerfile:2:1: unknown instruction 'RNU'. Did you mean 'RUN'?",
                "Dockerfile:3:8: '99999' is not a port; write PORT, PORT/udp or FIRST-LAST, each 1 to 65535",
                "Dockerfile:5:3: 'B' must have the form KEY=VALUE; a value with spaces needs quotes",
                "Dockerfile:6:6: COPY needs at least one source and a destination",
            ],
            Mistakes("FROM a", "RNU x", "EXPOSE 99999", "ENV A=1 \\", "  B", "COPY x"));
    }

    [Theory]
    [InlineData("FORM a", "Dockerfile:1:1: unknown instruction 'FORM'. Did you mean 'FROM'?")]
    [InlineData("RUN x", "Dockerfile:1:1: only ARG may stand before the first FROM, not RUN")]
    [InlineData("", "Dockerfile:1:1: the file has no stage: it must have a FROM instruction")]
    [InlineData("FROM", "Dockerfile:1:5: FROM needs an image")]
    [InlineData("FROM a b", "Dockerfile:1:6: FROM takes one image, or 'IMAGE AS NAME'")]
    [InlineData("FROM a AS 1x", "Dockerfile:1:11: '1x' cannot name a stage: letters, digits, '-', '_' and '.', beginning with a letter, and not 'scratch' or 'context'")]
    [InlineData("FROM a\nCOPY --form=b x y", "Dockerfile:2:6: COPY does not support --form. Did you mean 'from'?")]
    [InlineData("FROM a\nCOPY --parents x y", "Dockerfile:2:6: COPY does not support --parents.")]
    [InlineData("FROM a\nCMD --x y", "Dockerfile:2:5: CMD does not support --x.")]
    [InlineData("FROM a\nENV A", "Dockerfile:2:5: ENV A needs a value: ENV A=VALUE")]
    [InlineData("FROM a\nENV A=\"x", "Dockerfile:2:5: A=\"x: the closing double quote is missing")]
    [InlineData("FROM a\nWORKDIR ${X", "Dockerfile:2:9: '${X': the variable's closing brace is missing")]
    [InlineData("FROM a\nSHELL /bin/sh", "Dockerfile:2:7: SHELL needs a JSON array, for instance [\"/bin/sh\", \"-c\"]")]
    [InlineData("FROM a\nONBUILD ONBUILD RUN x", "Dockerfile:2:9: ONBUILD is not allowed after ONBUILD")]
    [InlineData("FROM a\nONBUILD FROM b", "Dockerfile:2:9: FROM is not allowed after ONBUILD")]
    [InlineData("FROM a\nHEALTHCHECK --interval=5 CMD x", "Dockerfile:2:13: --interval: '5' is not a duration such as 30s or 1m30s, at least 1ms")]
    [InlineData("FROM a\nHEALTHCHECK curl x", "Dockerfile:2:13: HEALTHCHECK must be followed by 'CMD command' or by 'NONE' alone")]
    [InlineData("FROM a\nUSER a b", "Dockerfile:2:8: USER takes a user and nothing else")]
    [InlineData("FROM a\nRUN --mount=type=ssh,source=x y", "Dockerfile:2:5: --mount: a ssh mount has no 'source'.")]
    [InlineData("FROM a\nRUN --mount=type=cahce,target=/x y", "Dockerfile:2:5: --mount: unknown type 'cahce'. Did you mean 'cache'?")]
    [InlineData("FROM a\nRUN --security=none x", "Dockerfile:2:5: --security must be sandbox or insecure, not 'none'")]
    [InlineData("FROM a\nRUN --network=moon x", "Dockerfile:2:5: --network must be default, none or host, not 'moon'")]
    [InlineData("FROM a\nRUN", "Dockerfile:2:4: RUN needs a command")]
    [InlineData("FROM a\nRUN <<EOF\nx", "Dockerfile:2:1: the here-document 'EOF' is never closed: a line 'EOF' must end it")]
    [InlineData("FROM a\nCOPY --from=0 x y", "Dockerfile:2:1: 'from=0' must be the number of an earlier stage; this is stage 0")]
    [InlineData("FROM a AS b\nCOPY --from=b x y", "Dockerfile:2:1: stage 'b' cannot copy from itself")]
    [InlineData("FROM a\nCOPY --from=$X x y", "Dockerfile:2:1: '$X': variables are not replaced in a source stage; name a stage 'FROM $X AS NAME' before")]
    public void A_mistake_is_told_where_it_stands(string text, string expected) => Assert.Equal(expected, Mistake(text));

    [Fact]
    public void A_column_on_a_continuation_line_is_the_files_own() =>
        Assert.Equal("Dockerfile:3:5: '2x' is not a variable's name", Mistake("FROM a", "ARG a=1 \\", "    2x"));

    [Fact]
    public void A_broken_exec_form_runs_in_the_shell_with_a_warning()
    {
        var result = DockerfileParser.Parse("FROM a\nCMD ['npm', \"start\"]", "Dockerfile");
        Assert.NotNull(result.Dockerfile);
        Assert.StartsWith("Dockerfile:2:5: warning: this is not a JSON array", Assert.Single(result.Warnings).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_shell_test_in_brackets_is_no_exec_form() =>
        Assert.Equal("[ -f /x ] && y", One<RunInstruction>("RUN [ -f /x ] && y").Command.ShellText);

    [Fact]
    public void A_second_stage_with_the_same_name_is_a_warning()
    {
        var result = DockerfileParser.Parse("FROM a AS x\nFROM b AS X", "Dockerfile");
        Assert.Equal("x", result.Dockerfile!.Stages[1].Name);
        Assert.Single(result.Warnings);
    }

    [Fact]
    public void Args_before_the_first_stage_are_global()
    {
        var file = Good("ARG VERSION=3.8 BASE", "FROM --platform=$P python:${VERSION} AS Build");
        Assert.Equal([new ArgDeclaration("VERSION", "3.8"), new ArgDeclaration("BASE", null)], file.GlobalArgs[0].Declarations);
        Assert.Equal(("build", "$P", "python:${VERSION}"), (file.Stages[0].Name, file.Stages[0].Platform, file.Stages[0].From));
    }

    [Fact]
    public void A_huge_file_is_refused() =>
        Assert.Equal("Dockerfile:1:1: the file is longer than 1 MiB", Mistake(new string('x', (1 << 20) + 1)));

    [Fact]
    public void A_file_of_nothing_but_mistakes_reports_a_bounded_number() =>
        Assert.Equal(100, Mistakes([.. Enumerable.Repeat("X", 5000)]).Length);
}
