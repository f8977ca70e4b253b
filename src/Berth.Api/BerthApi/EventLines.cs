using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Berth.Engine.Errors;
using Berth.Releases.Projects;
using Microsoft.AspNetCore.Http;

namespace Berth.Api.BerthApi;

/// <summary>A command's progress as JSON objects, one a line; the last line has its <c>exitCode</c>, and <c>message</c> when it failed.</summary>
internal static class EventLines
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Runs <paramref name="work"/>; what it returns is added to the last line.</summary>
    internal static async Task RunAsync(HttpContext context, Func<ProjectProgress, CancellationToken, Task<JsonObject?>> work)
    {
        // Unbounded, as events come from tasks that cannot wait; their number is bounded by the project and by what builds print.
        var lines = Channel.CreateUnbounded<JsonObject>(new UnboundedChannelOptions { SingleReader = true });
        context.Response.ContentType = "application/x-ndjson";
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        var working = Task.Run(
            async () =>
            {
                try
                {
                    return await work(one => lines.Writer.TryWrite(Line(one)), context.RequestAborted).ConfigureAwait(false) ?? [];
                }
                catch (Exception exception) when (context.ShortageIn(exception) is not null)
                {
                    throw context.ShortageIn(exception)!;
                }
                finally
                {
                    lines.Writer.Complete();
                }
            },
            CancellationToken.None);
        try
        {
            await foreach (var line in lines.Reader.ReadAllAsync(context.RequestAborted).ConfigureAwait(false))
            {
                await WriteAsync(context, line).ConfigureAwait(false);
            }

            var result = await working.ConfigureAwait(false);
            result["exitCode"] = 0;
            await WriteAsync(context, result).ConfigureAwait(false);
        }
        catch (BerthException exception)
        {
            await WriteAsync(context, new() { ["exitCode"] = 1, ["message"] = exception.Message }).ConfigureAwait(false);
        }
        finally
        {
            // When the client has left, its token has ended the work; it is waited for, so that nothing goes on unseen.
            await ((Task)working).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    internal static JsonObject Line(ProjectEvent one)
    {
        var line = new JsonObject { ["kind"] = one.Kind.ToString().ToLowerInvariant(), ["name"] = one.Name, ["status"] = one.Status };
        if (one.Elapsed is { } elapsed)
        {
            line["elapsed"] = Math.Round(elapsed.TotalSeconds, 3);
        }

        if (one.Detail is not null)
        {
            line["detail"] = one.Detail;
        }

        return line;
    }

    private static async Task WriteAsync(HttpContext context, JsonObject line)
    {
        using var bytes = new MemoryStream();
        await using (var writer = new Utf8JsonWriter(bytes, Readable))
        {
            line.WriteTo(writer);
        }

        bytes.WriteByte((byte)'\n');
        await context.Response.Body.WriteAsync(bytes.GetBuffer().AsMemory(0, (int)bytes.Length), context.RequestAborted).ConfigureAwait(false);
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
