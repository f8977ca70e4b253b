using System.Text.RegularExpressions;
using Berth.Oci;

namespace Berth.Engine.Images;

/// <summary>Which distribution image can be made from packages, and how. Pure.</summary>
public sealed partial record BootstrapRecipe(string Distribution, string Suite, bool IsSlim)
{
    private const string LatestDebian = "bookworm";
    private const string LatestUbuntu = "noble";

    private static readonly Dictionary<string, string> DebianSuites = new(StringComparer.Ordinal)
    {
        ["latest"] = LatestDebian, ["stable"] = LatestDebian, ["oldstable"] = "bullseye",
        ["13"] = "trixie", ["trixie"] = "trixie", ["12"] = "bookworm", ["bookworm"] = "bookworm", ["11"] = "bullseye", ["bullseye"] = "bullseye",
        ["sid"] = "sid", ["unstable"] = "sid",
    };

    private static readonly Dictionary<string, string> UbuntuSuites = new(StringComparer.Ordinal)
    {
        ["latest"] = LatestUbuntu, ["24.04"] = "noble", ["noble"] = "noble", ["22.04"] = "jammy", ["jammy"] = "jammy", ["20.04"] = "focal",
        ["focal"] = "focal",
    };

    /// <summary>Null for all but <c>debian</c> and <c>ubuntu</c> with a tag that names a release: a digest, or a date in the
    /// tag, asks for exactly what the registry has, which no package mirror can give.</summary>
    public static BootstrapRecipe? For(ImageReference reference)
    {
        if (reference.Registry != ImageReference.DockerHub || reference.Digest is not null || reference.Tag is null)
        {
            return null;
        }

        var isSlim = reference.Tag.EndsWith("-slim", StringComparison.Ordinal);
        var tag = isSlim ? reference.Tag[..^"-slim".Length] : reference.Tag;
        return reference.Repository switch
        {
            "library/debian" when DebianSuites.TryGetValue(PointRelease().Replace(tag, "$1"), out var suite) => new("debian", suite, isSlim),
            "library/ubuntu" when !isSlim && UbuntuSuites.TryGetValue(tag, out var suite) => new("ubuntu", suite, false),
            _ => null,
        };
    }

    /// <summary>The host's apt sources as <c>deb</c> lines for this recipe's suite: only the distribution's own, without duplicates.</summary>
    /// <remarks>sources.list(5): one-line and deb822. A source is the distribution's own when its suite is one of the host's release.</remarks>
    public IReadOnlyList<string> Sources(IEnumerable<(string Name, string Text)> files, string hostDistribution, string hostSuite)
    {
        if (hostDistribution != Distribution)
        {
            return [];
        }

        var lines = new List<string>();
        foreach (var (name, text) in files)
        {
            lines.AddRange(name.EndsWith(".sources", StringComparison.Ordinal) ? Deb822(text, hostSuite) : OneLine(text, hostSuite));
        }

        return [.. lines.Distinct(StringComparer.Ordinal)];
    }

    private IEnumerable<string> OneLine(string text, string hostSuite)
    {
        foreach (var line in text.Split('\n'))
        {
            if (OneLineSource().Match(line) is { Success: true } match && Substituted(match.Groups["suite"].Value, hostSuite) is { } suite)
            {
                yield return Line(match.Groups["options"].Value, match.Groups["uri"].Value, suite, match.Groups["components"].Value);
            }
        }
    }

    private IEnumerable<string> Deb822(string text, string hostSuite)
    {
        foreach (var paragraph in BlankLine().Split(text))
        {
            var fields = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            var last = "";
            foreach (var line in paragraph.Split('\n').Where(line => !line.StartsWith('#') && line.Length > 0))
            {
                if (char.IsWhiteSpace(line[0]) && last.Length > 0)
                {
                    fields[last] += " " + line.Trim();
                }
                else if (line.IndexOf(':', StringComparison.Ordinal) is var colon and > 0)
                {
                    last = line[..colon];
                    fields[last] = line[(colon + 1)..].Trim();
                }
            }

            var isOn = !string.Equals(fields.GetValueOrDefault("Enabled"), "no", StringComparison.OrdinalIgnoreCase);
            if (!isOn || !Words(fields, "Types").Contains("deb"))
            {
                continue;
            }

            // A key in the field itself (an armoured block) fits no deb line; the host's trusted keys serve instead.
            var signedBy = fields.GetValueOrDefault("Signed-By") is { } key && key.StartsWith('/') ? $"[signed-by={key}]" : "";
            foreach (var uri in Words(fields, "URIs"))
            {
                foreach (var suite in Words(fields, "Suites").Select(suite => Substituted(suite, hostSuite)).OfType<string>())
                {
                    yield return Line(signedBy, uri, suite, string.Join(' ', Words(fields, "Components")));
                }
            }
        }
    }

    // sid has neither updates nor security.
    private string? Substituted(string suite, string hostSuite) =>
        suite != hostSuite && !suite.StartsWith(hostSuite + "-", StringComparison.Ordinal) ? null
        : Suite == "sid" && suite != hostSuite ? null
        : suite.EndsWith("-backports", StringComparison.Ordinal) ? null
        : Suite + suite[hostSuite.Length..];

    private static string Line(string options, string uri, string suite, string components) =>
        string.Join(' ', new[] { "deb", options, uri, suite, components }.Where(part => part.Length > 0));

    private static string[] Words(Dictionary<string, string> fields, string name) =>
        fields.GetValueOrDefault(name)?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) ?? [];

    [GeneratedRegex(@"^\s*deb\s+(?<options>\[[^\]]*\])?\s*(?<uri>\S+)\s+(?<suite>\S+)\s+(?<components>[^#]*?)\s*(#.*)?$", RegexOptions.CultureInvariant)]
    private static partial Regex OneLineSource();

    [GeneratedRegex(@"\n[ \t]*\n", RegexOptions.CultureInvariant)]
    private static partial Regex BlankLine();

    [GeneratedRegex(@"^(1[0-9])\.[0-9]+$", RegexOptions.CultureInvariant)]
    private static partial Regex PointRelease();
}
