using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Berth.Linux.Cgroups;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Projects;

/// <summary><c>plan</c>, <c>drift</c>, and what <c>up</c> changes without making a container anew.</summary>
[Trait("Speed", "slow")]
public sealed class PlanTests() : ProjectTests("shop")
{
    private const string Shop = """
        services:
          web:
            image: box
            command: sleep 1000
            init: true
            stop_grace_period: 1s
            environment: {DEBUG: '1', DB_PASSWORD: hidden}
            labels: {tier: front}
            mem_limit: 64m
            pids_limit: 50
            healthcheck: {test: 'true', interval: 1s}
            networks: [front]
          side:
            image: box
            command: sleep 1000
            init: true
            stop_grace_period: 1s
            volumes: ['data:/data']
            networks: [front]
        networks: {front: , back: }
        volumes: {data: }
        """;

    [Fact]
    public async Task A_first_plan_tells_what_will_be_made_and_makes_nothing()
    {
        await WriteAsync("compose.yaml", Shop);
        var plan = await RunAsync("plan", "--detailed-exitcode");
        Assert.Equal(2, plan.ExitCode);
        Assert.StartsWith("shop: 4 to create.\n", plan.Output, StringComparison.Ordinal);
        Assert.Contains("  + create network shop_front: it does not exist yet\n", plan.Output, StringComparison.Ordinal);
        Assert.Contains("  + create volume shop_data: it does not exist yet\n", plan.Output, StringComparison.Ordinal);
        Assert.Contains("  + create container shop-web-1 (service web): it does not exist yet\n", plan.Output, StringComparison.Ordinal);
        Assert.Equal("", await BerthAsync("docker", "ps", "-aq"));
        Assert.Equal("", await BerthAsync("docker", "volume", "ls", "-q"));
        Assert.Equal("", await BerthAsync("docker", "network", "ls", "-q", "--filter", "name=shop"));
        await BerthAsync("up", "-d", "--wait");
        var after = await RunAsync("plan", "--detailed-exitcode");
        Assert.Equal((0, "shop: nothing to do; 2 containers stay as they are.\n"), (after.ExitCode, after.Output));
        Assert.Equal(1, (await RunAsync("plan", "--detailed-exitcode", "nobody")).ExitCode);
    }

    [Fact]
    public async Task What_can_be_changed_while_it_runs_is_changed_and_comes_back_so()
    {
        await WriteAsync("compose.yaml", Shop);
        await BerthAsync("up", "-d", "--wait");
        var id = await BerthAsync("ps", "-q", "web");
        await ReplaceAsync("compose.yaml", "tier: front", "tier: back");
        await ReplaceAsync("compose.yaml", "mem_limit: 64m", "mem_limit: 96m");
        await ReplaceAsync("compose.yaml", "interval: 1s", "interval: 2s");
        await ReplaceAsync("compose.yaml", "    networks: [front]\n  side", "    networks: [front, back]\n    restart: always\n  side");
        var plan = await BerthAsync("plan");
        foreach (var line in new[]
        {
            "  ~ update container shop-web-1 (service web): ", "        healthcheck.interval: 1s → 2s\n", "        labels.tier: \"front\" → \"back\"\n",
            "        mem_limit: 64m → 96m\n", "        networks.shop_back: not set → web\n", "        restart: not set → always\n", "        downtime: none",
        })
        {
            Assert.Contains(line, plan, StringComparison.Ordinal);
        }

        await BerthAsync("up", "-d", "--wait");
        Assert.Equal(id, await BerthAsync("ps", "-q", "web"));
        var made = await InspectAsync();
        Assert.Equal((96 << 20, "always", "back", 2_000_000_000), ((int)made["HostConfig"]!["Memory"]!, (string?)made["HostConfig"]!["RestartPolicy"]!["Name"], (string?)made["Config"]!["Labels"]!["tier"], (long)made["Config"]!["Healthcheck"]!["Interval"]!));
        Assert.Equal("healthy", (string?)made["State"]!["Health"]!["Status"]);
        Assert.Equal("eth0 eth1 lo", (await InAsync("web", "ls /sys/class/net")).ReplaceLineEndings(" "));
        Assert.StartsWith("shop: nothing to do", await BerthAsync("plan"), StringComparison.Ordinal);

        await BerthAsync("rollback", "--no-watch");
        Assert.Equal(id, await BerthAsync("ps", "-q", "web"));
        made = await InspectAsync();
        Assert.Equal((64 << 20, "no", "front"), ((int)made["HostConfig"]!["Memory"]!, (string?)made["HostConfig"]!["RestartPolicy"]!["Name"], (string?)made["Config"]!["Labels"]!["tier"]));
        Assert.Equal("eth0 lo", (await InAsync("web", "ls /sys/class/net")).ReplaceLineEndings(" "));
    }

    [Fact]
    public async Task Limits_are_taken_away_while_it_runs_and_come_back()
    {
        const string Limits = "    mem_limit: 64m\n    mem_reservation: 32m\n    cpus: 0.5\n    cpu_shares: 512\n    cpuset: '0'\n    pids_limit: 50\n";
        await WriteAsync("compose.yaml", $"name: shop\nservices:\n  web:\n    image: box\n    command: sleep 1000\n    init: true\n{Limits}  free:\n    image: box\n    command: sleep 1000\n    init: true\n");
        await BerthAsync("up", "-d");
        var id = await BerthAsync("ps", "-q", "web");
        var limited = await LimitsAsync("web");
        var free = await LimitsAsync("free");
        Assert.Equal(free.Keys, limited.Keys);
        Assert.True(limited.Count(file => free[file.Key] != file.Value) >= 5, string.Join('\n', limited)); // without swap accounting there is a file less

        await ReplaceAsync("compose.yaml", Limits, "");
        Assert.Contains("        mem_limit: 64m → not set\n", await BerthAsync("plan"), StringComparison.Ordinal);
        await BerthAsync("up", "-d");
        Assert.Equal(id, await BerthAsync("ps", "-q", "web"));
        Assert.Equal(free, await LimitsAsync("web"));
        Assert.StartsWith("shop: nothing to do", await BerthAsync("plan"), StringComparison.Ordinal);

        await BerthAsync("rollback", "--no-watch");
        Assert.Equal(id, await BerthAsync("ps", "-q", "web"));
        Assert.Equal(limited, await LimitsAsync("web"));

        // By the names of the files, of whichever version of control groups this machine has.
        async Task<SortedDictionary<string, string>> LimitsAsync(string service)
        {
            string[] files =
            [
                "memory.max", "memory.swap.max", "memory.low", "cpu.max", "cpu.weight", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes",
                "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.shares", "cpuset.cpus", "pids.max",
            ];
            var pid = int.Parse(await BerthAsync("docker", "inspect", "--format", "{{.State.Pid}}", $"shop-{service}-1"), System.Globalization.CultureInfo.InvariantCulture);
            return new(CgroupLayout.Detect().DirectoriesOf(pid).SelectMany(directory => files.Select(file => $"{directory}/{file}")).Where(File.Exists).Distinct()
                .ToDictionary(path => Path.GetFileName(path), path => File.ReadAllText(path).Trim()), StringComparer.Ordinal);
        }
    }

    [Fact]
    public async Task Published_ports_change_while_it_runs_and_come_back_so()
    {
        var (first, second) = (Ports.Free(), Ports.Free());
        await WriteAsync("compose.yaml", $$"""
            services:
              web:
                image: box
                command: sh -c 'mkdir /www; echo served >/www/index.html; exec httpd -f -p 80 -h /www'
                init: true
                stop_grace_period: 1s
                ports: ['127.0.0.1:{{first}}:80', '127.0.0.1::81']
            """);
        await BerthAsync("up", "-d", "--wait");
        var (id, chosen) = (await BerthAsync("ps", "-q", "web"), await BerthAsync("compose", "port", "web", "81"));
        Assert.Equal("served\n", await FetchAsync(first));

        await ReplaceAsync("compose.yaml", $"127.0.0.1:{first}:80", $"127.0.0.1:{second}:80");
        Assert.Contains($"        ports.80/tcp: 127.0.0.1:{first} → 127.0.0.1:{second}", await BerthAsync("plan"), StringComparison.Ordinal);
        await BerthAsync("up", "-d", "--no-watch");
        Assert.Equal((id, chosen), (await BerthAsync("ps", "-q", "web"), await BerthAsync("compose", "port", "web", "81")));
        Assert.Equal("served\n", await FetchAsync(second));
        await Assert.ThrowsAsync<HttpRequestException>(() => FetchAsync(first));
        Assert.StartsWith("shop: nothing to do", await BerthAsync("plan"), StringComparison.Ordinal);

        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, first);
        taken.Start();
        await ReplaceAsync("compose.yaml", $"127.0.0.1:{second}:80", $"127.0.0.1:{first}:80");
        Assert.Contains($"127.0.0.1:{first} failed: port is already allocated", (await RunAsync("up", "-d", "--no-watch")).Error, StringComparison.Ordinal);
        Assert.Equal("served\n", await FetchAsync(second));
        taken.Stop();
        await BerthAsync("up", "-d", "--no-watch");
        Assert.Equal("served\n", await FetchAsync(first));
        await BerthAsync("rollback", "--no-watch");
        Assert.Equal("served\n", await FetchAsync(second));
        Assert.Equal((id, chosen), (await BerthAsync("ps", "-q", "web"), await BerthAsync("compose", "port", "web", "81")));
    }

    private static async Task<string> FetchAsync(int port)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        return await client.GetStringAsync(new Uri($"http://127.0.0.1:{port}/"), TestContext.Current.CancellationToken);
    }

    // Acceptance, row 60: a new image alone, and the preview names exactly what it touches.
    [Fact]
    public async Task A_new_image_names_exactly_the_image_and_the_one_service()
    {
        await WriteAsync("Dockerfile", "FROM box\nARG VERSION\nRUN echo $VERSION >/version\n");
        await WriteAsync("compose.yaml", Shop + "\n");
        await ReplaceAsync("compose.yaml", "  web:\n    image: box", "  web:\n    image: shop:${VERSION}\n    build: {context: ., args: [VERSION]}");
        await WriteAsync(".env", "VERSION=1\n");
        await BerthAsync("up", "-d", "--wait");
        await WriteAsync(".env", "VERSION=2\n");
        var plan = JsonNode.Parse(await BerthAsync("plan", "--json"))!;
        Assert.Equal(
            ["build image shop:2", "leave container shop-side-1", "roll container shop-web-1"],
            plan["actions"]!.AsArray().Select(one => $"{one!["action"]} {one["kind"]} {one["name"]}").Order(StringComparer.Ordinal));
        var roll = plan["actions"]!.AsArray().Single(one => (string?)one!["action"] == "roll")!;
        Assert.Equal("""[{"field":"image","old":"shop:1","new":"shop:2"}]""", roll["changes"]!.ToJsonString());
        Assert.False((bool)roll["interrupts"]!);
        await BerthAsync("up", "-d", "--no-watch");
        Assert.Equal("2", await InAsync("web", "cat /version"));
    }

    [Fact]
    public async Task A_change_is_shown_value_by_value_and_secrets_are_not()
    {
        await WriteAsync("compose.yaml", Shop);
        await BerthAsync("up", "-d", "--wait");
        await ReplaceAsync("compose.yaml", "DEBUG: '1', DB_PASSWORD: hidden", "DB_PASSWORD: second, NEW: ''");
        var plan = await BerthAsync("plan");
        Assert.Contains("  ~ roll container shop-web-1 (service web): its configuration changed (start-first)\n", plan, StringComparison.Ordinal);
        Assert.Contains("        environment.DB_PASSWORD: ******** → ********\n        environment.DEBUG: \"1\" → not set\n        environment.NEW: not set → \"\"\n        downtime: none", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("second", plan + await BerthAsync("plan", "--json"), StringComparison.Ordinal);
        await ReplaceAsync("compose.yaml", "volumes: ['data:/data']", "volumes: ['data:/data:ro']");
        plan = await BerthAsync("plan", "side");
        Assert.Contains("  ± replace container shop-side-1 (service side): its configuration changed (stop-first: it has neither", plan, StringComparison.Ordinal);
        Assert.Contains("        volumes./data: shop_data → shop_data, ro\n        downtime: from its stop until what follows it serves", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kept_plan_is_done_exactly_or_not_at_all()
    {
        await WriteAsync("compose.yaml", Shop);
        await BerthAsync("up", "-d", "--wait");
        await ReplaceAsync("compose.yaml", "DEBUG: '1'", "DEBUG: '2'");
        await BerthAsync("plan", "--out", "next.plan", "web");
        Assert.DoesNotContain("hidden", await File.ReadAllTextAsync(Folder + "/next.plan", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        var flagged = await RunAsync("up", "-d", "--build", "next.plan");
        Assert.NotEqual(0, flagged.ExitCode);
        Assert.Contains("next.plan is a plan: --build was to be given when it was made", flagged.Error, StringComparison.Ordinal);
        await BerthAsync("up", "-d", "--no-watch", "./next.plan");
        Assert.Equal("2", await BerthAsync("exec", "-T", "web", "sh", "-c", "echo $DEBUG"));

        await ReplaceAsync("compose.yaml", "DEBUG: '2'", "DEBUG: '3'");
        await BerthAsync("plan", "--out", "next.plan");
        await ReplaceAsync("compose.yaml", "tier: front", "tier: middle");
        await RefusedAsync(); // the file says something else
        await ReplaceAsync("compose.yaml", "tier: middle", "tier: front");
        await BerthAsync("docker", "stop", "shop-side-1");
        await RefusedAsync(); // something else runs
        Assert.Equal("2", await BerthAsync("exec", "-T", "web", "sh", "-c", "echo $DEBUG"));
        await BerthAsync("docker", "start", "shop-side-1");
        await BerthAsync("up", "-d", "--no-watch", "next.plan");
        Assert.Equal("3", await BerthAsync("exec", "-T", "web", "sh", "-c", "echo $DEBUG"));

        async Task RefusedAsync()
        {
            var refused = await RunAsync("up", "-d", "next.plan");
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains("The plan does not hold any more", refused.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_others_have_changed_is_told_and_put_right()
    {
        await WriteAsync("compose.yaml", Shop);
        Assert.Contains("has no release that serves", (await RunAsync("drift")).Error, StringComparison.Ordinal);
        await BerthAsync("up", "-d", "--wait");
        Assert.Equal("shop is as release 1 left it.", await BerthAsync("drift", "--detailed-exitcode"));
        await ReplaceAsync("compose.yaml", "DEBUG: '1'", "DEBUG: '2'"); // not released: no drift
        Assert.Equal("shop is as release 1 left it.", await BerthAsync("drift"));
        var id = await BerthAsync("ps", "-q", "web");
        await BerthAsync("docker", "update", "--memory", "96m", "--memory-swap", "-1", "shop-web-1");
        await BerthAsync("docker", "network", "disconnect", "shop_front", "shop-web-1");
        await BerthAsync("docker", "rm", "-f", "shop-side-1");
        var drift = await RunAsync("drift", "--detailed-exitcode");
        Assert.Equal(2, drift.ExitCode);
        Assert.StartsWith("shop is not as release 1 left it. To have that again: 1 to create, 1 to update in place.\n", drift.Output, StringComparison.Ordinal);
        Assert.Contains("        mem_limit: 96m → 64m\n", drift.Output, StringComparison.Ordinal);
        Assert.Contains("        networks.shop_front: not set → web\n", drift.Output, StringComparison.Ordinal);
        Assert.Contains("  + create container shop-side-1 (service side): it does not exist yet\n", drift.Output, StringComparison.Ordinal);
        Assert.Equal("lo", await InAsync("web", "ls /sys/class/net"));

        await ReplaceAsync("compose.yaml", "DEBUG: '2'", "DEBUG: '1'");
        Assert.Contains(" were changed by somebody else", await BerthAsync("plan"), StringComparison.Ordinal);
        await BerthAsync("up", "-d", "--wait");
        Assert.Equal(id, await BerthAsync("ps", "-q", "web"));
        Assert.Equal(64 << 20, (int)(await InspectAsync())["HostConfig"]!["Memory"]!);
        Assert.Equal("eth0 lo", (await InAsync("web", "ls /sys/class/net")).ReplaceLineEndings(" "));
        Assert.Equal("shop is as release 2 left it.", await BerthAsync("drift", "--detailed-exitcode"));
    }

    private async Task<JsonNode> InspectAsync() => (await Daemon.Api.GetFromJsonAsync<JsonNode>("containers/shop-web-1/json", TestContext.Current.CancellationToken))!;
}
