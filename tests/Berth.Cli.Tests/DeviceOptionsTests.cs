using Berth.Cli.Docker;

namespace Berth.Cli.Tests;

/// <summary>Devices by name, and graphics processors: what Docker's client sends for them, which <c>devices.sh</c> of the conformance tests has recorded.</summary>
public sealed class DeviceOptionsTests
{
    [Theory]
    [InlineData("null")]
    [InlineData("""[{"Driver":"cdi","DeviceIDs":["v.com/c=one","v.com/c=2"]}]""", "--device", "v.com/c=one", "--device", "/dev/null", "--device", "v.com/c=2")]
    [InlineData("""[{"Driver":"","Capabilities":[["gpu"]],"Options":{},"Count":-1}]""", "--gpus", "all")]
    [InlineData("""[{"Driver":"","Capabilities":[["gpu"]],"Options":{},"Count":2}]""", "--gpus", "2")]
    [InlineData("""[{"Driver":"","Capabilities":[["gpu"]],"Options":{},"DeviceIDs":["0"]}]""", "--gpus", "device=0")]
    [InlineData("""[{"Driver":"nvidia","Capabilities":[["utility","compute","gpu"]],"Options":{"a":"b","c":"d"},"DeviceIDs":["0","1"]}]""", "--gpus", "\"device=0,1\",driver=nvidia,\"capabilities=utility,compute\",\"options=a=b,c=d\"")]
    [InlineData("""[{"Driver":"nvidia","Capabilities":[["gpu"]],"Options":{},"Count":1},{"Driver":"cdi","DeviceIDs":["v.com/c=one"]}]""", "--gpus", "driver=nvidia", "--device", "v.com/c=one")]
    public void Devices_are_asked_for_as_with_Docker(string expected, params string[] words) => Assert.Equal(expected, DeviceOptions.Requests(Parse(words))?.ToJsonString() ?? "null");

    [Theory]
    [InlineData("x", "invalid count (x): value must be either \"all\" or an integer")]
    [InlineData("1,count=2", "gpu request key 'count' can be specified only once")]
    [InlineData("color=red", "unexpected key 'color' in 'color=red'")]
    [InlineData("\"device=0", "a quote is missing in '\"device=0'")]
    public void What_makes_no_sense_is_told(string text, string expected) => Assert.Equal(expected, Assert.Throws<UsageException>(() => DeviceOptions.Requests(Parse(["--gpus", text]))).Message);

    private static ParsedLine Parse(string[] words) => CommandLine.Parse([.. words, "image"], ContainerOptions.Options, stopsAtArgument: true);
}
