using System.Text.Json;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Forum;

/// <summary>What the forum's compose file promises about its containers, networks and data.</summary>
[Trait("Speed", "slow")]
[Collection(ForumCollection.Name)]
public sealed class ForumStackTests(ForumStack stack)
{
    private static readonly string[] Containers = ["app", "mysql", "nginx"];

    [Fact]
    public async Task Containers_have_their_names_and_only_nginx_publishes_a_port()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var listed = await stack.Daemon.Docker.Docker("ps", "--format", "{{.Names}}").RunAsync(cancellationToken);
        Assert.Equal(Containers, listed.EnsureSuccess().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());

        var published = new Dictionary<string, List<string>>();
        foreach (var container in Containers)
        {
            using var ports = JsonDocument.Parse(await stack.InspectAsync(container, "{{json .NetworkSettings.Ports}}", cancellationToken));
            published[container] = [.. ports.RootElement.EnumerateObject().Where(port => port.Value.ValueKind == JsonValueKind.Array).Select(port => port.Name)];
        }

        Assert.Equal(["8000/tcp"], published["nginx"]);
        Assert.Empty(published["app"]);
        Assert.Empty(published["mysql"]);
    }

    [Fact]
    public async Task A_killed_daemon_costs_no_request_and_the_next_one_adopts_everything()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var before = await stack.Daemon.Docker.Docker("ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}").RunAsync(cancellationToken);
        var ending = (await stack.Daemon.Docker.Docker("run", "-d", "--name", "ends-alone", "debian:bookworm-slim", "sh", "-c", "sleep 2; echo last words; exit 5")
            .RunAsync(cancellationToken)).EnsureSuccess().Output.Trim();
        var load = new ForumLoad(new Uri(stack.Address, "api/v1/topics"), requestsPerSecond: 200);
        using var stop = new CancellationTokenSource();
        var running = load.RunAsync(stop.Token);
        await Task.Delay(TimeSpan.FromSeconds(2), cancellationToken); // the load's own time, here and below
        await stack.Daemon.KillAsync();
        await Task.Delay(TimeSpan.FromSeconds(3), cancellationToken);
        await stack.Daemon.RestartAsync(cancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(5), cancellationToken);
        await stop.CancelAsync();
        await running;
        Assert.Empty(load.Failures);
        Assert.InRange(load.Answered, 1000, int.MaxValue);
        var after = await stack.Daemon.Docker.Docker("ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}").RunAsync(cancellationToken);
        Assert.Equal(before.EnsureSuccess().Output, after.EnsureSuccess().Output);
        Assert.Equal("5", await stack.InspectAsync("ends-alone", "{{.State.ExitCode}}", cancellationToken));
        Assert.Equal("last words\n", (await stack.Daemon.Docker.Docker("logs", ending).RunAsync(cancellationToken)).EnsureSuccess().Output);
        (await stack.Daemon.Docker.Docker("rm", ending).RunAsync(cancellationToken)).EnsureSuccess();
    }

    [Fact]
    public async Task The_database_speaks_utf8mb4_and_has_the_named_schema()
    {
        const string Query = "SELECT @@character_set_server, @@collation_server, DATABASE(), @@port";
        var answer = await stack.ExecAsync("mysql", ["sh", "-c", $"mysql -uroot -p$MYSQL_ROOT_PASSWORD -N -e '{Query}' thss"], TestContext.Current.CancellationToken);
        Assert.Equal("utf8mb4\tutf8mb4_unicode_ci\tthss\t3306", answer.EnsureSuccess().Output.Trim());
    }

    [Fact]
    public async Task App_reaches_the_database_and_nginx_does_not()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var address = await stack.InspectAsync("mysql", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", cancellationToken);
        Assert.Equal(0, (await ConnectFromAsync("app", address, cancellationToken)).ExitCode);
        var refused = await ConnectFromAsync("nginx", address, cancellationToken);
        Assert.True(refused.ExitCode is 1 or 124, $"{refused.ExitCode}: {refused.Error}"); // refused or unreachable, or silently dropped

        Assert.Equal(0, (await stack.ExecAsync("app", ["getent", "hosts", "mysql"], cancellationToken)).ExitCode);
        Assert.NotEqual(0, (await stack.ExecAsync("nginx", ["getent", "hosts", "mysql"], cancellationToken)).ExitCode);
    }

    [Fact]
    public async Task A_new_app_is_answered_through_the_same_nginx()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var nginx = await stack.InspectAsync("nginx", "{{.Id}} {{.State.StartedAt}}", cancellationToken);
        (await stack.Daemon.Docker.Docker("rm", "-f", "app").RunAsync(cancellationToken)).EnsureSuccess();
        await stack.UpAsync(cancellationToken);
        using var api = new ForumApi(stack.Address);
        Assert.Equal("ok", (await api.GetAsync("health", cancellationToken)).GetProperty("status").GetString());
        Assert.Equal(nginx, await stack.InspectAsync("nginx", "{{.Id}} {{.State.StartedAt}}", cancellationToken));
    }

    [Fact]
    public async Task Topics_survive_down_and_up()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var api = new ForumApi(stack.Address);
        await api.SignInAsync("老船长", isNew: true, cancellationToken);
        var topic = await api.WriteAsync("留下来 ⚓", "沉不了", cancellationToken);

        await stack.DownAsync(cancellationToken);
        Assert.Equal("", (await stack.Daemon.Docker.Docker("ps", "-aq").RunAsync(cancellationToken)).EnsureSuccess().Output);
        Assert.True(Directory.Exists(stack.Folder + "/mysql/thss"));
        await stack.UpAsync(cancellationToken);

        Assert.Equal("留下来 ⚓", (await api.GetAsync($"topics/{topic}", cancellationToken)).GetProperty("title").GetString());
        await api.SignInAsync("老船长", isNew: false, cancellationToken);
    }

    [Fact]
    public async Task A_new_database_server_replaces_the_old_one_stop_first_and_no_row_is_lost()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var api = new ForumApi(stack.Address);
        await api.SignInAsync("抄写员", isNew: true, cancellationToken);
        using var ending = new CancellationTokenSource();
        var written = new List<(int Id, string Title)>();
        var writing = Task.Run(
            async () =>
            {
                for (var i = 1; !ending.IsCancellationRequested; i++)
                {
                    try
                    {
                        var title = $"第 {i} 行";
                        written.Add((await api.WriteAsync(title, "不能丢", CancellationToken.None), title));
                    }
                    catch (HttpRequestException)
                    {
                        continue; // what was under way when the old server ended; nobody was told that it had been written
                    }
                }
            },
            cancellationToken);
        await Task.Delay(500, cancellationToken);

        var compose = await File.ReadAllTextAsync(stack.Folder + "/compose.yaml", cancellationToken);
        await File.WriteAllTextAsync(stack.Folder + "/compose.yaml", compose.Replace("      MYSQL_DATABASE: thss", "      MYSQL_DATABASE: thss\n      SERVER: next", StringComparison.Ordinal)
            .Replace("    image: forum-mysql", "    image: forum-mysql\n    x-berth: {ready: {check: mysql, port: 3306}}", StringComparison.Ordinal), cancellationToken);
        var since = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var before = written.Count;
        var up = (await (stack.Daemon.Berth(stack.Folder, "up", "-d", "--no-watch") with { Timeout = TimeSpan.FromMinutes(2) }).RunAsync(cancellationToken)).EnsureSuccess();
        Assert.Contains("two servers on them destroy them", up.Error, StringComparison.Ordinal); // the reason for stop-first
        await Task.Delay(1500, cancellationToken);
        await ending.CancelAsync();
        await writing;

        Assert.True(written.Count > before, "nothing was written to the new server");
        foreach (var (id, title) in written)
        {
            Assert.Equal(title, (await api.GetAsync($"topics/{id}", cancellationToken)).GetProperty("title").GetString());
        }

        Assert.Equal("next", (await stack.ExecAsync("mysql", ["printenv", "SERVER"], cancellationToken)).EnsureSuccess().Output.Trim());
        var events = (await stack.Daemon.Docker.Docker(
            "events", "--since", $"{since}", "--until", $"{TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 1}", "--filter", "event=die", "--filter", "event=start",
            "--filter", "label=com.docker.compose.service=mysql", "--format", "{{.Action}}").RunAsync(cancellationToken)).EnsureSuccess().Output;
        Assert.Equal("die\nstart\n", events); // never two at once
        var gap = (await stack.Daemon.Berth(stack.Folder, "releases", "--format", "{{.Release}}").RunAsync(cancellationToken)).EnsureSuccess().Output.Split('\n')[0];
        Assert.Contains("Seconds away:   mysql: ", (await stack.Daemon.Berth(stack.Folder, "release", "show", gap).RunAsync(cancellationToken)).EnsureSuccess().Output, StringComparison.Ordinal);
    }

    /// <summary>A TCP connection to the database from a container's network namespace; 0 when it was made.</summary>
    private async Task<CommandResult> ConnectFromAsync(string container, string address, CancellationToken cancellationToken)
    {
        var pid = await stack.InspectAsync(container, "{{.State.Pid}}", cancellationToken);
        return await new Command("nsenter", "--net", "--target", pid, "timeout", "3", "bash", "-c", $"exec 3<>/dev/tcp/{address}/3306").RunAsync(cancellationToken);
    }
}
