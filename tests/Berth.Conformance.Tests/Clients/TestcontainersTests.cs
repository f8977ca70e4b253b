namespace Berth.Conformance.Tests.Clients;

/// <summary>Testcontainers: applications' own tests that start what they need. The jobs are the scripts <c>node/testcontainers-*</c>.</summary>
[Trait("Speed", "slow")]
public sealed class TestcontainersTests(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ClientScripts.In), "node", "testcontainers-*.mjs", MemberType = typeof(ClientScripts))]
    public async Task Job(string script)
    {
        await NodePackages.PrepareAsync();

        // Its reaper is an image of its own on Docker Hub; each job stops what it started.
        await ClientScripts.RunAsync(
            docker.Daemon.Docker, networkOf: null, "node", $"{NodePackages.Folder}/{script}", TimeSpan.FromMinutes(5), ("TESTCONTAINERS_RYUK_DISABLED", "true"));
    }
}
