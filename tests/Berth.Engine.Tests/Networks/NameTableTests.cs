using Berth.Engine.Containers;
using Berth.Engine.Networks;

namespace Berth.Engine.Tests.Networks;

public sealed class NameTableTests
{
    private static readonly NetworkRecord Network = new()
    {
        Id = "n", Name = "shop_default", Created = default, Driver = "bridge", ServiceAddresses = new() { ["shop/app"] = "10.0.0.250" },
    };

    [Fact]
    public void A_service_answers_with_its_address_and_its_generated_containers_with_their_own()
    {
        var names = NameTable.Build(Network, [Member("shop-app-1", "10.0.0.2", "app", ["app", "api"]), Member("shop-app-2", "10.0.0.3", "app", ["app", "api"])]);
        Assert.Equal(["10.0.0.250"], names["app"]);
        Assert.Equal(["10.0.0.250"], names["api"]);
        Assert.Equal(["10.0.0.2"], names["shop-app-1"]);
        Assert.Equal(["10.0.0.2", "10.0.0.3"], names["tasks.app"]);
    }

    [Fact]
    public void A_fixed_container_name_means_the_service()
    {
        Assert.Equal(["10.0.0.250"], NameTable.Build(Network, [Member("app", "10.0.0.2", "app", ["app"])])["app"]);
        Assert.Equal(["10.0.0.250"], NameTable.Build(Network, [Member("Backend", "10.0.0.2", "app", [])])["backend"]);
    }

    [Fact]
    public void A_replica_finds_itself_under_its_services_names() =>
        Assert.Equal(["app", "api"], NameTable.OwnNames(Network, Member("shop-app-1", "10.0.0.2", "app", ["app", "api"])).Distinct());

    [Fact]
    public void A_plain_container_answers_for_its_name_its_short_id_and_its_aliases()
    {
        var names = NameTable.Build(Network with { ServiceAddresses = [] }, [Member("db", "10.0.0.9", null, ["mysql"])]);
        Assert.Equal(["10.0.0.9"], names["db"]);
        Assert.Equal(["10.0.0.9"], names["mysql"]);
        Assert.Equal(["10.0.0.9"], names[new string('d', 12)]);
    }

    [Fact]
    public void A_hostname_of_its_own_is_a_name_and_each_name_has_the_addresses_of_both_families()
    {
        var member = Member("db", "10.0.0.9", null, []);
        member = member with
        {
            Container = member.Container with { Config = member.Container.Config with { Hostname = "its-host" } }, Endpoint = member.Endpoint with { Address6 = "fd00::9" },
        };
        var names = NameTable.Build(Network with { ServiceAddresses = [] }, [member]);
        Assert.Equal(["10.0.0.9", "fd00::9"], names["its-host"]);
        Assert.Equal(["10.0.0.9", "fd00::9"], names["db"]);
    }

    [Fact]
    public void A_service_keeps_its_name_while_nothing_of_it_runs() =>
        Assert.Equal(["10.0.0.250"], NameTable.Build(Network, [])["app"]);

    private static NameTable.Member Member(string name, string address, string? service, string[] aliases) => new(
        new ContainerRecord
        {
            Id = new string(name[0], 64), Name = name, Created = default, HostConfig = new(), ImageId = "", LowerDirectories = [], Mounts = [], Endpoints = [],
            Config = new()
            {
                Labels = service is null ? null : new()
                {
                    ["com.docker.compose.project"] = "shop", ["com.docker.compose.service"] = service, ["com.docker.compose.container-number"] = name[^1..],
                },
            },
        },
        new EndpointRecord { NetworkName = "shop_default", NetworkId = "n", EndpointId = "e", Config = new() { Aliases = aliases }, Address = address, MacAddress = "", HostLink = "" },
        Serves: true);
}
