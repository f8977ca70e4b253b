using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Projects;

/// <summary>Keys of compose files, by what the containers made from them see.</summary>
public sealed class ComposeKeysTests : IAsyncLifetime
{
    private TestDaemon _daemon = null!;

    private string Folder => _daemon.Folder + "/keys";

    public async ValueTask InitializeAsync()
    {
        _daemon = await TestDaemon.StartAsync(TestContext.Current.CancellationToken);
        Directory.CreateDirectory(Folder);
        await BoxImage.BuildAsync(_daemon, TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Links_and_the_volumes_of_others()
    {
        await WriteAsync("compose.yaml", """
            services:
              db:
                image: box
                command: sh -c 'echo kept >/data/file; mkdir -p /www; echo answers >/www/index.html; exec httpd -f -p 80 -h /www'
                environment: {VERSION: 1}
                volumes: ['data:/data']
              web:
                image: box
                command: sleep 1000
                links: ['db:database']
              reader:
                image: box
                command: sleep 1000
                volumes_from: ['db:ro']
            volumes: {data: }
            """);
        await BerthAsync("up", "-d", "--wait");
        Assert.Equal("answers", await InAsync("web", "wget -qO- http://database/"));
        Assert.Contains("database", (await Run("exec", "-T", "reader", "wget", "-qO-", "http://database/")).Error, StringComparison.Ordinal); // the name is the other's alone
        Assert.Equal("kept", await InAsync("reader", "cat /data/file"));
        Assert.Contains("Read-only", (await Run("exec", "-T", "reader", "touch", "/data/more")).Error, StringComparison.Ordinal);
        var (web, reader) = (await BerthAsync("ps", "-q", "web"), await BerthAsync("ps", "-q", "reader"));
        await WriteAsync("compose.yaml", (await File.ReadAllTextAsync(Folder + "/compose.yaml", TestContext.Current.CancellationToken)).Replace("VERSION: 1", "VERSION: 2", StringComparison.Ordinal));
        await BerthAsync("up", "-d", "--wait");
        Assert.Equal(web, await BerthAsync("ps", "-q", "web")); // a link leads to the new container by itself
        Assert.Equal("answers", await InAsync("web", "wget -qO- http://database/"));
        Assert.NotEqual(reader, await BerthAsync("ps", "-q", "reader")); // volumes are a container's
        Assert.Equal("kept", await InAsync("reader", "cat /data/file"));
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task What_the_engine_takes_as_it_is()
    {
        await WriteAsync("labels", "from.file=1\nown=file\n");
        await WriteAsync("compose.yaml", """
            services:
              web:
                image: box
                command: sleep 1000
                label_file: labels
                labels: {own: service}
                cpu_period: 50ms
                cpu_quota: 25000
                oom_score_adj: 321
                mac_address: 02:42:0a:00:00:77
                uts: host
                networks: {back: {priority: 5, mac_address: '02:42:0a:00:00:99'}, another: }
            networks: {back: , another: }
            """);
        await BerthAsync("up", "-d", "--wait");
        Assert.Equal("321", await InAsync("web", "cat /proc/1/oom_score_adj"));
        Assert.Equal(Environment.MachineName, await InAsync("web", "hostname"));
        Assert.Equal("02:42:0a:00:00:99", await InAsync("web", "cat /sys/class/net/eth0/address"));
        var made = (await _daemon.Api.GetFromJsonAsync<JsonNode>("containers/keys-web-1/json", TestContext.Current.CancellationToken))!;
        Assert.Equal(("1", "service"), ((string?)made["Config"]!["Labels"]!["from.file"], (string?)made["Config"]!["Labels"]!["own"]));
        Assert.Equal((50000, 25000), ((int)made["HostConfig"]!["CpuPeriod"]!, (int)made["HostConfig"]!["CpuQuota"]!));
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task A_build_with_secrets_names_and_hosts()
    {
        await WriteAsync("token", "very secret");
        await WriteAsync("Dockerfile", "FROM box\nRUN --mount=type=secret,id=token cat /run/secrets/token >/seen; grep nowhere /etc/hosts >>/seen; ulimit -n >>/seen; ls /sys/class/net >>/seen\n");
        await WriteAsync("compose.yaml", """
            services:
              made:
                build:
                  context: .
                  secrets: [token]
                  extra_hosts: ['nowhere=10.1.2.3']
                  ulimits: {nofile: 77}
                  network: none
                  tags: ['made:one', 'other/made:two']
                command: cat /seen
            secrets: {token: {file: ./token}}
            """);
        await BerthAsync("build");
        foreach (var image in new[] { "keys-made", "made:one", "other/made:two" })
        {
            Assert.Equal("very secret10.1.2.3\tnowhere 77 lo", (await BerthAsync("docker", "run", "--rm", image, "cat", "/seen")).ReplaceLineEndings(" "));
        }
    }

    private async Task<string> InAsync(string service, string command) => await BerthAsync(["exec", "-T", service, .. command.Split(' ')]);

    private async Task<string> BerthAsync(params string[] words) => (await Run(words)).EnsureSuccess().Output.Trim();

    private Task<CommandResult> Run(params string[] words) => _daemon.Berth(Folder, words).RunAsync(TestContext.Current.CancellationToken);

    private Task WriteAsync(string name, string content) => File.WriteAllTextAsync($"{Folder}/{name}", content, TestContext.Current.CancellationToken);
}
