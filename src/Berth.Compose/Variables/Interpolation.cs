using Berth.Compose.Yaml;

namespace Berth.Compose.Variables;

/// <summary>Replaces the variables in all values of a file. Keys are left alone, as the specification says.</summary>
internal sealed class Interpolation(Func<string, string?> lookup, DiagnosticBag diagnostics)
{
    private const int LengthLimit = 8 << 20; // characters of all values with variables in them, once these are replaced
    private int _length;

    public YamlNode Apply(YamlNode node) => node switch
    {
        ScalarNode scalar => Expand(scalar),
        ListNode list => list with { Items = [.. list.Items.Select(Apply)] },
        MapNode map => map with { Entries = [.. map.Entries.Select(entry => entry with { Value = Apply(entry.Value) })] },
        _ => node,
    };

    private ScalarNode Expand(ScalarNode scalar)
    {
        if (!scalar.Text.Contains('$', StringComparison.Ordinal) || _length > LengthLimit)
        {
            return scalar;
        }

        try
        {
            var text = new Template(scalar.Text, lookup, lenient: false, name => WarnUndefined(scalar.Place, name)).Expand();
            _length += text.Length;
            if (_length > LengthLimit)
            {
                diagnostics.Error(scalar.Place, $"with this value the file grows beyond {LengthLimit >> 20} MiB, as variables in it are replaced");
            }

            return scalar with { Text = text, IsPlain = scalar.IsPlain && text.Length > 0 }; // "" from a variable is a blank string, not null
        }
        catch (TemplateException mistake)
        {
            diagnostics.Error(scalar.Place, mistake.Message);
            return scalar;
        }
    }

    private void WarnUndefined(Place place, string name) =>
        diagnostics.Warning(place, $"the variable '{name}' is not set; a blank string takes its place");
}
