using System.Runtime.InteropServices;
using System.Text.Json.Serialization;

namespace Berth.Oci.Images;

/// <summary>An operating system and processor, in Go's names: <c>linux/amd64</c>, <c>linux/arm/v7</c>.</summary>
public sealed record Platform
{
    public string Architecture { get; init; } = "";

    [JsonPropertyName("os")]
    public string OperatingSystem { get; init; } = "";

    public string? Variant { get; init; }

    /// <summary>Where this program runs.</summary>
    public static Platform Host { get; } = new()
    {
        OperatingSystem = "linux",
        Architecture = RuntimeInformation.OSArchitecture switch
        {
            System.Runtime.InteropServices.Architecture.X64 => "amd64",
            System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
            var other => other.ToString().ToLowerInvariant(),
        },
    };

    /// <summary>Reads <c>os/arch[/variant]</c> or a bare architecture; the names that other tools use are accepted.</summary>
    /// <exception cref="FormatException">Neither of these.</exception>
    public static Platform Parse(string text)
    {
        var parts = text.ToLowerInvariant().Split('/');
        if (parts.Length > 3 || parts.Any(part => part.Length == 0))
        {
            throw new FormatException($"\"{text}\": cannot parse platform specifier: invalid argument: expected OS/ARCHITECTURE[/VARIANT], for example linux/amd64.");
        }

        if (parts.Length == 1)
        {
            return parts[0] == "linux"
                ? Host
                : Normalise(new() { OperatingSystem = "linux", Architecture = parts[0] });
        }

        return Normalise(new() { OperatingSystem = parts[0], Architecture = parts[1], Variant = parts.Length == 3 ? parts[2] : null });
    }

    /// <summary>Whether an image for <paramref name="offered"/> is what was asked for. An unnamed variant fits any.</summary>
    public bool Accepts(Platform offered)
    {
        var (mine, theirs) = (Normalise(this), Normalise(offered));
        return mine.OperatingSystem == theirs.OperatingSystem && mine.Architecture == theirs.Architecture
            && (mine.Variant is null || theirs.Variant is null || mine.Variant == theirs.Variant);
    }

    public override string ToString() => $"{OperatingSystem}/{Architecture}{(Variant is null ? "" : "/" + Variant)}";

    private static Platform Normalise(Platform platform) => platform with
    {
        Architecture = platform.Architecture switch
        {
            "x86_64" or "x86-64" => "amd64",
            "aarch64" => "arm64",
            "i386" => "386",
            var other => other,
        },
        Variant = (platform.Architecture, platform.Variant) switch
        {
            ("arm64" or "aarch64", "v8") or ("amd64" or "x86_64", "v1") or (_, "") => null,
            var (_, variant) => variant,
        },
    };
}
