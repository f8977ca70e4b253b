namespace Berth.Compose.Tests;

/// <summary>How a second file changes the first, attribute by attribute: Docker Compose comes to the same. Its exceptions and all of the judge's are in <see cref="ComposeJudge"/>.</summary>
/// <remarks>Compose Specification, 13-merge.md.</remarks>
public sealed class MergeTests
{
    /// <summary>A rule of 13-merge.md; lines of a service; lines of the same in the second file.</summary>
    public static TheoryData<string, string, string> Services => new()
    {
        { "mapping", "environment: {A: 1, B: 2}", "environment: {B: 3, C: 4}" },
        { "mapping", "environment: [A=1, B=2]", "environment: {B: , C: 4}" },
        { "mapping", "environment: {A: 1}", "environment: [A=2, D]" },
        { "mapping", "labels: {a: b, c: d}", "labels: [c=e, f]" },
        { "mapping", "annotations: [a=b]", "annotations: {a: c, d: e}" },
        { "mapping", "sysctls: {net.core.somaxconn: 1}", "sysctls: [net.core.somaxconn=2, net.ipv4.tcp_syncookies=0]" },
        { "mapping", "healthcheck: {test: curl a, interval: 5s}", "healthcheck: {interval: 10s, retries: 2}" },
        { "mapping", "healthcheck: {test: [CMD, a, b]}", "healthcheck: {test: [CMD, c]}" },
        { "mapping", "ulimits: {nofile: 10, nproc: 5}", "ulimits: {nofile: {soft: 1, hard: 2}}" },
        { "mapping", "logging: {driver: json-file, options: {max-size: 1m}}", "logging: {options: {max-file: '3'}}" },
        { "mapping", "logging: {driver: json-file, options: {max-size: 1m}}", "logging: {driver: local, options: {max-file: '3'}}" },
        { "mapping", "deploy: {replicas: 2, labels: {a: b}, resources: {limits: {cpus: '1', memory: 5m}}}", "deploy: {labels: {c: d}, resources: {limits: {cpus: '2'}}}" },
        { "mapping", "deploy: {update_config: {parallelism: 1, order: start-first}}", "deploy: {update_config: {parallelism: 2}}" },
        { "mapping", "build: {context: ., args: {A: 1, B: 2}, target: a}", "build: {args: [B=3], target: b}" },
        { "mapping", "build: ./a", "build: {target: b}" },
        { "mapping", "build: {context: ., additional_contexts: {a: ./a, b: 'docker-image://b'}}", "build: {additional_contexts: [a=./c]}" },
        { "mapping", "build: {context: ./a, dockerfile: D}", "build: ./b" },
        { "mapping", "build: {context: ., tags: ['a:1'], cache_from: [x], secrets: [sec]}", "build: {tags: ['b:1'], cache_from: [y], secrets: [{source: sec, target: t}]}" },
        { "mapping", "networks: [one]", "networks: [two]" },
        { "mapping", "networks: {one: {aliases: [a]}}", "networks: {one: {aliases: [b], priority: 5}}" },
        { "mapping", "depends_on: [db]", "depends_on: {db: {condition: service_healthy}, redis: {condition: service_started}}" },
        { "mapping", "depends_on: {db: {condition: service_healthy, restart: true}}", "depends_on: [db, redis]" },
        { "mapping", "storage_opt: {size: 1G}", "storage_opt: {size: 2G}" },
        { "mapping", "x-a: {b: 1}", "x-a: {c: 2}" },
        { "sequence", "cap_add: [A]\ncap_drop: [X]", "cap_add: [B, A]\ncap_drop: [Y]" },
        { "sequence", "dns: 1.1.1.1\ndns_search: a\ndns_opt: [x]", "dns: [2.2.2.2, 1.1.1.1]\ndns_search: [b]\ndns_opt: [y]" },
        { "sequence", "tmpfs: /a", "tmpfs: [/b, /a]" },
        { "sequence", "group_add: [1]\nsecurity_opt: [a]\ndevice_cgroup_rules: ['c 1:3 mr']", "group_add: [2]\nsecurity_opt: [b]\ndevice_cgroup_rules: ['c 1:4 mr']" },
        { "sequence", "gpus: [{count: 1}]", "gpus: [{count: 2}, {device_ids: [x]}]" },
        { "sequence", "gpus: all", "gpus: [{count: 1}]" },
        { "sequence", "deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: 1}]}}}", "deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: 2}, {capabilities: [tpu]}]}}}" },
        { "sequence", "devices: ['vendor.com/class=a']", "devices: ['vendor.com/class=b', 'vendor.com/class=a']" },
        { "sequence", "expose: [\"80\"]", "expose: [\"81\", \"80\"]" },
        { "sequence", "links: [db]\nexternal_links: [a]", "links: [\"db:x\", redis]\nexternal_links: [b]" },
        { "sequence", "volumes_from: [db]", "volumes_from: [\"redis:ro\"]" },
        { "sequence", "env_file: a.env", "env_file: [b.env]" },
        { "sequence", "label_file: a.env", "label_file: b.env" },
        { "sequence", "profiles: [on]", "profiles: [other]" },
        { "sequence", "extra_hosts: [\"a=1.1.1.1\"]", "extra_hosts: {a: 2.2.2.2, b: 3.3.3.3}" },
        { "sequence", "post_start: [{command: a}]", "post_start: [{command: b}]" },
        { "exceptions: shell commands", "command: a b\nentrypoint: [x]", "command: c\nentrypoint: [y, z]" },
        { "exceptions: shell commands", "command: a b", "command: []" },
        { "unique resources: ports", "ports: [\"80:80\", \"81:81\"]", "ports: [\"80:80\", \"82:82\"]" },
        { "unique resources: ports", "ports: [\"127.0.0.1:80:80\"]", "ports: [{target: 80, published: \"80\", host_ip: 127.0.0.1}, \"80:80/udp\"]" },
        { "unique resources: volumes", "volumes: [./a:/a, named:/b]", "volumes: [./c:/a:ro, /d]" },
        { "unique resources: volumes", "volumes: [./a:/a]", "volumes: [{type: volume, source: named, target: /a}]" },
        { "unique resources: devices", "devices: [/dev/a, \"/dev/b:/dev/c\"]", "devices: [\"/dev/d:/dev/c:r\"]" },
        { "unique resources: secrets", "secrets: [sec]\nconfigs: [conf]", "secrets: [{source: sec, target: other}]\nconfigs: [{source: conf, target: /other}]" },
        { "unique resources: secrets", "secrets: [sec]\nconfigs: [conf]", "secrets: [{source: sec, mode: 0400}]\nconfigs: [conf]" },
        { "scalars", "user: a\nrestart: always\nmem_limit: 5m\ntty: true\nhostname: h", "user: b\nrestart: 'no'\nmem_limit: 6m\ntty: false" },
        { "scalars", "init: true\nstop_grace_period: 5s", "init: false\nstop_grace_period: 1m" },
        { "reset", "ports: [\"80:80\"]\nenvironment: {A: 1}\ncommand: a", "ports: !reset []\nenvironment: !reset {}\ncommand: !reset null" },
        { "reset", "environment: {A: 1, B: 2}\nbuild: {context: ., target: x}", "environment: {A: !reset null}\nbuild: {target: !reset null}" },
        { "override", "ports: [\"80:80\"]\nenvironment: {A: 1}\nvolumes: [./a:/a]", "ports: !override [\"81:81\"]\nenvironment: !override {B: 2}\nvolumes: !override [./b:/b]" },
    };

    /// <summary>Top levels.</summary>
    public static TheoryData<string, string> TopLevels => new()
    {
        { "networks: {one: {labels: {a: b}, driver_opts: {x: 1}}, two: }", "networks: {one: {internal: true, labels: [c=d]}, two: {name: exact}}" },
        { "networks: {one: {ipam: {config: [{subnet: 10.1.0.0/16}]}}, two: }", "networks: {one: {ipam: {config: [{subnet: 10.1.0.0/16, gateway: 10.1.0.1}]}}}" },
        { "networks: {one: {ipam: {config: [{subnet: 10.1.0.0/16}]}}, two: }", "networks: {one: {ipam: {config: [{subnet: 10.2.0.0/16}]}}}" },
        { "volumes: {named: {labels: {a: b}}}", "volumes: {named: {name: exact, driver_opts: {o: p}}}" },
        { "secrets: {sec: {file: ./a.env}}", "secrets: {sec: {file: ./b.env}}" },
        { "configs: {conf: {content: a}}", "configs: {conf: {content: b}}" },
        { "x-a: {b: 1, l: [1]}", "x-a: {c: 2, l: [2]}\nx-d: e" },
        { "name: first", "name: second" },
    };

    /// <summary>A value of 12-interpolation.md. In the environment <c>SET</c> is "set", <c>EMPTY</c> is empty, <c>NONE</c> is not there; in <c>.env</c> <c>SET</c>, <c>EMPTY</c> and <c>FILE</c> are "file".</summary>
    public static TheoryData<string> Interpolations =>
    [
        "$SET", "${SET}", "a${SET}b$SET", "${NONE}", "$NONE-", "${SET:-d}", "${NONE:-d}", "${EMPTY:-d}", "${EMPTY-d}", "${NONE-d}", "${SET:?e}", "${SET?e}", "${EMPTY?e}",
        "${SET:+r}", "${EMPTY:+r}", "${NONE:+r}", "${SET+r}", "${EMPTY+r}", "${NONE+r}", "${NONE:-${SET}}", "${NONE:-${OTHER:-${SET}-x}}", "${SET:+${FILE}}", "$$SET", "$${SET}", "$$$SET", "${NONE:-$$x}",
        "${FILE}", "${FILE:-d}", "${NONE:-a b}", "${NONE:-a:b}", "${NONE:-}", "${SET}${FILE}", "x$$", "${NONE:-'q'}", "${NONE-\\\"q\\\"}", "${NONE:-{\\\"a\\\": 1}}",
    ];

    [Theory]
    [MemberData(nameof(Services))]
    public void Of_a_service(string rule, string first, string second)
    {
        Assert.NotEmpty(rule);
        Judged(Lines(first), Lines(second), "", "");
    }

    [Theory]
    [MemberData(nameof(TopLevels))]
    public void Of_the_top_level(string first, string second) => Judged("    networks: [one, two]\n    volumes: [named:/v]\n    secrets: [sec]\n    configs: [conf]\n", "    image: web\n", first, second);

    /// <summary>Tags are for files.</summary>
    public static TheoryData<string, string, string> Extensions => [.. Services.Where(row => row.Data.Item1 is not ("reset" or "override"))];

    [Theory]
    [MemberData(nameof(Extensions))]
    public void Of_a_service_that_extends_another(string rule, string first, string second)
    {
        Assert.NotEmpty(rule);
        using var project = Filled("services:\n  web:\n    extends: {service: base, file: other.yaml}\n" + Lines(second) + Others + Standard(""))
            .With("other.yaml", "services:\n  base:\n    image: web\n" + Lines(first));
        Assert.NotEmpty(project.Good().Services);
    }

    [Theory]
    [MemberData(nameof(Interpolations))]
    public void Of_variables_into_values(string text)
    {
        using var project = Project.Of($"services: {{a: {{image: i, labels: {{x: \"{text}\"}}, environment: [\"E={text}\"], command: [\"{text}\"]}}}}\nx-a: \"{text}\"")
            .With(".env", "SET=file\nEMPTY=file\nFILE=file\n").With(("SET", "set")).With(("EMPTY", ""));
        Assert.Single(project.Good().Services);
    }

    private const string Others = "  db: {image: db}\n  redis: {image: redis}\n";

    private static string Lines(string lines) => string.Concat(lines.Split('\n').Select(line => $"    {line}\n"));

    private static string Standard(string given)
    {
        string Top(string key, string standard) => given.StartsWith(key, StringComparison.Ordinal) ? "" : $"{key}: {standard}\n";
        return Top("networks", "{one: , two: }") + Top("volumes", "{named: }") + Top("configs", "{conf: {content: text}}") + Top("secrets", "{sec: {file: ./a.env}}");
    }

    private static Project Filled(string compose) => Project.Of(compose).With("a.env", "A=file\nX=1\n").With("b.env", "A=second\nY=2\n").With(("COMPOSE_PROFILES", "on"));

    private static void Judged(string first, string second, string topFirst, string topSecond)
    {
        using var project = Filled("services:\n  web:\n    image: web\n" + first + Others + Standard(topFirst) + topFirst)
            .With("second.yaml", "services:\n  web:\n" + second + topSecond);
        Assert.NotEmpty(project.Good(options => options with { Files = ["compose.yaml", "second.yaml"] }).Services);
    }
}
