namespace Berth.Cli.Tests;

public class NameResolutionTests
{
    private static readonly HashSet<string> s_services = ["app", "mysql"];

    [Fact]
    public void A_name_is_a_service_where_the_project_has_it() => Assert.Equal(new Meaning(IsProject: true), NameResolution.Decide("logs", ["app", "mysql"], s_services));

    [Fact]
    public void Any_other_name_is_a_container() => Assert.Equal(new Meaning(IsProject: false), NameResolution.Decide("stop", ["registry"], s_services));

    [Fact]
    public void Both_kinds_in_one_command_are_told_apart()
    {
        var meaning = NameResolution.Decide("stop", ["app", "registry"], s_services);
        Assert.Equal((IReadOnlyList<string>)["app"], meaning.Services);
        Assert.Equal((IReadOnlyList<string>)["registry"], meaning.Others);
    }

    [Fact]
    public void Of_a_command_only_the_first_word_is_a_name()
    {
        Assert.True(NameResolution.Decide("exec", ["app", "ls"], s_services).IsProject);
        Assert.False(NameResolution.Decide("run", ["debian", "app"], s_services).IsProject);
    }

    [Fact]
    public void A_list_of_the_project_in_this_folder_says_so()
    {
        Assert.NotNull(NameResolution.WithoutNames("ps", [], isExplicit: false).Note);
        Assert.Null(NameResolution.WithoutNames("ps", [], isExplicit: true).Note);
        Assert.Null(NameResolution.WithoutNames("stop", [], isExplicit: false).Note);
    }

    [Fact]
    public void A_list_of_the_project_in_the_folder_says_so_unless_the_project_was_named()
    {
        Assert.Contains("berth ps --all-projects", NameResolution.WithoutNames("ps", [], isExplicit: false).Note, StringComparison.Ordinal);
        Assert.Null(NameResolution.WithoutNames("ps", [], isExplicit: true).Note);
        Assert.Null(NameResolution.WithoutNames("ps", ["app"], isExplicit: false).Note);
    }
}
