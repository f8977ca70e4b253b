using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Berth.Engine.Errors;
using Berth.Engine.Images;
using Microsoft.AspNetCore.Http;

namespace Berth.Api.DockerApi.Images;

/// <summary>
/// Docker's progress: JSON objects, one a line. A failure before the second line is still an HTTP status; after that it is a line.
/// </summary>
internal static class JsonLines
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Runs <paramref name="work"/> and writes what it reports as it comes.</summary>
    /// <param name="context">The request.</param>
    /// <param name="work">Is given where to report.</param>
    /// <param name="hasBegun">The first line is written at once: whatever fails after it is a line too, as of a push.</param>
    internal static async Task RunAsync(HttpContext context, Func<Action<JsonObject>, CancellationToken, Task> work, bool hasBegun = false)
    {
        // Unbounded, as reports come from places that cannot wait; their number is bounded by the layers' sizes.
        var lines = Channel.CreateUnbounded<JsonObject>(new UnboundedChannelOptions { SingleReader = true });
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var working = Task.Run(
            async () =>
            {
                try
                {
                    await work(line => lines.Writer.TryWrite(line), stopping.Token).ConfigureAwait(false);
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
        JsonObject? first = null;
        try
        {
            await foreach (var line in lines.Reader.ReadAllAsync(stopping.Token).ConfigureAwait(false))
            {
                if (!hasBegun && first is null && !context.Response.HasStarted)
                {
                    first = line;
                    continue;
                }

                if (first is not null)
                {
                    await WriteAsync(context, first).ConfigureAwait(false);
                    first = null;
                }

                await WriteAsync(context, line).ConfigureAwait(false);
            }

            await working.ConfigureAwait(false);
            if (first is not null)
            {
                await WriteAsync(context, first).ConfigureAwait(false);
            }
        }
        catch (BerthException exception) when (context.Response.HasStarted)
        {
            await WriteAsync(context, Error(exception.Message, code: null)).ConfigureAwait(false);
        }
        finally
        {
            await stopping.CancelAsync().ConfigureAwait(false);
            await working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // thrown above, or the client has left
        }
    }

    internal static JsonObject Stream(string text) => new() { ["stream"] = text };

    internal static JsonObject Error(string message, int? code)
    {
        var detail = new JsonObject { ["message"] = message };
        if (code is { } number)
        {
            detail["code"] = number;
        }

        return new() { ["errorDetail"] = detail, ["error"] = message };
    }

    internal static JsonObject Of(ImageProgress progress)
    {
        var line = new JsonObject { ["status"] = progress.Status };
        if (progress is { Current: { } current, Total: { } total })
        {
            line["progressDetail"] = new JsonObject { ["current"] = current, ["total"] = total };
            line["progress"] = Bar(current, total);
        }
        else if (progress.Id is not null)
        {
            line["progressDetail"] = new JsonObject();
        }

        if (progress.Id is not null)
        {
            line["id"] = progress.Id;
        }

        return line;
    }

    internal static async Task WriteAsync(HttpContext context, JsonObject line)
    {
        context.Response.ContentType ??= "application/json";
        using var bytes = new MemoryStream();
        await using (var writer = new Utf8JsonWriter(bytes, Readable))
        {
            line.WriteTo(writer);
        }

        bytes.Write("\r\n"u8);
        await context.Response.Body.WriteAsync(bytes.GetBuffer().AsMemory(0, (int)bytes.Length), context.RequestAborted).ConfigureAwait(false);
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static string Bar(long current, long total)
    {
        var filled = total > 0 ? (int)Math.Clamp(current * 50 / total, 0, 50) : 0;
        var bar = new StringBuilder("[").Append('=', filled).Append(filled < 50 ? ">" : "").Append(' ', Math.Max(0, 49 - filled)).Append(']');
        return $"{bar} {Size(current)}/{Size(total)}";
    }

    private static string Size(long bytes) => bytes switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.###}GB"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.##}MB"),
        >= 1000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.#}kB"),
        _ => $"{bytes}B",
    };
}
