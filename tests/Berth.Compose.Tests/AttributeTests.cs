using Berth.Compose.Output;

namespace Berth.Compose.Tests;

/// <summary>Every attribute in every form it may have, by section of the Compose Specification: Docker Compose understands each as Berth does, and what <c>config</c> writes loads into the same.</summary>
public sealed class AttributeTests
{
    /// <summary>Section of 05-services.md, and lines of a service.</summary>
    public static TheoryData<string, string> Attributes => new()
    {
        { "annotations", "annotations: {com.example.foo: bar}" },
        { "annotations", "annotations: [com.example.foo=bar, empty]" },
        { "attach", "attach: false" },
        { "attach", "attach: true" },
        { "blkio_config", "blkio_config: {weight: 300}" },
        { "cap_add", "cap_add: [ALL]\ncap_drop: [NET_ADMIN, SYS_ADMIN]" },
        { "cgroup", "cgroup: host" },
        { "cgroup_parent", "cgroup_parent: m-executor-abcd" },
        { "command", "command: bundle exec thin -p 3000" },
        { "command", "command: [bundle, exec, 'thin -p', \"3000\"]" },
        { "command", "command: []\nentrypoint: ''" },
        { "command", "command: null\nentrypoint: null" },
        { "command", "command: echo \"a b\" 'c $$d' \\$$e" },
        { "configs", "configs: [my_config]" },
        { "configs", "configs: [{source: my_config, target: /redis_config, uid: \"103\", gid: \"103\", mode: 0440}, {source: my_config, target: relative}]" },
        { "container_name", "container_name: my-web-container" },
        { "cpu_count", "cpu_count: 2\ncpu_percent: 50" },
        { "cpu_period", "cpu_period: 50000\ncpu_quota: 25000\ncpu_shares: 512\ncpuset: 0-1\ncpu_rt_runtime: 4000\ncpu_rt_period: 11000" },
        { "cpus", "cpus: 1.50" },
        { "depends_on", "depends_on: [db, redis]" },
        { "depends_on", "depends_on: {db: {condition: service_healthy, restart: true}, redis: {condition: service_started}, once: {condition: service_completed_successfully, required: false}}" },
        { "depends_on", "depends_on: {off: {condition: service_started, required: false}}" },
        { "deploy", "deploy: {mode: global, endpoint_mode: dnsrr, labels: {a: b}}" },
        { "deploy", "deploy: {mode: replicated, replicas: 6, labels: [a=b]}" },
        { "deploy", "deploy: {placement: {constraints: [disktype=ssd], preferences: [{spread: node.labels.zone}], max_replicas_per_node: 2}}" },
        { "deploy", "deploy: {resources: {limits: {cpus: '0.50', memory: 50M, pids: 1}, reservations: {cpus: 0.25, memory: 20M}}}" },
        { "deploy", "deploy: {resources: {reservations: {devices: [{capabilities: [gpu, utility], count: 1, driver: nvidia, options: {a: b}}, {capabilities: [tpu], device_ids: [x]}, {capabilities: [gpu]}]}}}" },
        { "deploy", "deploy: {restart_policy: {condition: on-failure, delay: 5s, max_attempts: 3, window: 120s}}" },
        { "deploy", "deploy: {restart_policy: {condition: any}}" },
        { "deploy", "deploy: {update_config: {parallelism: 2, delay: 10s, order: start-first, failure_action: rollback, monitor: 90s, max_failure_ratio: 0.5}, rollback_config: {parallelism: 0, order: stop-first}}" },
        { "develop (develop.md)", "build: .\ndevelop: {watch: [{path: ./src, action: sync, target: /app, ignore: [node_modules/, '*.log']}, {path: package.json, action: rebuild}, {path: conf, action: sync+restart, target: /etc/conf, include: '*.conf', initial_sync: true}]}" },
        { "develop (develop.md)", "develop: {watch: [{path: ./a.env, action: restart}, {path: ., action: sync+exec, target: /app, exec: {command: make -C /app, user: root, working_dir: /, environment: [A=1]}}]}" },
        { "device_cgroup_rules", "device_cgroup_rules: ['c 1:3 mr', 'a 7:* rmw']" },
        { "devices", "devices: ['/dev/ttyUSB0:/dev/ttyUSB0', '/dev/sda:/dev/xvda:rwm', /dev/null, {source: /dev/a, target: /dev/b, permissions: r}]" },
        { "devices", "devices: ['vendor.com/class=name', '/dev/null:/dev/other', nvidia.com/gpu=all]" },
        { "dns", "dns: 8.8.8.8\ndns_search: example.com\ndns_opt: [use-vc, no-tld-query]" },
        { "dns", "dns: [8.8.8.8, 9.9.9.9]\ndns_search: [dc1.example.com, dc2.example.com]" },
        { "domainname", "domainname: example.com\nhostname: web" },
        { "entrypoint", "entrypoint: /code/entrypoint.sh" },
        { "entrypoint", "entrypoint: [php, -d, zend_extension=/usr/local/lib/xdebug.so]" },
        { "env_file", "env_file: .env.web" },
        { "env_file", "env_file: [./a.env, {path: ./b.env, required: true}, {path: ./missing.env, required: false}]" },
        { "env_file", "env_file: [{path: ./raw.env, format: raw}]" },
        { "environment", "environment: {RACK_ENV: development, SHOW: 'true', USER_INPUT: , EMPTY: '', CALLER: }" },
        { "environment", "environment: [RACK_ENV=development, SHOW=true, USER_INPUT, EMPTY=, CALLER, 'ODD=a=b # c \"d\" ^&(@']" },
        { "environment", "env_file: a.env\nenvironment: {FROM_FILE: , OTHER: service}" },
        { "expose", "expose: [\"3000\", 8000, \"8080-8085/tcp\", 53/udp]" },
        { "external_links", "external_links: [redis, \"database:mysql\"]" },
        { "extra_hosts", "extra_hosts: [\"somehost=162.242.195.82\", \"otherhost:50.31.209.229\", \"myhostv6=::1\", \"myhostv6b=[::1]\", \"gw=host-gateway\"]" },
        { "extra_hosts", "extra_hosts: {somehost: 162.242.195.82, two: [1.2.3.4, 5.6.7.8]}" },
        { "gpus", "gpus: all" },
        { "gpus", "gpus: [{driver: nvidia, count: 2, capabilities: [utility], options: {a: b}}, {device_ids: ['0', '1']}, {count: all}, {}]" },
        { "gpus", "gpus: [{options: [a=b, c]}]" },
        { "group_add", "group_add: [mail, 1000]" },
        { "healthcheck", "healthcheck: {test: [CMD, curl, -f, 'http://localhost'], interval: 1m30s, timeout: 10s, retries: 3, start_period: 40s, start_interval: 5s}" },
        { "healthcheck", "healthcheck: {test: curl -f https://localhost || exit 1}" },
        { "healthcheck", "healthcheck: {test: [CMD-SHELL, 'curl -f https://localhost || exit 1'], interval: 500ms, timeout: 1h}" },
        { "healthcheck", "healthcheck: {disable: true}" },
        { "healthcheck", "healthcheck: {test: [NONE]}" },
        { "image", "image: redis@sha256:0ed5d5928d4737458944eb604cc8509e245c3e19d02ad83935398bc4b991aac7" },
        { "init", "init: true" },
        { "init", "init: false" },
        { "ipc", "ipc: shareable" },
        { "ipc", "ipc: \"service:db\"" },
        { "isolation", "isolation: default" },
        { "labels", "labels: {com.example.description: 'Accounting webapp', com.example.empty: , com.example.number: 5}" },
        { "labels", "labels: [com.example.a=b, com.example.c]" },
        { "label_file", "label_file: ./app.labels" },
        { "label_file", "label_file: [./app.labels, ./more.labels]\nlabels: {one: service}" },
        { "links", "links: [db, \"db:database\", redis]" },
        { "logging", "logging: {driver: json-file, options: {max-size: 10m, max-file: '3'}}" },
        { "logging", "logging: {options: {max-size: 10m}}" },
        { "mac_address", "mac_address: 02:42:ac:11:65:43" },
        { "mem_limit", "mem_limit: 300000000\nmem_reservation: 100m\nmemswap_limit: 2g\nmem_swappiness: 60" },
        { "memswap_limit", "memswap_limit: -1" },
        { "network_mode", "network_mode: host" },
        { "network_mode", "network_mode: none" },
        { "network_mode", "network_mode: \"service:db\"" },
        { "network_mode", "network_mode: \"container:some\"" },
        { "networks", "networks: [front, back]" },
        { "networks", "networks: {front: {interface_name: lan0}, back: {interface_name: wan0}}" },
        { "networks", "networks: {front: {aliases: [a, b], ipv4_address: 172.16.238.10, ipv6_address: '2001:3984:3989::10', link_local_ips: [169.254.8.1], mac_address: 02:42:ac:11:65:43, driver_opts: {com.example: x}, gw_priority: 1, priority: 1000}, back: }" },
        { "oom_kill_disable", "oom_kill_disable: true\noom_score_adj: -500" },
        { "pid", "pid: host" },
        { "pid", "pid: \"service:db\"" },
        { "pids_limit", "pids_limit: 10" },
        { "pids_limit", "pids_limit: -1" },
        { "platform", "platform: linux/amd64" },
        { "ports", "ports: [\"3000\", \"3000-3005\", \"8000:8000\", \"9090-9091:8080-8081\", \"49100:22\", \"8000-9000:80\", \"127.0.0.1:8001:8001\", \"127.0.0.1:5000-5010:5000-5010\", \"127.0.0.1::5001\", \"6060:6060/udp\", \"[::1]:6061:6061\"]" },
        { "ports", "ports: [{name: web, target: 80, host_ip: 127.0.0.1, published: \"8080\", protocol: tcp, app_protocol: http, mode: host}, {target: 80, published: \"8000-9000\"}, {target: 443}]" },
        { "ports", "ports: [8080, '7000:7000']" },
        { "post_start", "post_start: [{command: ./do_something_on_startup.sh, user: root, privileged: true, environment: [FOO=BAR]}]" },
        { "pre_stop", "pre_stop: [{command: [./data_flush.sh, now], working_dir: /srv, environment: {A: 1}}, {command: echo done}]" },
        { "privileged", "privileged: true\nread_only: true" },
        { "profiles", "profiles: [on, other]" },
        { "pull_policy", "pull_policy: always" },
        { "pull_policy", "pull_policy: never" },
        { "pull_policy", "pull_policy: missing" },
        { "pull_policy", "pull_policy: if_not_present" },
        { "pull_policy", "pull_policy: daily" },
        { "pull_policy", "pull_policy: every_12h" },
        { "restart", "restart: always" },
        { "restart", "restart: \"no\"" },
        { "restart", "restart: on-failure" },
        { "restart", "restart: on-failure:3" },
        { "restart", "restart: unless-stopped" },
        { "runtime", "runtime: runc" },
        { "scale", "scale: 3" },
        { "scale", "scale: 1" },
        { "secrets", "secrets: [server-certificate]" },
        { "secrets", "secrets: [{source: server-certificate, target: server.cert, uid: '103', gid: '103', mode: 0440}, {source: server-certificate, target: /abs}, {source: server-certificate, mode: '0400', target: q}]" },
        { "security_opt", "security_opt: ['label=user:USER', no-new-privileges]" },
        { "shm_size", "shm_size: 64M" },
        { "shm_size", "shm_size: 10000000" },
        { "stdin_open", "stdin_open: true\ntty: true" },
        { "stop_grace_period", "stop_grace_period: 1m30s\nstop_signal: SIGUSR1" },
        { "storage_opt", "storage_opt: {size: 1G}" },
        { "sysctls", "sysctls: {net.core.somaxconn: 1024, net.ipv4.tcp_syncookies: 0}" },
        { "sysctls", "sysctls: [net.core.somaxconn=1024]" },
        { "tmpfs", "tmpfs: /run" },
        { "tmpfs", "tmpfs: ['/data:mode=755,uid=1009,gid=1009', /run]" },
        { "ulimits", "ulimits: {nproc: 65535, nofile: {soft: 20000, hard: 40000}, memlock: -1}" },
        { "user", "user: \"1000:1000\"" },
        { "userns_mode", "userns_mode: host\nuts: host" },
        { "volumes", "volumes: [/anonymous, named:/data, named:/ro:ro, ./relative:/rel, ./up/../down:/down:ro, /absolute:/abs, ~/home:/home, ./opts:/opts:rw, named:/nocopy:nocopy, ./prop:/prop:rslave]" },
        { "volumes", "volumes: [{type: volume, source: named, target: /data, volume: {nocopy: true, subpath: sub/dir}}, {type: volume, target: /anonymous}, {type: volume, source: named, target: /plain, read_only: true}]" },
        { "volumes", "volumes: [{type: bind, source: ./a, target: /a}, {type: bind, source: /b, target: /b, bind: {propagation: rslave, create_host_path: true}}, {type: bind, source: ./c, target: /c, read_only: true, bind: {recursive: readonly}}]" },
        { "volumes", "volumes: [{type: tmpfs, target: /app, tmpfs: {size: 10m, mode: 0755}}, {type: tmpfs, target: /other}, {type: tmpfs, target: /bytes, tmpfs: {size: 1000000}}]" },
        { "volumes", "volumes: [{type: image, source: some/image, target: /i, image: {subpath: data}}, {type: image, source: 'some/image:2', target: /j}]" },
        { "volumes_from", "volumes_from: [db, \"redis:ro\", \"container:other\", \"container:third:rw\"]" },
        { "working_dir", "working_dir: /code" },
        { "extensions", "x-anything: {a: [1, b]}" },
    };

    /// <summary>Attributes of build.md.</summary>
    public static TheoryData<string> Builds =>
    [
        "build: ./dir",
        "build: {context: backend, dockerfile: ../backend.Dockerfile}",
        "build: {context: 'https://github.com/mycompany/example.git#branch:sub'}",
        "build: {context: ., dockerfile_inline: \"FROM baseimage\\nRUN some command\\n\"}",
        "build: {context: ., args: {GIT_COMMIT: cdc3b19, CALLER: , NOT_SET: }}",
        "build: {context: ., args: [GIT_COMMIT=cdc3b19, CALLER, NOT_SET]}",
        "build: {context: ., cache_from: ['alpine:latest', 'type=local,src=path/to/cache'], cache_to: ['user/app:cache'], no_cache: true, pull: true}",
        "build: {context: ., extra_hosts: ['somehost=162.242.195.82', 'myhostv6=::1'], isolation: default, network: host}",
        "build: {context: ., labels: {com.example.department: Finance, empty: }, target: prod, shm_size: 2gb, tags: ['myimage:mytag', 'registry/username/myrepos:my-other-tag']}",
        "build: {context: ., platforms: [linux/amd64], provenance: mode=max, sbom: true, ulimits: {nproc: 65535, nofile: {soft: 20000, hard: 40000}}}",
        "build: {context: ., additional_contexts: {assets: ./dir, above: .., base: 'docker-image://alpine:3', other: 'service:made'}}",
        "build: {context: ., additional_contexts: [assets=./dir, base=docker-image://alpine]}",
        "build: {context: ., ssh: [default, 'mine=./key', 'other=~/agent']}",
        "build: {context: ., entitlements: [network.host, security.insecure], privileged: true}",
        "build: {context: ., secrets: [server-certificate, {source: server-certificate, target: cert}]}",
    ];

    /// <summary>Top-level elements of 06-networks.md, 07-volumes.md, 08-configs.md, 09-secrets.md and 11-extension.md.</summary>
    public static TheoryData<string> TopLevels =>
    [
        "networks: {front: {driver: bridge, driver_opts: {com.docker.network.bridge.host_binding_ipv4: 127.0.0.1, number: 5}, attachable: true, internal: true, labels: {a: b}}}",
        "networks: {front: {name: exact, enable_ipv6: true, enable_ipv4: true, labels: [a=b]}}",
        "networks: {front: {ipam: {driver: default, config: [{subnet: 172.28.0.0/16, ip_range: 172.28.5.0/24, gateway: 172.28.5.254, aux_addresses: {host1: 172.28.1.5}}]}}}",
        "networks: {front: {external: true}}",
        "networks: {front: {external: true, name: outside}}",
        "networks: {front: {external: {name: old-form}}}",
        "networks: {front: , default: {name: renamed}}",
        "volumes: {named: {driver: local, driver_opts: {type: nfs, o: 'addr=10.40.0.199,nolock,soft,rw', device: ':/docker/example'}, labels: {a: b, n: 1}}}",
        "volumes: {named: {name: exact}}",
        "volumes: {named: {external: true, name: outside}}",
        "volumes: {named: , unused: {}}",
        "configs: {my_config: {content: \"debug=$${NAME}\\nuser=${CALLER}\"}}",
        "configs: {my_config: {file: ./a.env, name: other}}",
        "configs: {my_config: {environment: CALLER}}",
        "secrets: {server-certificate: {environment: CALLER}}",
        "secrets: {server-certificate: {file: ./a.env}, unused: {file: ./b.env}}",
        "x-custom: [1, 2.5, \"3\", true, null, {a: b}]\nx-text: word",
    ];

    [Theory]
    [MemberData(nameof(Attributes))]
    public void Each_of_a_service(string section, string lines)
    {
        Assert.NotEmpty(section);
        Judged(lines, "");
    }

    [Theory]
    [MemberData(nameof(Builds))]
    public void Each_of_a_build(string lines) => Judged(lines, "");

    [Theory]
    [MemberData(nameof(TopLevels))]
    public void Each_of_the_top_level(string lines) => Judged("networks: [default, front]\nvolumes: [named:/data]\nconfigs: [my_config]\nsecrets: [server-certificate]", lines);

    private static void Judged(string serviceLines, string topLines)
    {
        string Top(string key, string standard) => topLines.StartsWith(key, StringComparison.Ordinal) ? "" : $"{key}: {standard}\n";
        using var project = Project.Of(
            "services:\n  web:\n" + (serviceLines.StartsWith("image:", StringComparison.Ordinal) ? "" : "    image: web\n") + string.Concat(serviceLines.Split('\n').Select(line => $"    {line}\n"))
            + "  db: {image: db}\n  redis: {image: redis}\n  once: {image: once}\n  off: {image: off, profiles: [off]}\n  made: {build: ./made}\n"
            + Top("networks", "{front: , back: }") + Top("volumes", "{named: }") + Top("configs", "{my_config: {content: text}}") + Top("secrets", "{server-certificate: {file: ./a.env}}") + topLines)
            .With(".env.web", "A=1\n").With("a.env", "FROM_FILE=file\nOTHER=file\n").With("b.env", "Q='x y'\n").With("raw.env", "RAW='kept' # all\n")
            .With("app.labels", "one=file\ntwo=2\n").With("more.labels", "three=3\n").With(("CALLER", "the caller's")).With(("COMPOSE_PROFILES", "on"));
        var model = project.Good();
        var written = ComposeWriter.Write(model);
        var again = project.Good(options => options with { Files = ["-"], StandardInput = written });
        Assert.Equal(written, ComposeWriter.Write(again));
        Assert.Equal(ServiceHash.Compute(model.Services["web"]), ServiceHash.Compute(again.Services["web"]));
    }
}
