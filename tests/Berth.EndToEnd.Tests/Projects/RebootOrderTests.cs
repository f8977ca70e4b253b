using System.Globalization;

namespace Berth.EndToEnd.Tests.Projects;

/// <summary>After a restart of the machine, services wait for what they depend on as they do in <c>up</c>.</summary>
[Trait("Speed", "slow")]
public sealed class RebootOrderTests() : ProjectTests("house")
{
    [Fact]
    public async Task Conditions_are_honoured_again_also_when_the_daemon_is_killed_meanwhile()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await WriteAsync("compose.yaml", """
            services:
              db:
                image: box
                command: sleep 1000
                init: true
                restart: always
                volumes: ['./gate:/gate']
                healthcheck: {test: test -e /gate/ready, interval: 300ms, retries: 1000}
              app: {image: box, command: sleep 1000, init: true, restart: always, depends_on: {db: {condition: service_healthy}}}
              web: {image: box, command: sleep 1000, init: true, restart: always, depends_on: [app]}
              alone: {image: box, command: sleep 1000, init: true, restart: always}
              left: {image: box, command: sleep 1000, init: true, restart: always, depends_on: {db: {condition: service_healthy}}}
            """);
        await WriteAsync("gate/ready", "");
        await BerthAsync("up", "-d");
        await Daemon.LosePowerAsync();
        File.Delete(Folder + "/gate/ready"); // not before the test says so
        await Daemon.RestartAsync(cancellationToken);
        Assert.Equal("alone\ndb", await RunningAsync()); // and the daemon answers, whoever waits
        await BerthAsync("stop", "left"); // will not be started any more
        await Daemon.KillAsync();
        await Daemon.RestartAsync(cancellationToken);
        Assert.Equal("alone\ndb", await RunningAsync());
        await BerthAsync("compose", "up", "-d", "--wait", "--no-recreate", "alone"); // others are not held up

        var isReady = TimeProvider.System.GetUtcNow();
        await WriteAsync("gate/ready", "");
        while (await RunningAsync() is var running && running != "alone\napp\ndb\nweb")
        {
            Assert.DoesNotContain("left", running, StringComparison.Ordinal);
            await Task.Delay(100, cancellationToken);
        }

        var (app, web) = (await StartedAsync("app"), await StartedAsync("web"));
        Assert.True(app >= isReady, $"{isReady:O} {app:O}");
        Assert.True(web >= app, $"{app:O} {web:O}");
        await Daemon.KillAsync();
        await Daemon.RestartAsync(cancellationToken);
        Assert.Equal("alone\napp\ndb\nweb", await RunningAsync());

        Task<string> RunningAsync() => BerthAsync("compose", "ps", "--status", "running", "--services");
        async Task<DateTimeOffset> StartedAsync(string service) =>
            DateTimeOffset.Parse(await BerthAsync("docker", "inspect", "--format", "{{.State.StartedAt}}", $"house-{service}-1"), CultureInfo.InvariantCulture);
    }
}
