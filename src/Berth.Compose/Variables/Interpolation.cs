using Berth.Compose.Yaml;

namespace Berth.Compose.Variables;

/// <summary>Replaces the variables in all values of a file. Keys are left alone, as the specification says.</summary>
internal sealed class Interpolation(Func<string, string?> lookup, DiagnosticBag diagnostics)
{
    private readonly ExpandedLength _length = new();

    public YamlNode Apply(YamlNode node) => node switch
    {
        ScalarNode scalar => Expand(scalar),
        ListNode list => list with { Items = [.. list.Items.Select(Apply)] },
        MapNode map => map with { Entries = [.. map.Entries.Select(entry => entry with { Value = Apply(entry.Value) })] },
        _ => node,
    };

    private ScalarNode Expand(ScalarNode scalar)
    {
        if (!scalar.Text.Contains('$', StringComparison.Ordinal) || _length.IsExceeded)
        {
            return scalar;
        }

        try
        {
            var text = new Template(scalar.Text, lookup, lenient: false, name => WarnUndefined(scalar.Place, name)).Expand();
            if (_length.Exceeds(text))
            {
                diagnostics.Error(scalar.Place, $"with this value the file grows beyond {ExpandedLength.LimitMebibytes} MiB, as variables in it are replaced");
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
