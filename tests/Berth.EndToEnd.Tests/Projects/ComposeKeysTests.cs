using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Projects;

/// <summary>Keys of compose files, by what the containers made from them see.</summary>
public sealed class ComposeKeysTests() : ProjectTests("keys")
{
    [Fact]
    [Trait("Speed", "slow")]
    public async Task Links_and_the_volumes_of_others()
    {
        await WriteAsync("compose.yaml", """
            services:
              db:
                image: box
                command: sh -c 'echo kept >/data/file; mkdir -p /www; echo answers >/www/index.html; exec httpd -f -p 80 -h /www'
                init: true
                environment: {VERSION: 1}
                volumes: ['data:/data']
              web:
                image: box
                command: sleep 1000
                init: true
                links: ['db:database']
              reader:
                image: box
                command: sleep 1000
                init: true
                volumes_from: ['db:ro']
            volumes: {data: }
            """);
        await BerthAsync("up", "-d", "--wait");
        Assert.Equal("answers", await InAsync("web", "wget -qO- http://database/"));
        Assert.Contains("database", (await RunAsync("exec", "-T", "reader", "wget", "-qO-", "http://database/")).Error, StringComparison.Ordinal); // the name is the other's alone
        Assert.Equal("kept", await InAsync("reader", "cat /data/file"));
        Assert.Contains("Read-only", (await RunAsync("exec", "-T", "reader", "touch", "/data/more")).Error, StringComparison.Ordinal);
        var (web, reader) = (await BerthAsync("ps", "-q", "web"), await BerthAsync("ps", "-q", "reader"));
        await ReplaceAsync("compose.yaml", "VERSION: 1", "VERSION: 2");
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
        var made = (await Daemon.Api.GetFromJsonAsync<JsonNode>("containers/keys-web-1/json", TestContext.Current.CancellationToken))!;
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

    [Fact]
    [Trait("Speed", "slow")]
    public async Task A_build_with_an_agent_or_a_key_and_one_with_all_rights()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        foreach (var key in new[] { "held", "lying" })
        {
            (await new Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", $"{Folder}/{key}").RunAsync(cancellationToken)).EnsureSuccess();
        }

        (await new Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", Folder + "/locked").RunAsync(cancellationToken)).EnsureSuccess();

        // The image has the host's ssh-add, and what it is linked to.
        (await new Command("/bin/sh", "-c", $"mkdir -p {Folder}/tools && cd {Folder}/tools && cp --parents -L $(ldd /usr/bin/ssh-add | grep -o '/[^ ]*') /usr/bin/ssh-add .").RunAsync(cancellationToken)).EnsureSuccess();
        await WriteAsync("Dockerfile", """
            FROM box
            COPY tools /
            RUN --mount=type=ssh,id=default,required=true --mount=type=ssh,id=lying,target=/agent,mode=0666 ssh-add -l >/seen; echo $SSH_AUTH_SOCK >>/seen; SSH_AUTH_SOCK=/agent ssh-add -l >>/seen
            RUN --mount=type=ssh,id=nobody ls /run/buildkit >>/seen 2>&1; echo "[$SSH_AUTH_SOCK]" >>/seen
            """);
        await WriteAsync("compose.yaml", "services: {made: {build: {context: ., ssh: [default, lying=./lying]}}}");

        var build = Daemon.Berth(Folder, "build");
        var held = build with { Program = "ssh-agent", Arguments = ["sh", "-c", "ssh-add -q held && \"$@\"; status=$?; kill $SSH_AGENT_PID; exit $status", "sh", build.Program, .. build.Arguments] };
        (await held.RunAsync(cancellationToken)).EnsureSuccess();
        var seen = (await BerthAsync("docker", "run", "--rm", "keys-made", "cat", "/seen")).Split('\n');
        Assert.Equal([await FingerprintAsync("held"), "/run/buildkit/ssh_agent.0", await FingerprintAsync("lying"), "ls: /run/buildkit: No such file or directory", "[]"], seen);
        Assert.Equal("", await BerthAsync("docker", "run", "--rm", "keys-made", "sh", "-c", "ls /agent /run/buildkit 2>/dev/null; true")); // the image has no trace of them

        // Without an agent, with a key that asks for a passphrase, and with one that is not there.
        Assert.Contains("SSH_AUTH_SOCK names none: start one with", (await (build with { Environment = build.Environment.Append(new("SSH_AUTH_SOCK", null)).ToDictionary() }).RunAsync(cancellationToken)).Error, StringComparison.Ordinal);
        var locked = await RunAsync("compose", "build", "--no-cache", "--ssh", "default=locked");
        Assert.Matches("the key '[^']*/locked' cannot be given to the build: .*; start ssh-agent, add the key with ssh-add", locked.Error.ReplaceLineEndings(" "));
        Assert.Contains("neither an SSH agent nor a key is at", (await RunAsync("compose", "build", "--no-cache", "--ssh", "default=gone")).Error, StringComparison.Ordinal);
        await BerthAsync("docker", "build", "--no-cache", "-q", "-t", "by-hand", "--ssh", "default=lying", "--ssh", "lying=held", ".");
        Assert.StartsWith(await FingerprintAsync("lying"), await BerthAsync("docker", "run", "--rm", "by-hand", "cat", "/seen"), StringComparison.Ordinal);
        await WriteAsync("Dockerfile", "FROM box\nRUN --mount=type=ssh,required=true true\n");
        Assert.Contains("The SSH agent 'default' is required, but was not given to the build", (await RunAsync("docker", "build", ".")).Error, StringComparison.Ordinal);

        // All rights, for who asks and is allowed.
        await WriteAsync("Dockerfile", "FROM box\nRUN --security=insecure grep CapEff /proc/self/status >/seen; mkdir /m; mount -t tmpfs none /m && echo mounted >>/seen\nRUN grep CapEff /proc/self/status >>/seen\n");
        await WriteAsync("compose.yaml", "services: {made: {build: .}}");
        Assert.Contains("--security=insecure asks for a step that may do anything to this machine", (await RunAsync("build")).Error, StringComparison.Ordinal);
        await WriteAsync("compose.yaml", "services: {made: {build: {context: ., entitlements: [security.insecure]}}}");
        await BerthAsync("build");
        var rights = (await BerthAsync("docker", "run", "--rm", "keys-made", "cat", "/seen")).Split('\n');
        Assert.Equal(["mounted", "CapEff:\t00000000a80425fb"], rights[1..]);
        Assert.NotEqual(rights[2], rights[0]);
        await BerthAsync("docker", "build", "-q", "--no-cache", "--allow", "security.insecure", ".");

        async Task<string> FingerprintAsync(string key) => (await new Command("ssh-keygen", "-l", "-f", $"{Folder}/{key}.pub").RunAsync(cancellationToken)).EnsureSuccess().Output.Trim();
    }

    [Fact]
    public async Task While_it_waits_a_terminal_shows_for_how_long_and_what_the_check_says()
    {
        await WriteAsync("compose.yaml", """
            services:
              db:
                image: box
                command: sh -c 'sleep 3; touch /ready; sleep 1000'
                init: true
                stop_grace_period: 1s
                healthcheck: {test: "test -e /ready || { echo the tide is out; exit 4; }", interval: 300ms, retries: 100}
              app: {image: box, command: sh -c 'echo sailing; sleep 1000', init: true, stop_grace_period: 1s, depends_on: {db: {condition: service_healthy}}}
            """);
        await using var up = new TerminalCommand(Daemon.Berth(Folder, "up"));
        await up.UntilAsync("Container keys-db-1  Waiting  2s  its check ended with 4: the tide is out");
        await up.UntilAsync("Container keys-db-1  Healthy");
        await up.UntilAsync("sailing"); // and then the logs
        Assert.DoesNotContain("sailing", up.Shown.Split("Container keys-app-1  Started")[0], StringComparison.Ordinal);
        await up.TypeAsync("\x03");
        await up.UntilAsync("Gracefully stopping");
        Assert.Equal(130, await up.EndAsync());
    }

    [Fact]
    public async Task A_build_of_several_contexts_in_their_order()
    {
        await WriteAsync("app/Dockerfile", "FROM common AS made\nCOPY --from=assets . /assets/\nCOPY --from=BOX /bin/busybox /other\nRUN --mount=type=bind,from=assets,target=/a ls /a /assets >/seen && test ! -e /assets/left.out\n");
        await WriteAsync("common/Dockerfile", "FROM box\nRUN echo common >/common\n");
        await WriteAsync("assets/.dockerignore", "*.out\n");
        await WriteAsync("assets/left.out", "not copied");
        await WriteAsync("assets/logo", "one");
        await WriteAsync("compose.yaml", """
            services:
              app:
                build: {context: app, additional_contexts: {common: 'service:common', assets: ./assets, box: 'docker-image://box'}}
                command: cat /common /assets/logo
              common:
                build: common
                command: 'true'
            """);
        await BerthAsync("build", "app"); // and what it is built on
        Assert.Equal("common\none", await BerthAsync("docker", "run", "--rm", "keys-app", "cat", "/common", "/assets/logo"));
        Assert.Equal("/a: logo  /assets: logo", (await BerthAsync("docker", "run", "--rm", "keys-app", "cat", "/seen")).ReplaceLineEndings(" "));

        // A change of the other context is seen.
        await WriteAsync("assets/logo", "two");
        await BerthAsync("build");
        Assert.Equal("common\ntwo", await BerthAsync("docker", "run", "--rm", "keys-app", "cat", "/common", "/assets/logo"));

        await BerthAsync("docker", "rmi", "keys-app", "keys-common");
        await WriteAsync("common/Dockerfile", "FROM box\nRUN exit 3\n");
        var failed = await RunAsync("up", "-d", "app");
        Assert.NotEqual(0, failed.ExitCode);
        Assert.Contains("it is built on keys-common, which cannot be had", failed.Error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Commands_that_are_run_after_the_start_and_before_the_stop()
    {
        await WriteAsync("compose.yaml", """
            services:
              web:
                image: box
                command: sleep 1000
                init: true
                stop_grace_period: 1s
                volumes: ['data:/data']
                environment: {WHO: nobody}
                post_start:
                  - {command: ["sh", "-c", "echo $$WHO $$(id -u) $$(pwd) >>/data/turns"], environment: {WHO: started}, user: '7', working_dir: /bin}
                pre_stop:
                  - {command: sh -c 'echo stopping >>/data/turns'}
                  - {command: sh -c 'echo no >&2; exit 3'}
                  - {command: sh -c 'echo too much >>/data/turns'}
            volumes: {data: }
            """);
        await BerthAsync("run", "--rm", "web", "chmod", "777", "/data");
        await BerthAsync("run", "--rm", "web", "sh", "-c", "touch /data/turns; chmod 666 /data/turns");
        await BerthAsync("up", "-d", "--wait");
        Assert.Equal("started 7 /bin", await InAsync("web", "cat /data/turns"));
        var restart = (await RunAsync("restart")).EnsureSuccess();
        Assert.Contains("pre_stop of service 'web' in keys-web-1: sh -c echo no >&2; exit 3: it ended with exit code 3: no", restart.Error, StringComparison.Ordinal);
        Assert.Equal("started 7 /bin\nstopping\nstarted 7 /bin", await InAsync("web", "cat /data/turns"));
        await BerthAsync("-p", "keys", "stop"); // without the file at hand, too
        Assert.EndsWith("\nstopping", await BerthAsync("run", "--rm", "web", "cat", "/data/turns"), StringComparison.Ordinal);

        await WriteAsync("compose.yaml", "services:\n  bad:\n    image: box\n    command: sleep 1000\n    init: true\n    post_start: [{command: sh -c 'echo out of order; exit 4'}]\n");
        var up = await RunAsync("up", "-d");
        Assert.Equal(1, up.ExitCode);
        Assert.Contains("post_start of service 'bad' in keys-bad-1: sh -c echo out of order; exit 4: it ended with exit code 4: out of order", up.Error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Secrets_and_configs_with_an_owner_and_permissions()
    {
        await WriteAsync("token", "very secret");
        await WriteAsync("compose.yaml", """
            services:
              web:
                image: box
                command: sleep 1000
                init: true
                secrets: [token, {source: token, target: owned, uid: '5', gid: '6', mode: 0440}]
                configs: [{source: page, target: /page, mode: 0600}]
                volumes: [{type: image, source: box, target: /image, image: {subpath: bin}}]
            secrets: {token: {file: ./token}}
            configs: {page: {content: hello}}
            """);
        await BerthAsync("up", "-d", "--wait");
        Assert.StartsWith("-r--r-----    1 5        6 ", await InAsync("web", "ls -ln /run/secrets/owned"), StringComparison.Ordinal);
        Assert.StartsWith("-rw-------    1 0        0 ", await InAsync("web", "ls -ln /page"), StringComparison.Ordinal);
        Assert.Equal("very secretvery secrethello", await InAsync("web", "cat /run/secrets/owned /run/secrets/token /page"));
        Assert.Contains("busybox", await InAsync("web", "ls /image"), StringComparison.Ordinal);
        Assert.StartsWith("keys: nothing to do", await BerthAsync("plan"), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Up_shows_what_is_asked_for_and_ends_as_the_service_that_counts()
    {
        await WriteAsync("compose.yaml", """
            services:
              job: {image: box, command: sh -c 'echo works; sleep 1; exit 3', init: true, depends_on: [web, quiet]}
              web: {image: box, command: sh -c 'echo serves; exec sleep 1000', init: true}
              quiet: {image: box, command: sh -c 'echo unseen; exec sleep 1000', init: true, attach: false}
            """);
        var up = await RunAsync("up", "--exit-code-from", "job");
        Assert.Equal(3, up.ExitCode);
        Assert.Contains("job-1  | works", up.Output, StringComparison.Ordinal);
        Assert.Contains("web-1  | serves", up.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("unseen", up.Output, StringComparison.Ordinal);
        Assert.Equal("", await BerthAsync("ps", "-q"));
        var named = await RunAsync("up", "--abort-on-container-exit", "--no-log-prefix", "job");
        Assert.Equal(3, named.ExitCode);
        Assert.Contains("works\n", named.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("serves", named.Output, StringComparison.Ordinal); // only what was named
        Assert.Equal(1, (await RunAsync("up", "-d", "--abort-on-container-exit")).ExitCode);
    }
}
