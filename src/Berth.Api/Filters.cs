using System.Text.Json;
using Berth.Engine.Errors;
using Microsoft.AspNetCore.Http;

namespace Berth.Api;

/// <summary>The <c>filters</c> parameter: <c>{"label": ["a=b"]}</c>, or the older <c>{"label": {"a=b": true}}</c>.</summary>
internal sealed class Filters
{
    private readonly Dictionary<string, List<string>> _values = new(StringComparer.Ordinal);

    /// <param name="known">The filters that this list has; any other is refused.</param>
    internal static Filters Read(HttpContext context, params string[] known)
    {
        var filters = new Filters();
        if (context.Query("filters") is not { Length: > 0 } text)
        {
            return filters;
        }

        try
        {
            using var document = JsonDocument.Parse(text);
            foreach (var property in document.RootElement.EnumerateObject())
            {
                filters._values[property.Name] = property.Value.ValueKind == JsonValueKind.Array
                    ? [.. property.Value.EnumerateArray().Select(value => value.GetString() ?? "")]
                    : [.. property.Value.EnumerateObject().Where(value => value.Value.ValueKind == JsonValueKind.True).Select(value => value.Name)];
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw BerthException.Invalid($"invalid filters: {exception.Message}");
        }

        var unknown = filters._values.Keys.FirstOrDefault(name => !known.Contains(name));
        return unknown is null ? filters : throw BerthException.Invalid($"invalid filter '{unknown}'; known are {string.Join(", ", known)}");
    }

    internal bool Has(string name) => _values.ContainsKey(name);

    internal IReadOnlyList<string> this[string name] => _values.GetValueOrDefault(name, []);

    /// <summary>True without such a filter, or when one of its values fits.</summary>
    internal bool Any(string name, Func<string, bool> fits) => !_values.TryGetValue(name, out var values) || values.Count == 0 || values.Any(fits);

    /// <summary>True when all <c>label</c> filters (<c>key</c> or <c>key=value</c>) fit and none of <c>label!</c> does.</summary>
    internal bool Labels(IReadOnlyDictionary<string, string>? labels)
    {
        bool Fits(string filter)
        {
            var parts = filter.Split('=', 2);
            return labels is not null && labels.TryGetValue(parts[0], out var value) && (parts.Length == 1 || value == parts[1]);
        }

        return this["label"].All(Fits) && !this["label!"].Any(Fits);
    }
}
