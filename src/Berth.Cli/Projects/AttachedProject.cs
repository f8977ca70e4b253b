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

    /// <summary>What <c>up</c> has for it.</summary>
    internal static IReadOnlyList<Option> Options { get; } =
    [
        Option.List("attach", "SERVICE", "Show the logs of these only"), Option.List("no-attach", "SERVICE", "Do not show the logs of these"),
        Option.Flag("attach-dependencies", "Show the logs of what the named services depend on, too"),
        Option.Flag("abort-on-container-exit", "Stop all when one ends; its exit code is the command's"), Option.Flag("abort-on-container-failure", "Stop all when one fails; its exit code is the command's"),
        Option.Value("exit-code-from", "SERVICE", "Stop all when one ends; this service's exit code is the command's"),
        Option.Flag("menu", "Keys while it shows the logs: w to watch files or not, d to leave everything running (COMPOSE_MENU)"),
        Option.Flag("no-log-prefix", "Show logs without the services' names"), Option.Flag("no-color", "Without colours"), Option.Flag("timestamps", "Show when each line was written"),
    ];

    /// <param name="containers">Of the project, as <c>up</c> returns them.</param>
    /// <param name="since">What was printed before is not shown.</param>
    internal static async Task<int> FollowAsync(CliContext context, IReadOnlyList<JsonNode> containers, DateTimeOffset since, ParsedLine line)
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
        var printer = new LogPrinter(context, !line.Flag("no-log-prefix"), !line.Flag("no-color"));
        var sources = containers.Where(one => IsShown(one, line)).Select(one => new LogSource(one.Text("Id"), Prefix(one), one.Flag("Tty"))).ToList();
        context.Error.WriteLine($"Attaching to {string.Join(", ", sources.Select(source => source.Prefix))}");
        var query = string.Create(CultureInfo.InvariantCulture, $"&follow=1&since={since.ToUnixTimeMilliseconds() / 1000.0:0.000}{(line.Flag("timestamps") ? "&timestamps=1" : "")}");
        var printing = printer.PrintAsync(sources, query, source => EndAsync(context, printer, source), ending.Token);
        var detaching = MenuAsync(context, line);
        var aborting = Aborts(line) ? FirstEndAsync(context, containers, line, ending.Token) : null;
        var first = await Task.WhenAny([stopping.Task, detaching, .. aborting is null ? [printing] : new Task[] { aborting }]).ConfigureAwait(false);
        if (first == printing)
        {
            await printing.ConfigureAwait(false);
            return 0;
        }

        if (first == detaching)
        {
            return 0;
        }

        context.Error.WriteLine(first == aborting ? "Aborting on container exit..." : "Gracefully stopping... (press Ctrl+C again to force)");
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
        return first != aborting ? Interrupted
            : line.Value("exit-code-from") is { } service ? await ExitCodeAsync(context, containers, service).ConfigureAwait(false)
            : await aborting!.ConfigureAwait(false);
    }

    /// <summary>Ends when the user wants to leave; never, where there is no menu.</summary>
    private static Task MenuAsync(CliContext context, ParsedLine line)
    {
        var isWanted = line.Has("menu") ? line.Flag("menu") : context.Variable("COMPOSE_MENU") is "1" or "true";
        return isWanted && CliContext.InputIsTerminal && CliContext.OutputIsTerminal ? Task.Run(() => ReadKeysAsync(context, line)) : new TaskCompletionSource().Task;
    }

    private static async Task ReadKeysAsync(CliContext context, ParsedLine line)
    {
        context.Error.WriteLine("w: watch files   d: detach   Ctrl-C: stop");
        CancellationTokenSource? watching = null;
        while (true)
        {
            switch (char.ToLowerInvariant(Console.ReadKey(intercept: true).KeyChar))
            {
                case 'd':
                    return;
                case 'w' when watching is null:
                    watching = new();
                    _ = WatchAsync(context, line, watching.Token);
                    break;
                case 'w':
                    await watching.CancelAsync().ConfigureAwait(false);
                    watching = null;
                    context.Error.WriteLine("Watch disabled");
                    break;
            }
        }
    }

    // The logs go on without it.
    private static async Task WatchAsync(CliContext context, ParsedLine line, CancellationToken cancellationToken)
    {
        try
        {
            await WatchVerb.FollowAsync(context, line, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is CliException or DaemonException or ComposeMistakesException)
        {
            context.Error.WriteLine(exception.Message);
        }
        catch (OperationCanceledException)
        {
            return; // switched off
        }
    }

    private static bool Aborts(ParsedLine line) => line.Flag("abort-on-container-exit") || line.Flag("abort-on-container-failure") || line.Has("exit-code-from");

    // Compose 2 shows what was named, unless the file says that it need not be.
    private static bool IsShown(JsonNode container, ParsedLine line)
    {
        var service = container.Text("Service");
        return line.Values("attach") is { Count: > 0 } named ? named.Contains(service)
            : !line.Values("no-attach").Contains(service) && container.Text("Attach") != "false"
                && (line.Arguments.Count == 0 || line.Flag("attach-dependencies") || line.Arguments.Contains(service));
    }

    /// <summary>The exit code of the container that ends first; of the one that fails first, where only that matters.</summary>
    private static async Task<int> FirstEndAsync(CliContext context, IReadOnlyList<JsonNode> containers, ParsedLine line, CancellationToken cancellationToken)
    {
        var mustFail = line.Flag("abort-on-container-failure") && !line.Flag("abort-on-container-exit") && !line.Has("exit-code-from");
        var waiting = containers.Select(one => context.Client.RequestAsync("POST", $"/containers/{one.Text("Id")}/wait", cancellationToken: cancellationToken)).ToList();
        var last = 0;
        while (waiting.Count > 0)
        {
            var ended = await Task.WhenAny(waiting).ConfigureAwait(false);
            waiting.Remove(ended);
            last = (int)(await ended.ConfigureAwait(false)).Number("StatusCode");
            if (!mustFail || last != 0)
            {
                break;
            }
        }

        return last;
    }

    private static async Task<int> ExitCodeAsync(CliContext context, IReadOnlyList<JsonNode> containers, string service)
    {
        var container = containers.FirstOrDefault(one => one.Text("Service") == service) ?? throw new CliException(1, $"--exit-code-from {service}: the project has no container of it");
        var details = await context.Client.RequestAsync("GET", $"/containers/{container.Text("Id")}/json").ConfigureAwait(false);
        return (int)(details?["State"]).Number("ExitCode");
    }

    /// <summary><c>app-1</c>, or a fixed container name.</summary>
    internal static string Prefix(JsonNode container)
    {
        var (service, number) = (container.Text("Service"), container.Text("Number"));
        return container.Text("Name").EndsWith($"-{service}-{number}", StringComparison.Ordinal) ? $"{service}-{number}" : container.Text("Name");
    }

    internal static async Task EndAsync(CliContext context, LogPrinter printer, LogSource source)
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
