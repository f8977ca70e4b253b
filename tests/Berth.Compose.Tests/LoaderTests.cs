using Berth.Compose.Model;
using static Berth.Compose.Tests.Project;

namespace Berth.Compose.Tests;

public class LoaderTests
{
    private const string Minimal = "services: {a: {image: i}}";

    [Fact]
    public void The_usual_names_are_found_in_order_and_above_the_current_folder()
    {
        using var project = new Project().With("docker-compose.yml", Minimal).With("compose.yml", "services: {b: {image: i}}").With("sub/x", "");
        Assert.Equal(["b"], project.Good(options => options with { CurrentFolder = Path.Combine(project.Folder, "sub") }).Services.Keys);
        Assert.Equal("several files could be meant (compose.yml, docker-compose.yml); compose.yml is used", Assert.Single(project.Warnings()));
    }

    [Fact]
    public void No_file_is_an_error_that_says_what_was_expected()
    {
        using var project = new Project();
        Assert.StartsWith("no compose file in '", Assert.Single(project.Errors()), StringComparison.Ordinal);
        Assert.StartsWith("the compose file '", Assert.Single(project.Errors(options => options with { Files = ["x.yml"] })), StringComparison.Ordinal);
    }

    [Fact]
    public void An_override_file_is_laid_over_the_first()
    {
        using var project = Of(Minimal).With("compose.override.yaml", "services: {a: {command: x}}");
        Assert.Equal(["x"], project.Good().Services["a"].Command);
        Assert.Equal(["compose.yaml", "compose.override.yaml"], project.Good().Files.Select(Path.GetFileName));
        Assert.Null(project.Good(options => options with { Files = ["compose.yaml"] }).Services["a"].Command);
    }

    [Fact]
    public void The_file_can_come_from_standard_input_or_a_variable()
    {
        using var project = new Project().With("b.yml", Minimal).With(("COMPOSE_FILE", "b.yml"));
        Assert.Single(project.Good().Services);
        Assert.Single(project.Good(options => options with { Files = ["-"], StandardInput = Minimal }).Services);
    }

    [Theory]
    [InlineData("given", "from-variable", "in-file", "given")]
    [InlineData(null, "from-variable", "in-file", "from-variable")]
    [InlineData(null, null, "in-file", "in-file")]
    [InlineData(null, null, "${WHO:-in}-x", "in-x")]
    [InlineData(null, null, null, "my_shop-2")]
    public void The_project_has_the_first_name_that_is_given(string? option, string? variable, string? file, string expected)
    {
        using var project = new Project("_My_Shop-2!").With("compose.yaml", (file is null ? "" : $"name: {file}\n") + "services:\n  a: {image: \"${COMPOSE_PROJECT_NAME}\"}");
        if (variable is not null)
        {
            project.With(("COMPOSE_PROJECT_NAME", variable));
        }

        var result = project.Good(options => options with { ProjectName = option });
        Assert.Equal((expected, expected), (result.Name, result.Services["a"].Image));
    }

    [Fact]
    public void A_wrong_project_name_is_refused()
    {
        using var project = Of(Minimal);
        Assert.Equal(["'Shop' is not a project name: lower-case letters, digits, '-' and '_', beginning with a letter or digit"], project.Errors(options => options with { ProjectName = "Shop" }));
    }

    [Theory]
    [InlineData("$V", "v")]
    [InlineData("${V}x", "vx")]
    [InlineData("$$V", "$V")]
    [InlineData("${NONE:-d}", "d")]
    [InlineData("${EMPTY:-d}", "d")]
    [InlineData("${EMPTY-d}", "")]
    [InlineData("${V:+a}", "a")]
    [InlineData("${EMPTY+a}", "a")]
    [InlineData("${EMPTY:+a}", "")]
    [InlineData("${V:?e}", "v")]
    [InlineData("${NONE:-${NO:-${V}}}", "v")]
    [InlineData("${V:-$NOT_MISSED}", "v")]
    [InlineData("${NONE:-a$$b}", "a$b")]
    public void Variables_are_replaced(string text, string expected)
    {
        using var project = Of($"services: {{a: {{image: i, user: '{text}'}}}}").With(("V", "v")).With(("EMPTY", ""));
        Assert.Equal(expected, project.Good().Services["a"].User);
        Assert.Empty(project.Warnings());
    }

    [Theory]
    [InlineData("${NONE:?set me}", "required variable 'NONE' is missing a value: set me")]
    [InlineData("${NONE?}", "required variable 'NONE' is missing a value")]
    [InlineData("a$", "'a$': a lone '$' must be written '$$'")]
    [InlineData("${V", "'${V': the closing brace of 'V' is missing")]
    [InlineData("${V!x}", "'${V!x}': after 'V' only ':-', '-', ':?', '?', ':+' and '+' are known")]
    public void A_wrong_variable_is_told_where_it_stands(string text, string expected)
    {
        using var project = Of($"services:\n  a:\n    image: i\n    user: '{text}'");
        Assert.Equal([$"compose.yaml:4:11: {expected}"], project.Errors());
    }

    [Fact]
    public void An_undefined_variable_is_a_warning_with_its_line()
    {
        using var project = Of("services:\n  a:\n    image: i\n    user: $NONE");
        Assert.Equal("compose.yaml:4:11: the variable 'NONE' is not set; a blank string takes its place", Assert.Single(project.Warnings()));
    }

    [Fact]
    public void The_callers_environment_beats_the_env_file()
    {
        using var project = Of("services: {a: {image: i, user: \"$A$B\"}}").With(".env", "A=file\nB=file\n").With(("A", "caller-")).With("other.env", "B=other");
        Assert.Equal("caller-file", project.Good().Services["a"].User);
        Assert.Equal("caller-other", project.Good(options => options with { EnvFiles = ["other.env"] }).Services["a"].User);
    }

    [Theory]
    [InlineData("A=x^y&z(1#2@3=4", "x^y&z(1#2@3=4")]
    [InlineData("A=x # comment", "x")]
    [InlineData("A=  x  ", "x")]
    [InlineData("A=", "")]
    [InlineData("A='x # $B'", "x # $B")]
    [InlineData("A=\"x\\n\\\"$B\\\"\\$\" # c", "x\n\"b\"$")]
    [InlineData("A=\"two\nlines\"", "two\nlines")]
    [InlineData("export A=x", "x")]
    [InlineData("A = x", "x")]
    [InlineData("A: x", "x")]
    [InlineData("A=${B}-${NO:-d}", "b-d")]
    [InlineData("A=$(x)$", "$(x)$")]
    [InlineData("A=it's", "it's")]
    [InlineData("\uFEFF# c\r\n\r\nA=x\r\n", "x")]
    [InlineData("A", "caller")]
    public void Environment_files_have_their_quoting_rules(string text, string expected)
    {
        using var project = Of("services: {a: {image: i, env_file: e.env}}").With("e.env", "B=b\n" + text).With(("A", "caller"));
        project.Environment["A"] = text == "A" ? "caller" : "unused";
        if (text.StartsWith('\uFEFF'))
        {
            project.With("e.env", text);
        }

        Assert.Equal(expected, project.Good().Services["a"].Environment["A"]);
    }

    [Fact]
    public void Env_file_has_a_long_form_and_environment_wins()
    {
        using var project = Of("services: {a: {image: i, env_file: [{path: a.env}, {path: none.env, required: false}, {path: r.env, format: raw}], environment: {B: mine}}}")
            .With("a.env", "A=1\nB=2").With("r.env", "R=\"$x\" # y");
        Assert.Equal(
            new Dictionary<string, string?> { ["A"] = "1", ["B"] = "mine", ["R"] = "\"$x\" # y" }, project.Good().Services["a"].Environment);
    }

    [Fact]
    public void Mistakes_in_an_env_file_are_told_with_its_line()
    {
        using var project = Of("services: {a: {image: i, env_file: [e.env, no.env]}}").With("e.env", "A=1\nwhat is this\nB=\"open\n");
        Assert.Equal(
            [
                $"compose.yaml:1:44: services.a.env_file: the file '{project.Folder}/no.env' does not exist",
                "e.env:2:1: 'what is this' must have the form NAME=value; a name has letters, digits and '_'",
                "e.env:3:1: the closing double quote is missing",
            ],
            project.Errors().Order());
    }

    [Fact]
    public void Files_are_merged_as_the_specification_says()
    {
        using var project = Of("""
            services:
              a:
                build: .
                command: [one, two]
                ports: ["8000:80", 443]
                environment: [A=1, B=1]
                volumes: ["./x:/data", "./y:/y"]
                dns: 1.1.1.1
                depends_on: [b]
                labels: {l: "1"}
                healthcheck: {test: [CMD, x], retries: 3}
                networks: [n]
                logging: {driver: local, options: {max-size: 1m}}
              b: {image: i}
            networks: {n: }
            """).With("compose.override.yaml", """
            services:
              a:
                build: {dockerfile: D, args: [V=1]}
                command: three
                ports: ["8000:80", "9000:90"]
                environment: {B: 2, C: 3}
                volumes: ["./z:/data"]
                dns: [2.2.2.2]
                depends_on: {b: {condition: service_healthy}}
                labels: [m=2]
                healthcheck: {test: [CMD, y]}
                networks: {n: {aliases: [w]}}
                logging: {driver: none}
            """);
        var service = project.Good().Services["a"];
        Assert.Equal(("D", project.Folder), (service.Build!.Dockerfile, service.Build.Context));
        Assert.Equal(["three"], service.Command);
        Assert.Equal([80, 443, 90], service.Ports.Select(port => port.Target));
        Assert.Equal(new Dictionary<string, string?> { ["A"] = "1", ["B"] = "2", ["C"] = "3" }, service.Environment);
        Assert.Equal([project.Folder + "/z", project.Folder + "/y"], service.Volumes.Select(mount => mount.Source));
        Assert.Equal(["1.1.1.1", "2.2.2.2"], service.Dns);
        Assert.Equal(DependencyCondition.Healthy, service.DependsOn["b"].Condition);
        Assert.Equal(["l", "m"], service.Labels.Keys.Order());
        Assert.Equal(["CMD", "y"], service.Healthcheck!.Test);
        Assert.Equal(3, service.Healthcheck.Retries);
        Assert.Equal(["w"], service.Networks["n"].Aliases);
        Assert.Equal(("none", 0), (service.Logging!.Driver, service.Logging.Options.Count));
    }

    [Fact]
    public void Reset_takes_away_and_override_replaces()
    {
        using var project = Of("services: {a: {image: i, ports: [80], environment: {A: 1, B: 2}, expose: [1]}}")
            .With("compose.override.yaml", "services: {a: {ports: !override [\"81\"], environment: {A: !reset null}, expose: !reset []}}");
        var service = project.Good().Services["a"];
        Assert.Equal([81], service.Ports.Select(port => port.Target));
        Assert.Equal(["B"], service.Environment.Keys);
        Assert.Empty(service.Expose);
    }

    [Fact]
    public void Anchors_merge_keys_and_extensions_work()
    {
        using var project = Of("""
            x-base: &base {image: i, restart: always, environment: &env {A: 1}}
            x-more: &more {restart: "no", user: u}
            services:
              a:
                <<: [*base, *more]
                environment: {<<: *env, B: 2}
              b: {<<: *base, restart: on-failure}
            """);
        var services = project.Good().Services;
        Assert.Equal((RestartCondition.Always, "u"), (services["a"].Restart.Condition, services["a"].User));
        Assert.Equal(["A", "B"], services["a"].Environment.Keys.Order());
        Assert.Equal(RestartCondition.OnFailure, services["b"].Restart.Condition);
    }

    [Fact]
    public void Profiles_hold_services_back_until_asked_for()
    {
        using var project = Of("services: {a: {image: i}, d: {image: i, profiles: [debug]}, o: {image: i, depends_on: {d: {condition: service_started, required: false}}}}");
        Assert.Equal(["a", "o"], project.Good().Services.Keys);
        Assert.Equal(["d"], project.Good().DisabledServices.Keys);
        Assert.Empty(project.Good().Services["o"].DependsOn);
        Assert.Equal(3, project.Good(options => options with { Profiles = ["debug"] }).Services.Count);
        Assert.Equal(3, project.Good(options => options with { Profiles = ["*"] }).Services.Count);
        Assert.Equal(3, project.Good(options => options with { NamedServices = ["d"] }).Services.Count);
        project.With(("COMPOSE_PROFILES", "x,debug"));
        Assert.Single(project.Good().Services["o"].DependsOn);
    }

    [Fact]
    public void Files_of_variables_may_be_named_in_the_environment_and_the_usual_one_be_left_out()
    {
        using var project = Project.Of("services: {a: {image: i, user: '${A-none}', hostname: '${B-none}'}}").With(".env", "A=usual\nB=usual\n").With("one.env", "A=one\nB=one\n").With("two.env", "B=two\n")
            .With(("COMPOSE_ENV_FILES", "one.env,two.env"));
        var service = project.Good().Services["a"];
        Assert.Equal(("one", "two"), (service.User, service.Hostname));
        Assert.Equal("usual", project.Good(options => options with { EnvFiles = [".env"] }).Services["a"].User);

        using var without = Project.Of("services: {a: {image: i, user: '${A-none}'}}").With(".env", "A=usual\n").With(("COMPOSE_DISABLE_ENV_FILE", "1"));
        Assert.Equal("none", without.Good().Services["a"].User);
    }

    [Fact]
    public void Networks_volumes_secrets_and_configs_are_read()
    {
        using var project = Of("""
            services:
              a:
                image: i
                networks: [n, e]
                volumes: ["vv:/v", "ww:/w"]
                secrets: [s, {source: t, target: /t, mode: 0440, uid: "5"}]
                configs: [c]
            networks:
              n: {internal: true, driver_opts: {com.docker.network.bridge.name: b}, ipam: {config: [{subnet: 10.9.0.0/24, gateway: 10.9.0.1}]}, labels: [x=y]}
              e: {external: true, name: shared}
              unused: {}
            volumes:
              vv: {name: exact}
              ww: {external: true}
            secrets:
              s: {file: ./s.txt}
              t: {environment: TOKEN}
            configs:
              c: {content: "hello ${TOKEN}"}
            """).With("s.txt", "x").With(("TOKEN", "tok"));
        var result = project.Good();
        Assert.Equal(["e", "n"], result.Networks.Keys.Order());
        Assert.Equal((true, "shop_n", new AddressPool("10.9.0.0/24", "10.9.0.1", null)), (result.Networks["n"].IsInternal, result.Networks["n"].Name, result.Networks["n"].Pools[0]));
        Assert.Equal((true, "shared"), (result.Networks["e"].IsExternal, result.Networks["e"].Name));
        Assert.Equal(("exact", "ww"), (result.Volumes["vv"].Name, result.Volumes["ww"].Name));
        Assert.Equal([new FileReference("s", "/run/secrets/s", null, null, null), new FileReference("t", "/t", "5", null, 288, "/t")], result.Services["a"].Secrets);
        Assert.Equal("/c", result.Services["a"].Configs[0].Target);
        Assert.Equal(("tok", "hello tok"), (result.Secrets["t"].Content, result.Configs["c"].Content));
    }

    [Theory]
    [InlineData("serivces: {}", "compose.yaml:1:1: unknown key 'serivces'. Did you mean 'services'?")]
    [InlineData("models: {}\nservices: {a: {image: i}}", "compose.yaml:1:1: the key 'models' is not supported by Berth: Berth runs no language models; run a server for it as a service")]
    [InlineData("include: x\nservices: {a: {image: i}}", "compose.yaml:1:10: include: must be a list")]
    [InlineData("services: {a: {}}", "compose.yaml:1:12: services.a: needs an 'image' or a 'build'")]
    [InlineData("services: {a: }", "compose.yaml:1:12: services.a: must be a mapping")]
    [InlineData("services: {a b: {image: i}}", "compose.yaml:1:12: services: 'a b' must consist of letters, digits, '.', '_' and '-'")]
    [InlineData("[1]", "compose.yaml:1:1: the file must be a mapping with the key 'services'")]
    [InlineData("", "compose.yaml:1:1: the file is empty")]
    [InlineData("a:\n  b: \u0001", "compose.yaml:2:6: the control character U+0001 is not allowed in YAML")]
    [InlineData("services: {a: {image: i}}\n---\nx: y", "compose.yaml:2:1: the file holds more than one YAML document")]
    [InlineData("services: {a: {image: i, container_name: x}, b: {image: i, container_name: x}}", "compose.yaml:1:60: services.b.container_name: 'x' is also the container name of service 'a'")]
    [InlineData("services: {a: {image: i, ports: ['80:80']}, b: {image: i, ports: ['80:81']}}", "compose.yaml:1:59: services.b.ports: host port 80/tcp is also published by service 'a'")]
    [InlineData("services: {a: {image: i, depends_on: [b]}, b: {image: i, depends_on: [a]}}", "compose.yaml:1:26: services.a.depends_on: services wait for one another: a -> b -> a")]
    [InlineData("services: {a: {image: i, depends_on: [b]}, b: {image: i, profiles: [p]}}", "compose.yaml:1:26: services.a.depends_on: 'b' is in a profile that is not active")]
    [InlineData("services: {a: {image: i}}\nvolumes: {v: {external: true, driver: local}}", "compose.yaml:2:39: volumes.v.driver: has no meaning for something external, which exists already")]
    [InlineData("services: {a: {image: i}}\nnetworks: {n: {driver: overlay}}", "compose.yaml:2:24: networks.n.driver: 'overlay' must be one of bridge, default.")]
    [InlineData("services: {a: {image: i}}\nnetworks: {n: {ipam: {config: [{subnet: 10.9.0.1/24}]}}}", "compose.yaml:2:41: networks.n.ipam.config.subnet: '10.9.0.1/24' is not a network such as 172.28.0.0/16 (the host part must be zero)")]
    [InlineData("services: {a: {image: i}}\nsecrets: {s: {}}", "compose.yaml:2:11: secrets.s: needs exactly one of 'file' and 'environment'")]
    [InlineData("services: {a: {image: i, x-berth: {refresh: [v]}}}", "compose.yaml:1:46: services.a.x-berth.refresh: 'v' must be a named volume that this service mounts")]
    [InlineData("services: {a: {image: i, volumes: ['./v:/v'], x-berth: {refresh: [./v]}}}", "compose.yaml:1:67: services.a.x-berth.refresh: './v' must be a named volume that this service mounts")]
    [InlineData("services: {a: {image: !weird i}}", "compose.yaml:1:23: the YAML tag '!weird' is not known here; !reset and !override are")]
    public void A_mistake_of_the_whole_file_is_told_where_it_stands(string text, string expected)
    {
        using var project = Of(text);
        Assert.Equal([expected], project.Errors());
    }

    [Theory]
    [InlineData("services:\n  a:\n image: i")]
    [InlineData("services: {a: *none}")]
    [InlineData("services: [")]
    [InlineData("services: \"open")]
    public void Broken_yaml_is_told_with_a_line(string text)
    {
        using var project = Of(text);
        Assert.Matches("^compose.yaml:[1-9][0-9]*:[1-9][0-9]*: this is not valid YAML: .+", Assert.Single(project.Errors()));
    }

    [Fact]
    public void Aliases_that_explode_are_refused()
    {
        var bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range(1, 12).Select(level =>
            $"a{level}: &a{level} [{string.Join(',', Enumerable.Repeat($"*a{level - 1}", 10))}]\n"));
        using var project = Of(bomb);
        Assert.Contains("holds more than 200000 values", Assert.Single(project.Errors()), StringComparison.Ordinal);
    }

    [Fact]
    public void Deep_nesting_is_refused()
    {
        using var project = Of("x-a: " + new string('[', 5000) + new string(']', 5000));
        Assert.Contains("nested more than 64 deep", Assert.Single(project.Errors()), StringComparison.Ordinal);
    }
}
