using System.Globalization;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>A node as it is printed: mappings, lists, texts, whole numbers, decimals, bools and <see cref="Output.Null"/>.</summary>
/// <remarks>YAML 1.2, 10.3.2 (tag resolution of the core schema).</remarks>
internal static class PlainValue
{
    public static object Of(YamlNode node) => node switch
    {
        MapNode map => new SortedDictionary<string, object>(map.Entries.ToDictionary(entry => entry.Key, entry => Of(entry.Value), StringComparer.Ordinal), StringComparer.Ordinal),
        ListNode list => list.Items.Select(Of).ToList(),
        ScalarNode { IsPlain: true } scalar => Of(scalar),
        ScalarNode scalar => scalar.Text,
        _ => throw new InvalidOperationException($"{node.GetType().Name} is no value"),
    };

    private static object Of(ScalarNode scalar) =>
        scalar.IsNull ? Output.Null.Value
        : scalar.Text is "true" or "True" or "TRUE" ? true
        : scalar.Text is "false" or "False" or "FALSE" ? false
        : long.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole
        : decimal.TryParse(scalar.Text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number
        : scalar.Text;
}
