using Berth.Cli.Docker;

namespace Berth.Cli.Tests;

public class NetworkOptionsTests
{
    [Theory]
    [InlineData("default", "{}")]
    [InlineData("front", "{}", "--network", "front")]
    [InlineData("host", "{}", "--net", "host")]
    [InlineData(
        "front", """{"EndpointsConfig":{"front":{"Aliases":["web"],"IPAMConfig":{"IPv4Address":"10.0.0.9"}}}}""", "--network", "front", "--network-alias", "web", "--ip", "10.0.0.9")]
    [InlineData("default", """{"EndpointsConfig":{"bridge":{"Aliases":[],"MacAddress":"02:42:00:00:00:01"}}}""", "--mac-address", "02:42:00:00:00:01")]
    [InlineData(
        "front",
        """{"EndpointsConfig":{"front":{"GwPriority":-1,"Aliases":["a","b"],"DriverOpts":{"k":"v=w"},"IPAMConfig":{"IPv6Address":"fd00::9","LinkLocalIPs":["169.254.1.1"]}},"back":{}}}""",
        "--network", "name=front,alias=a,alias=b,ip6=fd00::9,link-local-ip=169.254.1.1,driver-opt=k=v=w,gw-priority=-1", "--network", "back")]
    [InlineData("front", """{"EndpointsConfig":{"front":{"Aliases":[],"DriverOpts":{"k":"a=1,b=2"}}}}""", "--network", "\"name=front\",\"driver-opt=k=a=1,b=2\"")]
    public void Networks_are_asked_for_as_with_Docker(string mode, string networking, params string[] words)
    {
        var line = Parse(words);
        Assert.Equal(mode, NetworkOptions.Mode(line));
        Assert.Equal(networking, NetworkOptions.Networking(line).ToJsonString());
    }

    [Theory]
    [InlineData("need --network", "--ip", "10.0.0.9")]
    [InlineData("network name missing", "--network", "alias=web")]
    [InlineData("invalid field key colour", "--network", "name=front,colour=red")]
    [InlineData("not a whole number", "--network", "name=front,gw-priority=first")]
    [InlineData("specified multiple times", "--network", "front", "--network", "name=front,alias=x")]
    [InlineData("conflicting options: cannot specify both --ip and per-network options", "--network", "name=front,alias=x", "--ip", "10.0.0.9")]
    public void What_makes_no_sense_is_told(string message, params string[] words) =>
        Assert.Contains(message, Assert.Throws<UsageException>(() => NetworkOptions.Networking(Parse(words))).Message, StringComparison.Ordinal);

    private static ParsedLine Parse(string[] words) => CommandLine.Parse([.. words, "image"], ContainerOptions.Options, stopsAtArgument: true);
}
