using Berth.Engine.Containers;

namespace Berth.Engine.Tests.Containers;

public sealed class StartOrderTests
{
    [Fact]
    public void Whom_others_depend_on_comes_first_and_the_rest_stays_as_it_is()
    {
        ContainerRecord[] records =
        [
            Service("shop", "web", "app:service_healthy:false"), Service("shop", "app", "db:service_healthy:true,cache:service_started:false"), Service("blog", "web", "db:service_started:false"), Service("shop", "db"),
            Service("blog", "db"), Service("shop", "cache"), Alone("sidecar", new() { NetworkMode = "container:" + Id("late") }), Alone("late"),
            Alone("linked") with { Links = [new(Id("last"), "alias")] }, Alone("last"),
        ];
        Assert.Equal(
            ["shop-db", "shop-cache", "shop-app", "shop-web", "blog-db", "blog-web", "late", "sidecar", "last", "linked"],
            StartOrder.Sort(records).Select(record => record.Name));
    }

    [Fact]
    public void A_circle_and_what_is_not_there_hold_nobody_up() => Assert.Equal(
        ["a-two", "a-one", "b-three"],
        StartOrder.Sort([Service("a", "one", "two:service_started:false"), Service("a", "two", "one:service_started:false,gone:service_started:false"), Service("b", "three")]).Select(record => record.Name));

    private static ContainerRecord Service(string project, string service, string dependsOn = "")
    {
        var record = Alone($"{project}-{service}");
        return record with
        {
            Config = new()
            {
                Labels = new() { ["com.docker.compose.project"] = project, ["com.docker.compose.service"] = service, ["com.docker.compose.oneoff"] = "False", ["com.docker.compose.depends_on"] = dependsOn },
            },
        };
    }

    private static ContainerRecord Alone(string name, HostConfig? host = null) => new()
    {
        Id = Id(name), Name = name, Created = default, ImageId = "", LowerDirectories = [], Mounts = [], Endpoints = [], Config = new(), HostConfig = host ?? new(),
    };

    private static string Id(string name) => "id-of-" + name;
}
