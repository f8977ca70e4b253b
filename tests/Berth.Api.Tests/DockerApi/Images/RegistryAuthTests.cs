using System.Text;
using Berth.Api.DockerApi.Images;
using Berth.Engine.Errors;
using Microsoft.AspNetCore.Http;

namespace Berth.Api.Tests.DockerApi.Images;

public sealed class RegistryAuthTests
{
    [Fact]
    public void A_client_that_knows_docker_hub_by_several_addresses_is_understood()
    {
        var credentials = RegistryAuth.Many(Ask(
            "X-Registry-Config",
            """{"https://index.docker.io/v1/":{"username":"old","password":"a"},"registry-1.docker.io":{"username":"new","password":"b"},"ghcr.io":{"identitytoken":"t"}}"""));
        Assert.Equal(("new", "b"), (credentials("docker.io")!.Username, credentials("docker.io")!.Password));
        Assert.Equal("t", credentials("ghcr.io")!.IdentityToken);
        Assert.Null(credentials("quay.io"));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"username":"","password":""}""")]
    [InlineData("""[1,2]""")]
    [InlineData("null")]
    public void Nothing_that_names_a_user_is_no_login(string json) => Assert.Null(RegistryAuth.One(Ask("X-Registry-Auth", json)));

    [Theory]
    [InlineData("not base64 !")]
    [InlineData("bm8ganNvbg")] // "no json"
    public void A_header_that_cannot_be_read_is_the_callers_mistake(string header)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers["X-Registry-Auth"] = header;
        Assert.Equal(400, ApiHost.StatusOf(Assert.Throws<BerthException>(() => RegistryAuth.One(context))));
    }

    private static DefaultHttpContext Ask(string header, string json)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers[header] = Convert.ToBase64String(Encoding.UTF8.GetBytes(json)).Replace('+', '-').Replace('/', '_');
        return context;
    }
}
