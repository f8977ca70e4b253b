namespace Berth.Conformance.Tests.Reference;

/// <summary>The page of Docker's API is true.</summary>
public sealed class ApiPageTests(DockerFixture docker) : IClassFixture<DockerFixture>
{
    public static TheoryData<string> Endpoints => [.. ApiPage.Entries.Where(entry => entry.IsEndpoint).Select(entry => entry.Name)];

    [Fact]
    public void The_page_is_up_to_date() => Assert.True(ApiPage.Write() == File.ReadAllText(ApiPage.File), "run docs/reference/make-docker-api.sh");

    [Fact]
    public void Fields_are_read_unless_they_are_refused()
    {
        var known = ApiPage.KnownFields();
        var missing = ApiPage.Entries.Where(entry => !entry.IsEndpoint && !entry.Exception.Contains("is not kept", StringComparison.Ordinal))
            .SelectMany(entry => entry.Name.Split('.')).Where(name => !known.Contains(name));
        Assert.Empty(missing);
    }

    /// <summary>Asked of something that is not there: whatever is answered, it is not that there is no such endpoint.</summary>
    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task An_endpoint_is_there_or_refused_as_the_page_says(string endpoint)
    {
        var entry = ApiPage.Entries.Single(one => one.Name == endpoint);
        var target = System.Text.RegularExpressions.Regex.Replace(entry.Path, @"\{\w+}", "x") + (entry.Path == "/events" ? "?until=1" : "");
        using var request = new HttpRequestMessage(new HttpMethod(entry.Method), target);
        using var answer = await docker.Daemon.Api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        if (entry.Refusal is var (status, message))
        {
            Assert.Equal(status, (int)answer.StatusCode);
            var said = System.Text.Json.Nodes.JsonNode.Parse(text)!["message"]!.GetValue<string>();
            Assert.StartsWith(message.Split(':')[0], said, StringComparison.Ordinal);
        }
        else
        {
            Assert.DoesNotContain("page not found", text, StringComparison.Ordinal);
            Assert.NotEqual(405, (int)answer.StatusCode);
        }
    }
}

/// <summary>Not a test: writes the page. Run by <c>docs/reference/make-docker-api.sh</c>.</summary>
public sealed class ApiPageWriter
{
    [Fact(Explicit = true)]
    public void Write() => File.WriteAllText(ApiPage.File, ApiPage.Write());
}
