using Berth.Engine.Build;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Logs;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using MountPoint = Berth.Engine.Containers.MountPoint;

namespace Berth.Engine.Tests.Containers;

/// <summary>Options of <c>create</c> and <c>update</c> that are texts with a grammar of their own.</summary>
public sealed class CreateOptionsTests
{
    [Theory]
    [InlineData("c 1:3 rwm", "c", 1, 3, "rwm")]
    [InlineData("b 8:* r", "b", 8, null, "r")]
    [InlineData("a *:* rw", "a", null, null, "rw")]
    public void Device_rules_are_read(string text, string type, int? major, int? minor, string access) => Assert.Equal(new DeviceRule(type, major, minor, access), DeviceRule.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("c 1:3")]
    [InlineData("d 1:3 rwm")]
    [InlineData("c 1 rwm")]
    [InlineData("c 1:3 rwx")]
    [InlineData("c -1:3 r")]
    public void Other_device_rules_are_refused_with_their_text(string text) =>
        Assert.Contains($"'{text}'", Assert.Throws<BerthException>(() => DeviceRule.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Security_options_are_read_in_both_spellings()
    {
        Assert.Equal(new SecurityOptions(true, "unconfined", "", false), SecurityOptions.Parse(["no-new-privileges", "seccomp:unconfined"]));
        Assert.Equal(new SecurityOptions(false, "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", "unconfined", true), SecurityOptions.Parse(["no-new-privileges=false", "seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}", "apparmor=unconfined", "writable-cgroups=true"]));
        Assert.Equal(new SecurityOptions(false, "", "", false), SecurityOptions.Parse(["seccomp=builtin"]));
        Assert.Equal("invalid --security-opt 2: \"bogus=1\"", Assert.Throws<BerthException>(() => SecurityOptions.Parse(["bogus=1"])).Message);
        Assert.Throws<BerthException>(() => SecurityOptions.Parse(["no-new-privileges=perhaps"]));
    }

    [Fact]
    public void A_seccomp_file_keeps_what_is_for_this_machine_and_these_capabilities()
    {
        const string Profile =
            """
            {
              "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
              "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}, {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
              "syscalls": [
                {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
                {"name": "write", "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
                {"names": ["with"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
                {"names": ["without"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
                {"names": ["elsewhere"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}},
                {"names": ["old"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "3.0"}},
                {"names": ["future"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "99.0"}},
                {"names": ["errno"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}
              ]
            }
            """;
        var filter = SeccompFile.Read(Profile, new HashSet<string> { "CAP_CHOWN" });
        Assert.Equal(["read", "write", "without", "old", "errno"], filter["syscalls"]!.AsArray().Select(rule => (string)rule!["names"]![0]!));
        Assert.Equal(2, filter["architectures"]!.AsArray().Count);
        Assert.Equal(38, (int)filter["syscalls"]![4]!["errnoRet"]!);
        Assert.Equal(1, (int)filter["syscalls"]![1]!["args"]![0]!["value"]!);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"x\"]}]}")]
    [InlineData("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"x\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"minKernel\": \"soon\"}}]}")]
    public void Other_seccomp_files_are_refused(string text) =>
        Assert.StartsWith("Decoding seccomp profile failed", Assert.Throws<BerthException>(() => SeccompFile.Read(text, new HashSet<string>())).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/t\",\"VolumeOptions\":{\"Subpath\":\"a/../../b\"}}", "subpath")]
    [InlineData("{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/t\",\"VolumeOptions\":{\"Subpath\":\"/a\"}}", "subpath")]
    [InlineData("{\"Type\":\"bind\",\"Source\":\"/v\",\"Target\":\"/t\",\"VolumeOptions\":{}}", "VolumeOptions must not be specified")]
    [InlineData("{\"Type\":\"tmpfs\",\"Source\":\"v\",\"Target\":\"/t\"}", "Source must not be specified")]
    [InlineData("{\"Type\":\"bind\",\"Source\":\"/v\",\"Target\":\"/t\",\"BindOptions\":{\"ReadOnlyNonRecursive\":true}}", "must be read-only")]
    [InlineData("{\"Type\":\"bind\",\"Source\":\"/v\",\"Target\":\"/t\",\"BindOptions\":{\"Propagation\":\"sideways\"}}", "sideways")]
    [InlineData("{\"Type\":\"image\",\"Target\":\"/t\"}", "Source must not be empty")]
    [InlineData("{\"Type\":\"cluster\",\"Source\":\"v\",\"Target\":\"/t\"}", "mount type unknown")]
    public void Mounts_that_cannot_be_are_refused(string json, string reason)
    {
        var mount = System.Text.Json.JsonSerializer.Deserialize<MountConfig>(json)!;
        Assert.Contains(reason, Assert.Throws<BerthException>(() => MountPlan.Build(new(), new() { Mounts = [mount] }, [])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_taken_from_another_container_gives_way_to_what_is_asked_for()
    {
        var taken = new[] { new MountPoint { Type = "volume", Name = "a", Destination = "/a" }, new MountPoint { Type = "volume", Name = "b", Destination = "/b" } };
        var mounts = MountPlan.Build(new() { Volumes = new() { ["/b"] = EmptyObject.Value } }, new() { Binds = ["/host:/a"] }, taken);
        Assert.Equal([("/a", "bind"), ("/b", "volume")], mounts.Select(mount => (mount.Destination, mount.Type)));
        Assert.Equal("b", mounts[1].Name);
    }

    [Fact]
    public void A_link_tells_the_other_container_by_variables()
    {
        var other = new ContainerRecord
        {
            Id = new('f', 64), Name = "database", Created = default, ImageId = "", LowerDirectories = [], Mounts = [], Endpoints = [], HostConfig = new(),
            Config = new() { ExposedPorts = new() { ["53/udp"] = EmptyObject.Value, ["5432/tcp"] = EmptyObject.Value }, Env = ["PATH=/bin", "SECRET=x"] },
        };
        Assert.Equal(
            [
                "MY_DB_PORT=tcp://10.0.0.5:5432", "MY_DB_NAME=/app/my-db",
                "MY_DB_PORT_5432_TCP=tcp://10.0.0.5:5432", "MY_DB_PORT_5432_TCP_ADDR=10.0.0.5", "MY_DB_PORT_5432_TCP_PORT=5432", "MY_DB_PORT_5432_TCP_PROTO=tcp",
                "MY_DB_PORT_53_UDP=udp://10.0.0.5:53", "MY_DB_PORT_53_UDP_ADDR=10.0.0.5", "MY_DB_PORT_53_UDP_PORT=53", "MY_DB_PORT_53_UDP_PROTO=udp",
                "MY_DB_ENV_SECRET=x",
            ],
            new ContainerLink(other.Id, "my-db").Variables("app", other, "10.0.0.5"));
    }

    [Fact]
    public void An_update_keeps_what_it_does_not_name()
    {
        var host = new HostConfig { Memory = 100 << 20, MemorySwap = 200 << 20, CpuShares = 5, PidsLimit = 7, RestartPolicy = new() { Name = "always" } };
        var updated = new ContainerUpdate(new() { CpuShares = 9, PidsLimit = -1 }, new() { Name = "on-failure", MaximumRetryCount = 3 }).Apply("id", host);
        Assert.Equal((100L << 20, 9L, -1L, "on-failure"), (updated.Memory, updated.CpuShares, updated.PidsLimit!.Value, updated.RestartPolicy.Name));
        Assert.Contains("memoryswap", Assert.Throws<BerthException>(() => new ContainerUpdate(new() { Memory = 300 << 20 }, null).Apply("id", host)).Message, StringComparison.Ordinal);
        Assert.Contains("AutoRemove", Assert.Throws<BerthException>(() => new ContainerUpdate(new(), new() { Name = "always" }).Apply("id", host with { AutoRemove = true })).Message, StringComparison.Ordinal);
        Assert.Contains("Nano CPUs", Assert.Throws<BerthException>(() => new ContainerUpdate(new() { NanoCpus = 1 }, null).Apply("id", host with { CpuQuota = 5 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Changes_of_an_images_configuration_are_instructions()
    {
        var config = ConfigChange.ApplyLines(
            new() { Env = ["A=1"], Cmd = ["old"], WorkingDir = "/srv" },
            ["ENV B=$A C=\"d e\"", "ENTRYPOINT [\"entry\"]\nCMD run it", "WORKDIR app", "EXPOSE 80 53/udp", "LABEL x=y", "USER 5", "VOLUME /data", "ONBUILD RUN true", "STOPSIGNAL SIGINT", "HEALTHCHECK NONE"]);
        Assert.Equal(["A=1", "B=1", "C=d e"], config.Env!);
        Assert.Equal(["entry"], config.Entrypoint!);
        Assert.Equal(["/bin/sh", "-c", "run it"], config.Cmd!);
        Assert.Equal(("/srv/app", "5", "SIGINT"), (config.WorkingDir, config.User, config.StopSignal));
        Assert.Equal(["53/udp", "80/tcp"], config.ExposedPorts!.Keys);
        Assert.Equal(["NONE"], config.Healthcheck!.Test!);
        Assert.Equal(["RUN true"], config.OnBuild!);
    }

    [Theory]
    [InlineData("RUN true", "RUN is not a valid change command")]
    [InlineData("COPY a b", "COPY is not a valid change command")]
    [InlineData("NONSENSE x", "NONSENSE")]
    [InlineData("EXPOSE eighty", "eighty")]
    public void Other_changes_are_refused(string line, string reason) =>
        Assert.Contains(reason, Assert.Throws<BerthException>(() => ConfigChange.ApplyLines(new(), [line])).Message, StringComparison.Ordinal);

    [Fact]
    public void Log_details_are_the_labels_and_variables_that_the_options_name()
    {
        var record = new ContainerRecord
        {
            Id = new('a', 64), Name = "app", Created = default, ImageId = "", LowerDirectories = [], Mounts = [], Endpoints = [],
            Config = new() { Labels = new() { ["a"] = "b c", ["com.x"] = "1", ["com.y"] = "2" }, Env = ["X=y", "Z=0"] },
            HostConfig = new() { LogConfig = new() { Config = new() { ["labels"] = "a,missing", ["labels-regex"] = "^com", ["env"] = "X", ["tag"] = "{{.Name}}/{{.ID}}" } } },
        };
        Assert.Equal("X=y,a=b+c,com.x=1,com.y=2,tag=app%2Faaaaaaaaaaaa", LogDetails.Of(record));
        Assert.Equal("", LogDetails.Of(record with { HostConfig = new() }));
    }

    [Theory]
    [InlineData("json-file", null, null, 10_000_000, 3)]
    [InlineData("json-file", null, "7", 10_000_000, 7)]
    [InlineData("local", null, null, 20_000_000, 5)]
    [InlineData("local", "1m", null, 1_000_000, 5)]
    [InlineData("json-file", "1m", null, 1_000_000, 1)]
    [InlineData("json-file", "1m", "5", 1_000_000, 5)]
    [InlineData("json-file", "-1", null, 0, 1)]
    [InlineData("json-file", "2k", "2", 4096, 2)]
    public void The_limits_of_a_log_are_read(string driver, string? size, string? files, long bytes, int count)
    {
        var options = new Dictionary<string, string>();
        if (size is not null)
        {
            options["max-size"] = size;
        }

        if (files is not null)
        {
            options["max-file"] = files;
        }

        Assert.Equal(new LogLimits(bytes, count), LogLimits.Parse(new() { Type = driver, Config = new(options, StringComparer.Ordinal) }));
    }
}
