using Berth.Compose.Model;
using static Berth.Compose.Tests.Project;

namespace Berth.Compose.Tests;

public class ServiceTests
{
    [Theory]
    [InlineData("80", "  80 tcp")]
    [InlineData("8000:80", " 8000-8000 80 tcp")]
    [InlineData("22:22", " 22-22 22 tcp")]
    [InlineData("\"53:53/udp\"", " 53-53 53 udp")]
    [InlineData("127.0.0.1:8000:80", "127.0.0.1 8000-8000 80 tcp")]
    [InlineData("127.0.0.1::80", "127.0.0.1  80 tcp")]
    [InlineData("\"[::1]:8000:80\"", "[::1] 8000-8000 80 tcp")]
    [InlineData("8000-8001:80-81", " 8000-8000 80 tcp;  8001-8001 81 tcp")]
    [InlineData("8000-8010:80", " 8000-8010 80 tcp")]
    [InlineData("3000-3001", "  3000 tcp;   3001 tcp")]
    [InlineData("{target: 80, published: \"8080\", protocol: udp, host_ip: 127.0.0.1, mode: host}", "127.0.0.1 8080-8080 80 udp")]
    [InlineData("{target: 80}", "  80 tcp")]
    public void Ports_are_read_in_every_form(string port, string expected) => Assert.Equal(
        expected,
        string.Join("; ", Service($"ports: [{(port.Contains('[', StringComparison.Ordinal) || port[0] is '"' or '{' ? port : "'" + port + "'")}]").Ports
            .Select(one => $"{one.HostIp} {(one.PublishedFirst is null ? "" : $"{one.PublishedFirst}-{one.PublishedLast}")} {one.Target} {one.Protocol}")));

    [Theory]
    [InlineData("80800:80", "the host port must be 1-65535")]
    [InlineData("80:0", "the container port must be 1-65535")]
    [InlineData("80:80/icmp", "the protocol must be tcp or udp")]
    [InlineData("1-2:1-3", "both ranges must have the same length")]
    [InlineData("x.y:80:80", "'x.y' is not an IP address")]
    public void A_wrong_port_is_told_with_its_place(string port, string expected) =>
        Assert.Equal([$"compose.yaml:5:7: services.a.ports[0]: '{port}' is not a port mapping; {expected}"], ServiceErrors($"ports:\n- \"{port}\""));

    [Fact]
    public void Mounts_are_read_in_every_form()
    {
        using var project = Of("""
            services:
              a:
                image: i
                volumes:
                  - /anonymous
                  - data:/data:ro
                  - ./conf/:/conf/:ro,rslave
                  - ~/x:/x
                  - type: bind
                    source: ../up
                    target: /up
                    read_only: true
                    bind: {create_host_path: false, propagation: rprivate}
                  - {type: volume, source: data, target: /d2, volume: {nocopy: true, subpath: s}}
                  - {type: tmpfs, target: /t, tmpfs: {size: 64m, mode: 01777}}
            volumes:
              data:
            """);
        Assert.Equal(
            [
                new MountModel(MountKind.Volume, null, "/anonymous", false),
                new MountModel(MountKind.Volume, "data", "/data", true),
                new MountModel(MountKind.Bind, Path.Combine(project.Folder, "conf"), "/conf", true, CreatesHostPath: true, Propagation: "rslave"),
                new MountModel(MountKind.Bind, "/home/me/x", "/x", false, CreatesHostPath: true),
                new MountModel(MountKind.Bind, Path.Combine(project.Root, "up"), "/up", true, Propagation: "rprivate"),
                new MountModel(MountKind.Volume, "data", "/d2", false, NoCopy: true, Subpath: "s"),
                new MountModel(MountKind.Tmpfs, null, "/t", false, TmpfsSizeBytes: 64 << 20, TmpfsMode: 1023),
            ],
            project.Good().Services["a"].Volumes);
    }

    [Theory]
    [InlineData("volumes: [x:/x]", "compose.yaml:4:5: services.a.volumes: there is no volume 'x' at the top level; declare it there, or write './x' for a folder.")]
    [InlineData("volumes: ['./x:/x:rx']", "compose.yaml:4:15: services.a.volumes[0]: 'rx' is not a mount mode; ro, rw, nocopy and the propagation modes of a bind are")]
    [InlineData("volumes: ['./x:x']", "compose.yaml:4:15: services.a.volumes[0]: the target 'x' must be an absolute path in the container")]
    [InlineData("volumes: ['./x:/x', './y:/x/']", "compose.yaml:4:14: services.a.volumes: the target '/x' is given twice")]
    [InlineData("comand: x", "compose.yaml:4:5: services.a: unknown key 'comand'. Did you mean 'command'?")]
    [InlineData("pull_policy: dayly", "compose.yaml:4:18: services.a.pull_policy: 'dayly' must be one of always, never, missing, if_not_present, build, daily, weekly, refresh, or every_ with a duration such as every_12h. Did you mean 'daily'?")]
    [InlineData("pull_policy: every_now", "compose.yaml:4:18: services.a.pull_policy: 'now' must be a duration such as 12h or 1w2d")]
    [InlineData("gpus: some", "compose.yaml:4:11: services.a.gpus: must be 'all' or a list, such as [{count: 1}]")]
    [InlineData("gpus: [all]", "compose.yaml:4:12: services.a.gpus[0]: must be a mapping, such as {count: 1}")]
    [InlineData("gpus: [{count: x}]", "compose.yaml:4:20: services.a.gpus[0].count: 'x' must be 'all' or a number")]
    [InlineData("gpus: [{count: 1, device_ids: [a]}]", "compose.yaml:4:20: services.a.gpus[0].count: cannot stand together with 'device_ids'")]
    [InlineData("gpus: [{cont: 1}]", "compose.yaml:4:13: services.a.gpus[0]: unknown key 'cont'. Did you mean 'count'?")]
    [InlineData("deploy: {resources: {reservations: {devices: [{count: 1}]}}}", "compose.yaml:4:51: services.a.deploy.resources.reservations.devices[0]: needs 'capabilities', such as [gpu]")]
    [InlineData("devices: ['v.com/c=a:r']", "compose.yaml:4:15: services.a.devices: must have the form /dev/SOURCE[:/dev/TARGET[:rwm]], or VENDOR/CLASS=NAME as the device's vendor describes it")]
    [InlineData("use_api_socket: true", "compose.yaml:4:5: services.a: the key 'use_api_socket' is not supported by Berth: who has the engine's socket has the machine; if that is meant, mount it under 'volumes'")]
    [InlineData("provider: {type: x}", "compose.yaml:4:5: services.a: the key 'provider' is not supported by Berth: Berth runs no programs of the host for a service; a service needs an 'image' or a 'build'")]
    [InlineData("networks: {default: {interface_name: a/b}}", "compose.yaml:4:42: services.a.networks.default.interface_name: 'a/b' is no name of an interface: 1 to 15 ASCII characters without '/', ':' and blanks")]
    [InlineData("post_start: [{user: x}]", "compose.yaml:4:18: services.a.post_start[0]: needs a 'command'")]
    [InlineData("pre_stop: [a]", "compose.yaml:4:16: services.a.pre_stop[0]: must be a mapping with a 'command'")]
    [InlineData("deploy: {mode: global, replicas: 2}", "compose.yaml:4:38: services.a.deploy.replicas: cannot stand together with mode 'global', which is one container on each machine")]
    [InlineData("volumes: [{type: bind, source: /a, target: /b, bind: {recursive: readonly}}]", "compose.yaml:4:70: services.a.volumes[0].bind.recursive: 'readonly' is for mounts that are read_only")]
    [InlineData("links: [b]", "compose.yaml:4:5: services.a.links: there is no service 'b'.")]
    [InlineData("links: ['b:c:d']", "compose.yaml:4:13: services.a.links: 'b:c:d' must have the form SERVICE[:ALIAS]")]
    [InlineData("external_links: [':x']", "compose.yaml:4:22: services.a.external_links: ':x' must have the form CONTAINER[:ALIAS]")]
    [InlineData("volumes_from: [b]", "compose.yaml:4:5: services.a.volumes_from: there is no service 'b'.")]
    [InlineData("volumes_from: ['b:rx']", "compose.yaml:4:20: services.a.volumes_from: 'b:rx' must have the form SERVICE[:ro] or container:NAME[:ro]")]
    [InlineData("volumes_from: [a]", "compose.yaml:4:5: services.a.volumes_from: services wait for one another: a -> a")]
    [InlineData("extends: b", "compose.yaml:4:14: services.a.extends: there is no service 'b'.")]
    [InlineData("extends: a", "compose.yaml:4:14: services.a.extends: services extend one another: a -> a")]
    [InlineData("extends: {file: no.yaml, service: b}", "compose.yaml:4:14: services.a.extends: the file 'FOLDER/no.yaml' does not exist")]
    [InlineData("build: {context: ., ssh: [mine]}", "compose.yaml:4:30: services.a.build.ssh: 'mine' needs a path, of an agent's socket or of a key: mine=PATH; 'default' alone is the caller's agent")]
    [InlineData("build: {context: ., entitlements: [security.insecur]}", "compose.yaml:4:39: services.a.build.entitlements: there is no entitlement 'security.insecur'. Did you mean 'security.insecure'?")]
    [InlineData("build: {context: ., additional_contexts: {r: 'https://example.com/a.git'}}", "compose.yaml:4:50: services.a.build.additional_contexts.r: 'https://example.com/a.git' is not fetched; clone or unpack it and name the folder")]
    [InlineData("build: {context: ., additional_contexts: {r: ''}}", "compose.yaml:4:50: services.a.build.additional_contexts.r: has no value; it is a folder, service:NAME or docker-image://IMAGE")]
    [InlineData("build: {context: ., additional_contexts: ['r=service:b']}", "compose.yaml:4:5: services.a.build: there is no service 'b' whose image it could be built on.")]
    [InlineData("build: {context: ., additional_contexts: {r: 'service:a'}}", "compose.yaml:4:5: services.a.build: images are built on one another: a -> a")]
    [InlineData("build: {context: ., secrets: [s]}", "compose.yaml:4:5: services.a.build: there is no secret 's' at the top level.")]
    [InlineData("platform: linux/arm64\nbuild: {context: ., platforms: [linux/amd64]}", "compose.yaml:5:36: services.a.build.platforms: the service's platform 'linux/arm64' is not among them")]
    [InlineData("restart: allways", "compose.yaml:4:14: services.a.restart: 'allways' must be no, always, on-failure[:NUMBER] or unless-stopped. Did you mean 'always'?")]
    [InlineData("depends_on: [db]", "compose.yaml:4:5: services.a.depends_on: there is no service 'db'.")]
    [InlineData("depends_on: {a: {restart: true}}\nprofiles: x", "compose.yaml:4:18: services.a.depends_on.a: needs a 'condition'|compose.yaml:5:15: services.a.profiles: must be a list of single values|compose.yaml:4:5: services.a.depends_on: services wait for one another: a -> a")]
    [InlineData("depends_on: [a]", "compose.yaml:4:5: services.a.depends_on: services wait for one another: a -> a")]
    [InlineData("networks: [x]", "compose.yaml:4:5: services.a.networks: there is no network 'x' at the top level.")]
    [InlineData("network_mode: host\nnetworks: [default]", "compose.yaml:4:19: services.a.network_mode: cannot stand together with 'networks'")]
    [InlineData("network_mode: hots", "compose.yaml:4:19: services.a.network_mode: 'hots' must be host, none, bridge, service:NAME or container:NAME")]
    [InlineData("pid: service:b", "compose.yaml:4:5: services.a.pid: there is no service 'b'.")]
    [InlineData("container_name: x\nscale: 2", "compose.yaml:4:21: services.a.container_name: a service with a fixed container name cannot have 2 containers")]
    [InlineData("scale: 2\ndeploy: {replicas: 3}", "compose.yaml:4:12: services.a.scale: is 2, but deploy.replicas is 3")]
    [InlineData("mem_limit: lots", "compose.yaml:4:16: services.a.mem_limit: 'lots' must be a size in bytes such as 64m or 1.5g")]
    [InlineData("stop_grace_period: 5", "compose.yaml:4:24: services.a.stop_grace_period: '5' must be a duration such as 10s or 1m30s")]
    [InlineData("tty: maybe", "compose.yaml:4:10: services.a.tty: 'maybe' must be true or false")]
    [InlineData("healthcheck: {test: [curl, x]}", "compose.yaml:4:25: services.a.healthcheck.test: the list must begin with CMD, CMD-SHELL (and one command) or be [\"NONE\"]")]
    [InlineData("logging: {driver: syslog}", "compose.yaml:4:23: services.a.logging.driver: 'syslog' must be one of json-file, local, none.")]
    [InlineData("logging: {options: {tag: x}}", "compose.yaml:4:24: services.a.logging.options: the option 'tag' is not supported; max-size and max-file are")]
    [InlineData("command: 'x \"y'", "compose.yaml:4:14: services.a.command: the closing double quote is missing")]
    [InlineData("environment: {A: [b]}", "compose.yaml:4:22: services.a.environment.A: must be a single value")]
    [InlineData("expose: [http]", "compose.yaml:4:14: services.a.expose: 'http' is not a port; write \"PORT\", \"PORT/udp\" or \"FIRST-LAST\"")]
    [InlineData("secrets: [s]", "compose.yaml:4:5: services.a.secrets: there is no secret 's' at the top level.")]
    [InlineData("extra_hosts: [x]", "compose.yaml:4:19: services.a.extra_hosts: 'x' must have the form NAME=ADDRESS or NAME=host-gateway")]
    [InlineData("image: x", "compose.yaml:4:5: the key 'image' is given twice")]
    [InlineData("devices: [sda]", "compose.yaml:4:15: services.a.devices: must have the form /dev/SOURCE[:/dev/TARGET[:rwm]], or VENDOR/CLASS=NAME as the device's vendor describes it")]
    [InlineData("blkio_config: {weight: 5}", "compose.yaml:4:28: services.a.blkio_config.weight: '5' must be a whole number from 10 to 1000")]
    [InlineData("blkio_config: {device_read_bps: [{path: /dev/a}]}", "compose.yaml:4:38: services.a.blkio_config.device_read_bps[0]: needs 'path' and 'rate'")]
    [InlineData("blkio_config: {device_read_bps: [x]}", "compose.yaml:4:38: services.a.blkio_config.device_read_bps[0]: must be a mapping with 'path' and 'rate'")]
    [InlineData("cgroup: privat", "compose.yaml:4:13: services.a.cgroup: 'privat' must be one of host, private. Did you mean 'private'?")]
    [InlineData("cpu_quota: much", "compose.yaml:4:16: services.a.cpu_quota: 'much' must be a number of microseconds, or a duration such as 50ms")]
    [InlineData("mac_address: 1:2", "compose.yaml:4:18: services.a.mac_address: '1:2' must be six bytes such as 02:42:ac:11:00:02")]
    [InlineData("mem_swappiness: 101", "compose.yaml:4:21: services.a.mem_swappiness: '101' must be a whole number from 0 to 100")]
    [InlineData("userns_mode: keep-id", "compose.yaml:4:18: services.a.userns_mode: 'keep-id' must be host, or left away")]
    [InlineData("label_file: no.labels", "compose.yaml:4:17: services.a.label_file: the file 'FOLDER/no.labels' does not exist")]
    public void A_mistake_is_told_where_it_stands(string lines, string expected) => Assert.Equal(expected.Split('|').Order(), ServiceErrors(lines).Order());

    [Fact]
    public void An_image_is_built_only_on_those_that_the_project_builds()
    {
        using var project = Project.Of("services:\n  a:\n    build: {context: ., additional_contexts: {r: 'service:b'}}\n  b: {image: b}\n");
        Assert.Equal(["compose.yaml:3:5: services.a.build: it is built on the image of 'b', which the project does not build; write docker-image://IMAGE"], project.Errors());
    }

    [Fact]
    public void All_mistakes_are_told_at_once() => Assert.Equal(3, ServiceErrors("prots: [1]\nuser: {}\nscale: x").Length);

    [Theory]
    [InlineData("command: echo \"a b\" c\\ d 'e f'", "echo|a b|c d|e f")]
    [InlineData("command: [echo, a b]", "echo|a b")]
    [InlineData("command: []", "")]
    [InlineData("command: ''", "")]
    [InlineData("command:", null)]
    [InlineData("tty: true", null)]
    public void Commands_are_split_like_a_shell_does(string line, string? expected) =>
        Assert.Equal(expected, Service(line).Command is { } words ? string.Join('|', words) : null);

    [Theory]
    [InlineData("mem_limit: 64m", 64L << 20)]
    [InlineData("mem_limit: 1.5gb", 3L << 29)]
    [InlineData("mem_limit: 512KiB", 512L << 10)]
    [InlineData("mem_limit: 1024", 1024L)]
    [InlineData("deploy: {resources: {limits: {memory: 50M}}}", 50L << 20)]
    public void Sizes_are_powers_of_1024(string line, long expected) => Assert.Equal(expected, Service(line).MemoryLimitBytes);

    [Theory]
    [InlineData("1m30s", 90)]
    [InlineData("1h", 3600)]
    [InlineData("500ms", 0.5)]
    public void Durations_are_read(string text, double seconds) =>
        Assert.Equal(seconds, Service($"stop_grace_period: {text}").StopGracePeriod!.Value.TotalSeconds);

    [Theory]
    [InlineData("restart: no", "No 0")]
    [InlineData("restart: 'no'", "No 0")]
    [InlineData("restart: on-failure:3", "OnFailure 3")]
    [InlineData("restart: unless-stopped", "UnlessStopped 0")]
    [InlineData("deploy: {restart_policy: {condition: on-failure, max_attempts: 2, delay: 5s}}", "OnFailure 2")]
    public void Restart_policies_are_read(string line, string expected)
    {
        var policy = Service(line).Restart;
        Assert.Equal(expected, $"{policy.Condition} {policy.MaximumRetries}");
    }

    [Fact]
    public void Environment_entries_without_a_value_have_the_callers()
    {
        using var project = Of("services: {a: {image: i, environment: [A, B=, C=x=y, NONE]}, b: {image: i, environment: {A: , N: 1, T: true}}}")
            .With(("A", "from caller"));
        var services = project.Good().Services;
        Assert.Equal(
            new Dictionary<string, string?> { ["A"] = "from caller", ["B"] = "", ["C"] = "x=y", ["NONE"] = null }, services["a"].Environment);
        Assert.Equal(new Dictionary<string, string?> { ["A"] = "from caller", ["N"] = "1", ["T"] = "true" }, services["b"].Environment);
    }

    [Fact]
    public void The_rest_of_a_service_is_read()
    {
        var service = Service("""
            hostname: h
            domainname: d
            user: 1000:1000
            working_dir: /w
            entrypoint: /e x
            stop_signal: SIGQUIT
            tty: true
            stdin_open: "true"
            init: true
            privileged: true
            read_only: true
            cap_add: [NET_ADMIN]
            cap_drop: [ALL]
            tmpfs: /run
            shm_size: 64m
            ulimits: {nproc: 65535, nofile: {soft: 1, hard: 2}}
            sysctls: [net.core.somaxconn=1024]
            extra_hosts: {a: 10.0.0.1, host.docker.internal: host-gateway, six: "::1"}
            dns: 8.8.8.8
            dns_search: [a.b]
            dns_opt: [use-vc]
            logging: {driver: json-file, options: {max-size: 10m, max-file: 3}}
            memswap_limit: -1
            cpus: 0.5
            cpu_shares: 73
            cpuset: 0,1
            pids_limit: 10
            ipc: host
            security_opt: [no-new-privileges:true]
            devices: ["/dev/a", "/dev/b:/dev/c:r"]
            group_add: [mail, 5]
            platform: linux/amd64
            pull_policy: if_not_present
            networks: {default: {aliases: [z], ipv4_address: 10.1.2.3}}
            labels: [a=b, c]
            x-anything: {goes: here}
            """);
        Assert.Equal(["/e", "x"], service.Entrypoint);
        Assert.Equal(["/run"], service.Tmpfs);
        Assert.Equal(new Dictionary<string, UlimitModel> { ["nproc"] = new(65535, 65535, IsSingle: true), ["nofile"] = new(1, 2) }, service.Ulimits);
        Assert.Equal("1024", service.Sysctls["net.core.somaxconn"]);
        Assert.Equal(["a:10.0.0.1", "host.docker.internal:host-gateway", "six:::1"], service.ExtraHosts);
        Assert.Equal(["8.8.8.8"], service.Dns);
        Assert.Equal("10m", service.Logging!.Options["max-size"]);
        Assert.Equal((-1, 0.5m, 73, "0,1", 10), (service.MemorySwapLimitBytes, service.Cpus, service.CpuShares, service.CpuSet, service.PidsLimit));
        Assert.Equal([new DeviceModel("/dev/a", "/dev/a", "rwm"), new DeviceModel("/dev/b", "/dev/c", "r")], service.Devices);
        Assert.Equal(["mail", "5"], service.GroupAdd);
        Assert.Equal(["z"], service.Networks["default"].Aliases);
        Assert.Equal("10.1.2.3", service.Networks["default"].Ipv4Address);
        Assert.Equal(new Dictionary<string, string> { ["a"] = "b", ["c"] = "" }, service.Labels);
        Assert.True(service is { Tty: true, StdinOpen: true, Init: true, Privileged: true, ReadOnly: true });
    }

    [Fact]
    public void What_goes_to_the_engine_as_it_is_is_read()
    {
        var service = Service("""
            annotations: [com.example.a=1, b]
            blkio_config:
              weight: 300
              weight_device: [{path: /dev/sda, weight: 400}]
              device_read_bps: [{path: /dev/sdb, rate: '12mb'}]
              device_write_iops: [{path: /dev/sdb, rate: 30}]
            cgroup: private
            cgroup_parent: m-executor
            cpu_period: 50ms
            cpu_quota: 25000
            cpu_rt_period: 1400us
            cpu_rt_runtime: 400ms
            device_cgroup_rules: ['c 1:3 mr']
            mem_swappiness: 60
            oom_kill_disable: true
            oom_score_adj: -500
            mac_address: 02:42:ac:11:65:43
            runtime: runc
            storage_opt: {size: '1G'}
            userns_mode: host
            uts: host
            networks: {default: {mac_address: '02:42:ac:11:00:02', priority: 10, gw_priority: -1, driver_opts: {a: b}, link_local_ips: [169.254.1.2]}}
            """);
        Assert.Equal(new Dictionary<string, string> { ["com.example.a"] = "1", ["b"] = "" }, service.Annotations);
        Assert.Equal(300, service.BlockIo!.Weight);
        Assert.Equal([new DeviceRateModel("/dev/sda", 400)], service.BlockIo.WeightDevice);
        Assert.Equal([new DeviceRateModel("/dev/sdb", 12 << 20)], service.BlockIo.ReadBytes);
        Assert.Equal([new DeviceRateModel("/dev/sdb", 30)], service.BlockIo.WriteOperations);
        Assert.Empty(service.BlockIo.WriteBytes);
        Assert.Equal(("private", "m-executor", "host", "host", "runc"), (service.CgroupNamespace, service.CgroupParent, service.UserNamespace, service.Uts, service.Runtime));
        Assert.Equal((50_000, 25_000, 1_400, 400_000), (service.CpuPeriod, service.CpuQuota, service.CpuRealtimePeriod, service.CpuRealtimeRuntime));
        Assert.Equal((60, true, -500), (service.MemorySwappiness, service.OomKillDisable, service.OomScoreAdjustment));
        Assert.Equal(["c 1:3 mr"], service.DeviceCgroupRules);
        Assert.Equal("1G", service.StorageOptions["size"]);
        Assert.Equal("02:42:ac:11:65:43", service.MacAddress);
        var network = service.Networks["default"];
        Assert.Equal(("02:42:ac:11:00:02", 10, -1, "b"), (network.MacAddress, network.Priority, network.GatewayPriority, network.DriverOptions["a"]));
        Assert.Equal(["169.254.1.2"], network.LinkLocalAddresses);
    }

    [Fact]
    public void Two_interfaces_of_a_service_have_two_names()
    {
        using var project = Of("services: {a: {image: i, networks: {one: {interface_name: lan}, two: {interface_name: lan}}}}\nnetworks: {one: , two: }");
        Assert.Equal(["compose.yaml:1:87: services.a.networks.two.interface_name: 'lan' is the interface to the network 'one'"], project.Errors());
    }

    [Fact]
    public void Labels_of_files_come_below_those_of_the_service()
    {
        using var project = Of("services: {a: {image: i, label_file: [one.labels, two.labels], labels: {b: own}}}")
            .With("one.labels", "a=1\nb=2\nc=3\n").With("two.labels", "c=4\n# a comment\nd='x y'\n");
        Assert.Equal(new Dictionary<string, string> { ["a"] = "1", ["b"] = "own", ["c"] = "4", ["d"] = "x y" }, project.Good().Services["a"].Labels);
    }

    [Theory]
    [InlineData("daily", 24)]
    [InlineData("weekly", 168)]
    [InlineData("every_12h", 12)]
    [InlineData("every_1w2d3h", 219)]
    [InlineData("refresh\npull_refresh_after: 2d", 48)]
    public void Images_may_be_refreshed_from_time_to_time(string policy, int hours)
    {
        var service = Service("pull_policy: " + policy);
        Assert.Equal((PullPolicy.Refresh, TimeSpan.FromHours(hours)), (service.PullPolicy, service.PullEvery));
    }

    [Fact]
    public void A_build_is_read_whole()
    {
        using var project = Of("""
            services:
              a:
                build:
                  context: .
                  extra_hosts: {db: 10.0.0.9}
                  network: none
                  no_cache: true
                  pull: true
                  platforms: [linux/amd64]
                  secrets: [token, {source: token, target: other}]
                  shm_size: 128m
                  tags: [registry/a:1, a:2]
                  ssh: {default: , key: ./keys/one}
                  privileged: true
                  ulimits: {nofile: 10}
                  cache_from: [x]
                  cache_to: [y]
            secrets: {token: {environment: TOKEN}}
            """).With(("TOKEN", "abc")).With(("SSH_AUTH_SOCK", "/agent"));
        var build = project.Good().Services["a"].Build!;
        Assert.Equal(["db:10.0.0.9"], build.ExtraHosts);
        Assert.Equal(("none", true, true, "linux/amd64", 128L << 20), (build.Network, build.NoCache, build.Pull, build.Platform, build.ShmSizeBytes));
        Assert.Equal(["token", "other"], build.Secrets.Select(secret => secret.Target));
        Assert.Equal(["registry/a:1", "a:2"], build.Tags);
        Assert.Equal([new("default", null, "/agent"), new("key", project.Folder + "/keys/one", "/agent")], build.Ssh);
        Assert.True(build.Privileged);
        Assert.Contains($"- key={project.Folder}/keys/one", Berth.Compose.Output.ComposeWriter.Write(project.Good()), StringComparison.Ordinal);
        Assert.Equal(new UlimitModel(10, 10, IsSingle: true), build.Ulimits["nofile"]);
        Assert.Equal("abc", project.Good().Secrets["token"].Content);
        Assert.Equal(
            ["compose.yaml:16:7: services.a.build.cache_from: has no effect: Berth's own cache is used", "compose.yaml:17:7: services.a.build.cache_to: has no effect: Berth's own cache is filled"],
            project.Warnings());
    }

    [Fact]
    public void Options_of_graphics_processors_are_told_to_have_no_effect()
    {
        using var project = Of("services: {a: {image: i, gpus: [{options: {a: b}}]}}");
        Assert.Equal("compose.yaml:1:34: services.a.gpus[0].options: has no effect: devices are given as their vendor describes them", Assert.Single(project.Warnings()));
    }

    [Fact]
    public void Keys_of_Windows_are_told_to_have_no_effect()
    {
        using var project = Of("services: {a: {image: i, cpu_count: 2, cpu_percent: 50}}");
        Assert.Equal(
            ["compose.yaml:1:26: services.a.cpu_count: is for Windows and has no effect here; 'cpus' limits processors", "compose.yaml:1:40: services.a.cpu_percent: is for Windows and has no effect here; 'cpus' limits processors"],
            project.Warnings());
    }

    [Fact]
    public void Deploy_is_kept()
    {
        var deploy = Service("""
            deploy:
              replicas: 3
              endpoint_mode: dnsrr
              update_config: {parallelism: 2, delay: 10s, order: start-first, failure_action: rollback, max_failure_ratio: 0.1, monitor: 5s}
              resources: {limits: {cpus: '0.50', pids: 7}, reservations: {memory: 20M}}
            """);
        Assert.Equal(3, deploy.Scale);
        Assert.Equal(new UpdateConfig(2, TimeSpan.FromSeconds(10), "rollback", TimeSpan.FromSeconds(5), 0.1m, "start-first"), deploy.Deploy!.Update);
        Assert.Equal((0.5m, 7, 20L << 20), (deploy.Cpus, deploy.PidsLimit, deploy.MemoryReservationBytes));
    }

    [Theory]
    [InlineData("healthcheck: {test: [NONE]}")]
    [InlineData("healthcheck: {disable: true}")]
    public void A_health_check_can_be_switched_off(string line) => Assert.True(Service(line).Healthcheck!.IsDisabled);

    [Fact]
    public void An_selinux_label_is_a_warning()
    {
        using var project = Of("services: {a: {image: i, volumes: ['./x:/x:z']}}");
        Assert.Equal("compose.yaml:1:36: services.a.volumes[0]: 'z' asks for an SELinux label; Berth sets none", Assert.Single(project.Warnings()));
    }
}
