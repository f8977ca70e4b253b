using Berth.Releases.Planning;

namespace Berth.Releases.Tests.Planning;

/// <summary>What becomes of a container that is not as its service says.</summary>
public class InPlaceTests
{
    private const string Shop = "services: {web: {image: nginx}, app: {image: python, depends_on: {web: {condition: service_started, restart: true}}}}";

    [Theory]
    [InlineData("labels.a", "1", "2")]
    [InlineData("labels.a", null, "2")]
    [InlineData("depends_on", "", "db:service_started:false")]
    [InlineData("restart", null, "always")]
    [InlineData("stop_grace_period", "1s", null)]
    [InlineData("mem_limit", "64m", "128m")]
    [InlineData("mem_limit", "64m", null)]
    [InlineData("pids_limit", null, "100")]
    [InlineData("networks.p_back", null, "web")]
    [InlineData("networks.p_back", "web", null)]
    [InlineData("healthcheck.test", "CMD a", "CMD b")]
    [InlineData("healthcheck.interval", "1s", null)]
    public void What_can_be_changed_while_it_runs_is(string field, string? old, string? now) =>
        Assert.Equal($"update p-web-1: {field} changed", new World(Shop).Up().Change("p-web-1", one => one with { ConfigHash = "old", Changes = [new(field, old, now)] }).Lines()[0]);

    [Theory]
    [InlineData("command", "a", "b")]
    [InlineData("networks.p_default", "web", "web, www")]
    [InlineData("healthcheck.test", null, "CMD b")] // until it has passed once, nobody is led there
    [InlineData("healthcheck.test", "CMD a", "NONE")]
    [InlineData("labels.org.berth.restart-unhealthy", null, "true")]
    public void What_cannot_has_another_container_take_its_place(string field, string? old, string? now) =>
        Assert.Equal("replace p-web-1: its configuration changed", new World(Shop).Up().Change("p-web-1", one => one with { ConfigHash = "old", Changes = [new(field, old, now)] }).Lines()[0]);

    [Fact]
    public void One_thing_that_cannot_takes_the_rest_along()
    {
        var world = new World(Shop).Up().Change("p-web-1", one => one with { ConfigHash = "old", Changes = [new("labels.a", "1", "2"), new("user", null, "web")] });
        var action = world.Plan().Actions[0];
        Assert.Equal("replace p-web-1: its configuration changed", World.Line(action));
        Assert.Equal(["labels.a", "user"], Assert.Single(Assert.IsType<RollService>(action).Replacements).Changes.Select(change => change.Field));
    }

    [Fact]
    public void Whoever_depends_on_one_that_is_changed_as_it_is_stays() =>
        Assert.Equal("leave p-app-1: it is up to date", new World(Shop).Up().Change("p-web-1", one => one with { ConfigHash = "old", Changes = [new("labels.a", "1", "2")] }).Lines()[1]);

    [Fact]
    public void One_that_does_not_run_is_made_anew()
    {
        var world = new World(Shop).Up().Change("p-web-1", one => one with { ConfigHash = "old", State = ContainerState.Exited, Changes = [new("labels.a", "1", "2")] });
        Assert.Equal("replace p-web-1: its configuration changed", world.Lines()[0]);
    }

    [Fact]
    public void What_another_program_has_written_otherwise_and_means_the_same_is_left_alone() =>
        Assert.Equal("leave p-web-1: it is up to date", new World(Shop).Up().Change("p-web-1", one => one with { ConfigHash = "of docker compose", Changes = [] }).Lines()[0]);

    [Theory]
    [InlineData("mem_limit", "64m", "128m", "update p-web-1: mem_limit was changed by somebody else")]
    [InlineData("networks.p_default", null, "web", "update p-web-1: networks.p_default was changed by somebody else")]
    [InlineData("networks.p_default", "www", "web", "replace p-web-1: it was changed by somebody else")]
    [InlineData("cpus", "0.5", null, "update p-web-1: cpus was changed by somebody else")]
    [InlineData("environment.A", "1", "2", "leave p-web-1: it is up to date")] // nobody can change that of a container; Berth itself has put it otherwise once
    public void What_others_have_changed_since_is_put_right(string field, string? old, string? now, string line)
    {
        var world = new World(Shop).Up().Change("p-web-1", one => one with { Changes = [new(field, old, now)] });
        Assert.Equal(line, world.Lines()[0]);
        Assert.StartsWith("leave", world.Lines(new PlanOptions { NoRecreate = true })[0], StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_that_is_not_here_yet_is_named()
    {
        var world = new World(Shop).Up().Change("p-web-1", one => one with { ConfigHash = "old", Image = "nginx:1" });
        Assert.Equal([new FieldChange("image", "nginx:1", "nginx")], Assert.Single(Assert.IsType<RollService>(world.Plan().Actions[0]).Replacements).Changes);
    }

    [Fact]
    public void A_network_is_made_anew_only_when_it_is_another_than_the_file_says()
    {
        var world = new World(Shop).Up();
        world.Networks[0] = world.Networks[0] with { ConfigHash = "of docker compose", Changes = [] };
        Assert.False(world.Plan().HasChanges);
        world.Networks[0] = world.Networks[0] with { Changes = [new("internal", "true", null)] };
        Assert.Equal("renew network p_default of p-web-1 p-app-1", world.Lines()[0]);
    }

    [Fact]
    public void A_fingerprint_is_of_all_that_a_plan_comes_from()
    {
        var world = new World(Shop).Up();
        string Print() => PlanFingerprint.Of(world.Project, world.Actual, world.Plan());
        var first = Print();
        Assert.Equal(first, Print());
        world.Change("p-web-1", one => one with { State = ContainerState.Exited });
        var second = Print();
        world.Images["nginx"] = new("sha256:newer");
        Assert.Equal(3, new[] { first, second, Print() }.Distinct().Count());
    }
}
