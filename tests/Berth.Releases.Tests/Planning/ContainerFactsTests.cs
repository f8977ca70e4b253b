using Berth.Compose.Model;
using Berth.Engine.Containers;
using Berth.Releases.Planning;
using Berth.Releases.Projects;

namespace Berth.Releases.Tests.Planning;

public class ContainerFactsTests
{
    // Of each property of a service: two values of its key, and the field in which containers made from them differ.
    private static readonly Dictionary<string, (string First, string Second, string Field)> s_cases = new()
    {
        [nameof(ServiceModel.Image)] = ("image: a", "image: b", "image"),
        [nameof(ServiceModel.ContainerName)] = ("container_name: aa", "container_name: bb", "container_name"),
        [nameof(ServiceModel.Command)] = ("command: [a, 'b c']", "command: [a, b, c]", "command"),
        [nameof(ServiceModel.Entrypoint)] = ("entrypoint: a", "entrypoint: b", "entrypoint"),
        [nameof(ServiceModel.WorkingDirectory)] = ("working_dir: /a", "working_dir: /b", "working_dir"),
        [nameof(ServiceModel.Restart)] = ("restart: on-failure:2", "restart: on-failure:3", "restart"),
        [nameof(ServiceModel.Expose)] = ("expose: [1]", "expose: [2]", "expose"),
        [nameof(ServiceModel.Ports)] = ("ports: ['8000:80']", "ports: ['127.0.0.1:8000:80']", "ports.80/tcp"),
        [nameof(ServiceModel.Networks)] = ("networks: {default: {aliases: [a]}}", "networks: {default: {aliases: [b]}}", "networks.p_default"),
        [nameof(ServiceModel.NetworkMode)] = ("network_mode: host", "network_mode: none", "network_mode"),
        [nameof(ServiceModel.Volumes)] = ("volumes: ['/a:/b']", "volumes: ['/a:/b:ro']", "volumes./b"),
        [nameof(ServiceModel.Environment)] = ("environment: {A: '1'}", "environment: {A: ' 1'}", "environment.A"),
        [nameof(ServiceModel.DependsOn)] = ("depends_on: [other]", "depends_on: {other: {condition: service_healthy}}", "depends_on"),
        [nameof(ServiceModel.Links)] = ("links: [other]", "links: ['other:another']", "networks.p_default"),
        [nameof(ServiceModel.ExternalLinks)] = ("external_links: [aa]", "external_links: [bb]", "networks.p_default"),
        [nameof(ServiceModel.Healthcheck)] = ("healthcheck: {test: a}", "healthcheck: {test: b}", "healthcheck.test"),
        [nameof(ServiceModel.Labels)] = ("labels: {a: '1'}", "labels: {a: '2'}", "labels.a"),
        [nameof(ServiceModel.Hostname)] = ("hostname: a", "hostname: b", "hostname"),
        [nameof(ServiceModel.DomainName)] = ("domainname: a", "domainname: b", "domainname"),
        [nameof(ServiceModel.User)] = ("user: a", "user: b", "user"),
        [nameof(ServiceModel.StopSignal)] = ("stop_signal: SIGINT", "stop_signal: SIGQUIT", "stop_signal"),
        [nameof(ServiceModel.StopGracePeriod)] = ("stop_grace_period: 1s", "stop_grace_period: 2s", "stop_grace_period"),
        [nameof(ServiceModel.Tty)] = ("tty: true", "", "tty"),
        [nameof(ServiceModel.StdinOpen)] = ("stdin_open: true", "", "stdin_open"),
        [nameof(ServiceModel.Init)] = ("init: true", "", "init"),
        [nameof(ServiceModel.Privileged)] = ("privileged: true", "", "privileged"),
        [nameof(ServiceModel.ReadOnly)] = ("read_only: true", "", "read_only"),
        [nameof(ServiceModel.CapAdd)] = ("cap_add: [SYS_TIME]", "", "cap_add"),
        [nameof(ServiceModel.CapDrop)] = ("cap_drop: [CHOWN]", "", "cap_drop"),
        [nameof(ServiceModel.Tmpfs)] = ("tmpfs: /run", "tmpfs: '/run:size=1m'", "volumes./run"),
        [nameof(ServiceModel.ShmSizeBytes)] = ("shm_size: 1m", "shm_size: 2m", "shm_size"),
        [nameof(ServiceModel.Ulimits)] = ("ulimits: {nofile: 10}", "ulimits: {nofile: {soft: 10, hard: 20}}", "ulimits.nofile"),
        [nameof(ServiceModel.Sysctls)] = ("sysctls: {net.core.somaxconn: 1}", "sysctls: {net.core.somaxconn: 2}", "sysctls.net.core.somaxconn"),
        [nameof(ServiceModel.ExtraHosts)] = ("extra_hosts: ['a=10.0.0.1']", "extra_hosts: ['a=10.0.0.2']", "extra_hosts"),
        [nameof(ServiceModel.Dns)] = ("dns: 10.0.0.1", "dns: 10.0.0.2", "dns"),
        [nameof(ServiceModel.DnsSearch)] = ("dns_search: a", "dns_search: b", "dns_search"),
        [nameof(ServiceModel.DnsOptions)] = ("dns_opt: [a]", "dns_opt: [b]", "dns_opt"),
        [nameof(ServiceModel.Logging)] = ("logging: {driver: json-file, options: {max-size: 1m}}", "logging: {driver: json-file, options: {max-size: 2m}}", "logging.options.max-size"),
        [nameof(ServiceModel.MemoryLimitBytes)] = ("mem_limit: 10m", "mem_limit: 20m", "mem_limit"),
        [nameof(ServiceModel.MemoryReservationBytes)] = ("mem_reservation: 10m", "mem_reservation: 20m", "mem_reservation"),
        [nameof(ServiceModel.MemorySwapLimitBytes)] = ("{mem_limit: 10m, memswap_limit: 20m}", "{mem_limit: 10m, memswap_limit: -1}", "memswap_limit"),
        [nameof(ServiceModel.Cpus)] = ("cpus: 0.5", "cpus: 0.25", "cpus"),
        [nameof(ServiceModel.CpuShares)] = ("cpu_shares: 100", "cpu_shares: 200", "cpu_shares"),
        [nameof(ServiceModel.CpuSet)] = ("cpuset: '0'", "cpuset: 0-1", "cpuset"),
        [nameof(ServiceModel.PidsLimit)] = ("pids_limit: 10", "pids_limit: 20", "pids_limit"),
        [nameof(ServiceModel.Pid)] = ("pid: host", "", "pid"),
        [nameof(ServiceModel.Ipc)] = ("ipc: host", "", "ipc"),
        [nameof(ServiceModel.SecurityOptions)] = ("security_opt: ['no-new-privileges:true']", "", "security_opt"),
        [nameof(ServiceModel.Devices)] = ("devices: ['/dev/fuse']", "devices: ['/dev/fuse:/dev/fuse:r']", "devices"),
        [nameof(ServiceModel.Gpus)] = ("gpus: all", "gpus: [{count: 1}]", "gpus"),
        [nameof(ServiceModel.GroupAdd)] = ("group_add: [a]", "group_add: [b]", "group_add"),
        [nameof(ServiceModel.Annotations)] = ("annotations: {a: '1'}", "annotations: {a: '2'}", "annotations.a"),
        [nameof(ServiceModel.BlockIo)] = ("blkio_config: {weight: 100}", "blkio_config: {weight: 200}", "blkio_config.weight"),
        [nameof(ServiceModel.CgroupNamespace)] = ("cgroup: host", "cgroup: private", "cgroup"),
        [nameof(ServiceModel.CgroupParent)] = ("cgroup_parent: aa", "cgroup_parent: bb", "cgroup_parent"),
        [nameof(ServiceModel.CpuPeriod)] = ("cpu_period: 10000", "cpu_period: 20000", "cpu_period"),
        [nameof(ServiceModel.CpuQuota)] = ("cpu_quota: 10000", "cpu_quota: 20000", "cpu_quota"),
        [nameof(ServiceModel.CpuRealtimePeriod)] = ("cpu_rt_period: 10000", "cpu_rt_period: 20000", "cpu_rt_period"),
        [nameof(ServiceModel.CpuRealtimeRuntime)] = ("cpu_rt_runtime: 10000", "cpu_rt_runtime: 20000", "cpu_rt_runtime"),
        [nameof(ServiceModel.DeviceCgroupRules)] = ("device_cgroup_rules: ['c 1:3 r']", "device_cgroup_rules: ['c 1:3 rw']", "device_cgroup_rules"),
        [nameof(ServiceModel.MemorySwappiness)] = ("mem_swappiness: 10", "mem_swappiness: 20", "mem_swappiness"),
        [nameof(ServiceModel.OomKillDisable)] = ("oom_kill_disable: true", "", "oom_kill_disable"),
        [nameof(ServiceModel.OomScoreAdjustment)] = ("oom_score_adj: 10", "oom_score_adj: 20", "oom_score_adj"),
        [nameof(ServiceModel.MacAddress)] = ("mac_address: '02:00:00:00:00:01'", "mac_address: '02:00:00:00:00:02'", "networks.p_default"),
        [nameof(ServiceModel.Runtime)] = ("runtime: crun", "runtime: runc", "runtime"),
        [nameof(ServiceModel.Isolation)] = ("isolation: hyperv", "", "isolation"),
        [nameof(ServiceModel.StorageOptions)] = ("storage_opt: {size: 1G}", "storage_opt: {size: 2G}", "storage_opt"),
        [nameof(ServiceModel.UserNamespace)] = ("userns_mode: host", "", "userns_mode"),
        [nameof(ServiceModel.Uts)] = ("uts: host", "", "uts"),
        [nameof(ServiceModel.Secrets)] = ("secrets: [key]", "secrets: [{source: key, target: other}]", "volumes./run/secrets/other"),
        [nameof(ServiceModel.PostStart)] = ("post_start: [{command: a}]", "post_start: [{command: b}]", "labels.org.berth.hooks"),
        [nameof(ServiceModel.PreStop)] = ("pre_stop: [{command: a}]", "pre_stop: [{command: a, user: b}]", "labels.org.berth.hooks"),
        [nameof(ServiceModel.Configs)] = ("configs: [key]", "configs: [{source: key, target: /other}]", "volumes./other"),
    };

    // What no container is made from, and what is told apart by what it brings: an image, a volume of another container.
    private static readonly string[] s_others =
    [
        nameof(ServiceModel.Name), nameof(ServiceModel.Build), nameof(ServiceModel.VolumesFrom), nameof(ServiceModel.Platform), nameof(ServiceModel.PullPolicy), nameof(ServiceModel.PullEvery),
        nameof(ServiceModel.Scale), nameof(ServiceModel.Deploy), nameof(ServiceModel.Profiles), nameof(ServiceModel.Extension),
        nameof(ServiceModel.Attach), nameof(ServiceModel.AbsentDependencies), nameof(ServiceModel.Develop), nameof(ServiceModel.Written),
    ];

    public static TheoryData<string> Properties => [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Properties))]
    public void A_change_of_a_service_is_a_change_of_its_container(string property)
    {
        var (first, second, field) = s_cases[property];
        Assert.Contains(field, ContainerFacts.Compare(Record(first), Record(second)).Select(change => change.Field));
        Assert.Empty(ContainerFacts.Compare(Record(first), Record(first)));
    }

    [Theory]
    [InlineData("devices: [v.com/c=a]", "devices: [v.com/c=b]", "cdi v.com/c=a", "cdi v.com/c=b")]
    [InlineData("gpus: [{count: 2, capabilities: [utility]}]", "gpus: [{driver: nvidia, device_ids: ['0', '1'], options: {a: b}}]", "2 gpu+utility", "nvidia 0+1 gpu a=b")]
    [InlineData("gpus: all", "deploy: {resources: {reservations: {devices: [{capabilities: [tpu]}]}}}", "all gpu", "all tpu")]
    public void Devices_that_are_asked_for_are_compared(string first, string second, string before, string after)
    {
        var change = Assert.Single(ContainerFacts.Compare(Record(first), Record(second)));
        Assert.Equal(("gpus", before, after), (change.Field, change.Old, change.New));
    }

    [Fact]
    public void No_property_is_forgotten() =>
        Assert.Equal(
            typeof(ServiceModel).GetProperties().Select(property => property.Name).Order(StringComparer.Ordinal),
            s_cases.Keys.Concat(s_others).Order(StringComparer.Ordinal));

    [Fact]
    public void Values_are_shown_as_compose_files_have_them() =>
        Assert.Equal(
            ["command: \"a b\" → a \"b c\"", "environment.A: \"1\" → ", "mem_limit: 64m → 1g", "ports.80/tcp: 8000 → 127.0.0.1:8000"],
            ContainerFacts.Compare(
                Record("{command: ['a b'], environment: {A: '1'}, mem_limit: 64m, ports: ['8000:80']}"),
                Record("{command: [a, b c], mem_limit: 1g, ports: ['127.0.0.1:8000:80']}")).Select(change => $"{change.Field}: {change.Old} → {change.New}"));

    [Fact]
    public void What_only_a_container_that_is_there_has_is_no_difference()
    {
        var wanted = Record("volumes: [/data]");
        var endpoint = Assert.Single(wanted.Endpoints);
        var id = new string('a', 64);
        var actual = wanted with
        {
            Id = id,
            Config = wanted.Config with { Hostname = id[..12] },
            Mounts = [.. wanted.Mounts.Select(mount => mount with { Name = new string('b', 64), Anonymous = false })],
            Endpoints = [endpoint with { Config = endpoint.Config with { Aliases = ["web", id[..12]] } }], // as Compose 1 has them
        };
        Assert.Empty(ContainerFacts.Compare(actual, wanted));
        Assert.Equal(["container_name"], ContainerFacts.Compare(wanted with { Name = "renamed" }, wanted).Select(change => change.Field));
    }

    private static ContainerRecord Record(string keys)
    {
        var own = keys.StartsWith('{') ? keys[1..^1] : keys;
        var image = own.Contains("image:", StringComparison.Ordinal) ? "" : "image: i";
        var project = new World($"services: {{web: {{{string.Join(", ", new[] { image, own }.Where(part => part.Length > 0))}}}, other: {{image: i}}}}\nsecrets: {{key: {{file: /etc/hostname}}}}\nconfigs: {{key: {{file: /etc/hostname}}}}").Project;
        var service = project.Services["web"];
        var name = service.ContainerName ?? "p-web-1";
        var files = new Dictionary<string, string> { ["secret/key"] = "/s", ["config/key"] = "/c" };
        var made = ServiceContainer.Describe(project, service, new(1, name, service.Image!, "sha256:i", files, new Dictionary<string, string>(), other => "id-of-" + other));
        return new()
        {
            Id = "", Name = name, Created = default, Config = made.Config, HostConfig = made.Host, ImageId = "sha256:" + service.Image, LowerDirectories = [],
            Mounts =
            [
                .. (made.Host.Mounts ?? []).Select(mount => new MountPoint { Type = mount.Type, Name = mount.Type == "volume" ? mount.Source : "", Source = mount.Source, Destination = mount.Target, ReadWrite = !mount.ReadOnly }),
                .. (made.Host.Tmpfs ?? []).Select(pair => new MountPoint { Type = "tmpfs", Destination = pair.Key, Options = pair.Value }),
            ],
            Endpoints = [.. made.Networking.EndpointsConfig!.Select(pair => new EndpointRecord { NetworkName = pair.Key, NetworkId = "", EndpointId = "", Config = pair.Value!, Address = "", MacAddress = "", HostLink = "" })],
        };
    }
}
