using System.Globalization;
using System.Text.Json;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary>Ctrl-C while a release is under way, on a terminal and without one; and what machines read of it.</summary>
[Trait("Speed", "slow")]
public sealed class ReleaseInterruptTests(SmallSite site) : IClassFixture<SmallSite>
{
    private const string Interrupt = "\x03";
    private const string Slow = "sleep 4; printf $RELEASE >index.html; exec httpd -f -p 8080 -h .";

    [Fact]
    public async Task On_a_terminal_it_asks_and_undo_takes_the_release_back()
    {
        var project = await StartedAsync("undone");
        await project.WriteAsync(2, Slow);
        await using var terminal = new TerminalCommand(project.Command("up", "-d"));
        await terminal.UntilAsync("Waiting until ready");
        await terminal.TypeAsync(Interrupt);
        await terminal.UntilAsync("Release 2 is under way. [d]etach: it goes on alone; [u]ndo: take it back; Enter: go on waiting?");
        await terminal.TypeAsync("u\n");
        Assert.Equal(130, await terminal.EndAsync());
        Assert.Contains("Release 2 of 'undone' was called back by", terminal.Shown, StringComparison.Ordinal);
        Assert.Contains("release 1 serves.", terminal.Shown, StringComparison.Ordinal);
        Assert.Equal("1", await project.AnswerAsync());
        Assert.Equal(["2 failed", "1 done"], await project.ReleasesAsync());
        Assert.Equal(project.ContainerName, await project.ContainersAsync());
    }

    [Fact]
    public async Task Undo_takes_back_a_stop_first_release_too()
    {
        var project = await StartedAsync("undone-alone", "x-berth: {roll: stop-first}");
        await project.WriteAsync(2, Slow, "x-berth: {roll: stop-first}");
        await using var terminal = new TerminalCommand(project.Command("up", "-d"));
        await terminal.UntilAsync("Waiting until ready");
        await terminal.TypeAsync(Interrupt);
        await terminal.UntilAsync("go on waiting?");
        await terminal.TypeAsync("undo\n");
        Assert.Equal(130, await terminal.EndAsync());
        Assert.Equal("1", await project.AnswerAsync());
        Assert.Equal(project.ContainerName, await project.ContainersAsync());
    }

    [Fact]
    public async Task Undo_takes_back_a_release_that_is_watched()
    {
        var project = await StartedAsync("undone-late");
        await project.WriteAsync(2);
        await using var terminal = new TerminalCommand(project.Command("deploy", "--watch", "5m"));
        await terminal.UntilAsync("Watching");
        Assert.Equal("2", await project.AnswerAsync());
        await terminal.TypeAsync(Interrupt);
        await terminal.UntilAsync("go on waiting?");
        await terminal.TypeAsync("\n"); // go on: the table is drawn again
        await terminal.UntilAsync("[+]", terminal.Shown.Split("[+]").Length);
        await terminal.TypeAsync(Interrupt);
        await terminal.UntilAsync("go on waiting?", times: 2);
        await terminal.TypeAsync("u\n");
        Assert.Equal(130, await terminal.EndAsync());
        Assert.Contains("Release 2 of 'undone-late' went back: called back by", terminal.Shown, StringComparison.Ordinal);
        Assert.Equal("1", await project.AnswerAsync());
        Assert.Equal(["2 went back", "1 done"], await project.ReleasesAsync());
    }

    [Fact]
    public async Task On_a_terminal_detach_lets_it_go_on_alone()
    {
        var project = await StartedAsync("detached");
        await project.WriteAsync(2, Slow);
        await using var terminal = new TerminalCommand(project.Command("up", "-d", "--no-watch"));
        await terminal.UntilAsync("Waiting until ready");
        await terminal.TypeAsync(Interrupt);
        await terminal.UntilAsync("go on waiting?");
        await terminal.TypeAsync("d\n");
        Assert.Equal(130, await terminal.EndAsync());
        Assert.Contains("Release 2 goes on without this command. 'berth releases' shows how it ends; 'berth rollback' takes it back.", terminal.Shown, StringComparison.Ordinal);
        Assert.Equal(["2 running", "1 done"], await project.ReleasesAsync());
        await UntilDoneAsync(project);
        Assert.Equal("2", await project.AnswerAsync());
    }

    [Theory]
    [InlineData("-INT", 130)]
    [InlineData("-HUP", 129)] // a lost connection
    [InlineData("-KILL", 137)]
    [Trait("Speed", "slow")]
    public async Task Without_a_terminal_it_goes_on_alone(string signal, int exitCode)
    {
        var project = await StartedAsync("alone" + signal.ToLower(CultureInfo.InvariantCulture));
        await project.WriteAsync(2, Slow);
        var command = project.Command("up", "-d", "--no-watch");
        var words = string.Join(' ', command.Arguments.Prepend(command.Program).Select(word => $"'{word}'"));
        // The shell sends the signal once the new copy is waited for.
        var script = $"set -m; mkfifo seen; {words} 2>seen & up=$!; while read -r line; do case $line in *'Waiting until ready'*) kill {signal} $up;; esac; done <seen; wait $up";
        var ended = await new Command("bash", "-c", script) { WorkingDirectory = command.WorkingDirectory, Environment = command.Environment }.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(exitCode, ended.ExitCode);
        Assert.Equal(["2 running", "1 done"], await project.ReleasesAsync());
        await UntilDoneAsync(project);
        Assert.Equal("2", await project.AnswerAsync());
    }

    [Fact]
    public async Task Machines_read_a_json_object_for_each_step_and_the_end()
    {
        var project = await StartedAsync("machine");
        await project.WriteAsync(2);
        var up = (await project.RunAsync("up", "-d", "--no-watch", "--json")).EnsureSuccess();
        Assert.Equal("", up.Error);
        var lines = up.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Contains(lines, line => line.TryGetProperty("kind", out var kind) && kind.GetString() == "release" && line.GetProperty("status").GetString() == "Release 2");
        Assert.Contains(lines, line => line.TryGetProperty("status", out var status) && status.GetString() == "Serving" && line.GetProperty("name").GetString() == project.ContainerName);
        Assert.Equal(0, lines[^1].GetProperty("exitCode").GetInt32());
        Assert.Equal(2, lines[^1].GetProperty("release").GetInt32());

        await project.WriteAsync(3, "exit 3");
        var failed = await project.RunAsync("up", "-d", "--json");
        Assert.Equal(1, failed.ExitCode);
        using var last = JsonDocument.Parse(failed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.Equal(1, last.RootElement.GetProperty("exitCode").GetInt32());
        Assert.Contains("release 2 serves", last.RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_words_of_a_check_are_shown_while_it_is_waited_for()
    {
        const string Checked = "healthcheck: {test: [CMD-SHELL, 'test -e there || { echo the well is dry; exit 1; }'], interval: 200ms, timeout: 1s, retries: 50}";
        var project = await StartedAsync("words");
        await project.WriteAsync(2, "sleep 2; printf $RELEASE >index.html; touch there; exec httpd -f -p 8080 -h .", Checked);
        var up = (await project.RunAsync("up", "-d", "--no-watch")).EnsureSuccess();
        Assert.Contains($"Container {project.ContainerName}  Waiting until ready  (its check ended with 1: the well is dry)", up.Error, StringComparison.Ordinal);
        Assert.Equal("2", await project.AnswerAsync());
    }

    private async Task<SmallProject> StartedAsync(string name, string keys = "")
    {
        var project = new SmallProject(site.Daemon, name);
        await project.WriteAsync(1, keys: keys);
        (await project.RunAsync("up", "-d", "--wait")).EnsureSuccess();
        return project;
    }

    private static async Task UntilDoneAsync(SmallProject project)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await project.ReleasesAsync())[0] != "2 done")
        {
            Assert.False(patience.IsCancellationRequested, "the release did not end by itself within 30 s");
            await Task.Delay(50, CancellationToken.None);
        }
    }
}
