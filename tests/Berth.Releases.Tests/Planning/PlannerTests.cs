using Berth.Releases.Planning;

namespace Berth.Releases.Tests.Planning;

public class PlannerTests
{
    private const string Shop = """
        services:
          web: {image: nginx, depends_on: [app], networks: [front]}
          app: {build: ., depends_on: {db: {condition: service_healthy}, mig: {condition: service_completed_successfully}}, networks: [front, back]}
          mig: {build: ., image: p-app, depends_on: {db: {condition: service_healthy}}, networks: [back]}
          db: {image: "mysql:5.7", volumes: ["data:/d"], networks: [back]}
        networks: {front: , back: }
        volumes: {data: }
        """;

    [Fact]
    public void A_first_up_makes_everything_in_the_order_of_dependencies()
    {
        var world = new World(Shop);
        Assert.Equal(
            [
                "pull mysql:5.7: there is no such image here",
                "pull nginx: there is no such image here",
                "build p-app: there is no such image yet",
            ],
            world.Plan().Images.Select(World.Line));
        Assert.Equal(
            [
                "network p_back",
                "network p_front",
                "volume p_data",
                "run p-db-1: it does not exist yet",
                "wait for db Healthy",
                "run p-mig-1: it does not exist yet",
                "wait for db Healthy",
                "wait for mig CompletedSuccessfully",
                "run p-app-1: it does not exist yet",
                "run p-web-1: it does not exist yet",
            ],
            world.Lines());
    }

    [Fact]
    public void Nothing_is_done_when_everything_is_as_it_should_be()
    {
        var plan = new World(Shop).Up().Plan();
        Assert.False(plan.HasChanges);
        Assert.Equal(
            ["leave p-db-1: it is up to date", "leave p-mig-1: it is up to date", "leave p-app-1: it is up to date", "leave p-web-1: it is up to date"],
            plan.Actions.Select(World.Line));
        Assert.Empty(plan.Warnings);
    }

    [Fact]
    public void Only_what_changed_is_replaced_and_the_reason_says_why()
    {
        var world = new World(Shop).Up().Change("p-app-1", container => container with { ConfigHash = "old" });
        world.Images["nginx"] = new("sha256:newer");
        Assert.Equal(
            [
                "leave p-db-1: it is up to date",
                "leave p-mig-1: it is up to date",
                "wait for db Healthy",
                "wait for mig CompletedSuccessfully",
                "replace p-app-1: its configuration changed",
                "replace p-web-1: its image 'nginx' changed",
            ],
            world.Lines());
        Assert.Equal(PlanEffects.Interrupts, world.Plan().Actions[^1].Effects);
    }

    [Fact]
    public void No_recreate_keeps_what_changed() =>
        Assert.Contains("leave p-app-1: it is up to date", new World(Shop).Up().Change("p-app-1", one => one with { ConfigHash = "old" }).Lines(new PlanOptions { NoRecreate = true }));

    [Fact]
    public void Force_recreate_takes_the_named_services_and_leaves_their_dependencies()
    {
        var world = new World(Shop).Up();
        Assert.Equal(
            ["leave p-db-1: it is up to date", "wait for db Healthy", "replace p-mig-1: a new one was asked for"],
            world.Lines(new PlanOptions { Services = ["mig"], ForceRecreate = true }));
        Assert.Equal(
            ["replace p-db-1: a new one was asked for", "leave p-mig-1: it is up to date"],
            world.Lines(new PlanOptions { Services = ["mig"], ForceRecreateDependencies = true }));
        Assert.Equal(
            ["replace p-db-1: a new one was asked for", "wait for db Healthy", "replace p-mig-1: a new one was asked for"],
            world.Lines(new PlanOptions { Services = ["mig"], ForceRecreate = true, ForceRecreateDependencies = true }));
    }

    [Fact]
    public void No_deps_leaves_dependencies_out_and_waits_for_none() =>
        Assert.Equal(
            ["network p_back", "network p_front", "run p-app-1: it does not exist yet"],
            new World(Shop).Lines(new PlanOptions { Services = ["app"], NoDependencies = true }));

    [Fact]
    public void No_start_only_creates() =>
        Assert.Equal(
            ["network p_back", "volume p_data", "create p-db-1: it does not exist yet"],
            new World(Shop).Lines(new PlanOptions { Services = ["db"], NoStart = true }));

    [Theory]
    [InlineData(ContainerState.Exited, "start p-db-1: it is not running")]
    [InlineData(ContainerState.Created, "start p-db-1: it was never started")]
    [InlineData(ContainerState.Paused, "start p-db-1: it is paused")]
    [InlineData(ContainerState.Restarting, "leave p-db-1: it is up to date")]
    public void What_does_not_run_is_started(ContainerState state, string expected) =>
        Assert.Equal(expected, new World(Shop).Up().Change("p-db-1", one => one with { State = state }).Lines()[0]);

    [Fact]
    public void Scaling_up_continues_the_numbers()
    {
        var world = new World("services: {a: {image: i}}").Up();
        Assert.Equal(
            ["leave p-a-1: it is up to date", "roll p-a-2, p-a-3: more are wanted"],
            world.Lines(new PlanOptions { Scale = new Dictionary<string, int> { ["a"] = 3 } }));
    }

    [Fact]
    public void Scaling_down_removes_the_outdated_then_the_highest_numbers()
    {
        var world = new World("services: {a: {image: i, scale: 4}}").Up().Change("p-a-2", one => one with { ConfigHash = "old" });
        Assert.Equal(
            [
                "remove p-a-4: 2 of 'a' are wanted",
                "remove p-a-2: 2 of 'a' are wanted",
                "leave p-a-1: it is up to date",
                "leave p-a-3: it is up to date",
            ],
            world.Lines(new PlanOptions { Scale = new Dictionary<string, int> { ["a"] = 2 } }));
        Assert.Equal("remove p-a-4: none of 'a' are wanted", world.Lines(new PlanOptions { Scale = new Dictionary<string, int> { ["a"] = 0 } })[0]);
    }

    [Fact]
    public void A_fixed_name_cannot_be_scaled() =>
        Assert.Equal(
            ["service 'a' has the fixed container name 'x' and cannot have 2 containers"],
            new World("services: {a: {image: i, container_name: x}}").Up().Plan(new PlanOptions { Scale = new Dictionary<string, int> { ["a"] = 2 } }).Problems);

    [Fact]
    public void A_fixed_name_is_used() =>
        Assert.Contains("run mysql: it does not exist yet", new World("services: {a: {image: i, container_name: mysql}}").Lines());

    [Fact]
    public void Orphans_are_warned_about_or_removed_first()
    {
        var world = new World("services: {a: {image: i}}").Up().Add("gone", 1).Add("a", 9, ContainerState.Exited, isOneOff: true).Add("a", 8, isOneOff: true);
        Assert.StartsWith("Found orphan containers ([p-gone-1 p-a-9]) for this project.", Assert.Single(world.Plan().Warnings), StringComparison.Ordinal);
        Assert.Equal(
            ["remove p-gone-1: the project has no service 'gone'", "remove p-a-9: 'run' left it behind", "leave p-a-1: it is up to date"],
            world.Lines(new PlanOptions { RemoveOrphans = true }));
    }

    [Fact]
    public void A_changed_network_is_made_anew_with_all_its_containers()
    {
        var world = new World(Shop).Up();
        world.Networks[world.Networks.FindIndex(network => network.Key == "front")] = new ActualNetwork("1", "p_front", "front", "old");
        Assert.Equal(
            [
                "renew network p_front of p-web-1 p-app-1",
                "leave p-db-1: it is up to date",
                "leave p-mig-1: it is up to date",
                "wait for db Healthy",
                "wait for mig CompletedSuccessfully",
                "replace p-app-1: its network 'front' is made anew",
                "replace p-web-1: its network 'front' is made anew",
            ],
            world.Lines(new PlanOptions { NoRecreate = true }));
    }

    [Fact]
    public void A_changed_volume_is_kept_with_a_warning()
    {
        var world = new World(Shop).Up();
        world.Volumes[0] = world.Volumes[0] with { ConfigHash = "old" };
        Assert.False(world.Plan().HasChanges);
        Assert.Contains("would lose its data", Assert.Single(world.Plan().Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_external_must_be_there()
    {
        var world = new World("services: {a: {image: i, networks: [n], volumes: ['v:/v']}}\nnetworks: {n: {external: true}}\nvolumes: {v: {external: true}}");
        Assert.Equal(
            [
                "network 'n' is declared as external, but does not exist; create it with 'docker network create n'",
                "volume 'v' is declared as external, but does not exist; create it with 'docker volume create v'",
            ],
            world.Plan().Problems);
        world.Networks.Add(new ActualNetwork("1", "n", null, null));
        world.Volumes.Add(new ActualVolume("v", null, null));
        Assert.Empty(world.Plan().Problems);
    }

    [Fact]
    public void A_container_in_anothers_namespace_is_replaced_with_it()
    {
        var world = new World("services: {a: {image: i}, side: {image: i, network_mode: 'service:a'}}").Up().Change("p-a-1", one => one with { ConfigHash = "old" });
        Assert.Equal(
            ["replace p-a-1: its configuration changed", "replace p-side-1: it lives in a namespace of 'a', which is replaced"], world.Lines());
    }

    [Fact]
    public void A_dependent_that_asks_for_it_is_restarted()
    {
        var world = new World("services: {a: {image: i}, b: {image: i, depends_on: {a: {condition: service_started, restart: true}}}}")
            .Up().Change("p-a-1", one => one with { ConfigHash = "old" });
        Assert.Equal(["replace p-a-1: its configuration changed", "restart p-b-1: 'a', which it depends on, is replaced"], world.Lines());
    }

    [Fact]
    public void Waiting_for_a_service_without_containers_is_a_problem() =>
        Assert.Equal(
            ["service 'mig' waits for 'db', of which no container is wanted"],
            new World(Shop).Plan(new PlanOptions { Services = ["mig"], Scale = new Dictionary<string, int> { ["db"] = 0 } }).Problems);

    [Fact]
    public void An_unknown_service_is_a_problem() =>
        Assert.Equal(["no such service: x"], new World(Shop).Plan(new PlanOptions { Services = ["x"] }).Problems);

    [Fact]
    public void Local_images_are_neither_built_nor_pulled_again()
    {
        var world = new World("services: {a: {image: myblog}, b: {build: .}}");
        world.Images["myblog"] = new("1");
        world.Images["p-b"] = new("2");
        Assert.Empty(world.Plan().Images);
    }

    [Fact]
    public void An_image_that_another_service_builds_is_built_and_not_pulled() =>
        Assert.Equal(
            ["build mine: there is no such image yet"],
            new World("services: {a: {image: mine}, b: {image: mine, build: .}}").Plan(new PlanOptions { Services = ["a"] }).Images.Select(World.Line));

    [Theory]
    [InlineData("services: {a: {image: i, pull_policy: always}}", "pull i: the newest is asked for")]
    [InlineData("services: {a: {image: i, build: ., pull_policy: build}}", "build i: its pull_policy is 'build'")]
    [InlineData("services: {a: {image: i, pull_policy: never}}", "")]
    public void A_pull_policy_is_obeyed_when_the_image_is_there(string compose, string expected) =>
        Assert.Equal(expected, string.Join(';', new World(compose).Up().Plan().Images.Select(World.Line)));

    [Theory]
    [InlineData(23, "")]
    [InlineData(24, "pull i: it was last fetched longer ago than its pull_policy allows")]
    public void An_image_is_refreshed_once_it_is_old_enough(int hours, string expected)
    {
        var world = new World("services: {a: {image: i, pull_policy: daily}}").Up();
        world.Images["i"] = world.Images["i"] with { Age = TimeSpan.FromHours(hours) };
        Assert.Equal(expected, string.Join(';', world.Plan().Images.Select(World.Line)));
    }

    [Fact]
    public void A_missing_image_that_may_not_be_got_is_a_problem()
    {
        Assert.Equal(
            ["service 'a': there is no image 'i', and pulling is switched off"],
            new World("services: {a: {image: i, pull_policy: never}}").Plan().Problems);
        Assert.Equal(
            ["service 'a': there is no image 'p-a', and building is switched off"],
            new World("services: {a: {build: .}}").Plan(new PlanOptions { NoBuild = true }).Problems);
    }

    [Fact]
    public void A_build_that_was_asked_for_may_replace_what_uses_it()
    {
        var world = new World("services: {a: {build: .}}").Up();
        Assert.Equal(["leave p-a-1: it is up to date, unless its image turns out to be new"], world.Lines(new PlanOptions { Build = true }));
        world.Images["p-a"] = new("sha256:new");
        var after = world.Plan(new PlanOptions { Build = true, ImagesAreReady = true });
        Assert.Empty(after.Images);
        Assert.Equal("replace p-a-1: its image 'p-a' changed", World.Line(Assert.Single(after.Actions)));
    }
}
