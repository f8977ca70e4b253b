using Berth.Compose.Output;
using static Berth.Compose.Tests.Project;

namespace Berth.Compose.Tests;

public class OutputTests
{
    private const string Rich = """
        services:
          web:
            image: nginx
            build: {context: ., args: {A: 1, N: }}
            command: ["a", "", "yes", "1.5", "x: y", "# no", "q\"uo\\te", "tab\t", "line\nline", "$$HOME", "~", "é 🚢"]
            entrypoint: []
            ports: ["127.0.0.1:8000-8005:80", "53:53/udp", "9"]
            volumes: ["./x:/x:ro", "vv:/v", {type: tmpfs, target: /t, tmpfs: {size: 1k, mode: 0700}}]
            environment: {EMPTY: "", NO: "no", NUM: 012, NONE: }
            depends_on: {db: {condition: service_healthy, restart: true}}
            healthcheck: {test: curl localhost, interval: 1m30s, start_period: 500ms, timeout: 2h}
            deploy: {replicas: 2, resources: {limits: {cpus: "0.5"}}, update_config: {order: start-first}}
            networks: {default: , n: {aliases: [q]}}
            configs: [{source: c, mode: 0440}]
            ulimits: {nofile: {soft: 1, hard: 2}}
            restart: on-failure:3
            x-berth: {roll: {order: start-first, min: 50%, max: 150%, drain: 90s, watch: 2m}, ready: {http: /healthz, port: 80, timeout: 5s}, refresh: [vv]}
          db: {image: "mysql:5.7", stop_grace_period: 1m, x-berth: {roll: stop-first, ready: mysql}}
        networks: {n: {internal: true, ipam: {config: [{subnet: 10.9.0.0/24}]}}}
        volumes: {vv: {labels: {a.b: "true"}}}
        configs: {c: {content: "a\nb"}}
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_written_loads_into_the_same_project(bool asJson)
    {
        using var project = Of(Rich);
        var text = asJson ? ComposeWriter.WriteJson(project.Good()) : ComposeWriter.Write(project.Good());
        var again = project.Good(options => options with { Files = ["-"], StandardInput = text });
        Assert.Equal(ComposeWriter.Write(project.Good()), ComposeWriter.Write(again));
        Assert.Equal(project.Good().Services["web"].Command, again.Services["web"].Command);
        Assert.Equal(ServiceHash.Compute(project.Good().Services["web"]), ServiceHash.Compute(again.Services["web"]));
        Assert.Equivalent(project.Good().Services["web"].Extension, again.Services["web"].Extension, strict: true);
    }

    [Fact]
    public void The_text_is_sorted_and_absolute()
    {
        using var project = Of("services: {b: {image: x, user: '0'}, a: {build: ., ports: ['80:80']}}");
        Assert.Equal(
            $$"""
            name: shop
            services:
              a:
                build:
                  context: {{project.Folder}}
                  dockerfile: Dockerfile
                command: null
                entrypoint: null
                networks:
                  default: null
                ports:
                  - mode: ingress
                    protocol: tcp
                    published: "80"
                    target: 80
              b:
                command: null
                entrypoint: null
                image: x
                networks:
                  default: null
                user: "0"
            networks:
              default:
                ipam: {}
                name: shop_default

            """,
            ComposeWriter.Write(project.Good()));
    }

    [Fact]
    public void The_hash_changes_with_what_a_container_is_made_from_and_nothing_else()
    {
        var first = ServiceHash.Compute(Service("command: a"));
        Assert.Matches("^[0-9a-f]{64}$", first);
        Assert.Equal(first, ServiceHash.Compute(Service("command: [a]\nscale: 3\npull_policy: always\nprofiles: []\nx-note: y")));
        Assert.Equal(first, ServiceHash.Compute(Service("command: a\ndeploy: {replicas: 3, update_config: {order: start-first}}\nbuild: /b") with { Deploy = null }));
        Assert.NotEqual(first, ServiceHash.Compute(Service("command: b")));
        Assert.NotEqual(first, ServiceHash.Compute(Service("command: a\nenvironment: {A: 1}")));
        Assert.NotEqual(ServiceHash.Compute(Service("environment: {A: }")), ServiceHash.Compute(Service("environment: {A: ''}")));
    }

    [Fact]
    public void Labels_and_names_are_docker_composes_own()
    {
        using var project = Of(Rich);
        var model = project.Good();
        var labels = ComposeLabels.ForContainer(model, model.Services["web"], 2, "sha256:1");
        Assert.Equal("shop", labels["com.docker.compose.project"]);
        Assert.Equal("web", labels["com.docker.compose.service"]);
        Assert.Equal("2", labels["com.docker.compose.container-number"]);
        Assert.Equal("False", labels["com.docker.compose.oneoff"]);
        Assert.Equal(ServiceHash.Compute(model.Services["web"]), labels["com.docker.compose.config-hash"]);
        Assert.Equal(project.Folder, labels["com.docker.compose.project.working_dir"]);
        Assert.Equal(project.Folder + "/compose.yaml", labels["com.docker.compose.project.config_files"]);
        Assert.Equal("db:service_healthy:true", labels["com.docker.compose.depends_on"]);
        Assert.Equal("n", ComposeLabels.ForNetwork(model, model.Networks["n"])["com.docker.compose.network"]);
        Assert.Equal("true", ComposeLabels.ForVolume(model, model.Volumes["vv"])["a.b"]);
        Assert.Equal("shop-web-1", ComposeNames.Container(model, "web", 1));
        Assert.Equal(["shop_web_1", "shop_web"], [ComposeNames.Container(model with { Separator = ComposeNames.FormerSeparator }, "web", 1), ComposeNames.Image(model with { Separator = ComposeNames.FormerSeparator }, "web")]);
    }
}
