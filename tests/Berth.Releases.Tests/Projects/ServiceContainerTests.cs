using Berth.Compose;
using Berth.Engine.Containers;
using Berth.Releases.Projects;
using Berth.Releases.Tests.Planning;

namespace Berth.Releases.Tests.Projects;

public class ServiceContainerTests
{
    [Fact]
    public void Names_and_labels_are_Docker_Composes()
    {
        var made = Describe("services: {web: {image: nginx, depends_on: [db], labels: {mine: x}}, db: {image: mysql}}", "web", number: 2);
        Assert.Equal("p-web-2", made.Name);
        var labels = made.Config.Labels!;
        Assert.Equal(("p", "web", "2", "False", "x"), (labels[ComposeLabels.Project], labels[ComposeLabels.Service], labels[ComposeLabels.ContainerNumber], labels[ComposeLabels.OneOff], labels["mine"]));
        Assert.Equal("db:service_started:false", labels[ComposeLabels.DependsOn]);
    }

    [Fact]
    public void A_variable_without_a_value_is_sent_by_its_name_alone() =>
        Assert.Equal(["A=1", "B"], Describe("services: {web: {image: i, environment: [A=1, B]}}", "web").Config.Env!.Order(StringComparer.Ordinal));

    [Fact]
    public void The_first_network_is_the_mode_and_every_network_has_the_services_names()
    {
        var made = Describe("services: {web: {image: i, networks: {back: {aliases: [www]}, another: }}}\nnetworks: {back: , another: }", "web");
        Assert.Equal("p_another", made.Host.NetworkMode);
        Assert.Equal(["p_another", "p_back"], made.Networking.EndpointsConfig!.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["p-web-1", "web", "www"], made.Networking.EndpointsConfig["p_back"]!.Aliases!);
    }

    [Fact]
    public void Links_are_names_on_every_network_and_volumes_come_from_the_container()
    {
        const string files = "services: {db: {image: i}, web: {image: i, links: [db, 'db:database'], external_links: ['other_1:mail'], volumes_from: ['db:ro', 'container:kept']}, old: {image: i, network_mode: bridge, links: ['db:d']}}";
        var made = Describe(files, "web");
        Assert.Equal(["db:db", "db:database", "other_1:mail"], made.Networking.EndpointsConfig!["p_default"]!.Links!);
        Assert.Null(made.Host.Links);
        Assert.Equal(["id-of-db:ro", "kept"], made.Host.VolumesFrom!);
        Assert.Equal(["p-db-1:d"], Describe(files, "old").Host.Links!);
    }

    [Fact]
    public void The_network_of_the_highest_priority_is_the_first()
    {
        var made = Describe("services: {web: {image: i, mac_address: '02:42:ac:11:00:02', networks: {back: {priority: 5, gw_priority: 7}, another: }}}\nnetworks: {back: , another: }", "web");
        Assert.Equal("p_back", made.Host.NetworkMode);
        var (first, second) = (made.Networking.EndpointsConfig!["p_back"]!, made.Networking.EndpointsConfig["p_another"]!);
        Assert.Equal(("02:42:ac:11:00:02", 7), (first.MacAddress, first.GwPriority));
        Assert.Equal(("", 0), (second.MacAddress, second.GwPriority));
    }

    [Fact]
    public void What_the_engine_knows_goes_to_it_as_it_is()
    {
        var host = Describe(
            """
            services:
              web:
                image: i
                annotations: {a: b}
                blkio_config: {weight: 300, device_read_bps: [{path: /dev/sdb, rate: 1k}]}
                cgroup: host
                cpu_period: 50ms
                cpu_quota: 25000
                oom_score_adj: 5
                storage_opt: {size: 1G}
                userns_mode: host
                uts: host
            """,
            "web").Host;
        Assert.Equal("b", host.Annotations!["a"]);
        Assert.Equal((300, "/dev/sdb", 1024ul), (host.BlkioWeight, host.BlkioDeviceReadBps!.Single().Path, host.BlkioDeviceReadBps!.Single().Rate));
        Assert.Equal((50_000, 25_000, 5), (host.CpuPeriod, host.CpuQuota, host.OomScoreAdj));
        Assert.Equal(("host", "host", "host", "1G"), (host.CgroupnsMode, host.UsernsMode, host.UtsMode, host.StorageOpt!["size"]));
    }

    [Fact]
    public void A_shared_namespace_names_the_other_services_container()
    {
        var made = Describe("services: {a: {image: i}, b: {image: i, network_mode: 'service:a'}}", "b");
        Assert.Equal("container:id-of-a", made.Host.NetworkMode);
        Assert.Empty(made.Networking.EndpointsConfig!);
    }

    [Fact]
    public void Ports_are_bound_and_exposed()
    {
        var made = Describe("services: {web: {image: i, ports: ['8000:80', '127.0.0.1:53:53/udp', '443', '9000-9003:90'], expose: [7]}}", "web");
        Assert.Equal("8000", made.Host.PortBindings!["80/tcp"]!.Single().HostPort);
        Assert.Equal("127.0.0.1", made.Host.PortBindings["53/udp"]!.Single().HostIp);
        Assert.Equal("", made.Host.PortBindings["443/tcp"]!.Single().HostPort);
        Assert.Equal("9000-9003", made.Host.PortBindings["90/tcp"]!.Single().HostPort);
        Assert.Contains("7/tcp", made.Config.ExposedPorts!.Keys);
    }

    [Fact]
    public void Mounts_have_the_engines_names_and_files_are_read_only()
    {
        var made = Describe(
            """
            services:
              web:
                image: i
                volumes: ["data:/d", "/srv:/s:ro", "/anonymous"]
                secrets: [key]
            volumes: {data: }
            secrets: {key: {file: /etc/hostname}}
            """,
            "web");
        var mounts = made.Host.Mounts!.ToDictionary(mount => mount.Target);
        Assert.Equal(("volume", "p_data"), (mounts["/d"].Type, mounts["/d"].Source));
        Assert.True(mounts["/s"] is { Type: "bind", Source: "/srv", ReadOnly: true, BindOptions.CreateMountpoint: true });
        Assert.Equal(("volume", ""), (mounts["/anonymous"].Type, mounts["/anonymous"].Source));
        Assert.True(mounts["/run/secrets/key"] is { Type: "bind", Source: "/files/secret/key", ReadOnly: true });
    }

    [Fact]
    public void Anonymous_volumes_move_to_the_container_that_replaces_theirs()
    {
        var made = Describe(
            "services: {web: {image: i, volumes: ['/a', 'data:/d']}}\nvolumes: {data: }", "web",
            inherited: new() { ["/a"] = "v1", ["/of-the-image"] = "v2", ["/d"] = "v3" });
        Assert.Equal([("/a", "v1"), ("/d", "p_data"), ("/of-the-image", "v2")], made.Host.Mounts!.Select(mount => (mount.Target, mount.Source)).Order());
    }

    [Fact]
    public void Limits_policies_and_checks_are_carried_over()
    {
        var made = Describe(
            """
            services:
              web:
                image: i
                restart: on-failure:3
                stop_grace_period: 1m30s
                healthcheck: {test: ["CMD", "x"], interval: 2s, timeout: 1s, retries: 4, start_period: 3s}
                deploy: {endpoint_mode: dnsrr, resources: {limits: {cpus: "0.5", memory: 64M, pids: 50}}}
                ulimits: {nofile: {soft: 10, hard: 20}}
                tmpfs: ["/run:size=64m", /tmp]
                cap_add: [NET_ADMIN]
            """,
            "web");
        Assert.Equal(("on-failure", 3, 90), (made.Host.RestartPolicy.Name, made.Host.RestartPolicy.MaximumRetryCount, made.Config.StopTimeout));
        Assert.Equal((64L << 20, 500_000_000, 50L), (made.Host.Memory, made.Host.NanoCpus, made.Host.PidsLimit));
        var check = made.Config.Healthcheck!;
        Assert.Equal(["CMD", "x"], check.Test!);
        Assert.Equal((2_000_000_000, 1_000_000_000, 3_000_000_000, 4), (check.Interval, check.Timeout, check.StartPeriod, check.Retries));
        Assert.Equal("dnsrr", made.Config.Labels![ServiceContainer.EndpointModeLabel]);
        Assert.Equal(("size=64m", ""), (made.Host.Tmpfs!["/run"], made.Host.Tmpfs["/tmp"]));
        Assert.Equal(new UlimitConfig { Name = "nofile", Soft = 10, Hard = 20 }, made.Host.Ulimits!.Single());
    }

    [Fact]
    public void A_check_that_is_switched_off_replaces_the_images() =>
        Assert.Equal(["NONE"], Describe("services: {web: {image: i, healthcheck: {disable: true}}}", "web").Config.Healthcheck!.Test!);

    [Fact]
    public void A_run_is_no_replica()
    {
        var world = new World("services: {web: {image: i, command: serve, restart: always, ports: ['80:80'], container_name: fixed, environment: {A: '1', B: '2'}}}");
        var options = new OneOffOptions { Service = "web", Command = ["migrate"], Environment = new Dictionary<string, string?> { ["A"] = "9" }, AutoRemove = true };
        var service = OneOff.Change(world.Project.Services["web"], options);
        var made = OneOff.Finish(ServiceContainer.Describe(world.Project, service, Inputs("p-web-run-1", 1, []) with { IsOneOff = true, HasAliases = false }), options);
        Assert.Equal(("True", "no", true), (made.Config.Labels![ComposeLabels.OneOff], made.Host.RestartPolicy.Name, made.Host.AutoRemove));
        Assert.Null(made.Host.PortBindings);
        Assert.Equal(["migrate"], made.Config.Cmd!);
        Assert.Equal(["A=9", "B=2"], made.Config.Env!.Order(StringComparer.Ordinal));
        Assert.Empty(made.Networking.EndpointsConfig!["p_default"]!.Aliases!);
    }

    private static ServiceContainer Describe(string compose, string service, int number = 1, Dictionary<string, string>? inherited = null)
    {
        var project = new World(compose).Project;
        return ServiceContainer.Describe(project, project.Services[service], Inputs($"p-{service}-{number}", number, inherited ?? []));
    }

    private static ServiceContainerInputs Inputs(string name, int number, Dictionary<string, string> inherited) => new(
        number, name, "i", "sha256:i", new Dictionary<string, string> { ["secret/key"] = "/files/secret/key" }, inherited, other => "id-of-" + other);
}
