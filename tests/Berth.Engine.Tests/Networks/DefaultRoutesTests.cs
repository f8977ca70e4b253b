using Berth.Engine.Containers;
using Berth.Engine.Networks;

namespace Berth.Engine.Tests.Networks;

/// <summary>Of several networks the one with the highest gateway priority leads out, else the first that can. Docker Engine API, "EndpointSettings", GwPriority.</summary>
public class DefaultRoutesTests
{
    [Theory]
    [InlineData("0 0 0", 0)]
    [InlineData("0 5 5", 1)]
    [InlineData("-1 0 -2", 1)]
    [InlineData("i9 0 1", 2)] // an internal one never leads out
    public void One_network_has_the_default_route(string priorities, int expected)
    {
        List<(NetworkRecord, EndpointRecord)> endpoints = [.. priorities.Split(' ').Select((text, i) => (
            new NetworkRecord { Id = $"{i}", Name = $"n{i}", Driver = "bridge", Created = default, Internal = text[0] == 'i' },
            new EndpointRecord
            {
                NetworkName = $"n{i}", NetworkId = $"{i}", EndpointId = $"{i}", Address = $"10.0.{i}.2", MacAddress = "", HostLink = "",
                Config = new() { GwPriority = int.Parse(text.TrimStart('i'), System.Globalization.CultureInfo.InvariantCulture) },
            }))];
        Assert.Equal(expected, Enumerable.Range(0, endpoints.Count).Single(i => !endpoints[i].Item1.Internal && !DefaultRoutes.OfThoseBefore(endpoints, i).Ipv4));
    }
}
