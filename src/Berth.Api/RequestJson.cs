using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Berth.Engine.Errors;

namespace Berth.Api;

/// <summary>JSON of requests, read as Docker's daemon reads it: a null is as if the name were not there, of a name that comes twice the later counts, and mistakes are told in its words.</summary>
internal static class RequestJson
{
    private static readonly (string Type, string Words)[] s_types =
    [
        ("System.Collections.Generic.List", "a list"), ("System.Collections.Generic.IReadOnlyList", "a list"), ("System.String", "a string"), ("System.Boolean", "true or false"), ("System.Int", "a whole number"),
        ("System.Nullable`1[System.Boolean]", "true or false"), ("System.Nullable`1[System.Int", "a whole number"), ("System.UInt", "a whole number from 0"), ("System.Double", "a number"),
    ];

    /// <exception cref="BerthException">It is not JSON of that shape; the message says what is where.</exception>
    internal static T Parse<T>(byte[] json, JsonTypeInfo<T> type)
        where T : class, new()
    {
        if (json.Length == 0)
        {
            return new();
        }

        using var document = Read(json);
        try
        {
            return WithoutNulls(document.RootElement).Deserialize(type) ?? new();
        }
        catch (JsonException exception)
        {
            throw BerthException.Invalid(Explain(exception, document.RootElement));
        }
    }

    /// <exception cref="BerthException">It is not JSON, or more than one value.</exception>
    internal static JsonDocument Read(byte[] json)
    {
        if (!Utf8.IsValid(json))
        {
            json = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(json)); // what is no UTF-8 becomes U+FFFD, as in Go
        }

        try
        {
            var document = JsonDocument.Parse(json);
            if (json.AsSpan().IndexOf("\\u"u8) >= 0)
            {
                RefuseHalfCharacters(document.RootElement);
            }

            return document;
        }
        catch (JsonException exception)
        {
            throw BerthException.Invalid(Explain(json, exception));
        }
        catch (InvalidOperationException)
        {
            throw BerthException.Invalid("the JSON has an escape \\uD800 to \\uDFFF that stands alone: those come in pairs (RFC 8259, 7)");
        }
    }

    private static void RefuseHalfCharacters(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                {
                    _ = property.Name;
                    RefuseHalfCharacters(property.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    RefuseHalfCharacters(item);
                }

                break;
            case JsonValueKind.String:
                _ = element.GetString();
                break;
        }
    }

    internal static JsonNode? WithoutNulls(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var fields = new JsonObject();
                foreach (var property in element.EnumerateObject().Where(property => property.Value.ValueKind != JsonValueKind.Null))
                {
                    fields[property.Name] = WithoutNulls(property.Value);
                }

                return fields;
            case JsonValueKind.Array:
                return new JsonArray([.. element.EnumerateArray().Select(WithoutNulls)]);
            case JsonValueKind.Null:
                return null;
            default:
                return JsonValue.Create(element);
        }
    }

    private static string Explain(byte[] json, JsonException exception)
    {
        var reader = new Utf8JsonReader(json, isFinalBlock: false, default);
        var isWhole = false;
        try
        {
            while (reader.Read())
            {
                isWhole = reader.CurrentDepth == 0 && reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray);
            }
        }
        catch (JsonException)
        {
            return isWhole ? "unexpected content after JSON" : $"invalid JSON: unexpected character in line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}";
        }

        return "invalid JSON: unexpected EOF";
    }

    private static string Explain(JsonException exception, JsonElement root)
    {
        var path = (exception.Path ?? "$").TrimStart('$');
        var found = ValueAt(root, path) is { } value ? value.ValueKind switch
        {
            JsonValueKind.Object => "object", JsonValueKind.Array => "array", JsonValueKind.String => "string", JsonValueKind.Number => "number " + value.GetRawText(), _ => "bool",
        } : "value";
        var wanted = s_types.FirstOrDefault(type => exception.Message.Contains("converted to " + type.Type, StringComparison.Ordinal)).Words
            ?? (exception.Message.StartsWith("expected ", StringComparison.Ordinal) ? exception.Message["expected ".Length..] : "an object");
        return $"invalid JSON: cannot unmarshal {found} into {(path.Length > 0 ? path : "the request's body")}: expected {wanted}";
    }

    // The path as the serializer writes it: .Name, ['odd name'] and [0].
    private static JsonElement? ValueAt(JsonElement root, string path)
    {
        var at = root;
        foreach (var part in path.Split(['.', '[', ']'], StringSplitOptions.RemoveEmptyEntries).Select(part => part.Trim('\'')))
        {
            if (at.ValueKind == JsonValueKind.Array && int.TryParse(part, System.Globalization.CultureInfo.InvariantCulture, out var index) && index < at.GetArrayLength())
            {
                at = at[index];
            }
            else if (at.ValueKind == JsonValueKind.Object && at.EnumerateObject().LastOrDefault(property => property.Name.Equals(part, StringComparison.OrdinalIgnoreCase)) is { Value.ValueKind: not JsonValueKind.Undefined } property)
            {
                at = property.Value;
            }
            else
            {
                return null;
            }
        }

        return at;
    }
}
