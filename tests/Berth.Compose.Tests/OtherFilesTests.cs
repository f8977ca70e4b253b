using static Berth.Compose.Tests.Project;

namespace Berth.Compose.Tests;

/// <summary><c>extends</c> and <c>include</c>.</summary>
public class OtherFilesTests
{
    [Fact]
    public void A_service_extends_another_of_its_file()
    {
        using var project = Of("""
            services:
              base: {image: i, environment: {A: 1, B: 1}, command: [x], ports: ["80"], profiles: [never]}
              middle: {extends: base, environment: [B=2]}
              web: {extends: {service: middle}, command: y, ports: ["81"], profiles: !reset []}
            """);
        var web = project.Good().Services["web"];
        Assert.Equal(("i", "y"), (web.Image, web.Command![0]));
        Assert.Equal(new Dictionary<string, string?> { ["A"] = "1", ["B"] = "2" }, web.Environment);
        Assert.Equal([80, 81], web.Ports.Select(port => port.Target));
        Assert.Empty(web.Profiles);
    }

    [Fact]
    public void A_service_extends_one_of_another_file_whose_paths_are_its_own()
    {
        using var project = Of("services: {web: {extends: {file: common/base.yml, service: app}, volumes: [./own:/own]}}")
            .With("common/base.yml", """
            services:
              app: {extends: {file: deep/x.yml, service: root}, env_file: e.env, volumes: [./data:/data, {type: bind, source: ../up, target: /up}]}
            """)
            .With("common/e.env", "E=1")
            .With("common/deep/x.yml", "services: {root: {build: ., user: '${WHO}'}}")
            .With(("WHO", "me"));
        var web = project.Good().Services["web"];
        Assert.Equal((project.Folder + "/common/deep", "me", "1"), (web.Build!.Context, web.User, web.Environment["E"]));
        Assert.Equal(
            [project.Folder + "/common/data", project.Folder + "/up", project.Folder + "/own"], web.Volumes.Select(mount => mount.Source));
    }

    [Fact]
    public void Services_of_two_files_that_extend_one_another_are_refused()
    {
        using var project = Of("services: {a: {extends: {file: b.yml, service: b}}}")
            .With("b.yml", "services: {b: {image: i, extends: {file: b.yml, service: b}}}");
        Assert.Equal("b.yml:1:35: services.b.extends: services extend one another: a -> b -> b", Assert.Single(project.Errors()));
    }

    [Fact]
    public void Included_files_have_their_own_folder_and_variables()
    {
        using var project = Of("""
            include:
              - db/compose.yaml
              - {path: [cache/a.yml, cache/b.yml], project_directory: ., env_file: cache.env}
            services:
              web: {image: i, depends_on: [db, cache], networks: [back]}
            """)
            .With("db/compose.yaml", "services: {db: {image: 'mysql:${TAG}', volumes: [./d:/d, vv:/v], networks: [back], secrets: [s]}}\nnetworks: {back: }\nvolumes: {vv: }\nsecrets: {s: {file: s.txt}}")
            .With("db/.env", "TAG=5.7\nWHO=db")
            .With("db/s.txt", "x")
            .With("cache/a.yml", "services: {cache: {image: 'redis:${TAG}', user: '${WHO}'}}")
            .With("cache/b.yml", "services: {cache: {volumes: [./c:/c]}}")
            .With("cache.env", "TAG=7\nWHO=cache")
            .With(("WHO", "caller"));
        var result = project.Good();
        Assert.Equal(["mysql:5.7", "redis:7", "i"], new[] { "db", "cache", "web" }.Select(name => result.Services[name].Image));
        Assert.Equal("caller", result.Services["cache"].User);
        Assert.Equal((project.Folder + "/db/d", project.Folder + "/c"), (result.Services["db"].Volumes[0].Source, result.Services["cache"].Volumes[0].Source));
        Assert.Equal(("shop_back", "shop_vv"), (result.Networks["back"].Name, result.Volumes["vv"].Name));
        Assert.Equal(project.Folder + "/db/s.txt", result.Secrets["s"].File);
    }

    [Fact]
    public void An_included_name_that_exists_already_is_an_error_and_so_is_a_missing_file()
    {
        using var project = Of("include: [x.yml, no.yml]\nservices: {a: {image: i}}").With("x.yml", "services: {a: {image: j}}");
        Assert.Equal(
            [
                $"compose.yaml:1:18: include: the file '{project.Folder}/no.yml' does not exist",
                "x.yml:1:12: services.a: is declared in an included file and in another one too",
            ],
            project.Errors().Order());
    }

    [Fact]
    public void Files_that_include_one_another_without_end_are_refused()
    {
        using var project = Of("include: [compose.yaml]\nservices: {a: {image: i}}");
        Assert.Contains(project.Errors(), error => error.EndsWith("files include one another more than 16 deep", StringComparison.Ordinal));
    }
}
