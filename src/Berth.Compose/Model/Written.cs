using System.Collections;

namespace Berth.Compose.Model;

/// <summary>
/// How the files put what the model has only the meaning of, by key: <c>config</c> shows it as it was written. Values are texts, numbers, bools, lists and mappings, as <c>config</c> prints them.
/// </summary>
/// <remarks>Two models that say the same in other words are still equal.</remarks>
public sealed class Written : IEnumerable<KeyValuePair<string, object>>, IEquatable<Written>
{
    private readonly Dictionary<string, object> _values = new(StringComparer.Ordinal);

    public static Written Nothing { get; } = [];

    public object? this[string key] => _values.GetValueOrDefault(key);

    public bool Has(string key) => _values.ContainsKey(key);

    /// <summary>Nothing is added for a null.</summary>
    public void Add(string key, object? value)
    {
        if (value is not null)
        {
            _values.Add(key, value);
        }
    }

    /// <inheritdoc cref="Add(string, object?)"/>
    public void Add(KeyValuePair<string, object> pair) => Add(pair.Key, pair.Value);

    public bool Equals(Written? other) => other is not null;

    public override bool Equals(object? obj) => obj is Written;

    public override int GetHashCode() => 0;

    public IEnumerator<KeyValuePair<string, object>> GetEnumerator() => _values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
