using System.Text.Json;
using Berth.Engine.Errors;
using Microsoft.AspNetCore.Http;

namespace Berth.Api;

/// <summary>The <c>filters</c> parameter: <c>{"label": ["a=b"]}</c>, or the older <c>{"label": {"a=b": true}}</c>.</summary>
internal sealed class Filters
{
    private readonly Dictionary<string, List<string>> _values = new(StringComparer.Ordinal);

    /// <param name="context">The request.</param>
    /// <param name="known">The filters that this list has; any other is refused.</param>
    internal static Filters Read(HttpContext context, params string[] known) => Read(context, known, "");

    /// <param name="context">The request.</param>
    /// <param name="known">The filters that this list has; any other is refused.</param>
    /// <param name="reading">What comes before the message that they cannot be read.</param>
    internal static Filters Read(HttpContext context, string[] known, string reading)
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
            throw BerthException.Invalid($"{reading}invalid filter: it is not an object of lists, such as {{\"label\": [\"a=b\"]}}: {exception.Message}");
        }

        var unknown = filters._values.Keys.FirstOrDefault(name => !known.Contains(name));
        return unknown is null ? filters : throw BerthException.Invalid($"invalid filter '{unknown}'; known are {string.Join(", ", known)}");
    }

    /// <summary>What the filter asks for; null without it.</summary>
    /// <exception cref="BerthException">It is neither true nor false.</exception>
    internal bool? Switch(string name) => this[name] switch
    {
        [] => null,
        var values when values.All(value => value is "true" or "1") => true,
        var values when values.All(value => value is "false" or "0") => false,
        var values => throw BerthException.Invalid($"invalid filter '{name}=[{string.Join(' ', values)}]'"),
    };

    /// <exception cref="BerthException">A value that the filter does not know.</exception>
    /// <param name="what">What the values are, for the message.</param>
    internal void RequireKnown(string name, string what, params string[] known)
    {
        if (this[name].FirstOrDefault(value => !known.Contains(value)) is { } unknown)
        {
            throw BerthException.Invalid($"invalid filter '{name}={unknown}': invalid value for {what} ({unknown}): must be one of {string.Join(", ", known)}");
        }
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
