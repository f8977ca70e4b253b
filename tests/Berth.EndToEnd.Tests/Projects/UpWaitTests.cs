using System.Net;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Projects;

/// <summary><c>berth up --wait</c> for services without a health check.</summary>
public sealed class UpWaitTests
{
    [Fact]
    public async Task Whoever_asks_after_up_wait_is_answered_though_the_program_opens_its_port_late()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        var port = Ports.Free();
        var folder = await WriteProjectAsync(daemon, port, "sleep 1.5; exec httpd -f -p 80", cancellationToken);
        (await daemon.Berth(folder, "up", "-d", "--wait").RunAsync(cancellationToken)).EnsureSuccess();
        using var client = new HttpClient();
        using var answer = await client.GetAsync(new Uri($"http://localhost:{port}/"), cancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode); // httpd's own: it serves no file
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task A_published_port_that_nothing_opens_is_told_and_does_not_fail_the_start()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        var folder = await WriteProjectAsync(daemon, Ports.Free(), "exec sleep 1000", cancellationToken);
        var result = (await daemon.Berth(folder, "up", "-d", "--wait").RunAsync(cancellationToken)).EnsureSuccess();
        Assert.Contains("nothing in it has listened on its published port 80", result.Output + result.Error, StringComparison.Ordinal);

        // In its folder the project is meant; everything has to be asked for.
        (await daemon.Berth("/", "run", "-d", "--name", "another", "late-web", "sleep", "1000").RunAsync(cancellationToken)).EnsureSuccess();
        Assert.DoesNotContain("another", (await daemon.Berth(folder, "ps").RunAsync(cancellationToken)).EnsureSuccess().Output, StringComparison.Ordinal);
        Assert.Contains("another", (await daemon.Berth(folder, "ps", "--all-projects").RunAsync(cancellationToken)).EnsureSuccess().Output, StringComparison.Ordinal);
    }

    private static async Task<string> WriteProjectAsync(TestDaemon daemon, int port, string command, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateDirectory(daemon.Folder + "/late").FullName;
        File.Copy("/usr/bin/busybox", folder + "/busybox");
        await File.WriteAllTextAsync(
            folder + "/Dockerfile",
            """
            FROM scratch
            COPY --chmod=755 busybox /bin/busybox
            RUN ["/bin/busybox", "--install", "-s", "/bin"]
            """, cancellationToken);
        await File.WriteAllTextAsync(
            folder + "/compose.yaml",
            $"""
            services:
              web:
                build: .
                command: ["sh", "-c", "{command}"]
                init: false
                stop_grace_period: 0s
                ports: ["{port}:80"]
            """, cancellationToken);
        return folder;
    }
}
