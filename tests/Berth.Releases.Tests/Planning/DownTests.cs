using Berth.Releases.Planning;

namespace Berth.Releases.Tests.Planning;

public class DownTests
{
    private const string Shop = """
        services:
          web: {image: nginx, depends_on: [app]}
          app: {build: ., depends_on: [db], networks: [default, shared]}
          db: {image: mysql, volumes: ["data:/d", "kept:/k"]}
        networks: {shared: {external: true}}
        volumes: {data: , kept: {external: true}}
        """;

    [Fact]
    public void Containers_go_in_reverse_order_then_the_networks() =>
        Assert.Equal(
            [
                "remove p-web-1: the project is taken down",
                "remove p-app-1: the project is taken down",
                "remove p-db-1: the project is taken down",
                "remove network p_default",
            ],
            Up().Down());

    [Fact]
    public void Volumes_and_images_go_only_when_asked_for_and_never_what_is_external()
    {
        var plan = Planner.PlanDown(Up().Project, Up().Actual, new DownOptions { RemoveVolumes = true, RemoveImages = ImageRemoval.Local });
        Assert.Equal(["remove network p_default", "remove volume p_data", "remove image p-app"], plan.Actions.Skip(3).Select(World.Line));
        Assert.Equal(PlanEffects.LosesData, plan.Actions[4].Effects);
        Assert.Equal(PlanEffects.LosesData | PlanEffects.Interrupts, plan.Actions[0].Effects);
        Assert.Equal(
            ["remove image mysql", "remove image nginx", "remove image p-app"],
            Up().Down(new DownOptions { RemoveImages = ImageRemoval.All }).Skip(4));
    }

    [Fact]
    public void A_volume_that_only_another_file_of_the_project_has_stays()
    {
        var world = Up();
        world.Volumes.Add(world.Volumes.Single(volume => volume.Key == "data") with { Name = "p_other", Key = "other" });
        Assert.DoesNotContain("remove volume p_other", world.Down(new DownOptions { RemoveVolumes = true }));
        Assert.Contains("remove volume p_other", Planner.PlanDown(null, world.Actual, new DownOptions { RemoveVolumes = true }).Actions.Select(World.Line));
    }

    [Fact]
    public void Named_services_go_alone_and_leave_the_networks() =>
        Assert.Equal(["remove p-web-1: the project is taken down"], Up().Down(new DownOptions { Services = ["web"] }));

    [Fact]
    public void Orphans_stay_with_a_warning_or_go_first()
    {
        var world = Up().Add("gone", 1).Add("web", 7, isOneOff: true);
        Assert.DoesNotContain(world.Down(), line => line.Contains("gone", StringComparison.Ordinal));
        Assert.DoesNotContain(world.Down(), line => line.Contains("p-web-7", StringComparison.Ordinal)); // somebody's own, and may be running
        Assert.Contains("p-gone-1", Assert.Single(Planner.PlanDown(world.Project, world.Actual, new DownOptions()).Warnings), StringComparison.Ordinal);
        Assert.Equal("remove p-gone-1: the project is taken down", world.Down(new DownOptions { RemoveOrphans = true })[0]);
        Assert.Contains("remove p-web-7: the project is taken down", world.Down(new DownOptions { RemoveOrphans = true }));
    }

    [Fact]
    public void Some_services_take_along_what_they_alone_use()
    {
        var world = new World("""
            services:
              a: {image: i, networks: [own, both], volumes: ['own:/o', 'both:/b']}
              b: {image: i, networks: [both], volumes: ['both:/b']}
            networks: {own: , both: }
            volumes: {own: , both: }
            """).Up();
        Assert.Equal(["remove p-a-1: the project is taken down", "remove network p_own"], world.Down(new DownOptions { Services = ["a"] }));
        Assert.Equal(["remove p-a-1: the project is taken down", "remove network p_own", "remove volume p_own"], world.Down(new DownOptions { Services = ["a"], RemoveVolumes = true }));
        Assert.Equal(["remove p-b-1: the project is taken down"], world.Down(new DownOptions { Services = ["b"], RemoveVolumes = true }));
    }

    [Fact]
    public void Without_files_the_labels_give_the_order()
    {
        var world = new World("services: {x: {image: i}}").Add("a", 1, dependsOn: ["b"]).Add("b", 1, dependsOn: ["c"]).Add("c", 1);
        Assert.Equal(["p-a-1", "p-b-1", "p-c-1"], world.Down(withoutFiles: true).Select(line => line.Split(' ', ':')[1]));
    }

    private static World Up()
    {
        var world = new World(Shop).Up();
        world.Networks[world.Networks.FindIndex(network => network.Key == "shared")] = new ActualNetwork("1", "shared", null, null);
        return world;
    }
}
