using static Berth.Dockerfile.Tests.Parsing;

namespace Berth.Dockerfile.Tests;

public class StageGraphTests
{
    private static readonly DockerfileModel s_file = Good(
        "ARG BASE=deps",
        "FROM alpine AS deps",
        "FROM node AS web",
        "FROM unused AS docs",
        "FROM $BASE AS build",
        "COPY --from=Web /dist /dist",
        "FROM nginx",
        "COPY --from=3 /dist /usr/share",
        "COPY --from=busybox:1 /bin/sh /sh",
        "FROM golang AS tools",
        "RUN --mount=from=docs,target=/d --mount=type=cache,target=/c,from=web x");

    [Theory]
    [InlineData(null, "2 1 5")]
    [InlineData("tools", "1 2 5")]
    [InlineData("4", "0 1 3 4")]
    [InlineData("BUILD", "0 1 3")]
    [InlineData("deps", "0")]
    public void Only_what_the_target_needs_is_built_dependencies_first(string? target, string expected)
    {
        var needed = StageGraph.Needed(s_file, target, name => name == "BASE" ? "deps" : null);
        Assert.Equal(expected.Split(' ').Order(), needed.Select(stage => stage.Index.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(needed[^1].Index, StageGraph.FindTarget(s_file, target).Index);
    }

    [Fact]
    public void An_additional_context_goes_before_a_stage_of_its_name() =>
        Assert.Equal([4], StageGraph.Needed(s_file, "4", name => name == "BASE" ? "deps" : null, name => name == "3").Select(stage => stage.Index));

    [Fact]
    public void An_unknown_target_suggests_the_nearest() =>
        Assert.StartsWith(
            "target stage \"biuld\" could not be found. Did you mean 'build'?",
            Assert.Throws<ArgumentException>(() => StageGraph.FindTarget(s_file, "biuld")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_from_that_is_a_number_is_an_image() =>
        Assert.Null(StageGraph.FindBase(s_file, "0", s_file.Stages[3]));

    [Fact]
    public void A_later_stage_of_the_same_name_is_not_seen() =>
        Assert.Null(StageGraph.FindSource(s_file, "tools", s_file.Stages[1]));
}
