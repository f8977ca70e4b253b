using static Berth.Dockerfile.Tests.Parsing;

namespace Berth.Dockerfile.Tests;

public class InstructionTests
{
    [Fact]
    public void Env_takes_several_pairs_and_keeps_quotes_for_the_builder() =>
        Assert.Equal(
            [new Assignment("A", "1"), new Assignment("B", "\"x y\""), new Assignment("C", "a\\ b")],
            One<EnvInstruction>("ENV A=1 B=\"x y\" C=a\\ b").Variables);

    [Fact]
    public void Env_in_its_old_form_takes_the_rest_of_the_line() =>
        Assert.Equal([new Assignment("A", "b = c  d")], One<EnvInstruction>("ENV A b = c  d").Variables);

    [Fact]
    public void Labels_may_continue_over_lines() =>
        Assert.Equal(
            [new Assignment("a", "1"), new Assignment("\"b.c\"", "\"two words\"")],
            One<LabelInstruction>("LABEL a=1 \\", "  \"b.c\"=\"two words\"").Labels);

    [Fact]
    public void Copy_reads_its_flags_and_paths()
    {
        var copy = One<CopyInstruction>("COPY --from=nginx:1 --chown=1:2 --chmod=755 --link --exclude=*.md --exclude=x a b /c/");
        Assert.Equal(["a", "b"], copy.Sources);
        Assert.Equal(("/c/", "nginx:1", "1:2", "755", true), (copy.Destination, copy.From, copy.Owner, copy.Mode, copy.Link));
        Assert.Equal(["*.md", "x"], copy.Exclude);
    }

    [Fact]
    public void Copy_in_json_form_takes_spaces() =>
        Assert.Equal(["a b"], One<CopyInstruction>("COPY [\"a b\", \"/c\"]").Sources);

    [Fact]
    public void Add_reads_a_checksum() =>
        Assert.Equal("sha256:00", One<AddInstruction>("ADD --checksum=sha256:00 https://example.org/a.tar /").Checksum);

    [Fact]
    public void Copy_takes_here_documents()
    {
        var copy = One<CopyInstruction>("COPY <<a.txt <<-'b.txt' c /d/", "one $X", "a.txt", "\ttwo", "\tb.txt");
        Assert.Equal(["c"], copy.Sources);
        Assert.Equal(
            [new Heredoc(0, "a.txt", true, false, "one $X\n"), new Heredoc(0, "b.txt", false, true, "two\n")],
            copy.Documents);
    }

    [Fact]
    public void Run_of_one_here_document_is_a_script()
    {
        var run = One<RunInstruction>("RUN <<EOF", "#!/usr/bin/env python3", "print('# not a comment \\')", "", "EOF");
        Assert.Equal("#!/usr/bin/env python3\nprint('# not a comment \\')\n\n", run.Script!.Content);
        Assert.Equal(run.Script.Content, run.Command.ShellText);
    }

    [Fact]
    public void Run_with_a_command_hands_the_documents_to_the_shell()
    {
        var run = One<RunInstruction>("RUN cat <<A > /x && cat <<B", "1", "A", "2", "B");
        Assert.Null(run.Script);
        Assert.Equal("cat <<A > /x && cat <<B\n1\nA\n2\nB\n", run.Command.ShellText);
    }

    [Fact]
    public void A_here_string_is_no_here_document() =>
        Assert.Equal("cat <<<word", One<RunInstruction>("RUN cat <<<word").Command.ShellText);

    [Fact]
    public void Run_reads_every_kind_of_mount()
    {
        var run = One<RunInstruction>(
            "RUN --mount=type=cache,target=/root/.cache/pip,sharing=locked,mode=0700,uid=5 \\",
            "    --mount=target=/src,source=web,from=build,rw \\",
            "    --mount=type=tmpfs,dst=/t,size=64m \\",
            "    --mount=type=secret,id=key,env=KEY,required=true \\",
            "    --network=none pip install .");
        Assert.Equal(
            [
                new CacheMount("/root/.cache/pip", "/root/.cache/pip", CacheSharing.Locked, false, null, "/", 448, 5, 0),
                new BindMount("/src", "build", "web", true),
                new TmpfsMount("/t", 64 << 20),
                new SecretMount(null, "key", "KEY", true, 256, 0, 0),
            ],
            run.Mounts);
        Assert.Equal(RunNetwork.None, run.Network);
        Assert.Equal("pip install .", run.Command.ShellText);
    }

    [Theory]
    [InlineData("type=cache", "a target is missing: target=/path")]
    [InlineData("type=cache,target=/x,sharing=all", "sharing must be shared, private or locked, not 'all'")]
    [InlineData("type=cache,target=/x,mode=9", "mode must be octal such as 0644, not '9'")]
    [InlineData("type=tmpfs,target=/x,size=big", "size must be a number of bytes such as 64m, not 'big'")]
    [InlineData("type=secret", "a secret needs an id: id=NAME")]
    [InlineData("type=bind,target=/x,tragte=2", "a bind mount has no 'tragte'. Did you mean 'target'?")]
    [InlineData("target=/x,from", "'from' must have the form key=value")]
    public void A_wrong_mount_is_a_mistake(string mount, string expected) =>
        Assert.Equal($"Dockerfile:2:5: --mount: {expected}", Mistake("FROM a", $"RUN --mount={mount} x"));

    [Fact]
    public void A_read_only_cache_is_read_only() =>
        Assert.True(((CacheMount)One<RunInstruction>("RUN --mount=type=cache,target=/x,ro a").Mounts[0]).ReadOnly);

    [Fact]
    public void Entrypoint_may_be_empty() =>
        Assert.Empty(One<EntrypointInstruction>("ENTRYPOINT []").Command.Arguments!);

    [Fact]
    public void Cmd_in_shell_form_keeps_its_text() =>
        Assert.Equal("a \"b c\" | d", One<CmdInstruction>("CMD a \"b c\" | d").Command.ShellText);

    [Fact]
    public void Healthcheck_reads_times_and_command()
    {
        var check = One<HealthcheckInstruction>("HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=0 --retries=4 CMD curl -f http://a/ || exit 1");
        Assert.Equal((90.0, 1.5, 0.0, 4), (check.Interval!.Value.TotalSeconds, check.Timeout!.Value.TotalSeconds, check.StartPeriod!.Value.TotalSeconds, check.Retries));
        Assert.Equal("curl -f http://a/ || exit 1", check.Command!.ShellText);
        Assert.Null(check.StartInterval);
    }

    [Fact]
    public void Healthcheck_none_has_no_command() => Assert.Null(One<HealthcheckInstruction>("HEALTHCHECK NONE").Command);

    [Fact]
    public void Onbuild_keeps_its_source_and_reads_the_trigger()
    {
        var trigger = One<OnBuildInstruction>("ONBUILD COPY . /app");
        Assert.Equal("COPY . /app", trigger.Source);
        Assert.Equal("/app", Assert.IsType<CopyInstruction>(trigger.Trigger).Destination);
    }

    [Fact]
    public void Small_instructions_are_read()
    {
        Assert.Equal(["/a", "/b"], One<VolumeInstruction>("VOLUME /a /b").Paths);
        Assert.Equal(["/a b"], One<VolumeInstruction>("VOLUME [\"/a b\"]").Paths);
        Assert.Equal("SIGQUIT", One<StopSignalInstruction>("STOPSIGNAL SIGQUIT").Signal);
        Assert.Equal("www-data:$G", One<UserInstruction>("USER www-data:$G").User);
        Assert.Equal(["/bin/bash", "-ec"], One<ShellInstruction>("SHELL [\"/bin/bash\", \"-ec\"]").Shell);
        Assert.Equal("A. U. Thor <a@example.org>", One<MaintainerInstruction>("MAINTAINER A. U. Thor <a@example.org>").Name);
        Assert.Equal(["80", "53/udp", "$P"], One<ExposeInstruction>("EXPOSE 80 53/udp $P").Ports);
    }

    [Theory]
    [InlineData("80", "80/tcp")]
    [InlineData("53/UDP", "53/udp")]
    [InlineData("1-3/sctp", "1/sctp,2/sctp,3/sctp")]
    [InlineData("0", null)]
    [InlineData("3-1", null)]
    [InlineData("80/icmp", null)]
    [InlineData("1-2-3", null)]
    public void Exposed_ports_are_read(string text, string? expected) =>
        Assert.Equal(expected, ExposedPorts.TryParse(text, out var ports) ? string.Join(',', ports) : null);

}
