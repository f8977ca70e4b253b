using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Berth.Api.DockerApi.Server;
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
            stream?.CloseConnection();
        }
    }

    private static async Task WriteLogAsync(ContainerService containers, Container container, Stream stream, AttachOptions options, CancellationToken cancellationToken)
    {
        await foreach (var line in containers.Logs(container).ReadAsync(new LogOptions { Stdout = options.Stdout, Stderr = options.Stderr }, cancellationToken).ConfigureAwait(false))
        {
            await stream.WriteAsync(Encode(line, options.Raw, timestamps: false), cancellationToken).ConfigureAwait(false);
        }
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
            Since = SystemEndpoints.ParseTime(context.Query("since")),
            Until = SystemEndpoints.ParseTime(context.Query("until")),
            Tail = context.Query("tail") is null or "" or "all" ? null : context.Number("tail"),
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
        await foreach (var line in reader.ReadAsync(options, context.RequestAborted).ConfigureAwait(false))
        {
            Encode(line, raw, timestamps).CopyTo(writer.GetSpan(line.Text.Length + 80), out var written);
            writer.Advance(written);
            if (options.Follow || writer.UnflushedBytes > 64 * 1024)
            {
                await writer.FlushAsync(context.RequestAborted).ConfigureAwait(false);
            }
        }

        await writer.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static void CopyTo(this byte[] data, Span<byte> target, out int written)
    {
        data.CopyTo(target);
        written = data.Length;
    }

    // A frame: stream, three zeros, length (big-endian), then the text with its line end, unless the line goes on.
    private static byte[] Encode(LogLine line, bool raw, bool timestamps)
    {
        var stamp = timestamps ? Encoding.ASCII.GetBytes(line.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture) + Fraction(line.TimeText) + "Z ") : [];
        var head = raw ? 0 : 8;
        var length = stamp.Length + line.Text.Length + (line.IsPartial ? 0 : 1);
        var frame = new byte[head + length];
        if (!raw)
        {
            frame[0] = line.IsStderr ? (byte)2 : (byte)1;
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), length);
        }

        stamp.CopyTo(frame, head);
        line.Text.Span.CopyTo(frame.AsSpan(head + stamp.Length));
        if (!line.IsPartial)
        {
            frame[^1] = (byte)'\n';
        }

        return frame;
    }

    // The nanoseconds as conmon wrote them: our own time type keeps seven digits only.
    private static string Fraction(string timeText)
    {
        var start = timeText.IndexOf('.', StringComparison.Ordinal);
        var end = start < 0 ? -1 : timeText.AsSpan(start + 1).IndexOfAnyExceptInRange('0', '9');
        return start < 0 ? "" : timeText.Substring(start, (end < 0 ? timeText.Length - start - 1 : end) + 1);
    }
}
