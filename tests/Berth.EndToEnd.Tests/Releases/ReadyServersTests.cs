using Berth.Testing;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary><c>x-berth.ready</c> against the real servers, from Debian's packages: each is told ready by its own protocol, and one that is not there yet is waited for.</summary>
[Trait("Speed", "long")]
public sealed class ReadyServersTests
{
    private static readonly TimeSpan BuildPatience = TimeSpan.FromMinutes(15); // a base image and some 100 packages over a slow line

    private const string Dockerfile =
        """
        FROM debian:bookworm-slim
        RUN apt-get update && apt-get install -y --no-install-recommends redis-server postgresql rabbitmq-server
        """;

    private const string ComposeFile =
        """
        name: servers
        x-server: &server
          image: servers
          environment: {RELEASE: "${RELEASE}"}
          stop_grace_period: 5s
        services:
          redis:
            <<: *server
            build: .
            command: sh -c "sleep $LATE; exec redis-server --protected-mode no"
            expose: ["6379"]
            x-berth: {ready: redis}
          postgres:
            <<: *server
            user: postgres
            command: sh -c "/usr/lib/postgresql/15/bin/initdb -D /tmp/data; sleep $LATE; exec /usr/lib/postgresql/15/bin/postgres -D /tmp/data -c listen_addresses='*'"
            expose: ["5432"]
            x-berth: {ready: postgres}
          rabbit:
            <<: *server
            command: sh -c "sleep $LATE; exec rabbitmq-server"
            expose: ["5672"]
            x-berth: {ready: amqp}
        """;

    [Fact]
    public async Task Redis_PostgreSQL_and_RabbitMQ_take_over_once_they_answer()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        var folder = Directory.CreateDirectory(daemon.Folder + "/servers").FullName;
        await File.WriteAllTextAsync(folder + "/Dockerfile", Dockerfile, cancellationToken);
        await File.WriteAllTextAsync(folder + "/compose.yaml", ComposeFile, cancellationToken);
        await RunAsync(daemon, folder, 1, late: 0, cancellationToken);
        await UntilAsync(daemon, "redis", "redis-cli ping", "PONG", cancellationToken);
        await UntilAsync(daemon, "postgres", "psql -tAc 'select 6 * 7'", "42", cancellationToken);
        await UntilAsync(daemon, "rabbit", "rabbitmqctl -q await_startup && echo up", "up", cancellationToken);

        var output = await RunAsync(daemon, folder, 2, late: 2, cancellationToken);
        foreach (var (service, question, answer) in new[] { ("redis", "redis-cli ping", "PONG"), ("postgres", "psql -tAc 'select 6 * 7'", "42"), ("rabbit", "rabbitmqctl -q list_users", "guest") })
        {
            Assert.Contains($"Container servers-{service}-1  Ready", output, StringComparison.Ordinal);
            Assert.Contains(answer, await AskAsync(daemon, service, question, cancellationToken), StringComparison.Ordinal); // at once
            Assert.Equal("2", (await AskAsync(daemon, service, "echo $RELEASE", cancellationToken)).Trim());
        }

        (await (daemon.Berth(folder, "down", "-t", "5") with { Timeout = BuildPatience }).RunAsync(cancellationToken)).EnsureSuccess();
    }

    private static async Task<string> RunAsync(TestDaemon daemon, string folder, int release, int late, CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync(folder + "/.env", $"RELEASE={release}\nLATE={late}\n", cancellationToken);
        return (await (daemon.Berth(folder, "up", "-d", "--no-watch") with { Timeout = BuildPatience }).RunAsync(cancellationToken)).EnsureSuccess().Error;
    }

    private static async Task<string> AskAsync(TestDaemon daemon, string service, string question, CancellationToken cancellationToken) =>
        (await daemon.Berth("/", "docker", "exec", $"servers-{service}-1", "sh", "-c", question).RunAsync(cancellationToken)).Output;

    private static async Task UntilAsync(TestDaemon daemon, string service, string question, string answer, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!(await AskAsync(daemon, service, question, cancellationToken)).Contains(answer, StringComparison.Ordinal))
        {
            Assert.False(patience.IsCancellationRequested, $"{service} did not answer within 60 s");
            await Task.Delay(200, cancellationToken);
        }
    }
}
