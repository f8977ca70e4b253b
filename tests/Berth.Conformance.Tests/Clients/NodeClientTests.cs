namespace Berth.Conformance.Tests.Clients;

/// <summary>dockerode, the library for Node that others are built on. The jobs are the scripts <c>node/dockerode-*</c>.</summary>
[Trait("Speed", "slow")]
public sealed class NodeClientTests(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ClientScripts.In), "node", "dockerode-*.mjs", MemberType = typeof(ClientScripts))]
    public async Task Job(string script)
    {
        await NodePackages.PrepareAsync();
        await ClientScripts.RunAsync(docker.Daemon.Docker, networkOf: null, "node", $"{NodePackages.Folder}/{script}");
    }
}
