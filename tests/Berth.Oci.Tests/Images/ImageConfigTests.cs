using System.Text;
using Berth.Oci.Images;

namespace Berth.Oci.Tests.Images;

public class ImageConfigTests
{
    private const string FromDocker = """
        {"architecture":"amd64","config":{"ExposedPorts":{"80/tcp":{}},"Env":["PATH=/bin","A=<b> & 'c'"],"Cmd":["nginx","-g","daemon off;"],"Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":5000000000,"Retries":3},"Volumes":{"/data":{}},"Labels":{"a":"b"},"StopSignal":"SIGQUIT"},"created":"2024-05-29T21:17:34.123456789Z","history":[{"created":"2024-05-29T21:17:34Z","created_by":"/bin/sh -c #(nop) ADD file:1 in / "},{"created_by":"CMD","empty_layer":true}],"os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]},"docker_version":"20"}
        """;

    [Fact]
    public void A_configuration_from_Docker_is_read_and_written_back()
    {
        var config = OciJson.ReadConfig(Encoding.UTF8.GetBytes(FromDocker));
        Assert.Equal(5_000_000_000, config.Config!.Healthcheck!.Interval);
        Assert.Equal(["80/tcp"], config.Config.ExposedPorts!.Keys);
        Assert.True(config.History![1].EmptyLayer);
        var text = Encoding.UTF8.GetString(OciJson.Write(config));
        Assert.Contains("\"Env\":[\"PATH=/bin\",\"A=<b> & 'c'\"]", text, StringComparison.Ordinal);
        Assert.Contains("\"created\":\"2024-05-29T21:17:34.1234567Z\"", text, StringComparison.Ordinal);
        Assert.Contains("\"diff_ids\":[\"sha256:0123", text, StringComparison.Ordinal);
        Assert.Contains("{\"created_by\":\"CMD\",\"empty_layer\":true}", text, StringComparison.Ordinal);
        Assert.Contains("\"ExposedPorts\":{\"80/tcp\":{}}", text, StringComparison.Ordinal);
        Assert.DoesNotContain("null", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_chain_id_of_two_layers_is_the_digest_of_both_names()
    {
        var (a, b) = (Digest.Of("a"u8), Digest.Of("b"u8));
        Assert.Equal([a, Digest.Of(Encoding.ASCII.GetBytes($"{a} {b}"))], RootFileSystem.ChainIds([a, b]));
    }

    [Theory]
    [InlineData("linux/amd64", "linux/amd64", true)]
    [InlineData("amd64", "linux/x86_64", true)]
    [InlineData("linux/arm64", "linux/arm64/v8", true)]
    [InlineData("linux/arm/v7", "linux/arm/v6", false)]
    [InlineData("linux/amd64", "windows/amd64", false)]
    public void Platforms_match_by_their_common_names(string asked, string offered, bool accepted) =>
        Assert.Equal(accepted, Platform.Parse(asked).Accepts(Platform.Parse(offered)));

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"rootfs\":{\"diff_ids\":[\"sha256:00\"]}}")]
    [InlineData("{}")]
    public void What_is_not_a_configuration_is_refused(string json) =>
        Assert.Throws<InvalidDataException>(() => OciJson.ReadConfig(Encoding.UTF8.GetBytes(json)));
}
