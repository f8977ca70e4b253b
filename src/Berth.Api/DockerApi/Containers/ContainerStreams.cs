using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json.Nodes;
using Berth.Api.Hijack;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Attach;
using Berth.Engine.Containers.Logs;
using Berth.Engine.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Containers;

/// <summary>Docker Engine API, "Container": attach, logs and wait.</summary>
internal static class ContainerStreams
{
    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine)
    {
        routes.MapPost("/containers/{id}/attach", context => AttachAsync(context, engine.Containers));
        routes.MapGet("/containers/{id}/attach/ws", context => AttachWebSocketAsync(context, engine.Containers));
        routes.MapPost("/containers/{id}/wait", context => WaitAsync(context, engine.Containers));
        routes.MapGet("/containers/{id}/logs", context => LogsAsync(context, engine.Containers));
    }

    private static async Task AttachAsync(HttpContext context, ContainerService containers)
    {
        var container = containers.Resolve(context.Route("id"));
        var isTerminal = container.Record.Config.Tty;
        var options = new AttachOptions
        {
            Stdin = context.Flag("stdin"),
            Stdout = context.Flag("stdout"),
            Stderr = context.Flag("stderr"),
            Raw = isTerminal,
            DetachKeys = isTerminal ? DetachKeySequence.Parse(context.Query("detachKeys")) : [],
        };
        await Http.ReadBodyAsync(context).ConfigureAwait(false); // dockerode repeats the parameters there; the program's input comes after it
        HijackedStream? stream = null;
        try
        {
            if (!context.Flag("stream"))
            {
                stream = await HijackedStream.TakeAsync(context, isTerminal).ConfigureAwait(false);
                await WriteLogAsync(containers, container, stream, options, context.RequestAborted).ConfigureAwait(false);
                return;
            }

            await containers.AttachAsync(
                container, options,
                async () =>
                {
                    stream = await HijackedStream.TakeAsync(context, isTerminal).ConfigureAwait(false);
                    if (context.Flag("logs"))
                    {
                        await WriteLogAsync(containers, container, stream, options, CancellationToken.None).ConfigureAwait(false);
                    }

                    return stream;
                },
                CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            await (stream?.CloseConnectionAsync() ?? Task.CompletedTask).ConfigureAwait(false);
        }
    }

    // A web socket carries both outputs as they are: there are no frames around them.
    private static async Task AttachWebSocketAsync(HttpContext context, ContainerService containers)
    {
        var container = containers.Resolve(context.Route("id"));
        var options = new AttachOptions
        {
            Stdin = context.Flag("stdin"), Stdout = context.Flag("stdout"), Stderr = context.Flag("stderr"), Raw = true, DetachKeys = DetachKeySequence.Parse(context.Query("detachKeys")),
        };
        WebSocketPipe? stream = null;
        try
        {
            if (!context.Flag("stream"))
            {
                stream = await HijackedStream.TakeWebSocketAsync(context).ConfigureAwait(false);
                await WriteLogAsync(containers, container, stream, options, context.RequestAborted).ConfigureAwait(false);
                return;
            }

            await containers.AttachAsync(
                container, options,
                async () =>
                {
                    stream = await HijackedStream.TakeWebSocketAsync(context).ConfigureAwait(false);
                    if (context.Flag("logs"))
                    {
                        await WriteLogAsync(containers, container, stream, options, CancellationToken.None).ConfigureAwait(false);
                    }

                    return stream;
                },
                CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            if (stream is not null)
            {
                await stream.CloseAsync().ConfigureAwait(false);
                context.Abort();
            }
        }
    }

    private static async Task WriteLogAsync(ContainerService containers, Container container, Stream stream, AttachOptions options, CancellationToken cancellationToken)
    {
        var writer = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
        await foreach (var line in containers.Logs(container).ReadAsync(new LogOptions { Stdout = options.Stdout, Stderr = options.Stderr }, cancellationToken).ConfigureAwait(false))
        {
            LogFrame.Write(writer, line, options.Raw, timestamps: false, details: []);
            if (writer.UnflushedBytes > 64 * 1024)
            {
                await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        await writer.CompleteAsync().ConfigureAwait(false);
    }

    private static async Task WaitAsync(HttpContext context, ContainerService containers)
    {
        var container = containers.Resolve(context.Route("id"));
        var condition = context.Query("condition") switch
        {
            null or "" or "not-running" => WaitCondition.NotRunning,
            "next-exit" => WaitCondition.NextExit,
            "removed" => WaitCondition.Removed,
            var other => throw BerthException.Invalid($"invalid condition: \"{other}\"; known are not-running, next-exit and removed"),
        };
        var exit = container.WaitAsync(condition);
        context.Response.ContentType = "application/json";
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false); // the client starts the container once it knows that we wait
        var result = await exit.WaitAsync(context.RequestAborted).ConfigureAwait(false);
        var answer = new JsonObject { ["StatusCode"] = result.ExitCode }; // why a start failed is the answer to that start
        await context.Response.WriteAsync(answer.ToJsonString() + "\n", context.RequestAborted).ConfigureAwait(false);
    }

    private static async Task LogsAsync(HttpContext context, ContainerService containers)
    {
        var container = containers.Resolve(context.Route("id"));
        var options = new LogOptions
        {
            Stdout = context.Flag("stdout"),
            Stderr = context.Flag("stderr"),
            Since = TimeParameter.Nanoseconds(context.Query("since")),
            Until = TimeParameter.Nanoseconds(context.Query("until")),
            Tail = int.TryParse(context.Query("tail"), NumberStyles.None, CultureInfo.InvariantCulture, out var tail) ? tail : null, // "all", -1 and the like
            Follow = context.Flag("follow"),
        };
        if (!options.Stdout && !options.Stderr)
        {
            throw BerthException.Invalid("Bad parameters: you must choose at least one stream");
        }

        var raw = container.Record.Config.Tty;
        var reader = containers.Logs(container);
        context.Response.ContentType = raw ? "application/vnd.docker.raw-stream" : "application/vnd.docker.multiplexed-stream";
        var writer = context.Response.BodyWriter;
        await writer.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        var timestamps = context.Flag("timestamps");
        var details = Encoding.UTF8.GetBytes(context.Flag("details") ? LogDetails.Of(container.Record) + " " : "");
        await foreach (var line in reader.ReadAsync(options, context.RequestAborted).ConfigureAwait(false))
        {
            LogFrame.Write(writer, line, raw, timestamps, details);
            if (options.Follow || writer.UnflushedBytes > 64 * 1024)
            {
                await writer.FlushAsync(context.RequestAborted).ConfigureAwait(false);
            }
        }

        await writer.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
