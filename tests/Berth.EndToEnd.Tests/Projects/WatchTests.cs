using Berth.Testing;

namespace Berth.EndToEnd.Tests.Projects;

/// <summary><c>watch</c>: containers follow the files of whoever develops them.</summary>
[Trait("Speed", "slow")]
public sealed class WatchTests() : ProjectTests("bench")
{
    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Directory.CreateDirectory(Folder + "/app/deep");
        Directory.CreateDirectory(Folder + "/conf");
        await WriteAsync("app/page", "first\n");
        await WriteAsync("conf/settings", "one\n");
        await WriteAsync("Dockerfile", "FROM box\nCOPY app /app\nCOPY conf /conf\nCMD [\"sh\", \"-c\", \"cat /conf/settings; exec sleep 1000\"]\n");
        await WriteAsync("compose.yaml", """
            services:
              web:
                build: .
                init: true
                stop_grace_period: 1s
                develop:
                  watch:
                    - {path: ./app, action: sync, target: /app, ignore: ['*.log']}
                    - {path: ./conf, action: sync+restart, target: /conf}
                    - {path: ./Dockerfile, action: rebuild}
                    - {path: ./hook, action: sync+exec, target: /hook, exec: {command: sh -c 'cat /hook >>/heard'}}
              other: {image: box, command: sleep 1000, init: true, stop_grace_period: 1s}
            """);
        await WriteAsync("hook", "");
    }

    [Fact]
    public async Task Containers_follow_the_files()
    {
        await using var watch = new TerminalCommand(Daemon.Berth(Folder, "watch"));
        await watch.UntilAsync("Watch enabled");
        var first = await BerthAsync("ps", "-q", "web");
        Assert.Equal("first", await InAsync("web", "cat /app/page"));

        await WriteAsync("app/ignored.log", "no\n");
        await WriteAsync("app/deep/new", "deep\n");
        await WriteAsync("app/page", "second\n");
        await HoldsAsync("web", "cat /app/page", "second");
        await HoldsAsync("web", "cat /app/deep/new", "deep");
        Assert.NotEqual(0, (await RunAsync("exec", "-T", "web", "ls", "/app/ignored.log")).ExitCode);
        File.Delete(Folder + "/app/deep/new");
        Directory.Move(Folder + "/app/deep", Folder + "/app/moved");
        await HoldsAsync("web", "ls /app", "moved\npage");

        Directory.Delete(Folder + "/app", recursive: true);
        await watch.UntilAsync("is gone: /app stays as it is");
        Assert.Equal("moved\npage", await InAsync("web", "ls /app"));
        await WriteAsync("app/page", "third\n");

        await WriteAsync("hook", "called\n");
        await HoldsAsync("web", "cat /heard", "called");
        Assert.Equal(first, await BerthAsync("ps", "-q", "web"));

        await WriteAsync("conf/settings", "two\n");
        await watch.UntilAsync("Restarting");
        await UntilAsync(async () => (await BerthAsync("logs", "--no-log-prefix", "web")).Contains("two", StringComparison.Ordinal), "the restarted program has the new settings");
        Assert.Equal(first, await BerthAsync("ps", "-q", "web"));

        await WriteAsync("Dockerfile", "FROM nowhere.invalid/none\n");
        await watch.UntilAsync("nowhere.invalid/none"); // told, and the watch goes on
        await WriteAsync("Dockerfile", "FROM box\nRUN [\"/bin/sh\", \"-c\", \"echo anew >/built\"]\nCOPY app /app\nCOPY conf /conf\nCMD [\"sleep\", \"1000\"]\n");
        await HoldsAsync("web", "cat /built", "anew");
        Assert.NotEqual(first, await BerthAsync("ps", "-q", "web"));
    }

    [Fact]
    public async Task Without_anything_to_watch_that_is_said()
    {
        Assert.Contains("none of the selected services is configured for watch", (await RunAsync("watch", "--no-up", "other")).Error, StringComparison.Ordinal);
        await ReplaceAsync("compose.yaml", "path: ./conf", "path: ./confs");
        var missing = await RunAsync("watch", "--no-up");
        Assert.Equal((1, true), (missing.ExitCode, missing.Error.Contains("/confs', which is to be watched, does not exist", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_watch_removes_the_images_that_it_has_built_itself()
    {
        await BerthAsync("up", "-d", "web");
        var first = await ImageAsync();
        await using var watch = new TerminalCommand(Daemon.Berth(Folder, "compose", "watch", "--no-up", "--quiet"));
        await watch.UntilAsync("Watch enabled");
        var second = await RebuildAsync("second");
        var third = await RebuildAsync("third");
        await UntilAsync(async () => (await RunAsync("docker", "image", "inspect", second)).ExitCode != 0, "the second image is gone");
        await BerthAsync("docker", "image", "inspect", third);
        await BerthAsync("docker", "image", "inspect", first); // a release may need it

        async Task<string> RebuildAsync(string what)
        {
            await WriteAsync("Dockerfile", $"FROM box\nCOPY app /app\nCOPY conf /conf\nRUN [\"/bin/sh\", \"-c\", \"echo {what} >/built\"]\nCMD [\"sleep\", \"1000\"]\n");
            await HoldsAsync("web", "cat /built", what);
            return await ImageAsync();
        }

        Task<string> ImageAsync() => BerthAsync("docker", "image", "inspect", "--format", "{{.Id}}", "bench-web");
    }

    private Task HoldsAsync(string service, string command, string expected) => UntilAsync(
        async () => (await RunAsync(["exec", "-T", service, .. command.Split(' ')])).Output.Trim() == expected, $"'{command}' prints '{expected}'");

    // What follows a change has no event that another program could wait for.
    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, $"not within 60 s: {what}");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }
}
