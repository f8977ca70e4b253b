using Berth.Engine.Errors;
using Microsoft.AspNetCore.Http;

namespace Berth.Api.Tests;

public sealed class FiltersTests
{
    [Theory]
    [InlineData("""{"label":["a=b","c"]}""")]
    [InlineData("""{"label":{"a=b":true,"c":true,"d":false}}""")]
    public void Both_forms_that_clients_send_mean_the_same(string json)
    {
        var filters = Filters.Read(Ask(json), "label");
        Assert.Equal(["a=b", "c"], filters["label"]);
        Assert.True(filters.Labels(new Dictionary<string, string> { ["a"] = "b", ["c"] = "" }));
        Assert.False(filters.Labels(new Dictionary<string, string> { ["a"] = "other", ["c"] = "" }));
        Assert.False(filters.Labels(null));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"label":3}""")]
    [InlineData("""{"label":[3]}""")]
    [InlineData("""{"colour":["blue"]}""")]
    public void What_is_no_filter_is_the_callers_mistake(string json)
    {
        var exception = Assert.Throws<BerthException>(() => Filters.Read(Ask(json), "label"));
        Assert.Equal(400, ApiHost.StatusOf(exception));
    }

    private static DefaultHttpContext Ask(string filters) => new() { Request = { QueryString = QueryString.Create("filters", filters) } };
}
