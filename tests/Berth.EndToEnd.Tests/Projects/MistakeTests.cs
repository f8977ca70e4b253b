using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Projects;

/// <summary>What users do wrong: one clear message, Docker's and Compose's exit codes, and never a stack trace.</summary>
public sealed class MistakeTests() : ProjectTests("project")
{
    [Fact]
    public async Task A_port_that_is_taken_is_told_with_its_holder()
    {
        using var listener = new TcpListener(IPAddress.Any, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var holder = $"(pid {Environment.ProcessId.ToString(CultureInfo.InvariantCulture)})";
        await FailsAsync(125, [$"Bind for 0.0.0.0:{port} failed: port is already allocated", holder], "run", "--rm", "-p", $"{port}:80", "box", "true");
        await WriteAsync("compose.yaml", $"services:\n  web:\n    image: box\n    command: sleep 1000\n    ports: ['{port}:80']\n");
        await FailsAsync(1, [$"Bind for 0.0.0.0:{port} failed", holder], "up", "-d");
        Assert.Equal("", await BerthAsync("docker", "ps", "-aq")); // refused before anything was made
    }

    [Fact]
    public Task An_image_that_nobody_has_is_told_with_where_it_was_looked_for() =>
        FailsAsync(125, ["127.0.0.1:1/no/such:1", "cannot be reached", "onnection refused"], "run", "--rm", "127.0.0.1:1/no/such:1");

    [Fact]
    public async Task Up_lists_all_images_that_cannot_be_had_before_it_starts_anything()
    {
        await WriteAsync("compose.yaml", "services:\n  a:\n    image: 127.0.0.1:1/first\n  b:\n    image: 127.0.0.1:1/second:2\n  c:\n    image: box\n");
        await FailsAsync(1, ["2 images cannot be had; nothing was started", "127.0.0.1:1/first (service a)", "127.0.0.1:1/second:2 (service b)", "registry-mirrors", "berth load"], "up", "-d");
        Assert.Equal("", await BerthAsync("docker", "ps", "-aq"));
    }

    [Fact]
    public async Task All_mistakes_of_a_compose_file_are_told_with_line_and_column()
    {
        await WriteAsync("compose.yaml", "services:\n  web:\n    image: box\n    prots: ['1:1']\n  db:\n    image: \"x:${Y:?must be set}\"\n    depends_on: [cache]\n");
        await FailsAsync(1, ["compose.yaml:4:5: services.web: unknown key 'prots'. Did you mean 'ports'?", "compose.yaml:6:12: ", "compose.yaml:7:5: "], "up", "-d");
    }

    [Fact]
    public async Task What_a_compose_file_names_is_not_waited_for_and_not_read_without_end()
    {
        const string Pipe = "no regular file but a pipe", Device = "no regular file but a character device";
        (string Command, string Line, string Words)[] cases =
        [
            ("mkfifo pipe.env", "env_file: pipe.env", Pipe), (":", "env_file: /dev/zero", Device), ("ln -s /dev/zero link.env", "env_file: link.env", Device),
            ("truncate -s 10G large.env", "env_file: large.env", "larger than 8 MiB"), ("mkfifo other.yaml", "extends: {file: other.yaml, service: a}", Pipe),
            (":", "extends: {file: /dev/zero, service: a}", Device),
        ];
        foreach (var (command, line, words) in cases)
        {
            (await new Command("sh", "-c", command) { WorkingDirectory = Folder }.RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess();
            await WriteAsync("compose.yaml", $"services:\n  web:\n    image: box\n    {line}\n");
            await FailsAsync(1, [words], "config", "-q");
        }
    }

    [Fact]
    public async Task What_a_context_holds_is_not_waited_for_and_not_read_without_end()
    {
        const string Pipe = "no regular file but a pipe", Device = "no regular file but a character device";
        (string Command, string Words)[] cases =
        [
            ("mkfifo Dockerfile", Pipe), ("mknod Dockerfile c 1 5", Device), ("truncate -s 10G Dockerfile", "10737418240 bytes"),
            ("echo FROM box >Dockerfile; mkfifo .dockerignore", Pipe), ("echo FROM box >Dockerfile; mknod .dockerignore c 1 5", Device),
        ];
        foreach (var (command, words) in cases)
        {
            (await new Command("sh", "-c", "rm -f Dockerfile .dockerignore; " + command) { WorkingDirectory = Folder }.RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess();
            await FailsAsync(1, [words], "build", ".");
        }
    }

    [Fact]
    public async Task Mistakes_of_a_Dockerfile_are_told_with_their_lines()
    {
        await WriteAsync("Dockerfile", "FROM box\nRUNN x\nCOPY a\n");
        await FailsAsync(1, ["Dockerfile:2:1: unknown instruction 'RUNN'. Did you mean 'RUN'?", "Dockerfile:3:6: "], "build", ".");
        await WriteAsync("Dockerfile", "FROM box\nCOPY missing /\n");
        await FailsAsync(1, ["Dockerfile:2: COPY failed: file not found in build context"], "build", ".");
        await WriteAsync("Dockerfile", "FROM box\nRUN exit 3\n");
        await FailsAsync(3, ["The command '/bin/sh -c exit 3' returned a non-zero code: 3"], "build", ".");
    }

    [Fact]
    public async Task Programs_that_cannot_be_run_end_with_Dockers_codes()
    {
        await FailsAsync(127, ["nothing-there"], "run", "--rm", "box", "nothing-there");
        await FailsAsync(126, ["failed to create task"], "run", "--rm", "box", "/desk");
        await FailsAsync(125, ["unknown flag: --nonsense"], "run", "--nonsense", "box");
        await FailsAsync(1, ["No such container: nobody"], "docker", "exec", "nobody", "true");
    }

    [Fact]
    public async Task Whoever_may_not_or_cannot_reach_the_daemon_is_told_what_to_do()
    {
        var ps = Daemon.Berth("/", "ps");
        const string script = "mount --bind \"$0\" /mnt && exec setpriv --reuid=65534 --regid=65534 --clear-groups /mnt/\"$@\""; // the checkout may lie where nobody else gets to
        var asNobody = await (ps with { Program = "unshare", Arguments = ["--mount", "sh", "-c", script, Path.GetDirectoryName(ps.Program)!, Path.GetFileName(ps.Program), .. ps.Arguments] }).RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1, asNobody.ExitCode);
        Assert.Contains("usermod -aG berth", asNobody.Error, StringComparison.Ordinal);
        await FailsAsync(1, ["No daemon answers at unix:///no/such.sock", "Start one with"], "-H", "unix:///no/such.sock", "ps");
    }

    private async Task FailsAsync(int exitCode, string[] fragments, params string[] words)
    {
        var result = await RunAsync(words);
        Assert.True(exitCode == result.ExitCode, $"{result.ExitCode}: {result.Output}{result.Error}");
        Assert.All(fragments, fragment => Assert.Contains(fragment, result.Error, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }
}
