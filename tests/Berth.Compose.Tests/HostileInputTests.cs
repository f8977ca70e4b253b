namespace Berth.Compose.Tests;

/// <summary>Whatever a file holds, loading ends with a project or with errors, never with an exception.</summary>
public class HostileInputTests
{
    private const string Compose = """
        name: x${A:-b}
        x-a: &a {restart: on-failure:3, environment: {A: "${B:-c}", D: }}
        include: [e.yml]
        services:
          web:
            <<: *a
            extends: {file: e.yml, service: base}
            build: {context: ., args: [A=1, B]}
            command: ["a", 'b c']
            entrypoint: x "y z"
            ports: ["127.0.0.1:80-81:80-81/udp", 443, {target: 80, published: "8080-8090"}]
            expose: ["9-10/udp"]
            volumes: ["./a:/b:ro,z", v:/v, {type: tmpfs, target: /t, tmpfs: {size: 64m, mode: 1777}}]
            depends_on: {db: {condition: service_healthy, restart: true}}
            healthcheck: {test: [CMD, a], interval: 1m30s, retries: 3}
            deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 5g}}}
            networks: {n: {aliases: [a], ipv4_address: 10.0.0.2}}
            devices: ["/dev/a:/dev/b:r"]
            extra_hosts: ["a=::1", "b:10.0.0.1"]
            ulimits: {nofile: {soft: 1, hard: 2}, nproc: 5}
            env_file: [{path: .env, required: false}]
            secrets: [s, {source: s, target: /t, mode: 0440}]
            tmpfs: /run
            labels: [a=b]
          db: {image: m, profiles: [p]}
        networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}
        volumes: {v: {external: {name: w}}}
        secrets: {s: {file: .env}}
        """;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Damaged_files_are_told_not_thrown(int seed)
    {
        var random = new Random(seed);
        using var project = new Project().With("e.yml", "services: {base: {image: i, extends: other}, other: {build: , volumes: [~/x:/y]}}");
        for (var round = 0; round < 400; round++)
        {
            project.With("compose.yaml", Damage(Compose, random)).With(".env", Damage("A=1\nB='x'\nC=\"y\\n$A\" # c\nexport D=${E:-f}\n", random));
            var result = project.Load();
            Assert.True(result.Project is not null || result.Errors.Count > 0);
            Assert.All(result.Errors, error => Assert.False(error.Line < 0 || error.Message.Length == 0));
            if (result.Project is not null)
            {
                Output.ComposeWriter.Write(result.Project);
            }
        }
    }

    [Fact]
    public void Values_that_repeat_others_end_in_an_error_and_not_in_gigabytes()
    {
        var doubling = "A=" + new string('a', 1000) + "\n" + string.Concat(Enumerable.Repeat("A=$A$A\n", 9));
        using var project = new Project().With(".env", doubling + string.Concat(Enumerable.Range(0, 5000).Select(number => $"B{number}=\"${{A}}\"\n"))).With("compose.yaml", "services: {web: {image: i}}");
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(project.Load().Errors, error => error.Message.Contains("the values grow beyond 8 MiB in all", StringComparison.Ordinal));
        project.With(".env", doubling).With("compose.yaml", "services: {web: {image: i, command: [" + string.Join(", ", Enumerable.Repeat("$A", 5000)) + "]}}");
        Assert.Contains(project.Load().Errors, error => error.Message.Contains("the file grows beyond 8 MiB", StringComparison.Ordinal));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 400 << 20);
    }

    /// <summary>Removes, doubles and swaps pieces, and puts in characters that mean something.</summary>
    internal static string Damage(string text, Random random)
    {
        const string Signs = "{}[]:,-\"'#&*!|>$%@`\\ \n\t~?=/<\0é0";
        var characters = text.ToList();
        for (var change = random.Next(1, 6); change > 0; change--)
        {
            var at = random.Next(characters.Count);
            switch (random.Next(3))
            {
                case 0:
                    characters.RemoveRange(at, Math.Min(random.Next(1, 12), characters.Count - at));
                    break;
                case 1:
                    characters.Insert(at, Signs[random.Next(Signs.Length)]);
                    break;
                default:
                    characters.InsertRange(at, characters.Skip(random.Next(characters.Count)).Take(random.Next(20)).ToList());
                    break;
            }
        }

        return new string([.. characters]);
    }
}
