using Berth.Api.DockerApi;
using Berth.Engine.Errors;

namespace Berth.Api.Tests.DockerApi;

/// <summary>Times in queries: every digit counts, as a client asks for what came after the very line that it has.</summary>
public class TimeParameterTests
{
    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("0", null)]
    [InlineData("1795729200", 1795729200000000000)]
    [InlineData("1795729200.5", 1795729200500000000)]
    [InlineData("1795729200.123456789", 1795729200123456789)]
    [InlineData("2026-11-26T21:40:00Z", 1795729200000000000)]
    [InlineData("2026-11-26T21:40:00.123456789Z", 1795729200123456789)]
    [InlineData("2026-11-26T21:40:00.1+00:00", 1795729200100000000)]
    [InlineData("2026-11-26T23:40:00.000000001+02:00", 1795729200000000001)]
    [InlineData("2026-11-26", 1795651200000000000)]
    public void A_time_is_read_to_the_nanosecond(string? text, long? nanoseconds) => Assert.Equal(nanoseconds, TimeParameter.Nanoseconds(text));

    [Theory]
    [InlineData("nonsense")]
    [InlineData("1e9")]
    [InlineData("99999999999999999999")]
    [InlineData("2026-13-01T00:00:00Z")]
    public void What_is_no_time_is_refused(string text) =>
        Assert.Equal($"\"{text}\" is not a time: seconds since 1970 or RFC 3339", Assert.Throws<BerthException>(() => TimeParameter.Nanoseconds(text)).Message);
}
