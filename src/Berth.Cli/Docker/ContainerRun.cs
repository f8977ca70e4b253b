using System.Text.Json.Nodes;
using Berth.Client;

namespace Berth.Cli.Docker;

/// <summary>How a caller stays with a container.</summary>
internal sealed record RunStyle
{
    internal bool IsDetached { get; init; }

    internal bool IsTerminal { get; init; }

    internal bool HasInput { get; init; }

    internal bool HasOutput { get; init; } = true;

    internal bool HasErrors { get; init; } = true;

    /// <summary>It is removed when it ends.</summary>
    internal bool AutoRemove { get; init; }

    /// <summary>Signals to this program go to the container's.</summary>
    internal bool PassesSignals { get; init; } = true;

    /// <summary>Null: the daemon's.</summary>
    internal string? DetachKeys { get; init; }

    internal string AttachQuery =>
        $"stream=1{(HasOutput ? "&stdout=1" : "")}{(HasErrors ? "&stderr=1" : "")}{(HasInput ? "&stdin=1" : "")}{(DetachKeys is { } keys ? "&detachKeys=" + DockerVerbs.Escape(keys) : "")}";
}

/// <summary>Starts a container that was made, and stays with it until it ends: the second half of every <c>run</c>.</summary>
internal static class ContainerRun
{
    /// <returns>The container's exit code; 125 to 127 when it could not be started.</returns>
    internal static async Task<int> RunAsync(CliContext context, string id, RunStyle style)
    {
        if (style.IsDetached)
        {
            await StartAsync(context, id).ConfigureAwait(false);
            context.Output.WriteLine(id);
            return 0;
        }

        await using var interaction = await Interaction.BeginAsync(context, $"/containers/{id}/attach?{style.AttachQuery}", null, style.IsTerminal, style.HasInput).ConfigureAwait(false);
        if (!style.IsTerminal && style.PassesSignals)
        {
            interaction.ForwardSignals(signal => SignalAsync(context, id, signal));
        }

        // Asked before the start, so that not even the shortest run is missed.
        await using var waiting = await context.Client.SendAsync("POST", $"/containers/{id}/wait?condition={(style.AutoRemove ? "removed" : "next-exit")}").ConfigureAwait(false);
        await StartAsync(context, id).ConfigureAwait(false);
        await interaction.FollowSizeAsync($"/containers/{id}/resize").ConfigureAwait(false);
        await interaction.CopyOutputAsync().ConfigureAwait(false);
        if (style.IsTerminal && await IsRunningAsync(context, id).ConfigureAwait(false))
        {
            return 0; // detached from by keys
        }

        return (int)(await waiting.ReadJsonAsync(CancellationToken.None).ConfigureAwait(false)).Number("StatusCode");
    }

    internal static async Task SignalAsync(CliContext context, string id, string signal)
    {
        try
        {
            await context.Client.RequestAsync("POST", $"/containers/{id}/kill?signal={signal}").ConfigureAwait(false);
        }
        catch (DaemonException exception) when (exception.Status is 404 or 409)
        {
            return; // it has ended
        }
    }

    private static async Task StartAsync(CliContext context, string id)
    {
        try
        {
            await context.Client.RequestAsync("POST", $"/containers/{id}/start").ConfigureAwait(false);
        }
        catch (DaemonException exception)
        {
            throw new CliException(ExitCode(exception.Message), exception.Message);
        }
    }

    /// <summary>Docker's codes: 127 for a program that is not there, 126 for one that cannot be run, 125 for the rest.</summary>
    internal static int ExitCode(string message) =>
        message.Contains("executable file not found", StringComparison.OrdinalIgnoreCase) || message.Contains("no such file or directory", StringComparison.OrdinalIgnoreCase) ? 127
        : message.Contains("permission denied", StringComparison.OrdinalIgnoreCase) || message.Contains("is a directory", StringComparison.OrdinalIgnoreCase) ? 126
        : 125;

    private static async Task<bool> IsRunningAsync(CliContext context, string id)
    {
        try
        {
            return (await context.Client.RequestAsync("GET", $"/containers/{id}/json").ConfigureAwait(false))?["State"].Flag("Running") ?? false;
        }
        catch (DaemonException exception) when (exception.Status == 404)
        {
            return false;
        }
    }

    /// <summary>Runs a command in a running container.</summary>
    internal static async Task<int> ExecAsync(CliContext context, string id, JsonObject config, bool isDetached, bool isTerminal, bool hasInput)
    {
        Interaction.RequireTerminal(isTerminal, hasInput);
        var exec = (await context.Client.RequestAsync("POST", $"/containers/{Uri.EscapeDataString(id)}/exec", config).ConfigureAwait(false)).Text("Id");
        if (isDetached)
        {
            await context.Client.RequestAsync("POST", $"/exec/{exec}/start", new JsonObject { ["Detach"] = true, ["Tty"] = isTerminal }).ConfigureAwait(false);
            return 0;
        }

        try
        {
            await using var interaction = await Interaction.BeginAsync(
                context, $"/exec/{exec}/start", new JsonObject { ["Detach"] = false, ["Tty"] = isTerminal }, isTerminal, hasInput).ConfigureAwait(false);
            await interaction.FollowSizeAsync($"/exec/{exec}/resize").ConfigureAwait(false);
            await interaction.CopyOutputAsync().ConfigureAwait(false);
        }
        catch (DaemonException exception) when (exception.Status is 400 or 500)
        {
            throw new CliException(ExitCode(exception.Message) is var code and not 125 ? code : 126, exception.Message);
        }

        return (int)(await context.Client.RequestAsync("GET", $"/exec/{exec}/json").ConfigureAwait(false)).Number("ExitCode");
    }
}
