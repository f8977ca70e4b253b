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
