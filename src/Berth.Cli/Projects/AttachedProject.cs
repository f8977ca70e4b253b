using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Berth.Cli.Output;
using Berth.Client;

namespace Berth.Cli.Projects;

/// <summary><c>up</c> without <c>-d</c>: shows the logs until all containers have ended. The first Ctrl-C stops the project, a second one kills it.</summary>
internal static class AttachedProject
{
    private const int Interrupted = 130;

    internal static async Task<int> FollowAsync(CliContext context, IReadOnlyList<JsonNode> containers, DateTimeOffset since, bool hasPrefixes, ParsedLine line)
    {
        using var ending = new CancellationTokenSource();
        var requests = 0;
        var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var killing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Request(PosixSignalContext signal)
        {
            signal.Cancel = true;
            _ = Interlocked.Increment(ref requests) == 1 ? stopping.TrySetResult() : killing.TrySetResult();
        }

        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Request);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Request);
        var printer = new LogPrinter(context, hasPrefixes);
        var sources = containers.Select(one => new LogSource(one.Text("Id"), Prefix(one), one.Flag("Tty"))).ToList();
        context.Error.WriteLine($"Attaching to {string.Join(", ", sources.Select(source => source.Prefix))}");
        var query = string.Create(CultureInfo.InvariantCulture, $"&follow=1&since={since.ToUnixTimeMilliseconds() / 1000.0:0.000}");
        var printing = printer.PrintAsync(sources, query, source => EndAsync(context, printer, source), ending.Token);
        if (await Task.WhenAny(printing, stopping.Task).ConfigureAwait(false) == printing)
        {
            await printing.ConfigureAwait(false);
            return 0;
        }

        context.Error.WriteLine("Gracefully stopping... (press Ctrl+C again to force)");
        using var forced = new CancellationTokenSource();
        var stop = ProjectCommands.RunAsync(context, "stop", request =>
        {
            request["services"] = Json.Array(line.Arguments);
            request["timeout"] = line.Number("timeout");
        }, forced.Token);
        if (await Task.WhenAny(stop, killing.Task).ConfigureAwait(false) != stop)
        {
            await Task.WhenAll(sources.Select(source => KillAsync(context, source))).ConfigureAwait(false);
        }

        await stop.ConfigureAwait(false);
        await printing.ConfigureAwait(false); // ends by itself, with the containers' last words
        return Interrupted;
    }

    /// <summary><c>app-1</c>, or a fixed container name.</summary>
    internal static string Prefix(JsonNode container)
    {
        var (service, number) = (container.Text("Service"), container.Text("Number"));
        return container.Text("Name").EndsWith($"-{service}-{number}", StringComparison.Ordinal) ? $"{service}-{number}" : container.Text("Name");
    }

    private static async Task EndAsync(CliContext context, LogPrinter printer, LogSource source)
    {
        try
        {
            var details = await context.Client.RequestAsync("GET", $"/containers/{source.Id}/json").ConfigureAwait(false);
            await printer.WriteLineAsync($"{source.Prefix} exited with code {details?["State"].Number("ExitCode")}").ConfigureAwait(false);
        }
        catch (DaemonException exception) when (exception.Status == 404)
        {
            await printer.WriteLineAsync($"{source.Prefix} was removed").ConfigureAwait(false);
        }
    }

    private static async Task KillAsync(CliContext context, LogSource source)
    {
        try
        {
            await context.Client.RequestAsync("POST", $"/containers/{source.Id}/kill").ConfigureAwait(false);
        }
        catch (DaemonException exception) when (exception.Status is 404 or 409)
        {
            return; // it has ended
        }
    }
}
