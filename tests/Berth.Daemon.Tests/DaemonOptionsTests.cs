using Berth.Engine.Build;

namespace Berth.Daemon.Tests;

public sealed class DaemonOptionsTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"berth-daemon-{Guid.NewGuid():N}.json");

    [Fact]
    public void Without_flags_everything_has_its_default()
    {
        var options = DaemonOptions.Parse(["--config-file", Write("{}")]);
        Assert.Equal(("/var/lib/berth", "/run/berth"), (options.Engine.DataRoot, options.Engine.ExecRoot));
        Assert.Equal(["unix:///run/berth/berth.sock"], options.Hosts);
        Assert.Equal(HostCertificates.Auto, options.Engine.Builder.HostCertificates);
        Assert.Empty(options.Images.Registry.Mirrors);
    }

    [Fact]
    public void No_new_privileges_is_a_flag_and_a_key()
    {
        Assert.False(DaemonOptions.Parse(["--config-file", Write("{}")]).Engine.NoNewPrivileges);
        Assert.True(DaemonOptions.Parse(["--no-new-privileges", "--config-file", Write("{}")]).Engine.NoNewPrivileges);
        Assert.True(DaemonOptions.Parse(["--config-file", Write("""{"no-new-privileges": true}""")]).Engine.NoNewPrivileges);
    }

    [Fact]
    public void Sockets_and_pid_file_follow_the_exec_root()
    {
        var options = DaemonOptions.Parse(["--exec-root=/run/other", "--config-file", Write("{}")]);
        Assert.Equal(["unix:///run/other/berth.sock"], options.Hosts);
        Assert.Equal("/run/other/berthd.pid", options.PidFile);
    }

    [Fact]
    public void Mirrors_are_of_docker_hub_or_of_the_registry_that_is_named()
    {
        var mirrors = DaemonOptions.Parse(
            ["--registry-mirror", "https://hub.example.com", "--registry-mirror=ghcr.io=http://127.0.0.1:5000/a=b", "--config-file", Write("{}")]).Images.Registry.Mirrors;
        Assert.Equal(["https://hub.example.com"], mirrors["docker.io"]);
        Assert.Equal(["http://127.0.0.1:5000/a=b"], mirrors["ghcr.io"]);
    }

    [Theory]
    [InlineData("""{"registry-mirrors": ["https://one.example.com", "https://two.example.com"]}""", "docker.io", 2)]
    [InlineData("""{"registry-mirrors": {"ghcr.io": ["https://one.example.com"]}}""", "ghcr.io", 1)]
    public void The_file_has_mirrors_as_Docker_writes_them_or_by_registry(string json, string registry, int count) =>
        Assert.Equal(count, DaemonOptions.Parse(["--config-file", Write(json)]).Images.Registry.Mirrors[registry].Count);

    [Fact]
    public void The_file_says_whether_builds_see_the_hosts_certificates() => Assert.Equal(
        HostCertificates.Never, DaemonOptions.Parse(["--config-file", Write("""{"build-host-certificates": "never"}""")]).Engine.Builder.HostCertificates);

    [Fact]
    public void Over_tcp_there_is_mutual_TLS_or_nothing()
    {
        var message = Assert.Throws<FormatException>(() => DaemonOptions.Parse(["-H", "tcp://127.0.0.1:2375", "--config-file", Write("{}")])).Message;
        Assert.StartsWith("host tcp://127.0.0.1:2375: whoever reaches the API is root, so over TCP it is served with mutual TLS only.", message, StringComparison.Ordinal);
        var options = DaemonOptions.Parse(["-H", "tcp://0.0.0.0:2376", "--tlscert", "/c", "--config-file", Write("""{"tlsverify": true, "tlskey": "/k"}""")]);
        Assert.Equal(new ApiCertificates("/etc/berth/ca.pem", "/c", "/k"), options.Certificates);
    }

    [Fact]
    public void All_mistakes_are_told_at_once()
    {
        var file = Write("""{"mtu": 1, "colour": "blue", "registry-mirrors": ["ftp://x"], "build-host-certificates": "perhaps", "log-level": "loud"}""");
        var message = Assert.Throws<FormatException>(() => DaemonOptions.Parse(["--nonsense", "--mtu", "1500", "--config-file", file])).Message;
        string[] expected =
        [
            "unknown flag: --nonsense; see berthd --help",
            $"mtu is set twice: flag --mtu says \"1500\", {file}: mtu says \"1\"",
            $"{file}: the key \"colour\" is not known; known are ",
            "registry-mirror \"ftp://x\" is not URL or REGISTRY=URL",
            "log-level \"loud\" is not one of debug, info, warn, error",
            "build-host-certificates \"perhaps\" is not one of auto, always, never",
        ];
        var lines = message.Split('\n');
        Assert.Equal(expected.Length, lines.Length);
        Assert.All(expected, start => Assert.Single(lines, line => line.StartsWith(start, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_file_that_is_no_json_is_told_with_its_place() =>
        Assert.Contains("LineNumber: 1", Assert.Throws<FormatException>(() => DaemonOptions.Parse(["--config-file", Write("{\n\"mtu\": oops}")])).Message, StringComparison.Ordinal);

    public void Dispose() => File.Delete(_file);

    private string Write(string json)
    {
        File.WriteAllText(_file, json);
        return _file;
    }
}
