using System.Globalization;
using System.Text.Json.Nodes;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Faults;

/// <summary>
/// The daemon is killed between any two side effects of an operation: after the next start the operation is whole or gone, it can be
/// repeated, and nothing is left. A first run records the places that the operation passes; then each one is the end of a run.
/// </summary>
public sealed class KillTests
{
    private static readonly Operation[] s_operations =
    [
        new("create", ["create", "--name", "victim", "-v", "xdata:/data", "--network", "net", "box", "true"])
        {
            CleanUp = [["rm", "-f", "victim"], ["volume", "rm", "-f", "xdata"]],
        },
        new("start", ["start", "victim"])
        {
            Prepare = [["create", "--name", "victim", "--network", "net", "-p", "127.0.0.1::80", "box", "sleep", "1000"]],
            Check = [("inspect -f {{.State.Status}} victim", ["running", "created", "exited"])],
            Repeat = [["start", "victim"], ["exec", "victim", "true"]], // its program has really begun
            CleanUp = [["rm", "-f", "victim"]],
        },
        new("stop", ["stop", "-t", "5", "victim"])
        {
            Prepare = [["run", "-d", "--name", "victim", "--network", "net", "box", "sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.05; done"]],
            Check = [("inspect -f {{.State.Status}}/{{.State.ExitCode}} victim", ["running/0", "exited/7"])],
            Repeat = [["stop", "-t", "5", "victim"]],
            CleanUp = [["rm", "-f", "victim"]],
        },
        new("remove", ["rm", "-f", "-v", "victim"])
        {
            Prepare = [["run", "-d", "--name", "victim", "--network", "net", "-v", "/anonymous", "box", "sleep", "1000"]],
            Check = [("ps -a --format {{.Names}}", ["victim", ""])],
            CleanUp = [["rm", "-f", "-v", "victim"], ["volume", "prune", "-f"]],
        },
        new("exec", ["exec", "victim", "sh", "-c", "echo there; sleep 0.2"])
        {
            Prepare = [["run", "-d", "--name", "victim", "--init", "box", "sleep", "1000"]],
            Check = [("inspect -f {{.State.Status}} victim", ["running"])],
            Repeat = [["exec", "victim", "true"]],
            CleanUp = [["rm", "-f", "victim"]],
        },
        new("network create", ["network", "create", "made"])
        {
            Check = [("network ls --format {{.Name}} --filter name=made", ["made", ""])],
            CleanUp = [["network", "rm", "made"]],
        },
        new("network remove", ["network", "rm", "made"])
        {
            Prepare = [["network", "create", "made"], ["run", "--rm", "--network", "made", "box", "true"]],
            Check = [("network ls --format {{.Name}} --filter name=made", ["made", ""])],
            CleanUp = [["network", "rm", "made"]],
        },
        new("network connect", ["network", "connect", "more", "victim"])
        {
            Prepare = [["network", "create", "more"], ["run", "-d", "--name", "victim", "--network", "net", "-p", "127.0.0.1::80", "box", "sleep", "1000"]],
            Check = [("inspect -f {{.State.Status}} victim", ["running"])],
            Examine = (daemon, what) => ExamineLinksAsync(daemon, what, "connect", "more"),
            CleanUp = [["rm", "-f", "victim"], ["network", "rm", "more"]],
        },
        new("network disconnect", ["network", "disconnect", "net", "victim"])
        {
            Prepare = [["network", "create", "more"], ["run", "-d", "--name", "victim", "--network", "net", "box", "sleep", "1000"], ["network", "connect", "more", "victim"]],
            Check = [("inspect -f {{.State.Status}} victim", ["running"])],
            Examine = (daemon, what) => ExamineLinksAsync(daemon, what, "disconnect", "net"),
            CleanUp = [["rm", "-f", "victim"], ["network", "rm", "more"]],
        },
        new("volume create", ["volume", "create", "made"])
        {
            Check = [("volume ls -q", ["made", ""])],
            Repeat = [["volume", "create", "made"]],
            CleanUp = [["volume", "rm", "made"]],
        },
        new("volume remove", ["volume", "rm", "made"])
        {
            Prepare = [["volume", "create", "made"]],
            Check = [("volume ls -q", ["made", ""])],
            CleanUp = [["volume", "rm", "-f", "made"]],
        },
        new("build", ["build", "--no-cache", "-t", "made", "{context}"])
        {
            Check = [("images -q --no-trunc made", null)],
            Repeat = [["build", "-t", "made", "{context}"], ["run", "--rm", "made", "cat", "/file"]],
            CleanUp = [["rmi", "made"]],
        },
        new("load", ["load", "-i", "{archive}"])
        {
            Check = [("images -q --no-trunc loaded", null)],
            Repeat = [["load", "-i", "{archive}"], ["run", "--rm", "loaded", "cat", "/loaded"]],
            CleanUp = [["rmi", "loaded"]],
        },
        new("commit", ["commit", "victim", "made"])
        {
            Prepare = [["run", "-d", "--name", "victim", "box", "sh", "-c", "echo text >/desk/file; exec sleep 1000"]],
            Check = [("inspect -f {{.State.Status}} victim", ["running"])], // and not frozen
            Repeat = [["exec", "victim", "true"], ["commit", "victim", "made"], ["run", "--rm", "made", "cat", "/desk/file"]],
            CleanUp = [["rm", "-f", "victim"], ["rmi", "made"]],
        },
        new("import", ["import", "{files}", "made"])
        {
            Check = [("images -q --no-trunc made", null)],
            Repeat = [["import", "{files}", "made"], ["run", "--rm", "made", "/bin/true"]],
            CleanUp = [["rmi", "made"]],
        },
        new("update", ["update", "--memory", "64m", "--memory-swap", "64m", "victim"])
        {
            Prepare = [["run", "-d", "--name", "victim", "box", "sleep", "1000"]],
            Check = [("inspect -f {{.State.Status}}/{{.HostConfig.Memory}} victim", ["running/0", "running/67108864"])],
            Repeat = [["update", "--memory", "64m", "--memory-swap", "64m", "victim"]],
            CleanUp = [["rm", "-f", "victim"]],
        },
        new("restart", ["restart", "-t", "5", "victim"])
        {
            Prepare = [["run", "-d", "--name", "victim", "--network", "net", "box", "sh", "-c", "echo started >>starts; trap 'exit 7' TERM; while :; do sleep 0.05; done"]],
            Examine = async (daemon, what) =>
            {
                // Whoever asks for a restart wants it to run: as it did, or anew, with the count that its program keeps.
                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
                while ((await BerthAsync(daemon, ["exec", "victim", "sh", "-c", "[ $(wc -l <starts) = 2 ]"])).ExitCode != 0)
                {
                    Assert.False(patience.IsCancellationRequested, $"{what}: it was not started again");
                    await Task.Delay(50, CancellationToken.None);
                }

                await RunAllAsync(daemon, [["restart", "-t", "5", "victim"], ["exec", "victim", "true"]]);
            },
            CleanUp = [["rm", "-f", "victim"]],
        },
        new("kill", ["kill", "victim"])
        {
            Prepare = [["run", "-d", "--name", "victim", "--network", "net", "--restart", "always", "box", "sleep", "1000"]],
            Check = [("inspect -f {{.State.Status}} victim", ["running", "exited"])],
            Repeat = [["restart", "victim"], ["exec", "victim", "true"]],
            CleanUp = [["rm", "-f", "victim"]],
        },
        new("pause", ["pause", "victim"])
        {
            Prepare = [["run", "-d", "--name", "victim", "box", "sleep", "1000"]],
            Check = [("inspect -f {{.State.Status}} victim", ["running", "paused"])],
            Examine = async (daemon, what) =>
            {
                await RunAllAsync(daemon, [["unpause", "victim"]], mayFail: true); // if it was not paused yet
                Assert.True((await BerthAsync(daemon, ["exec", "victim", "true"])).ExitCode == 0, what);
            },
            CleanUp = [["rm", "-f", "victim"]],
        },
        new("rename", ["rename", "victim", "renamed"])
        {
            Prepare = [["run", "-d", "--name", "victim", "--network", "net", "box", "sleep", "1000"]],
            Check = [("ps --format {{.Names}}", ["victim", "renamed"])],
            CleanUp = [["rm", "-f", "victim", "renamed"]],
        },
        new("prune of containers", ["container", "prune", "-f"])
        {
            Prepare = [["create", "--name", "victim", "-v", "/anonymous", "box"], ["run", "--name", "second", "--network", "net", "box", "true"], ["run", "-d", "--name", "third", "box", "sleep", "1000"]],
            Check = [("ps --format {{.Names}}", ["third"])],
            Repeat = [["container", "prune", "-f"], ["exec", "third", "true"]],
            CleanUp = [["rm", "-f", "third"], ["volume", "prune", "-f"]],
        },
        new("prune of volumes", ["volume", "prune", "-a", "-f"])
        {
            Prepare = [["volume", "create", "made"], ["run", "--name", "victim", "-v", "kept:/data", "box", "true"], ["run", "--rm", "-v", "full:/data", "box", "touch", "/data/file"]],
            Check = [("volume ls -q --filter name=kept", ["kept"])],
            Repeat = [["volume", "prune", "-a", "-f"]],
            CleanUp = [["rm", "-f", "victim"], ["volume", "rm", "-f", "kept", "made", "full"]],
        },
        new("prune of networks", ["network", "prune", "-f"])
        {
            Prepare = [["network", "create", "made"], ["network", "create", "kept"], ["run", "-d", "--name", "victim", "--network", "kept", "box", "sleep", "1000"]],
            Check = [("network ls --format {{.Name}} --filter name=kept", ["kept"])],
            Repeat = [["network", "prune", "-f"], ["exec", "victim", "true"]],
            CleanUp = [["rm", "-f", "victim"], ["network", "rm", "kept"]],
        },
        new("prune of images", ["image", "prune", "-f"])
        {
            Prepare = [["build", "--no-cache", "-q", "-t", "made", "{context}"], ["tag", "box", "made"]],
            Check = [("image inspect -f {{.Id}} box", null)],
            Repeat = [["image", "prune", "-f"], ["run", "--rm", "box", "true"], ["build", "-q", "-t", "made", "{context}"], ["run", "--rm", "made", "cat", "/file"]],
            CleanUp = [["rmi", "made"]],
        },
        new("start with parts of a volume", ["start", "victim"])
        {
            Prepare =
            [
                ["run", "--rm", "-v", "parts:/all", "box", "sh", "-c", "mkdir -p /all/one; echo text >/all/one/file"],
                ["volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "memory"],
                ["create", "--name", "victim", "--mount", "type=volume,src=parts,dst=/one,volume-subpath=one", "-v", "memory:/memory", "box", "sleep", "1000"],
            ],
            Check = [("inspect -f {{.State.Status}} victim", ["running", "created", "exited"])],
            Repeat = [["start", "victim"], ["exec", "victim", "cat", "/one/file"], ["exec", "victim", "touch", "/memory/file"]],
            CleanUp = [["rm", "-f", "victim"], ["volume", "rm", "-f", "parts"], ["volume", "rm", "-f", "memory"]],
        },
    ];

    public static TheoryData<string> Names => [.. s_operations.Select(operation => operation.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    [Trait("Speed", "slow")]
    public Task In_the_middle(string name) => KillEverywhereAsync(name, count => [(count + 1) / 2]);

    [Theory]
    [MemberData(nameof(Names))]
    [Trait("Speed", "long")]
    public Task At_every_place(string name) => KillEverywhereAsync(name, count => Enumerable.Range(1, count));

    private static async Task KillEverywhereAsync(string name, Func<int, IEnumerable<int>> choose)
    {
        var operation = s_operations.First(one => one.Name == name);
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        await PrepareDaemonAsync(daemon, cancellationToken);

        // The recording run, which also makes what stays for the daemon's life: the groups above all containers'.
        await RunAllAsync(daemon, operation.Prepare);
        await daemon.PlanFaultAsync("record");
        (await BerthAsync(daemon, operation.Run)).EnsureSuccess();
        var points = await daemon.EndFaultPlanAsync();
        await RunAllAsync(daemon, operation.CleanUp, mayFail: true);
        Assert.NotEmpty(points);

        var left = await Leftovers.SinceAsync(daemon);
        foreach (var number in choose(points.Count))
        {
            await RunAllAsync(daemon, operation.Prepare);
            await daemon.PlanFaultAsync(number.ToString(CultureInfo.InvariantCulture));
            await BerthAsync(daemon, operation.Run); // the daemon dies meanwhile
            var passed = await daemon.EndFaultPlanAsync();
            var what = $"{name}, killed at place {number} of {points.Count} ({string.Join(", ", passed)})";
            await daemon.UntilEndedAsync(TimeSpan.FromSeconds(passed.Count < number ? 0 : 10)); // its clients hear of it a moment before we do
            Assert.True(daemon.HasEnded || passed.Count < number, $"{what}: the daemon did not end"); // what is done beside each other may pass fewer places
            await daemon.RestartAsync(cancellationToken);
            foreach (var (question, answers) in operation.Check)
            {
                var answer = (await BerthAsync(daemon, question.Split(' '))).EnsureSuccess().Output.Trim();
                Assert.True(answers is null || answers.Contains(answer), $"{what}: '{question}' answers '{answer}'");
            }

            foreach (var command in operation.Repeat)
            {
                var repeated = await BerthAsync(daemon, command);
                Assert.True(repeated.ExitCode == 0, $"{what}: then '{repeated.Command}' ended with {repeated.ExitCode}: {repeated.Error}");
            }

            await operation.Examine(daemon, what);
            await RunAllAsync(daemon, operation.CleanUp, mayFail: true);
            Assert.Equal("", (await BerthAsync(daemon, ["ps", "-aq"])).EnsureSuccess().Output);
            Assert.Equal("", (await BerthAsync(daemon, ["volume", "ls", "-q"])).EnsureSuccess().Output);
            var found = await left.FindAsync();
            Assert.True(found.Count == 0, $"{what}: left\n{string.Join('\n', found)}");
        }
    }

    /// <summary>The container's links are those that the daemon tells, with a way out, before and after the operation is done if it was not.</summary>
    private static async Task ExamineLinksAsync(TestDaemon daemon, string what, string verb, string network)
    {
        var networks = await AssertAsync();
        if (networks.ContainsKey(network) != (verb == "connect"))
        {
            await RunAllAsync(daemon, [["network", verb, network, "victim"]]);
            networks = await AssertAsync();
        }

        Assert.Equal(verb == "connect", networks.ContainsKey(network));

        async Task<JsonObject> AssertAsync()
        {
            var recorded = JsonNode.Parse((await BerthAsync(daemon, ["inspect", "-f", "{{json .NetworkSettings.Networks}}", "victim"])).EnsureSuccess().Output)!.AsObject();
            var links = (await BerthAsync(daemon, ["exec", "victim", "ip", "-o", "-4", "addr", "show"])).EnsureSuccess().Output;
            var addresses = recorded.Select(pair => pair.Value!["IPAddress"]!.GetValue<string>()).Append("127.0.0.1").Order();
            Assert.True(addresses.SequenceEqual(links.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split("inet ")[1].Split('/')[0]).Order()), $"{what}: recorded {recorded}, there\n{links}");
            Assert.Contains("default via", (await BerthAsync(daemon, ["exec", "victim", "ip", "route"])).EnsureSuccess().Output, StringComparison.Ordinal);
            return recorded;
        }
    }

    private static async Task PrepareDaemonAsync(TestDaemon daemon, CancellationToken cancellationToken)
    {
        await BoxImage.BuildAsync(daemon, cancellationToken);
        var context = Directory.CreateDirectory(daemon.Folder + "/context").FullName;
        await File.WriteAllTextAsync(context + "/Dockerfile", "FROM box\nCOPY Dockerfile /copied\nRUN sleep 0.1 && echo made >/file\nLABEL a=b\n", cancellationToken);
        var loaded = Directory.CreateDirectory(daemon.Folder + "/loaded").FullName;
        await File.WriteAllTextAsync(loaded + "/Dockerfile", "FROM box\nRUN echo loaded >/loaded\n", cancellationToken);
        await RunAllAsync(daemon,
        [
            ["network", "create", "net"], ["run", "--rm", "--network", "net", "box", "true"],
            ["build", "-q", "-t", "loaded", loaded], ["save", "-o", Archive(daemon), "loaded"], ["rmi", "loaded"],
            ["create", "--name", "flat", "box"], ["export", "-o", Files(daemon), "flat"], ["rm", "flat"],
        ]);
        using var pruned = await daemon.Api.PostAsync("build/prune?all=1", null, cancellationToken); // so that loading has all to do
        pruned.EnsureSuccessStatusCode();
    }

    private static string Files(TestDaemon daemon) => daemon.Folder + "/files.tar";

    private static string Archive(TestDaemon daemon) => daemon.Folder + "/loaded.tar";

    private static async Task RunAllAsync(TestDaemon daemon, string[][] commands, bool mayFail = false)
    {
        foreach (var command in commands)
        {
            var result = await BerthAsync(daemon, command);
            if (!mayFail)
            {
                result.EnsureSuccess();
            }
        }
    }

    private static Task<CommandResult> BerthAsync(TestDaemon daemon, string[] arguments) =>
        daemon.Berth("/", ["docker", .. arguments.Select(word => word.Replace("{context}", daemon.Folder + "/context", StringComparison.Ordinal).Replace("{archive}", Archive(daemon), StringComparison.Ordinal)
            .Replace("{files}", Files(daemon), StringComparison.Ordinal))])
            .RunAsync(TestContext.Current.CancellationToken);

    /// <summary>What is interrupted.</summary>
    /// <param name="Run">Words after <c>berth docker</c>.</param>
    private sealed record Operation(string Name, string[] Run)
    {
        /// <summary>Run before.</summary>
        public string[][] Prepare { get; init; } = [];

        /// <summary>Questions after the next start, and what may be answered; null for anything.</summary>
        public (string Question, string[]? Answers)[] Check { get; init; } = [];

        /// <summary>What must work after the next start, whatever was done.</summary>
        public string[][] Repeat { get; init; } = [];

        /// <summary>Asserts on more after the next start; its text says where the daemon was killed.</summary>
        public Func<TestDaemon, string, Task> Examine { get; init; } = (_, _) => Task.CompletedTask;

        /// <summary>Takes away what may be there.</summary>
        public string[][] CleanUp { get; init; } = [];
    }
}
