using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Berth.Engine.Errors;
using Microsoft.AspNetCore.Http;

namespace Berth.Api;

/// <summary>Reading requests and writing answers, the same way everywhere.</summary>
internal static class Http
{
    private static readonly object s_dataRoot = new();

    internal static void SetDataRoot(this HttpContext context, string dataRoot) => context.Items[s_dataRoot] = dataRoot;

    /// <summary>The exception itself, or, when a disk is full, one that says where and what to do.</summary>
    internal static Exception Explained(this HttpContext context, Exception exception) =>
        DiskSpace.IsExhausted(exception) && context.Items[s_dataRoot] is string dataRoot ? DiskSpace.Explain(exception, dataRoot) : exception;

    private const int BodyLimitBytes = 4 << 20; // far above any config; contexts and archives are streamed elsewhere

    internal static async Task WriteAsync(this HttpContext context, JsonNode node, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(context.Response.BodyWriter);
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
        where T : class, new()
    {
        if (context.Request.ContentLength is 0)
        {
            return new();
        }

        var body = await ReadBodyAsync(context).ConfigureAwait(false);
        if (body.Length == 0)
        {
            return new();
        }

        return Parse(body, type);
    }

    /// <summary>Reads JSON as Go does: a null is as if the name were not there.</summary>
    /// <exception cref="BerthException">It is not JSON of that shape; the message says where.</exception>
    internal static T Parse<T>(byte[] json, JsonTypeInfo<T> type)
        where T : class, new()
    {
        try
        {
            var node = JsonNode.Parse(json);
            RemoveNulls(node);
            return node.Deserialize(type) ?? new();
        }
        catch (JsonException exception)
        {
            throw BerthException.Invalid($"invalid JSON in the request's body: {exception.Message}");
        }
    }

    private static void RemoveNulls(JsonNode? node)
    {
        if (node is JsonArray array)
        {
            foreach (var item in array)
            {
                RemoveNulls(item);
            }
        }
        else if (node is JsonObject fields)
        {
            foreach (var name in fields.Where(field => field.Value is null).Select(field => field.Key).ToList())
            {
                fields.Remove(name);
            }

            foreach (var field in fields)
            {
                RemoveNulls(field.Value);
            }
        }
    }

    internal static async Task<byte[]> ReadBodyAsync(HttpContext context)
    {
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

        return body.ToArray();
    }

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

    /// <summary>RFC 3339 with nine digits, as Go writes it; <c>0001-01-01T00:00:00Z</c> for none.</summary>
    internal static string Time(DateTimeOffset? time) =>
        time is { } value ? value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff00'Z'", System.Globalization.CultureInfo.InvariantCulture) : "0001-01-01T00:00:00Z";

    internal static JsonArray Strings(IEnumerable<string>? values) => new([.. (values ?? []).Select(value => (JsonNode)value!)]);

    internal static JsonNode? StringsOrNull(IReadOnlyList<string>? values) => values is null ? null : Strings(values);

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
