using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Berth.Engine.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Berth.Api;

/// <summary>Reading requests and writing answers, the same way everywhere.</summary>
internal static class Http
{
    internal const string VersionKey = "api-minor";
    private static readonly object s_dataRoot = new();
    private static readonly JsonWriterOptions s_readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }; // scripts look for words with quotes

    internal static void SetDataRoot(this HttpContext context, string dataRoot) => context.Items[s_dataRoot] = dataRoot;

    /// <summary>When the machine has run out of something, an exception that says of what and what to do; else null.</summary>
    internal static BerthException? ShortageIn(this HttpContext context, Exception exception) =>
        context.Items[s_dataRoot] is string dataRoot ? Shortage.Explain(exception, dataRoot) : null;

    private static readonly MinDataRate s_slowest = new(bytesPerSecond: 100, gracePeriod: TimeSpan.FromSeconds(5));
    private const int BodyLimitBytes = 4 << 20; // far above any config; contexts and archives are streamed elsewhere

    internal static async Task WriteAsync(this HttpContext context, JsonNode node, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(context.Response.BodyWriter, s_readable);
        node.WriteTo(writer);
        await writer.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    internal static Task NoContent(this HttpContext context)
    {
        context.Response.StatusCode = 204;
        return Task.CompletedTask;
    }

    /// <exception cref="BerthException">The body is not that JSON; the message says where.</exception>
    internal static async Task<T> ReadAsync<T>(this HttpContext context, JsonTypeInfo<T> type)
        where T : class, new() => RequestJson.Parse(await ReadBodyAsync(context).ConfigureAwait(false), type);

    internal static async Task<byte[]> ReadBodyAsync(HttpContext context)
    {
        // Slower than that is nobody who means it; contexts and archives may take their time.
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = s_slowest;
        }

        using var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted).ConfigureAwait(false)) > 0)
        {
            if (body.Length + read > BodyLimitBytes)
            {
                throw BerthException.Invalid($"the request's body has more than {BodyLimitBytes} bytes");
            }

            body.Write(buffer, 0, read);
        }

        var type = context.Request.ContentType ?? "";
        return body.Length == 0 || type.Split(';')[0].Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase)
            ? body.ToArray()
            : throw BerthException.Invalid(type.Length == 0 ? "malformed Content-Type header (): mime: no media type" : $"unsupported Content-Type header ({type}): must be 'application/json'");
    }

    /// <summary>The version of the API that is asked for, without its 1 before the point; the newest when none is.</summary>
    internal static int Version(this HttpContext context) => context.Items[VersionKey] as int? ?? ApiHost.NewestMinor;

    internal static string Route(this HttpContext context, string name) => context.Request.RouteValues[name] as string ?? "";

    internal static string? Query(this HttpContext context, string name) => context.Request.Query[name] is [{ } value, ..] ? value : null;

    /// <summary>Docker's booleans: <c>1</c>, <c>true</c>, <c>yes</c>.</summary>
    internal static bool Flag(this HttpContext context, string name, bool fallback = false) => context.Query(name) switch
    {
        null => fallback,
        "" or "0" or "no" or "false" or "False" or "FALSE" or "none" => false,
        _ => true,
    };

    internal static int? Number(this HttpContext context, string name) => context.Query(name) switch
    {
        null or "" => null,
        var text when int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number) => number,
        var text => throw BerthException.Invalid($"the parameter {name} is not a number: \"{text}\""),
    };

    /// <summary>The parameters <c>h</c> and <c>w</c>.</summary>
    /// <exception cref="BerthException">One is no size of a terminal.</exception>
    internal static (int Rows, int Columns) TerminalSize(this HttpContext context)
    {
        int Side(string name, string what) => context.Query(name) is { Length: > 0 } text && long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var side)
            ? side is >= 0 and <= ushort.MaxValue ? (int)side : throw BerthException.Invalid($"invalid resize {what} \"{text}\": value out of range")
            : throw BerthException.Invalid($"invalid resize {what} \"{context.Query(name)}\": invalid syntax");
        return (Side("h", "height"), Side("w", "width"));
    }

    /// <summary>RFC 3339 with nine digits, as Go writes it; <c>0001-01-01T00:00:00Z</c> for none.</summary>
    internal static string Time(DateTimeOffset? time) =>
        time is { } value ? value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff00'Z'", System.Globalization.CultureInfo.InvariantCulture) : "0001-01-01T00:00:00Z";

    /// <summary>The machine's memory in bytes. proc_meminfo(5).</summary>
    internal static long TotalMemory() =>
        long.Parse(File.ReadLines("/proc/meminfo").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) * 1024;

    internal static JsonArray Strings(IEnumerable<string>? values) => new([.. (values ?? []).Select(value => (JsonNode)value!)]);

    internal static JsonNode? StringsOrNull(IReadOnlyList<string>? values) => values is null ? null : Strings(values);

    /// <summary>As <see cref="Map"/>, with null for none.</summary>
    internal static JsonObject? MapOrNull(IReadOnlyDictionary<string, string>? pairs) => pairs is { Count: > 0 } ? Map(pairs) : null;

    internal static JsonObject Map(IEnumerable<KeyValuePair<string, string>>? pairs)
    {
        var result = new JsonObject();
        foreach (var (key, value) in pairs ?? [])
        {
            result[key] = value;
        }

        return result;
    }
}
