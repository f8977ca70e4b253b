using Berth.Compose.Model;
using Berth.Releases.Planning;

namespace Berth.Releases.Tests.Planning;

public sealed class RollTests
{
    private const string Health = "    healthcheck: {test: [CMD, 'true']}\n";

    [Theory]
    [InlineData("    ports: ['80:80']", "roll p-app-1: its image 'app' changed (start-first)")]
    [InlineData("    expose: ['80']", "roll p-app-1: its image 'app' changed (start-first)")]
    [InlineData("    x-berth: {ready: {port: 80}}", "roll p-app-1: its image 'app' changed (start-first)")]
    [InlineData(Health, "roll p-app-1: its image 'app' changed (start-first)")]
    [InlineData("    container_name: fixed\n    ports: ['80:80']", "roll fixed: its image 'app' changed (start-first)")]
    [InlineData("", "replace p-app-1: its image 'app' changed (stop-first: it has neither a health check nor a TCP port, so nothing tells when a new copy is ready)")]
    [InlineData("    ports: ['53:53/udp']", "replace p-app-1: its image 'app' changed (stop-first: it has neither a health check nor a TCP port, so nothing tells when a new copy is ready)")]
    [InlineData("    network_mode: host\n" + Health, "replace p-app-1: its image 'app' changed (stop-first: two copies cannot have the same ports of the host)")]
    [InlineData("    devices: [/dev/ttyS0]\n" + Health, "replace p-app-1: its image 'app' changed (stop-first: the device /dev/ttyS0 is there only once)")]
    [InlineData("    volumes: ['./data:/var/lib/mysql']\n" + Health, "replace p-app-1: its image 'app' changed (stop-first: it keeps MySQL data in /var/lib/mysql, and two servers on them destroy them)")]
    [InlineData("    volumes: ['/srv/pg:/var/lib/postgresql/data']\n" + Health, "replace p-app-1: its image 'app' changed (stop-first: it keeps PostgreSQL data in /var/lib/postgresql/data, and two servers on them destroy them)")]
    [InlineData("    volumes: ['./data:/var/lib/mysql:ro']\n" + Health, "roll p-app-1: its image 'app' changed (start-first)")]
    [InlineData("    volumes: ['./uploads:/srv/uploads']\n" + Health, "roll p-app-1: its image 'app' changed (start-first)")]
    [InlineData("    ports: ['80:80']\n    x-berth: {roll: stop-first}", "replace p-app-1: its image 'app' changed (stop-first: 'order: stop-first' was asked for)")]
    [InlineData("    ports: ['80:80']\n    deploy: {update_config: {order: stop-first}}", "replace p-app-1: its image 'app' changed (stop-first: 'order: stop-first' was asked for)")]
    [InlineData("    deploy: {update_config: {order: start-first}}", "roll p-app-1: its image 'app' changed (start-first)")]
    [InlineData("    ports: ['80:80']\n    deploy: {update_config: {order: stop-first}}\n    x-berth: {roll: start-first}", "roll p-app-1: its image 'app' changed (start-first)")]
    [InlineData("    ports: ['80:80']\n    x-berth: {roll: {max: 100%}}", "replace p-app-1: its image 'app' changed (stop-first: no more than 1 may run at once (x-berth.roll.max))")]
    public void Start_first_where_two_copies_can_be_and_something_tells_when_the_new_one_is_ready(string service, string expected)
    {
        var world = Changed(service);
        Assert.Equal(expected, Assert.Single(Texts(world), line => !line.StartsWith("leave", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("    volumes: ['./data:/var/lib/mysql']\n    x-berth: {roll: start-first}", "service 'app': it cannot be rolled start-first, because it keeps MySQL data in /var/lib/mysql, and two servers on them destroy them; take 'order: start-first' away, then it is replaced stop-first")]
    [InlineData("    network_mode: host\n    deploy: {update_config: {order: start-first}}", "service 'app': it cannot be rolled start-first, because two copies cannot have the same ports of the host; take 'order: start-first' away, then it is replaced stop-first")]
    [InlineData("    ports: ['80:80']\n    x-berth: {roll: {min: 100%, max: 100%}}", "service 'app': x-berth.roll.min: 100% of 1 means that 1 must serve at any time, so none can be stopped first, and a new one cannot be started first, because no more than 1 may run at once (x-berth.roll.max)")]
    [InlineData("    scale: 2\n    volumes: ['./data:/var/lib/mysql']", "service 'app' cannot have 2 containers: they would all be servers on the MySQL data in /var/lib/mysql, which destroys it")]
    public void What_cannot_be_is_told_before_anything_changes(string service, string problem) =>
        Assert.Equal(problem, Assert.Single(Changed(service).Plan().Problems));

    [Fact]
    public void A_question_that_nobody_could_be_asked_is_refused_once_the_image_is_known()
    {
        var world = Changed("    x-berth: {ready: tcp}");
        Assert.Empty(world.Plan().Problems); // the image may yet expose one
        var ready = new PlanOptions { ImagesAreReady = true };
        Assert.Equal(
            "service 'app': x-berth.ready can never be answered, as no port is known to ask at; name it (x-berth: {ready: {port: 8000}}), or expose it", Assert.Single(world.Plan(ready).Problems));
        world.Images["app"] = new("sha256:other") { ExposedPorts = ["80/tcp"] };
        Assert.Empty(world.Plan(ready).Problems);
    }

    [Fact]
    public void On_the_way_back_what_cannot_be_as_it_was_is_told()
    {
        var world = new World("services:\n  db:\n    image: mysql\n    volumes: ['files:/var/lib/mysql']\n  app:\n    image: app\n    volumes: ['own:/own']\nvolumes: {files: , own: }");
        var then = new Dictionary<string, string> { ["mysql"] = "sha256:1", ["app"] = "sha256:2" };
        var now = new Dictionary<string, string> { ["mysql"] = "sha256:3", ["app"] = "sha256:4" };
        Assert.Equal(
            [
                "service 'db' goes back to an earlier image on the MySQL data in /var/lib/mysql; if the later one has changed their format, it cannot read them",
                "volume 'p_own' is no longer there; it is made anew, without the data that it had then",
            ],
            DataPaths.WarningsOnTheWayBack(world.Project, then, now, new HashSet<string> { "p_files" }));
        Assert.Empty(DataPaths.WarningsOnTheWayBack(world.Project, then, then, new HashSet<string> { "p_files", "p_own" }));
    }

    [Fact]
    public void What_an_image_declares_as_a_volume_is_one_containers_data()
    {
        var world = Changed(Health);
        world.Images["app"] = new("sha256:other") { Volumes = ["/data"] };
        Assert.Contains("its image keeps data in /data, which two copies would share", Texts(world)[^1], StringComparison.Ordinal);
        var overridden = Changed(Health + "    x-berth: {roll: start-first}");
        overridden.Images["app"] = new("sha256:other") { Volumes = ["/data"] };
        Assert.Contains("(start-first)", Texts(overridden)[^1], StringComparison.Ordinal);
        var readOnly = Changed(Health + "    volumes: ['./d:/data:ro']");
        readOnly.Images["app"] = new("sha256:other") { Volumes = ["/data"] };
        Assert.Contains("(start-first)", Texts(readOnly)[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Images_tell_of_checks_and_ports_too()
    {
        var checkedOne = Changed("");
        checkedOne.Images["app"] = new("sha256:other") { HasHealthcheck = true };
        Assert.Contains("(start-first)", Texts(checkedOne)[^1], StringComparison.Ordinal);
        var exposing = Changed("");
        exposing.Images["app"] = new("sha256:other") { ExposedPorts = ["80/tcp"] };
        Assert.Contains("(start-first)", Texts(exposing)[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void The_plan_says_what_a_stop_first_service_cost_the_last_time()
    {
        var line = Texts(Changed(""), new() { LastGaps = new Dictionary<string, double> { ["app"] = 1.234 } })[^1];
        Assert.EndsWith("; last time that took 1.2 s)", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_service_in_whose_namespaces_another_lives_is_replaced_stop_first()
    {
        var world = Changed("    ports: ['80:80']\n  side:\n    image: side\n    network_mode: 'service:app'");
        Assert.Contains("another service lives in its namespaces", Assert.Single(Texts(world), line => line.StartsWith("replace p-app-1", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains(Texts(world), line => line.StartsWith("replace p-side-1: it lives in a namespace of 'app'", StringComparison.Ordinal));
    }

    [Fact]
    public void More_containers_of_a_service_that_serves_wait_until_they_are_ready()
    {
        var world = new World("services:\n  app:\n    image: app\n    ports: ['80']").Up();
        Assert.Equal(["leave p-app-1: it is up to date", "roll p-app-2, p-app-3: more are wanted"], Texts(world, new() { Scale = new Dictionary<string, int> { ["app"] = 3 } }));
    }

    [Fact]
    public void What_an_earlier_release_left_aside_goes()
    {
        var world = new World("services:\n  app:\n    image: app\n    ports: ['80']").Up().Add("app", 2);
        world.Change("p-app-2", container => container with { Name = "p-app-1-previous", Number = 1, OutOfService = true });
        Assert.Equal(["remove p-app-1-previous: an earlier release left it", "leave p-app-1: it is up to date"], Texts(world));
    }

    [Fact]
    public void A_job_that_has_done_its_work_is_no_reason_for_a_release_but_runs_again_in_one()
    {
        const string Text = "services:\n  app:\n    image: app\n    ports: ['80']\n    depends_on: {job: {condition: service_completed_successfully}}\n  job:\n    image: job";
        var world = new World(Text).Up();
        world.Change("p-job-1", container => container with { State = ContainerState.Exited });
        Assert.False(world.Plan().HasChanges);
        world.Images["app"] = new("sha256:other");
        Assert.Equal(
            ["start p-job-1: it is not running", "wait for job: 'app' starts once 'job' is done", "roll p-app-1: its image 'app' changed (start-first)"], Texts(world));
        world.Images["app"] = new("sha256:app");
        world.Change("p-job-1", container => container with { ExitCode = 1 });
        Assert.Contains("start p-job-1: it is not running", Texts(world));
        world.Images["app"] = new("sha256:earlier");
        Assert.Equal(["leave p-job-1: jobs do not run on the way back", "roll p-app-1: its image 'app' changed (start-first)"], Texts(world, new() { GoesBack = true }));
    }

    // Amazon ECS's arithmetic: with two wanted, at most 200% is four, at least 50% is one.
    [Theory]
    [InlineData(2, 50, 200, 1, 4, 2)]
    [InlineData(3, 50, 150, 2, 4, 1)]
    [InlineData(1, 100, 200, 1, 2, 1)]
    [InlineData(5, 33, 133, 2, 6, 1)]
    [InlineData(10, 0, 1000, 0, 100, 10)]
    public void Percentages_bound_how_many_run_and_serve(int wanted, int minimum, int maximum, int atLeast, int atMost, int parallelism)
    {
        var service = new ServiceModel { Name = "app", Extension = new(new(null, minimum, maximum, null, null), null, false, []) };
        var settings = RollSettings.Of(service, wanted, RollOrder.StartFirst, goesBack: false);
        Assert.Equal((atLeast, atMost, parallelism), (settings.MinimumServing, settings.MaximumTotal, settings.Parallelism));
    }

    [Fact]
    public void Update_and_rollback_settings_are_the_specifications()
    {
        var world = new World(
            """
            services:
              app:
                image: app
                ports: ['80']
                scale: 4
                deploy:
                  update_config: {parallelism: 2, delay: 5s, failure_action: pause, monitor: 30s, max_failure_ratio: 0.25}
                  rollback_config: {parallelism: 0, failure_action: continue}
            """);
        var service = world.Project.Services["app"];
        Assert.Equal(
            new(RollOrder.StartFirst, 2, TimeSpan.FromSeconds(5), 8, 4, FailureAction.Pause, 0.25m, RollSettings.DefaultDrain, TimeSpan.FromSeconds(30)),
            RollSettings.Of(service, 4, RollOrder.StartFirst, goesBack: false));
        Assert.Equal(
            new(RollOrder.StartFirst, 4, TimeSpan.Zero, 8, 4, FailureAction.Continue, 0, RollSettings.DefaultDrain, RollSettings.DefaultWatch),
            RollSettings.Of(service, 4, RollOrder.StartFirst, goesBack: true));
    }

    private static string[] Texts(World world, PlanOptions? options = null) => [.. world.Plan(options).Actions.Select(PlanText.Of)];

    private static World Changed(string service)
    {
        var world = new World($"services:\n  app:\n    image: app\n{service}").Up();
        world.Images["app"] = new("sha256:other");
        return world;
    }
}
