namespace Berth.Conformance.Tests.Clients;

/// <summary>docker-py, Docker's library for Python, as Debian has it. The jobs are the scripts in <c>python/</c>.</summary>
[Trait("Speed", "slow")]
public sealed class PythonClientTests(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [Theory]
    [MemberData(nameof(ClientScripts.In), "python", "*.py", MemberType = typeof(ClientScripts))]
    public Task Job(string script) => ClientScripts.RunAsync(docker.Daemon.Docker, networkOf: null, "/usr/bin/python3", $"{ClientScripts.Folder}/python/{script}");
}
