using Berth.Testing;

namespace Berth.EndToEnd.Tests.Builds;

/// <summary><c>berth build</c>: the daemon reads the folder where it lies, or gets it sent when it sees another one there.</summary>
public sealed class BuildVerbTests
{
    private const string Dockerfile =
        """
        FROM scratch
        COPY . /context/
        COPY --chmod=755 busybox /bin/sh
        CMD ["sh", "-c", "cd /context; echo *; cat note"]
        """;

    [Fact]
    public async Task A_folder_that_the_daemon_sees_is_built_where_it_lies_and_from_the_cache_the_second_time()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        var folder = await WriteContextAsync(daemon, cancellationToken);
        await File.WriteAllTextAsync(folder + "/.dockerignore", "secret*\n.dockerignore\n", cancellationToken);
        await File.WriteAllTextAsync(folder + "/secret.txt", "no", cancellationToken);
        var first = (await daemon.Berth(folder, "build", "-t", "here", ".").RunAsync(cancellationToken)).EnsureSuccess();
        Assert.DoesNotContain("Using cache", first.Output, StringComparison.Ordinal);
        var second = (await daemon.Berth(folder, "build", "-t", "here", ".").RunAsync(cancellationToken)).EnsureSuccess();
        Assert.Equal(2, second.Output.Split("Using cache").Length - 1);
        Assert.Equal("Dockerfile busybox note\nfrom the host\n", await RunAsync(daemon, "here", cancellationToken));
    }

    [Fact]
    public async Task A_dockerfile_outside_the_folder_is_used()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        var folder = await WriteContextAsync(daemon, cancellationToken);
        File.Move(folder + "/Dockerfile", daemon.Folder + "/Outside");
        (await daemon.Berth(folder, "build", "-f", "../Outside", "-t", "outside", ".").RunAsync(cancellationToken)).EnsureSuccess();
        Assert.Equal("busybox note\nfrom the host\n", await RunAsync(daemon, "outside", cancellationToken));
    }

    [Fact]
    public async Task A_folder_that_the_daemon_does_not_see_is_sent()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        var folder = await WriteContextAsync(daemon, cancellationToken);
        var inside = Directory.CreateDirectory(daemon.Folder + "/inside").FullName;
        var build = daemon.Berth(daemon.Folder, "build", "-t", "sent", inside);
        var script = $"mount -t tmpfs none {inside} && cp {folder}/* {inside}/ && echo from the caller >{inside}/note && exec \"$@\"";
        (await (build with { Program = "unshare", Arguments = ["--mount", "sh", "-c", script, "sh", build.Program, .. build.Arguments] }).RunAsync(cancellationToken)).EnsureSuccess();
        Assert.Equal("Dockerfile busybox note\nfrom the caller\n", await RunAsync(daemon, "sent", cancellationToken));
    }

    [Fact]
    public async Task A_daemon_that_is_killed_in_a_step_with_a_key_leaves_neither_agent_nor_step()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        var folder = await WriteContextAsync(daemon, cancellationToken);
        (await new Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder + "/key").RunAsync(cancellationToken)).EnsureSuccess();
        await File.WriteAllTextAsync(folder + "/Dockerfile", "FROM scratch\nCOPY --chmod=755 busybox /bin/sh\nRUN --mount=type=ssh sleep 86423\n", cancellationToken);
        var build = daemon.Berth(folder, "build", "--ssh", "default=key", ".").RunAsync(cancellationToken);
        await UntilAsync(() => Agents(daemon).Any() && Commands().Any(IsStep), cancellationToken);

        await daemon.KillAsync();
        Assert.NotEqual(0, (await build).ExitCode);
        await UntilAsync(() => !Agents(daemon).Any(), cancellationToken);
        await daemon.RestartAsync(cancellationToken);

        Assert.DoesNotContain(Commands(), IsStep);
        Assert.Equal("", (await new Command("find", daemon.DataRoot, "-type", "s").RunAsync(cancellationToken)).EnsureSuccess().Output);
    }

    private static bool IsStep(string command) => command.Contains("sleep 86423", StringComparison.Ordinal) && !command.Contains("berth", StringComparison.Ordinal);

    private static IEnumerable<string> Agents(TestDaemon daemon) =>
        Commands().Where(command => command.Contains("ssh-agent -a " + daemon.Folder, StringComparison.Ordinal));

    private static IEnumerable<string> Commands()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(path[^1])))
        {
            string command;
            try
            {
                command = File.ReadAllText(folder + "/cmdline").Replace('\0', ' ');
            }
            catch (IOException)
            {
                continue; // it has ended meanwhile
            }

            yield return command;
        }
    }

    private static async Task UntilAsync(Func<bool> condition, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        while (!condition())
        {
            await Task.Delay(50, patience.Token); // processes of others tell nobody when they begin or end
        }
    }

    private static async Task<string> WriteContextAsync(TestDaemon daemon, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateDirectory(daemon.Folder + "/context").FullName;
        File.Copy("/usr/bin/busybox", folder + "/busybox");
        await File.WriteAllTextAsync(folder + "/note", "from the host\n", cancellationToken);
        await File.WriteAllTextAsync(folder + "/Dockerfile", Dockerfile, cancellationToken);
        return folder;
    }

    private static async Task<string> RunAsync(TestDaemon daemon, string image, CancellationToken cancellationToken) =>
        (await daemon.Berth(daemon.Folder, "run", "--rm", "--network", "none", image).RunAsync(cancellationToken)).EnsureSuccess().Output;
}
