using Berth.Testing;

namespace Berth.Conformance.Tests.Scenarios;

// What a job prints on Berth is what it printed on Docker 28. A class for each file, so that they run beside each other.
// Together they are slow: ./test --quick runs those of copying alone.

[Trait("Speed", "slow")]
public sealed class BuildingScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "building", MemberType = typeof(ScenarioFile))]
    public Task As_on_Docker(string title) => ScenarioFile.CheckAsync(docker, "building", title);
}

public sealed class CopyingScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "copying", MemberType = typeof(ScenarioFile))]
    public Task As_on_Docker(string title) => ScenarioFile.CheckAsync(docker, "copying", title);
}

[Trait("Speed", "slow")]
public sealed class DevicesScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "devices", MemberType = typeof(ScenarioFile))]
    public Task As_on_Docker(string title) => ScenarioFile.CheckAsync(docker, "devices", title);
}

[Trait("Speed", "slow")]
public sealed class ImagesScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "images", MemberType = typeof(ScenarioFile))]
    public Task As_on_Docker(string title) => ScenarioFile.CheckAsync(docker, "images", title);
}

[Trait("Speed", "slow")]
public sealed class LifeScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "life", MemberType = typeof(ScenarioFile))]
    public Task As_on_Docker(string title) => ScenarioFile.CheckAsync(docker, "life", title);
}

[Trait("Speed", "slow")]
public sealed class MistakesScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "mistakes", MemberType = typeof(ScenarioFile))]
    public async Task As_on_Docker(string title)
    {
        var printed = await ScenarioFile.RunAsync(docker.Daemon.Docker, ScenarioFile.BerthsCompose, networkOf: null, "mistakes", title, TestContext.Current.CancellationToken);
        var wrong = MistakeLines.Compare(title, ScenarioFile.ReadRecorded("mistakes")[title].TrimEnd('\n'), printed.TrimEnd('\n'));
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("a: {\"message\":\"no b\"} 404", "a: {\"message\":\"no b; write c\"} 404", true)]
    [InlineData("a: {\"message\":\"no b\"} 404", "a: {\"message\":\"no b\"} 400", false)]
    [InlineData("a: {\"message\":\"no b\"} 404", "a: {\"message\":\"there is no b\"} 404", false)]
    [InlineData("a: {\"message\":\"no b\"} 404", "c: {\"message\":\"no b\"} 404", false)]
    [InlineData("a: {\"message\":\"anything\"} 500", "a: {\"message\":\"b\"} 409", true)]
    [InlineData("a: {\"message\":\"anything\"} 500", "a: {\"message\":\"anything else\"} 500", false)]
    [InlineData("a: {\"message\":\"invalid b: strconv.Atoi: parsing\"} 400", "a: {\"message\":\"invalid b: write a number\"} 400", true)]
    [InlineData("a: {\"Id\":\"1\"} 201", "a: {\"message\":\"b\"} 400", false)]
    public void Lines_fit_when_the_status_is_the_same_and_the_message_begins_alike(string docker, string berth, bool fits) => Assert.Equal(fits, MistakeLines.Fits(docker, berth));
}

[Trait("Speed", "slow")]
public sealed class NetworksScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "networks", MemberType = typeof(ScenarioFile))]
    public Task As_on_Docker(string title) => ScenarioFile.CheckAsync(docker, "networks", title);
}

[Trait("Speed", "slow")]
public sealed class ProjectsScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "projects", MemberType = typeof(ScenarioFile))]
    public Task As_on_Docker(string title) => ScenarioFile.CheckAsync(docker, "projects", title);
}

[Trait("Speed", "slow")]
public sealed class RunningScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "running", MemberType = typeof(ScenarioFile))]
    public Task As_on_Docker(string title) => ScenarioFile.CheckAsync(docker, "running", title);
}

[Trait("Speed", "slow")]
public sealed class ServicesScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "services", MemberType = typeof(ScenarioFile))]
    public Task As_on_Docker(string title) => ScenarioFile.CheckAsync(docker, "services", title);
}

[Trait("Speed", "slow")]
public sealed class SystemScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "system", MemberType = typeof(ScenarioFile))]
    public Task As_on_Docker(string title) => ScenarioFile.CheckAsync(docker, "system", title);
}

[Trait("Speed", "slow")]
public sealed class TalkingScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "talking", MemberType = typeof(ScenarioFile))]
    public Task As_on_Docker(string title) => ScenarioFile.CheckAsync(docker, "talking", title);
}

[Trait("Speed", "slow")]
public sealed class VolumesScenarios(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ScenarioFile.Titles), "volumes", MemberType = typeof(ScenarioFile))]
    public Task As_on_Docker(string title) => ScenarioFile.CheckAsync(docker, "volumes", title);
}

/// <summary>Not a test: writes down what Docker does. Run by <c>tests/tools/record-scenarios.sh</c>; RECORD names a file, or is empty for all.</summary>
public sealed class ScenarioRecorder(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Fact]
    public void Every_file_has_its_class() => Assert.Equal(
        ScenarioFile.All().Select(one => char.ToUpperInvariant(one.File[0]) + one.File[1..] + "Scenarios").Distinct().Order(StringComparer.Ordinal),
        typeof(ScenarioRecorder).Assembly.GetTypes().Where(type => type.Name.EndsWith("Scenarios", StringComparison.Ordinal)).Select(type => type.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void No_recording_shows_a_wait_in_vain_or_a_broken_pipe() => Assert.DoesNotContain(
        Directory.GetFiles(ScenarioFile.Folder + "/Recorded", "*.txt").SelectMany(File.ReadLines), line => line.StartsWith("still not: ", StringComparison.Ordinal) || line.Contains("Broken pipe", StringComparison.Ordinal));

    [Fact(Explicit = true)]
    public async Task Record()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var peer = await DockerDaemon.StartAsync(docker.Daemon, cancellationToken);
        var archive = docker.Daemon.Folder + "/box.tar";
        (await docker.DockerAsync("save", "-o", archive, "box")).EnsureSuccess();
        (await peer.Docker.Docker("load", "-q", "-i", archive).RunAsync(cancellationToken)).EnsureSuccess();
        var version = (await peer.Docker.Docker("version", "-f", "Docker {{.Server.Version}}, API {{.Server.APIVersion}}, client {{.Client.Version}}").RunAsync(cancellationToken)).EnsureSuccess().Output.Trim();
        var wanted = Environment.GetEnvironmentVariable("RECORD");
        foreach (var group in ScenarioFile.All().Where(one => string.IsNullOrEmpty(wanted) || one.File == wanted).GroupBy(one => one.File))
        {
            var recorded = new List<(string, string)>();
            foreach (var (file, title) in group)
            {
                try
                {
                    recorded.Add((title, await ScenarioFile.RunAsync(peer.Docker, peer.Docker.Compose("/").Program, peer.ProcessId, file, title, cancellationToken)));
                }
                catch (TimeoutException exception)
                {
                    recorded.Add((title, "still not: " + exception.Message)); // the others are recorded all the same, and the next test says so
                }
            }

            ScenarioFile.WriteRecorded(group.Key, version, recorded);
        }
    }
}
